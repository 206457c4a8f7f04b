"""The endpoint state machine: what a release goes through, on a time that the test chooses."""

from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.guardrails import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Phase,
    Rollout,
    advance,
    fleet_failed,
    fleet_ready,
    shifts,
    start,
    waits,
)
from tidegate.stage import CapacityType, Size

T0 = datetime(2026, 1, 1, tzinfo=UTC)
QUARTER = Size(CapacityType.CAPACITY_PERCENT, 25)
CANARY = Guardrails(Canary(QUARTER, 600), 300, 1800, ("errors", "latency"))


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def begin(guardrails: Guardrails = CANARY, instances: int = 4, ready: float = 100) -> Rollout:
    """Return an update begun at 0 s whose green fleet was ready at `ready` s."""
    return fleet_ready(start(guardrails, instances, T0), at(ready))


def timeline(rollout: Rollout) -> list[tuple[float, str, float]]:
    return [((m.at - T0).total_seconds(), m.phase.value, m.green_share) for m in rollout.history]


def test_a_canary_without_incident_is_promoted_after_its_waits():
    done = advance(begin(), at(1000), ())
    assert timeline(done) == [
        (0, "CREATING", 0.0),
        (100, "BAKING", 0.25),
        (700, "TERMINATION_WAIT", 1.0),
        (1000, "PROMOTED", 1.0),
    ]
    assert done.finished
    assert done.reason is None


def test_all_at_once_goes_straight_to_the_termination_wait():
    done = advance(begin(Guardrails(AllAtOnce(), 300)), at(400), ())
    assert timeline(done) == [
        (0, "CREATING", 0.0),
        (100, "TERMINATION_WAIT", 1.0),
        (400, "PROMOTED", 1.0),
    ]


def test_nothing_happens_before_the_fleet_is_ready():
    waiting = advance(start(CANARY, 4, T0), at(1799), ("errors",))
    assert waiting == start(CANARY, 4, T0)
    assert (waiting.green_share, waiting.blue_share) == (0.0, 1.0)


def test_an_alarm_in_the_canarys_bake_takes_all_traffic_back():
    back = advance(begin(), at(250), ("errors",))
    assert back.phase is Phase.ROLLED_BACK
    assert back.green_share == 0.0
    assert back.reason == "alarm errors was in ALARM during the canary's bake"
    assert timeline(back)[-2:] == [(250, "ROLLING_BACK", 0.0), (250, "ROLLED_BACK", 0.0)]


def test_an_alarm_in_the_termination_wait_takes_all_traffic_back():
    waiting = advance(begin(), at(800), ())
    back = advance(waiting, at(900), ("latency", "errors"))
    assert back.phase is Phase.ROLLED_BACK
    assert back.reason == "alarms errors, latency were in ALARM during the termination wait"


def test_an_alarm_at_the_very_end_of_a_bake_counts():
    assert advance(begin(), at(700), ("errors",)).phase is Phase.ROLLED_BACK


def test_an_alarm_that_is_seen_late_counts():
    assert advance(begin(), at(5000), ("errors",)).phase is Phase.ROLLED_BACK


def test_an_alarm_that_fires_before_the_bake_is_seen_in_the_bake():
    assert advance(begin(), at(100), ("errors",)).phase is Phase.ROLLED_BACK


def test_an_alarm_of_somebody_else_is_ignored():
    assert advance(begin(), at(1000), ("unrelated",)).phase is Phase.PROMOTED


def test_an_alarm_after_the_end_changes_nothing():
    done = advance(begin(), at(1000), ())
    assert advance(done, at(1001), ("errors",)) == done


def test_bakes_of_no_length_still_look_at_the_alarms():
    hasty = Guardrails(Canary(QUARTER, 0), 0, None, ("errors",))
    assert advance(begin(hasty), at(100), ("errors",)).phase is Phase.ROLLED_BACK
    assert advance(begin(hasty), at(100), ()).phase is Phase.PROMOTED


def test_a_fleet_that_is_never_ready_times_out():
    late = advance(start(CANARY, 4, T0), at(1800), ())
    assert late.phase is Phase.ROLLED_BACK
    assert late.reason == "the update was not complete within 1800 s"


def test_a_fleet_that_is_ready_too_late_takes_no_traffic():
    late = fleet_ready(start(CANARY, 4, T0), at(1801))
    assert timeline(late)[1:] == [(1800, "ROLLING_BACK", 0.0), (1800, "ROLLED_BACK", 0.0)]


def test_running_out_of_time_in_a_bake_takes_all_traffic_back():
    late = advance(begin(ready=1000), at(2000), ())
    assert timeline(late)[-2:] == [(1800, "ROLLING_BACK", 0.0), (1800, "ROLLED_BACK", 0.0)]


def test_an_update_that_completes_on_its_limit_is_promoted():
    assert advance(begin(ready=900), at(1800), ()).phase is Phase.PROMOTED


def test_a_fleet_that_fails_to_start_is_rolled_back_with_its_reason():
    failed = fleet_failed(start(CANARY, 4, T0), at(50), "the container did not answer /ping")
    assert failed.phase is Phase.ROLLED_BACK
    assert failed.reason == "the container did not answer /ping"


def test_a_fleet_that_dies_while_it_takes_traffic_is_rolled_back():
    failed = fleet_failed(begin(), at(200), "the container exited")
    assert (failed.phase, failed.green_share) == (Phase.ROLLED_BACK, 0.0)


def test_reports_that_come_again_change_nothing():
    baking = begin()
    assert fleet_ready(baking, at(101)) == baking
    done = advance(baking, at(1000), ())
    assert fleet_ready(done, at(1001)) == done
    assert fleet_failed(done, at(1001), "gone") == done


def test_a_clock_that_steps_back_moves_nothing():
    baking = begin()
    assert advance(baking, at(50), ()) == baking
    assert advance(baking, at(50), ("errors",)).history[-1].at == at(100)


def test_the_next_deadline_tells_a_driver_when_to_look():
    creating = start(CANARY, 4, T0)
    baking = begin()
    waiting = advance(baking, at(700), ())
    assert [r.next_deadline for r in (creating, baking, waiting)] == [at(1800), at(700), at(1000)]
    assert advance(waiting, at(1000), ()).next_deadline is None
    assert start(Guardrails(), 1, T0).next_deadline is None


def test_status_and_message_speak_as_describe_endpoint_does():
    creating, baking = start(CANARY, 4, T0), begin()
    waiting = advance(baking, at(700), ())
    done = advance(waiting, at(1000), ())
    assert [(r.variant_status, r.status_message) for r in (creating, baking, waiting, done)] == [
        ("Creating", "Launching 4 instance(s)."),
        (
            "Baking",
            "Baking for 600 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s).",
        ),
        (
            "Baking",
            "Baking for 300 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 4 instance(s).",
        ),
        ("Deleting", "Terminating 4 instance(s)."),
    ]


def test_a_canary_on_one_instance_is_refused_before_anything_starts():
    with pytest.raises(GuardrailsError, match="use at least 2 instances"):
        start(CANARY, 1, T0)


# Laws


@st.composite
def cases(draw: st.DrawFn) -> tuple[Guardrails, int]:
    canary = st.builds(Canary, st.just(QUARTER), st.integers(0, 3600))
    strategy = draw(st.one_of(st.just(AllAtOnce()), canary))
    timeout = draw(st.one_of(st.none(), st.integers(600, 28800)))
    return Guardrails(strategy, draw(st.integers(0, 3600)), timeout, ("a", "b")), draw(st.integers(2, 40))


looks = st.lists(st.tuples(st.integers(0, 40000), st.sampled_from([(), (), ("a",), ("x",)])), max_size=30)


@given(cases(), st.integers(0, 4000), looks)
def test_instances_that_take_traffic_always_add_up_to_one_fleet(case, ready, seen):
    rollout = begin(*case, ready)
    for when, firing in sorted(seen):
        rollout = advance(rollout, at(when), firing)
        assert rollout.green_instances + rollout.blue_instances == case[1]
        assert rollout.green_share + rollout.blue_share == pytest.approx(1.0)
        assert 0 <= rollout.green_share <= 1


@given(cases(), st.integers(0, 4000), looks)
def test_an_update_always_ends_and_its_history_runs_forward(case, ready, seen):
    rollout = begin(*case, ready)
    for when, firing in sorted(seen):
        rollout = advance(rollout, at(when), firing)
    rollout = advance(rollout, at(50_000), ())
    assert rollout.finished
    times = [moment.at for moment in rollout.history]
    assert times == sorted(times)
    assert rollout.history[-1].phase is rollout.phase


@given(cases(), st.integers(0, 4000))
def test_without_alarms_and_limit_an_update_is_promoted_after_exactly_its_waits(case, ready):
    guardrails, instances = case
    unlimited = Guardrails(guardrails.strategy, guardrails.termination_wait, None, guardrails.alarms)
    done = advance(begin(unlimited, instances, ready), at(50_000), ())
    assert done.phase is Phase.PROMOTED
    assert done.history[-1].at == at(ready + waits(unlimited, instances))
    assert done.green_share == 1.0


@given(cases(), st.integers(0, 4000), st.integers(0, 8000))
def test_an_update_is_never_promoted_before_every_bake_has_passed(case, ready, later):
    rollout = advance(begin(*case, ready), at(ready + later), ())
    if rollout.phase is Phase.PROMOTED:
        assert later >= sum(shift.bake for shift in shifts(*case))


@given(cases(), st.integers(0, 500), st.data())
def test_an_alarm_in_any_bake_takes_all_traffic_back(case, ready, data):
    later = data.draw(st.integers(0, waits(*case)))
    baking = advance(begin(*case, ready), at(ready + later), ())
    if baking.finished:
        return
    back = advance(baking, at(ready + later + 1), ("b",))
    assert (back.phase, back.green_share) == (Phase.ROLLED_BACK, 0.0)


@given(cases(), st.integers(0, 4000), st.lists(st.integers(0, 40_000), max_size=20), st.integers(0, 40_000))
def test_one_advance_and_many_small_ones_lead_to_the_same_rollout(case, ready, stops, end):
    begun = begin(*case, ready)
    on_the_way = sorted(stop for stop in stops if stop <= end)
    small = reduce(lambda rollout, stop: advance(rollout, at(stop), ()), [*on_the_way, end], begun)
    assert small == advance(begun, at(end), ())
