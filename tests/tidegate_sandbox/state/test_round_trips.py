"""Services' records go through a snapshot's bytes and back, as a kill and `up` take them, and the service goes on."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.clock import ManualClock
from tidegate_sandbox import context, hooks
from tidegate_sandbox.context import Scope
from tidegate_sandbox.faults import standing
from tidegate_sandbox.faults.kinds import read
from tidegate_sandbox.faults.subjects import Call
from tidegate_sandbox.hooks import metrics as metric_hooks
from tidegate_sandbox.hooks import state as state_hooks
from tidegate_sandbox.services.alarms import actions, composite
from tidegate_sandbox.services.autoscaling import alarms, records, scaling
from tidegate_sandbox.services.autoscaling.records import Activity, Inventory, Policy, Target
from tidegate_sandbox.services.monitoring import records as monitoring
from tidegate_sandbox.services.monitoring import schedules
from tidegate_sandbox.services.monitoring.records import Schedule
from tidegate_sandbox.state import kept, snapshot
from tidegate_sandbox.state.changing import changes

HERE = Scope("111122223333", "eu-west-1")
NOW = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock(tmp_path, monkeypatch):
    """Be a sandbox whose clock this is, and that holds nothing of what is looked at here."""
    made = ManualClock(NOW)
    monkeypatch.setattr(context, "_running", context.Sandbox(tmp_path, 1, made))
    for scoped in (records.inventory, monitoring.schedules, monitoring.executions, actions._told):
        monkeypatch.setattr(scoped, "states", {})
    for store in (metric_hooks._cloudwatch._composite_alarms, metric_hooks._cloudwatch._alarms):
        monkeypatch.setattr(store, "_data", {})
    before = list(standing._entries)
    standing._entries.clear()
    yield made
    standing._entries[:] = before


def the_next_one_holds(*names):
    """Take those records through a snapshot, and let the next sandbox hold nothing but them."""
    own = {name: records for name, records in kept.records().items() if any(each in name for each in names)}
    ministacks = {
        name: content
        for name, content in state_hooks.records()["stores"].items()
        if any(each in name for each in names)
    }
    content = snapshot.pickled({"own": own, "ministack": {"stores": ministacks, "buckets": {}, "plain": {}}})
    for each in own.values():
        each.clear()
    left = pickle.loads(content)
    state_hooks.fill(left["ministack"])
    kept.fill(left["own"])


# ---------------------------------------------------------------- Application Auto Scaling
RESOURCE = "endpoint/e/variant/v"


class Aws:
    """The endpoint's one variant and the policy's alarms, as Application Auto Scaling reads and asks for them."""

    def __init__(self, monkeypatch, instances):
        self.instances, self.status, self.asked, self.value = instances, "InService", [], 450.0
        self.kept_back = None
        monkeypatch.setattr(alarms, "own", lambda _service: self)

    def describe_endpoint(self, **_):
        counted = {"VariantName": "v", "CurrentInstanceCount": self.instances, "DesiredInstanceCount": self.instances}
        return {"EndpointStatus": self.status, "ProductionVariants": [counted]}

    def update_endpoint_weights_and_capacities(self, **asked):
        self.kept_back = changes.under_way
        self.status = "Updating"
        self.asked.append(asked["DesiredWeightsAndCapacities"][0]["DesiredInstanceCount"])

    def describe_alarms(self, AlarmNames):  # noqa: N803
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": "ALARM"} for name in AlarmNames if "High" in name]}

    def get_metric_data(self, EndTime, **_):  # noqa: N803
        return {"MetricDataResults": [{"Timestamps": [EndTime - MINUTE], "Values": [self.value]}]}

    def done(self):
        self.status, self.instances = "InService", self.asked[-1]


@pytest.fixture
def aws(monkeypatch):
    """Return an endpoint of two instances whose policy's alarm asks for nine."""
    target = Target(RESOURCE, 1, 100, "arn", "role", NOW)
    names = {"AlarmHigh": "p-High", "AlarmLow": "p-Low"}
    policy = Policy("p", "arn", RESOURCE, {"TargetValue": 100.0}, NOW, "id", names)
    records.inventory.states[HERE] = Inventory({RESOURCE: target}, {(RESOURCE, "p"): policy})
    return Aws(monkeypatch, 2)


def look():
    [(scope, here)] = records.inventory.everywhere()
    with hooks.acting_in(scope.account, scope.region):
        scaling.look_at(here, here.targets[RESOURCE], context.sandbox().clock.now())
    return here


def test_what_is_scaled_goes_on_with_the_change_that_was_under_way_and_with_its_cooldown(aws, clock):
    look()
    assert aws.asked == [9]

    the_next_one_holds("autoscaling")

    assert look().under_way(RESOURCE) is not None
    assert aws.asked == [9], "the endpoint is updated still"
    aws.done()
    clock.sleep(60)
    ended = clock.now()
    here = look()
    assert [(each.status, each.before, each.wanted) for each in here.activities] == [("Successful", 2, 9)]
    assert here.targets[RESOURCE].scaled_out == (ended, 2)

    the_next_one_holds("autoscaling")

    clock.sleep(299)
    look()
    assert aws.asked == [9], "within the cooldown of the scale-out"
    clock.sleep(1)
    assert len(look().activities) == 2
    assert aws.asked == [9, 41]
    assert records.inventory.states[HERE].policies[RESOURCE, "p"].alarms == {"AlarmHigh": "p-High", "AlarmLow": "p-Low"}


def test_what_is_asked_for_and_that_it_was_are_kept_together(aws):
    look()
    assert aws.kept_back


def test_of_the_activities_no_more_are_kept_after_a_kill_than_before():
    here = Inventory()
    here.activities.extend(Activity(str(n), RESOURCE, "", 1, 2, NOW) for n in range(records.MOST_ACTIVITIES))
    records.inventory.states[HERE] = here

    the_next_one_holds("autoscaling")

    records.inventory.states[HERE].activities.append(Activity("last", RESOURCE, "", 1, 2, NOW))
    assert len(records.inventory.states[HERE].activities) == records.MOST_ACTIVITIES


# ---------------------------------------------------------------- composite alarms
def composite_alarm(by):
    suppressor = {"AlarmName": "release", "StateValue": "OK", "StateUpdatedTimestamp": int(NOW.timestamp())}
    alarm = {
        "AlarmName": "both",
        "AlarmRule": "ALARM(one)",
        "StateValue": "ALARM",
        "StateReason": "one is up",
        "StateUpdatedTimestamp": int(NOW.timestamp()),
        "ActionsSuppressor": "release",
        "ActionsSuppressorWaitPeriod": 120,
        "ActionsSuppressorExtensionPeriod": 180,
        "ActionsSuppressedBy": by,
        "ActionsSuppressedReason": f"Actions suppressed by {by}",
    }
    metric_hooks._cloudwatch._alarms._data[HERE.account, HERE.region, "release"] = suppressor
    metric_hooks._cloudwatch._composite_alarms._data[HERE.account, HERE.region, "both"] = alarm


@pytest.mark.parametrize(("by", "seconds"), [("WaitPeriod", 120), ("ExtensionPeriod", 180), ("Alarm", 180)])
def test_a_composite_alarm_acts_once_when_its_suppression_is_over(monkeypatch, by, seconds):
    acted = []
    monkeypatch.setattr(actions, "tell", lambda _alarm, _before: {})
    monkeypatch.setattr(actions, "act", lambda alarm, *_: acted.append(alarm["AlarmName"]))
    composite_alarm(by)

    the_next_one_holds("cloudwatch:", "alarms")

    at = int(NOW.timestamp())
    composite.end_suppressions(at + seconds - 1)
    assert acted == []
    assert composite.next_end(at) == at + seconds
    the_next_one_holds("cloudwatch:", "alarms")
    composite.end_suppressions(at + seconds)
    the_next_one_holds("cloudwatch:", "alarms")
    composite.end_suppressions(at + seconds + 60)
    assert acted == ["both"]
    [(_, _, alarm)] = metric_hooks.composite_alarms()
    assert "ActionsSuppressedBy" not in alarm


# ---------------------------------------------------------------- Model Monitor
def test_a_schedule_runs_when_it_is_due_and_once(monkeypatch, clock):
    ran = []

    def execute(schedule, scheduled, _prepared):
        ran.append(scheduled)
        return monitoring.Execution(schedule.name, "d", "DataQuality", "e", scheduled, scheduled, why_none="no data")

    monkeypatch.setattr(schedules, "prepare", lambda _schedule, _scheduled: None)
    monkeypatch.setattr(schedules, "execute", execute)
    config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}}
    hour = NOW.replace(hour=13, minute=0, second=0)
    made = Schedule("s", "arn", config, None, NOW, NOW, due=hour)  # type: ignore[arg-type]
    monitoring.schedules.states[HERE] = {"s": made}

    def passes(seconds):
        the_next_one_holds("monitoring")
        clock.sleep(seconds)
        with hooks.acting_in(HERE.account, HERE.region):
            schedules._run_if_due(monitoring.schedules.states[HERE]["s"])

    passes(60)
    assert ran == []
    passes(59 * 60)
    passes(60)
    assert ran == [hour]
    schedule = monitoring.schedules.states[HERE]["s"]
    assert schedule.executions == monitoring.executions.states[HERE], "they are the same"
    assert schedule.due == hour + timedelta(hours=1)
    passes(3 * 60 * 60)
    assert ran == [hour, hour + timedelta(hours=3)], "times that no sandbox was up for are left out"


# ---------------------------------------------------------------- faults
def test_a_fault_that_struck_may_strike_as_often_as_was_left_and_as_long(clock):
    call = Call(HERE.account, "sagemaker", "CreateModel")
    standing.book.set(read({"kind": "throttling", "call": "sagemaker:CreateModel", "times": 2, "for": "10m"}))
    assert standing.throttles(call)

    the_next_one_holds("faults")

    [entry] = standing.book.every()
    assert (entry.struck, entry.left) == (1, 1)
    assert standing.throttles(call)
    assert not standing.throttles(call)
    standing.book.set(read({"kind": "throttling", "call": "sagemaker:CreateModel", "for": "10m"}))
    clock.sleep(599)
    the_next_one_holds("faults")
    assert standing.throttles(call)
    clock.sleep(1)
    assert not standing.throttles(call)
