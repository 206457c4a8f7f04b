"""What a sandbox forgets of what is over, and what it keeps however old that is."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tidegate.clock import ManualClock
from tidegate_sandbox import context, credentials
from tidegate_sandbox.context import Scope
from tidegate_sandbox.disk import history as forgetting
from tidegate_sandbox.disk import limits
from tidegate_sandbox.disk.limits import older
from tidegate_sandbox.hooks import history
from tidegate_sandbox.hooks.history import LogLimits
from tidegate_sandbox.services import registry, tags
from tidegate_sandbox.services.codebuild import records as builds
from tidegate_sandbox.services.codebuild import reports
from tidegate_sandbox.services.codepipeline import pipelines as codepipelines
from tidegate_sandbox.services.jobs import inventory
from tidegate_sandbox.services.monitoring import records as monitoring
from tidegate_sandbox.services.pipelines import execution as pipelines
from tidegate_sandbox.state import tasks

HERE = Scope("111122223333", "eu-west-1")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = 60_000


def nobody(_):
    return False


@pytest.fixture(autouse=True)
def sandbox(tmp_path, monkeypatch):
    """Be a sandbox that holds nothing, where two records of each kind are kept; return its clock."""
    clock = ManualClock(NOW)
    monkeypatch.setattr(context, "_running", context.Sandbox(tmp_path, 1, clock))
    monkeypatch.setattr(limits, "RECORDS", 2)
    for scoped in (builds.state, reports.state, codepipelines._pipelines, pipelines.pipelines, inventory._jobs):
        monkeypatch.setattr(scoped, "states", {})
    for scoped in (monitoring.executions, monitoring.schedules, registry._state, tags._store):
        monkeypatch.setattr(scoped, "states", {})
    for store in (
        history._logs._log_groups,
        history._logs._log_records,
        history._cloudformation._stacks,
        history._cloudformation._stack_events,
        history._cloudwatch._alarm_history,
    ):
        monkeypatch.setattr(store, "_data", {})
    for name in ("_sessions", "_used"):
        monkeypatch.setattr(credentials, name, {})
    monkeypatch.setattr(history._sts, "_sessions", {})
    return clock


def at_once(function):
    return function()


def forget():
    for rule in forgetting.rules(at_once).values():
        rule()


def test_the_newest_are_kept_and_what_is_in_use_beside_them():
    assert older(list("abcde"), nobody) == ["a", "b", "c"]
    assert older(list("abcde"), "b".__contains__, aged="e".__contains__) == ["a", "c", "e"]
    assert older(list("ab"), nobody) == []


# ---------------------------------------------------------------- logs
def stream(*times, size=0):
    """Return a log stream with an event at each of `times`, in minutes before now."""
    events = [{"timestamp": int(NOW.timestamp() * 1000) - minutes * MINUTE, "message": "x" * size} for minutes in times]
    return {"events": events, "creationTime": 0, "lastEventTimestamp": events[-1]["timestamp"] if events else None}


def log_group(name, retention=None, **streams):
    history._logs._log_groups._data[HERE.account, HERE.region, name] = {
        "retentionInDays": retention,
        "streams": streams,
    }
    return streams


def ages(each):
    return [(int(NOW.timestamp() * 1000) - event["timestamp"]) // MINUTE for event in each["events"]]


def test_a_groups_retention_is_held_to_by_the_sandboxs_clock(sandbox):
    kept = log_group("kept", one=stream(3000, 1500, 5))
    expiring = log_group("expiring", retention=1, one=stream(3000, 1500, 5))
    forget()
    assert ages(kept["one"]) == [3000, 1500, 5]
    assert ages(expiring["one"]) == [5]
    sandbox.sleep(24 * 60 * 60)
    forget()
    assert expiring["one"]["events"] == []
    assert expiring["one"]["firstEventTimestamp"] is None


def test_of_a_groups_events_the_newest_are_kept_in_whatever_stream_they_are():
    streams = log_group("g", a=stream(9, 3, size=74), b=stream(7, 2, 1, size=74))
    history.forget_log_events(0, LogLimits(9, 300, 10_000), nobody, at_once)
    assert (ages(streams["a"]), ages(streams["b"])) == ([3], [2, 1])
    assert streams["a"]["firstEventTimestamp"] == streams["a"]["events"][0]["timestamp"]


def test_of_all_groups_events_the_newest_are_kept():
    one, other = log_group("one", a=stream(9, 3, size=74)), log_group("other", a=stream(7, 2, size=74))
    history.forget_log_events(0, LogLimits(9, 10_000, 200), nobody, at_once)
    assert (ages(one["a"]), ages(other["a"])) == ([3], [2])


def test_who_pages_through_a_stream_goes_on_in_what_it_was():
    streams = log_group("g", a=stream(9, 3, size=74))
    page = streams["a"]["events"]
    history.forget_log_events(0, LogLimits(9, 100, 10_000), nobody, at_once)
    assert len(page) == 2


def test_streams_that_were_not_written_to_longest_go_but_for_those_of_what_runs():
    builds.state.states[HERE] = builds.State(builds={"b": build("running", runs=True)})
    job = SimpleNamespace(scope=HERE, kind="Training", name="job", ended=None, arn="a")
    inventory._jobs.states[HERE] = {("Training", "job"): job}
    for name in ("g", "/aws/sagemaker/TrainingJobs"):
        old = {"running": stream(999), "job/algo-1-7": stream(998), "other/algo-1-7": stream(997)}
        log_group(name, **old, **{f"n{number}": stream(number) for number in range(limits.LOG_STREAMS)})
    forget()
    left = [set(group["streams"]) for group in history._logs._log_groups._data.values()]
    assert [{each for each in names if not each.startswith("n")} for names in left] == [{"running"}, {"job/algo-1-7"}]


def test_the_log_of_all_events_that_nobody_reads_is_not_kept_and_times_them_by_the_clock(monkeypatch):
    monkeypatch.setattr(history._eventbridge, "_events_log_list", None)
    history.time_events_by(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    event = {"EventId": "e", "Time": 0}

    history._eventbridge._events_log_list().append(event)

    assert event == {"EventId": "e", "Time": 1767225600}
    assert history._eventbridge._events_log.get("entries") is None


# ---------------------------------------------------------------- stacks and alarms
def stack(name, status, *times, identifier=None):
    identifier = identifier or f"id-of-{name}"
    history._cloudformation._stacks._data[HERE.account, HERE.region, name] = {
        "StackId": identifier,
        "StackStatus": status,
    }
    events = [{"Timestamp": (NOW - timedelta(days=days)).isoformat()} for days in times]
    history._cloudformation._stack_events._data[HERE.account, HERE.region, identifier] = events
    return events


def test_deleted_stacks_are_forgotten_after_90_days_and_beyond_the_newest():
    for days in (4, 3, 2, 91):
        stack(f"gone-{days}", "DELETE_COMPLETE", days)
    stack("here", "CREATE_COMPLETE", 400)
    stack("being-deleted", "DELETE_IN_PROGRESS", 400)
    forget()
    left = {name for _, _, name in history._cloudformation._stacks._data}
    assert left == {"gone-2", "gone-3", "here", "being-deleted"}
    told = {identifier for _, _, identifier in history._cloudformation._stack_events._data}
    assert told == {f"id-of-{name}" for name in left}


def test_of_a_stacks_events_the_newest_are_kept_once_no_operation_runs(monkeypatch):
    monkeypatch.setattr(limits, "STACK_EVENTS", 3)
    done, running = stack("done", "UPDATE_COMPLETE", *range(9, 0, -1)), stack("r", "UPDATE_IN_PROGRESS", *range(9))
    newest = done[-3:]
    forget()
    assert done == newest
    assert len(running) == 9


def test_events_of_a_stack_whose_name_was_taken_again_go():
    stack("s", "DELETE_COMPLETE", 2, identifier="before")
    stack("s", "CREATE_COMPLETE", 1, identifier="now")
    forget()
    assert [key[2] for key in history._cloudformation._stack_events._data] == ["now"]


def test_of_each_alarms_history_the_newest_entries_are_kept():
    entries = [{"AlarmName": name, "at": at} for at, name in enumerate("ababaab")]
    history._cloudwatch._alarm_history._data[HERE.account, HERE.region, "entries"] = entries
    forget()
    assert [entry["at"] for entry in entries] == [3, 4, 5, 6]


# ---------------------------------------------------------------- builds, jobs, executions
def build(name, project="p", runs=False, days=0):
    over = threading.Event()
    if not runs:
        over.set()
    started = NOW - timedelta(days=days)
    return SimpleNamespace(
        id=f"{project}:{name}", project={"name": project}, finished=over, started=started,
        scope=HERE, group="g", stream=name,
    )  # fmt: skip


def execution(name, stages, status="Succeeded", ran=(), days=0):
    return SimpleNamespace(
        id=name, is_over=status != "InProgress", rolls_back_to=None, stages=stages, status=status,
        started=NOW - timedelta(days=days), actions=[SimpleNamespace(external_id=each) for each in ran],
    )  # fmt: skip


def codepipeline(*executions):
    @contextmanager
    def lock():
        yield

    by_id = {each.id: each for each in executions}
    line = SimpleNamespace(executions=by_id, changed=lock())
    kept = SimpleNamespace(line=line, tokens={f"token-{each}": each for each in by_id})
    codepipelines._pipelines.states[HERE] = {"demo": kept}
    return kept


def versions(*values):
    group = SimpleNamespace(versions=dict(enumerate({"Value": value} for value in values)))
    registry._state.states[HERE] = SimpleNamespace(groups={"g": group})


def test_of_a_projects_builds_those_stay_that_run_and_that_something_refers_to():
    every = [build("of-version"), build("of-execution"), build("runs", runs=True), *map(build, "abcd")]
    others = [build("q1", "q"), build("q2", "q", days=366)]
    here = builds.State(
        builds={each.id: each for each in [*every, *others]}, tokens={("p", "t"): "p:a", ("p", "u"): "p:d"}
    )
    builds.state.states[HERE] = here
    versions("made by p:of-version")
    codepipeline(execution("e", {"Build": "Succeeded"}, ran=["p:of-execution"]))
    forget()
    assert set(here.builds) == {"p:of-version", "p:of-execution", "p:runs", "p:c", "p:d", "q:q1"}
    assert here.tokens == {("p", "u"): "p:d"}


def test_of_a_groups_reports_the_newest_stay_until_they_expire():
    told = {"a": 1, "b": -1, "c": 1, "d": 1, "e": 1}
    here = reports.Reports(
        reports={
            arn: SimpleNamespace(told={"reportGroupArn": "g", "expired": NOW + timedelta(days=days)})
            for arn, days in told.items()
        }
    )
    reports.state.states[HERE] = here
    forget()
    assert set(here.reports) == {"d", "e"}
    here.reports["e"].told["expired"] = NOW - timedelta(days=1)
    forget()
    assert set(here.reports) == {"d"}


def test_of_a_pipelines_executions_those_stay_that_run_and_by_which_its_stages_are_told():
    kept = codepipeline(
        execution("waits", {"Source": "Succeeded"}, status="InProgress"),
        execution("released", {"Source": "Succeeded", "Production": "Succeeded"}),
        execution("refused", {"Source": "Succeeded", "Production": "Failed"}, status="Failed"),
        execution("forgotten", {"Source": "Succeeded"}),
        execution("newer", {"Source": "Succeeded"}),
        execution("newest", {"Source": "Succeeded"}),
    )
    forget()
    assert set(kept.line.executions) == {"waits", "released", "refused", "newer", "newest"}
    assert set(kept.tokens.values()) == set(kept.line.executions)


def test_an_execution_is_forgotten_after_a_year_however_few_there_are():
    kept = codepipeline(execution("old", {"Source": "Succeeded"}, days=366), execution("new", {"Source": "Succeeded"}))
    forget()
    assert set(kept.line.executions) == {"new"}


def model_pipeline(*executions, results=()):
    pipeline = SimpleNamespace(executions=list(executions), results=list(results))
    pipelines.pipelines.states[HERE] = {"demo": pipeline}
    return pipeline


def run(name, job="", status="Succeeded"):
    arn = HERE.arn("sagemaker", f"pipeline/demo/execution/{name}")
    metadata = {"ProcessingJob": {"Arn": job}}
    return SimpleNamespace(arn=arn, status=status, begun=lambda: [SimpleNamespace(metadata=metadata)])


def job(name, ended=NOW):
    arn = HERE.arn("sagemaker", f"processing-job/{name}")
    made = SimpleNamespace(arn=arn, ended=ended, name=name, scope=HERE, kind="Processing")
    inventory._jobs.states.setdefault(HERE, {})["Processing", name] = made
    tags._store.states.setdefault(HERE, {})[arn] = {"k": "v"}
    return arn


def test_the_execution_that_made_a_living_version_stays_with_its_jobs_and_what_nobody_needs_goes():
    jobs = {name: job(name) for name in ("of-version", "of-old", "of-result", "of-monitor", "runs", "a", "b")}
    inventory._jobs.states[HERE]["Processing", "runs"].ended = None
    made = run("made", jobs["of-version"])
    left = model_pipeline(
        made, run("old", jobs["of-old"]), run("runs", status="Executing"), *map(run, "ab"),
        results=[result("s", "x", jobs["of-result"])],
    )  # fmt: skip
    versions(f"GeneratedBy {made.arn}")
    monitored = inventory._jobs.states[HERE]["Processing", "of-monitor"]
    monitoring.executions.states[HERE] = [SimpleNamespace(schedule="m", job=monitored)]
    forget()
    assert [each.arn.rpartition("/")[2] for each in left.executions] == ["made", "runs", "a", "b"]
    kept = {"of-version", "of-result", "of-monitor", "runs", "a", "b"}
    assert {name for _, name in inventory._jobs.states[HERE]} == kept
    assert set(tags._store.states[HERE]) == {jobs[name] for name in kept}


def result(step, signature, arn="", minutes=0):
    ended = NOW + timedelta(minutes=minutes)
    return SimpleNamespace(step=step, signature=signature, ended=ended, metadata={"Job": {"Arn": arn}})


def test_of_a_steps_results_those_stay_that_it_may_take_again():
    every = [result(*each) for each in (("s", "x"), ("s", "y"), ("t", "z"), ("s", "z"), ("s", "y"))]
    for number, each in enumerate(every):
        each.ended += timedelta(minutes=number)
    left = model_pipeline(results=every)
    forget()
    assert left.results == every[2:]


def test_of_a_schedules_runs_the_newest_stay_and_one_that_runs():
    runs = [SimpleNamespace(schedule="m", job=SimpleNamespace(ended=None, arn="a")) for _ in range(1)]
    runs += [SimpleNamespace(schedule="m", job=None) for _ in range(3)]
    other = SimpleNamespace(schedule="n", job=None)
    schedule = SimpleNamespace(executions=list(runs))
    monitoring.executions.states[HERE] = [*runs, other]
    monitoring.schedules.states[HERE] = {"m": schedule}
    forget()
    assert monitoring.executions.states[HERE] == [runs[0], *runs[2:], other]
    assert schedule.executions == [runs[0], *runs[2:]]


# ---------------------------------------------------------------- sessions
def test_sessions_that_nobody_has_used_for_long_are_forgotten_and_those_in_somebodys_hands_are_not(monkeypatch):
    held, lost, used, lasting = (credentials._register("arn:aws:iam::1:role/r", name) for name in "abcd")
    for each in (held, lost, used):
        credentials._used[each.access_key_id] -= limits.SESSIONS_FOR + 1
    credentials.of_access_key(used.access_key_id)
    monkeypatch.setattr(tasks, "_under_way", [SimpleNamespace(acting=held), SimpleNamespace(acting=None)])
    forget()
    known = {each.name for each in (held, lost, used, lasting) if credentials.of_access_key(each.access_key_id)}
    assert known == {"a", "c", "d"}
    assert set(credentials._sessions) == set(history._sts._sessions)


def test_sessions_of_a_sandbox_before_this_one_count_as_used_when_it_began():
    kept = credentials._register("arn:aws:iam::1:role/r", "kept")
    credentials._sessions.clear()
    credentials._used.clear()
    forget()
    assert credentials.of_access_key(kept.access_key_id).name == "kept"
