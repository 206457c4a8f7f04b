"""What is said of an alarm holds on the virtual clock, where every count is what it is on average."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tidegate.alarms import AlarmSpec, rollback_alarms
from tidegate.alarms.firing import Firing, Verdict, firing
from tidegate.guardrails import of_release
from tidegate.outcome import Outcome
from tidegate.simulate import Result, Scenario, Simulation, run_many
from tidegate.stage import Rate, Stage

SURE = {Verdict.FIRES_WITHIN, Verdict.FIRES_ABOVE, Verdict.FIRES_LATE}
RELEASES = 1500  # enough to count what happens in one of ten
REQUESTS = 6000  # a minute: enough that chance has no say
# Each law is of one kind of verdict, and of what is drawn most may get another.
LAW = settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])


def stage_of(release: dict, instances: int) -> Stage:
    return Stage.model_validate(
        {
            "name": "prod",
            "account": "111122223333",
            "region": "eu-west-1",
            "model_package_group": "group",
            "execution_role": "arn:aws:iam::111122223333:role/name",
            "bucket": "bucket",
            "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/id",
            "instances": {"type": "ml.m5.large", "count": instances},
            "release": {"maximum_execution_timeout": "8h", **release},
        }
    )


waits = st.sampled_from([60, 119, 120, 180, 300, 600, 601])


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    wait, termination = f"{draw(waits)}s", f"{draw(st.sampled_from([0, 60, 130, 300]))}s"
    count = draw(st.integers(2, 12))
    size = draw(st.sampled_from(["10%", "25%", "30%", "50%"]))
    release = draw(
        st.sampled_from(
            [
                {"strategy": "all_at_once", "termination_wait": termination},
                {"strategy": "canary", "canary_size": size, "wait_interval": wait, "termination_wait": termination},
                {
                    "strategy": "linear",
                    "linear_step_size": size,
                    "wait_interval": wait,
                    "termination_wait": termination,
                },
                {"strategy": "rolling", "maximum_batch_size": size, "wait_interval": wait},
            ]
        )
    )
    if release["strategy"] in ("linear", "rolling"):
        count = max(count, 10)
    if release["strategy"] == "canary" and size != "50%":
        count = max(count, 4)
    return stage_of(release, count)


@st.composite
def alarms(draw: st.DrawFn) -> AlarmSpec:
    n = draw(st.integers(1, 4))
    metric, statistic, threshold = draw(
        st.one_of(
            st.tuples(
                st.sampled_from(["Invocation5XXErrors", "InvocationModelErrors"]),
                st.just("Average"),
                st.sampled_from([0.001, 0.01, 0.05, 0.2, 0.3, 0.5, 0.9, 1.0]),
            ),
            st.tuples(st.just("Invocation5XXErrors"), st.just("Sum"), st.sampled_from([10.0, 500.0, 5000.0])),
            st.tuples(st.just("ModelLatency"), st.sampled_from(["p50", "p90", "p99", "Average"]), st.just(250_000.0)),
        )
    )
    return AlarmSpec(
        name="alarm",
        logical_id="Alarm",
        description="",
        endpoint_name="endpoint",
        variant="AllTraffic",
        new_fleet_only=draw(st.booleans()),
        metric=metric,
        statistic=statistic,
        threshold=threshold,
        datapoints_to_alarm=draw(st.integers(1, n)),
        evaluation_periods=n,
        period=draw(st.sampled_from([60, 60, 120, 300])),
        comparison=draw(st.sampled_from(["GreaterThanThreshold", "GreaterThanOrEqualToThreshold"])),
    )


@st.composite
def surroundings(draw: st.DrawFn) -> dict:
    """What nobody can choose: where in a minute the release begins, and how late the alarm is."""
    start = datetime(2026, 1, 5, 12, 0, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 59)))
    return {"start": start, "alarm_delay": timedelta(seconds=draw(st.integers(0, 60)))}


def said(spec: AlarmSpec, stage: Stage, error_rate: float) -> Firing:
    guardrails = of_release(stage.release, ["alarm"])
    return firing(spec, guardrails, stage.instances.count, requests_per_minute=REQUESTS, error_rate=error_rate)


def released(spec: AlarmSpec, stage: Stage, around: dict, bad: float, error_rate: float = 0.0) -> Result:
    """Release a version of which the share `bad` of the answers is as bad as can be."""
    rate = Rate(Decimal(repr(bad * 100)))
    calm = {"p50": "10ms", "p99": "10ms"}
    scenario = {
        "even": True,
        "traffic": {"requests_per_minute": REQUESTS},
        "old": {"error_rate": Rate(Decimal(repr(error_rate * 100))), "latency": calm},
        "new": {"error_rate": rate},
        "start_up": {"takes": timedelta(0)},
        "roll_back": {"takes": timedelta(0)},
        **around,
    }
    if spec.metric == "ModelLatency":
        assert bad in (0.0, 1.0)
        scenario["new"] = {"error_rate": rate, "latency": {"p50": "59999ms", "p99": "59999ms"}} if bad else {}
    return Simulation(stage, Scenario.model_validate(scenario), alarms=[spec]).run()


def all_traffic_at(result: Result) -> float:
    """When the new version first had all traffic, if it had."""
    assert result.first_request is not None
    moved = next((change.at for change in result.changes if change.green_share == 1.0), result.ended)
    return moved - result.first_request


error_rates = st.sampled_from([0.0, 0.0, 0.0005])


@LAW
@given(stages(), alarms(), surroundings(), error_rates)
def test_an_alarm_that_is_sure_to_fire_takes_a_total_failure_back_in_time(stage, spec, around, error_rate):
    found = said(spec, stage, error_rate)
    assume(found.verdict in SURE)
    assert found.within is not None

    result = released(spec, stage, around, 1.0, error_rate)

    assert result.outcome is Outcome.ROLLED_BACK, found.sentence
    assert result.rolled_back_after is not None
    assert result.rolled_back_after <= found.within
    if found.before_all_traffic:
        assert all(change.green_share < 1.0 for change in result.changes)


@LAW
@given(stages(), alarms(), surroundings(), error_rates)
def test_above_the_share_that_is_named_an_alarm_fires_and_below_it_does_not(stage, spec, around, error_rate):
    found = said(spec, stage, error_rate)
    assume(found.verdict in SURE and found.above is not None)
    assert found.above is not None

    more = min(1.0, found.above + 1e-6)
    above = released(spec, stage, around, more, error_rate)
    assert above.outcome is Outcome.ROLLED_BACK, found.sentence
    if found.before_all_traffic:
        assert all(change.green_share < 1.0 for change in above.changes)

    below = released(spec, stage, around, max(0.0, found.below - 1e-6), error_rate)
    if found.before_all_traffic:
        assert any(change.green_share == 1.0 for change in below.changes), found.sentence
    else:
        assert below.outcome is Outcome.PROMOTED, found.sentence


@LAW
@given(stages(), alarms(), surroundings(), error_rates, st.sampled_from([1.0, 0.0, 0.5, 0.02]))
def test_an_alarm_that_cannot_fire_never_does(stage, spec, around, error_rate, bad):
    found = said(spec, stage, error_rate)
    assume(found.verdict is Verdict.CANNOT_FIRE)
    if spec.metric == "ModelLatency":
        bad = round(bad)

    result = released(spec, stage, around, float(bad), error_rate)

    assert result.outcome is Outcome.PROMOTED, found.sentence


@settings(max_examples=30)
@given(stages(), alarms(), surroundings())
def test_a_threshold_below_what_the_old_version_fails_takes_a_good_version_back(stage, spec, around):
    spec = replace(spec, metric="Invocation5XXErrors", statistic="Average", threshold=0.01, period=60)
    spec = replace(spec, new_fleet_only=False)
    found = said(spec, stage, 0.02)
    assert found.verdict in (Verdict.ALWAYS_FIRES, Verdict.CANNOT_FIRE)

    result = released(spec, stage, around, 0.02, 0.02)

    assert (result.outcome is Outcome.ROLLED_BACK) == (found.verdict is Verdict.ALWAYS_FIRES)


@pytest.mark.parametrize(
    "release",
    [
        {"strategy": "canary", "canary_size": "25%", "wait_interval": "10m", "termination_wait": "5m"},
        {"strategy": "linear", "linear_step_size": "25%", "wait_interval": "10m", "termination_wait": "20m"},
    ],
    ids=lambda release: release["strategy"],
)
def test_a_good_version_is_rolled_back_by_chance_as_often_as_is_said(release):
    stage = stage_of({**release, "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}]}, 4)
    spec = rollback_alarms(stage.release.rollback_on, endpoint_name="endpoint", variant="AllTraffic")[0]
    guardrails = of_release(stage.release, [spec.name])
    (note,) = firing(spec, guardrails, 4, requests_per_minute=600, error_rate=0.001).notes
    (told,) = re.findall(r"in up to ([0-9.]+)% of its releases", note)
    scenario = Scenario.model_validate({"traffic": {"requests_per_minute": 600}, "old": {"error_rate": "0.1%"}})

    outcomes = run_many(stage, scenario, RELEASES).outcomes

    assert float(told) / 100 == pytest.approx(outcomes[Outcome.ROLLED_BACK] / RELEASES, rel=0.3)


@pytest.mark.parametrize(("requests", "verdict"), [(60, Verdict.MAY_FIRE), (6000, Verdict.CANNOT_FIRE)])
def test_what_only_chance_fires_is_not_said_to_be_unable_to(requests, verdict):
    canary = {"strategy": "canary", "canary_size": 1, "wait_interval": "10m"}
    stage = stage_of({**canary, "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}]}, 200)
    blended = rollback_alarms(stage.release.rollback_on, endpoint_name="endpoint", variant="AllTraffic")[1]
    told = firing(blended, of_release(stage.release, [blended.name]), 200, requests_per_minute=requests)
    scenario = Scenario.model_validate({"traffic": {"requests_per_minute": requests}, "new": {"error_rate": "100%"}})

    simulation = Simulation(stage, scenario, alarms=[blended])
    fired = sum(simulation.run(seed=seed).outcome is Outcome.ROLLED_BACK for seed in range(50))

    assert told.verdict is verdict
    assert bool(fired) is (verdict is Verdict.MAY_FIRE)
