"""The endpoint state machine: what a release goes through, on a time that the test chooses."""

from functools import reduce

import pytest
from guarded import T0, at, begun, fitting, history, instances, percent, run, unlimited
from hypothesis import given
from hypothesis import strategies as st

from tidegate.guardrails import (
    FINAL,
    WATCHED,
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Phase,
    Rolling,
    Rollout,
    advance,
    fleet_failed,
    fleet_ready,
    least_waits,
    rollback_failed,
    rollback_peak_instances,
    shifts,
    start,
    timeline,
    waits,
)

CANARY = Guardrails(Canary(percent(25), 600), 300, 1800, ("errors", "latency"))
LINEAR = Guardrails(Linear(percent(50), 600), 300, 3600, ("errors",))
ROLLING = Guardrails(Rolling(instances(2), 300), 0, 3600, ("errors",))
CAREFUL = Guardrails(Rolling(instances(2), 300, instances(1)), 0, 3600, ("errors",))


def begin(guardrails: Guardrails = CANARY, instances: int = 4, ready: float = 100) -> Rollout:
    return begun(guardrails, instances, ready)


def test_a_canary_without_incident_is_promoted_after_its_waits():
    done = advance(begin(), at(1000), ())
    assert history(done) == [
        (0, "CREATING", 0.0),
        (100, "BAKING", 0.25),
        (700, "TERMINATION_WAIT", 1.0),
        (1000, "PROMOTED", 1.0),
    ]
    assert done.finished
    assert done.reason is None


def test_all_at_once_goes_straight_to_the_termination_wait():
    done = advance(begin(Guardrails(AllAtOnce(), 300)), at(400), ())
    assert history(done) == [
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
    assert history(back)[-2:] == [(250, "ROLLING_BACK", 0.0), (250, "ROLLED_BACK", 0.0)]


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
    hasty = Guardrails(Canary(percent(25), 0), 0, None, ("errors",))
    assert advance(begin(hasty), at(100), ("errors",)).phase is Phase.ROLLED_BACK
    assert advance(begin(hasty), at(100), ()).phase is Phase.PROMOTED


def test_a_fleet_that_is_never_ready_times_out():
    late = advance(start(CANARY, 4, T0), at(1800), ())
    assert late.phase is Phase.ROLLED_BACK
    assert late.reason == "the update was not complete within 1800 s"


def test_a_fleet_that_is_ready_too_late_takes_no_traffic():
    late = fleet_ready(start(CANARY, 4, T0), at(1801))
    assert history(late)[1:] == [(1800, "ROLLING_BACK", 0.0), (1800, "ROLLED_BACK", 0.0)]


def test_running_out_of_time_in_a_bake_takes_all_traffic_back():
    late = advance(begin(ready=1000), at(2000), ())
    assert history(late)[-2:] == [(1800, "ROLLING_BACK", 0.0), (1800, "ROLLED_BACK", 0.0)]


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


# Linear


def test_a_linear_update_moves_step_by_step():
    done = advance(begin(LINEAR), at(2000), ())
    assert history(done) == [
        (0, "CREATING", 0.0),
        (100, "BAKING", 0.5),
        (700, "TERMINATION_WAIT", 1.0),
        (1000, "PROMOTED", 1.0),
    ]


@pytest.mark.parametrize(("when", "step"), [(150, 1), (700, 1), (701, 2), (1300, 2), (1500, 3)])
def test_an_alarm_in_any_step_takes_all_traffic_back_at_once(when, step):
    thirds = Guardrails(Linear(instances(1), 600), 300, None, ("errors",))
    back = advance(advance(begin(thirds, 4), at(when - 1), ()), at(when), ("errors",))
    assert (back.phase, back.green_share) == (Phase.ROLLED_BACK, 0.0)
    assert back.reason == f"alarm errors was in ALARM during the bake of step {step} of 4"


# Rolling


def rolling(guardrails: Guardrails = ROLLING, *, batches: int) -> Rollout:
    """Return an update of 5 instances in the bake of that batch; each batch took 100 s to be healthy."""
    rollout = begin(guardrails, 5)
    for batch in range(1, batches):
        rollout = fleet_ready(advance(rollout, at(400 * batch), ()), at(400 * batch + 100))
    assert (rollout.phase, rollout.step) == (Phase.BAKING, batches - 1)
    return rollout


def test_a_rolling_update_creates_bakes_and_cleans_up_batch_by_batch():
    done = advance(rolling(batches=3), at(1200), ())
    assert history(done) == [
        (0, "CREATING", 0.0),
        (100, "BAKING", 0.4),
        (400, "CREATING", 0.4),
        (500, "BAKING", 0.8),
        (800, "CREATING", 0.8),
        (900, "BAKING", 1.0),
        (1200, "PROMOTED", 1.0),
    ]


def test_old_instances_go_only_after_the_bake_of_those_that_replace_them():
    baking = rolling(batches=1)
    assert (baking.blue_provisioned, baking.green_provisioned) == (5, 2)
    cleaned = advance(baking, at(400), ())
    assert cleaned.awaits_instances
    assert (cleaned.blue_provisioned, cleaned.green_provisioned) == (3, 4)
    assert (cleaned.blue_instances, cleaned.green_instances) == (3, 2)


def test_an_alarm_in_the_first_batch_returns_at_once_for_the_old_fleet_is_still_whole():
    back = advance(rolling(batches=1), at(200), ("errors",))
    assert history(back)[-2:] == [(200, "ROLLING_BACK", 0.0), (200, "ROLLED_BACK", 0.0)]
    assert back.reason == "alarm errors was in ALARM during the bake of batch 1 of 3"


def test_a_later_rollback_brings_the_whole_old_fleet_up_before_it_takes_the_traffic():
    back = advance(rolling(batches=2), at(600), ("errors",))
    assert (back.phase, back.green_share) == (Phase.ROLLING_BACK, 0.8)
    assert (back.blue_provisioned, back.green_provisioned) == (5, 4)
    assert back.awaits_instances
    assert back.next_deadline is None
    back = fleet_ready(back, at(660))
    assert history(back)[-3:] == [
        (600, "ROLLING_BACK", 0.8),
        (660, "ROLLING_BACK", 0.0),
        (660, "ROLLED_BACK", 0.0),
    ]


def test_a_rollback_in_batches_takes_back_what_the_old_instances_can_and_waits_for_the_rest():
    back = advance(rolling(CAREFUL, batches=2), at(600), ("errors",))
    assert (back.green_share, back.blue_provisioned, back.green_provisioned) == (0.4, 4, 2)
    back = fleet_ready(back, at(660))
    assert (back.green_share, back.blue_provisioned, back.green_provisioned) == (0.2, 5, 1)
    back = fleet_ready(back, at(720))
    assert history(back)[-2:] == [(720, "ROLLING_BACK", 0.0), (720, "ROLLED_BACK", 0.0)]


def test_a_rollback_that_fails_leaves_a_mix_of_both_fleets():
    back = advance(rolling(batches=2), at(600), ("errors",))
    mixed = rollback_failed(back, at(650), "no capacity for ml.m5.large")
    assert (mixed.phase, mixed.green_share, mixed.finished) == (Phase.ROLLBACK_FAILED, 0.8, True)
    assert (mixed.blue_provisioned, mixed.green_provisioned) == (1, 4)
    assert mixed.reason == (
        "alarm errors was in ALARM during the bake of batch 2 of 3; the rollback failed: no capacity for ml.m5.large"
    )
    assert fleet_ready(mixed, at(700)) == mixed
    assert advance(mixed, at(9000), ("errors",)) == mixed


def test_only_a_rollback_can_fail():
    for rollout in (start(ROLLING, 5, T0), rolling(batches=2), advance(begin(), at(200), ("errors",))):
        assert rollback_failed(rollout, at(700), "no capacity") == rollout


def test_a_batch_that_cannot_be_made_is_rolled_back():
    failed = fleet_failed(advance(rolling(batches=1), at(400), ()), at(450), "no capacity")
    assert (failed.phase, failed.blue_provisioned, failed.green_provisioned) == (Phase.ROLLING_BACK, 5, 2)
    assert fleet_ready(failed, at(500)).phase is Phase.ROLLED_BACK


def test_new_instances_that_die_during_a_rollback_do_not_start_another():
    back = advance(rolling(batches=2), at(600), ("errors",))
    assert fleet_failed(back, at(610), "gone") == back


def test_a_batch_that_is_ready_after_the_timeout_is_not_taken_for_old_instances_that_are():
    waiting = advance(rolling(batches=1), at(400), ())
    late = fleet_ready(waiting, at(3601))
    assert (late.phase, late.since, late.green_share) == (Phase.ROLLING_BACK, at(3600), 0.4)


def test_a_batch_speaks_as_describe_endpoint_does():
    baking = rolling(batches=2)
    back = advance(baking, at(600), ("errors",))
    assert [(r.variant_status, r.status_message) for r in (baking, advance(baking, at(800), ()), back)] == [
        ("Baking", "Baking for 300 seconds (WaitIntervalInSeconds) with traffic enabled on capacity of 4 instance(s)."),
        ("Creating", "Launching 1 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on full capacity of 5 instance(s)."),
    ]


def test_a_fleet_that_goes_back_one_by_one_does_not_tire():
    guardrails = Guardrails(Rolling(percent(50), 60, instances(1)), alarms=("a",))
    back = advance(begun(guardrails, 1000), at(110), ("a",))
    assert back.phase is Phase.ROLLED_BACK


# Laws


looks = st.lists(st.tuples(st.integers(0, 40000), st.sampled_from([(), (), ("a",), ("x",)])), max_size=30)


@given(fitting, st.integers(0, 4000), looks, st.integers(0, 600))
def test_instances_that_take_traffic_always_add_up_to_one_fleet_that_exists(case, ready, seen, provisioning):
    _, fleet = case
    rollout = begun(*case, ready)
    most = rollback_peak_instances(*case)
    for when, firing in sorted(seen):
        rollout = advance(run(rollout, when, provisioning), at(when), firing)
        assert rollout.green_instances + rollout.blue_instances == fleet
        assert rollout.green_share + rollout.blue_share == pytest.approx(1.0)
        assert 0 <= rollout.green_share <= 1
        assert rollout.green_instances <= rollout.green_provisioned
        assert rollout.blue_instances <= rollout.blue_provisioned
        assert fleet <= rollout.blue_provisioned + rollout.green_provisioned <= most


@given(fitting, st.integers(0, 4000), looks, st.integers(0, 600))
def test_an_update_always_ends_and_its_history_runs_forward(case, ready, seen, provisioning):
    rollout = begun(*case, ready)
    for when, firing in sorted(seen):
        rollout = advance(run(rollout, when, provisioning), at(when), firing)
    rollout = run(rollout, 10**6, provisioning)
    assert rollout.finished
    times = [moment.at for moment in rollout.history]
    assert times == sorted(times)
    assert rollout.history[-1].phase is rollout.phase
    assert rollout.green_share == (1.0 if rollout.phase is Phase.PROMOTED else 0.0)


@given(fitting, st.integers(0, 4000), looks)
def test_shares_grow_until_they_turn_and_only_fall_from_then_on(case, ready, seen):
    rollout = begun(*case, ready)
    for when, firing in sorted(seen):
        rollout = advance(run(rollout, when), at(when), firing)
    shares = [moment.green_share for moment in rollout.history]
    turns = [index for index, moment in enumerate(rollout.history) if moment.phase is Phase.ROLLING_BACK]
    turn = turns[0] if turns else len(shares)
    assert shares[:turn] == sorted(shares[:turn])
    assert shares[turn:] == sorted(shares[turn:], reverse=True)


@given(unlimited, st.integers(0, 4000))
def test_without_alarms_and_limit_an_update_is_promoted_after_its_bakes(case, ready):
    done = run(begun(*case, ready), 10**6)
    taken = (done.history[-1].at - at(ready)).total_seconds()
    assert (done.phase, done.green_share) == (Phase.PROMOTED, 1.0)
    assert taken == sum(shift.bake for shift in shifts(*case)) == timeline(*case)[-1].until
    assert least_waits(*case) <= taken <= waits(*case)


@given(fitting, st.integers(0, 4000), st.integers(0, 8000))
def test_an_update_is_never_promoted_before_every_bake_has_passed(case, ready, later):
    rollout = run(begun(*case, ready), ready + later)
    if rollout.phase is Phase.PROMOTED:
        assert later >= sum(shift.bake for shift in shifts(*case))


@given(unlimited, st.data())
def test_an_alarm_at_any_moment_of_a_watched_phase_takes_all_traffic_back(case, data):
    later = data.draw(st.integers(0, waits(*case)))
    baking = run(begun(*case), 100 + later)
    if baking.phase not in WATCHED:
        return
    back = advance(baking, at(100 + later + 1), ("b",))
    assert back.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK)
    back = run(back, 10**6, provisioning=60)
    assert (back.phase, back.green_share) == (Phase.ROLLED_BACK, 0.0)


@given(fitting.filter(lambda case: case[0].maximum_execution_timeout is not None), st.integers(0, 4000))
def test_an_update_ends_within_its_limit_or_is_taken_back_when_it_is_over(case, provisioning):
    limit = case[0].maximum_execution_timeout
    done = run(start(*case, T0), 10**6, provisioning)
    turned = [moment.at for moment in done.history if moment.phase is Phase.ROLLING_BACK]
    if done.phase is Phase.PROMOTED:
        assert done.history[-1].at <= at(limit)
    else:
        assert (done.phase, turned[0]) == (Phase.ROLLED_BACK, at(limit))


@given(fitting, st.integers(0, 8000))
def test_a_rollback_that_fails_stops_where_it_is(case, later):
    rollout = run(begun(*case), 100 + later)
    back = rollback_failed(advance(rollout, at(100 + later), ("a",)), at(9000), "no capacity")
    assert back.phase in FINAL or back.phase is Phase.CREATING
    if back.phase is Phase.ROLLBACK_FAILED:
        assert 0 < back.green_share < 1 or back.blue_provisioned == 0
        assert back.blue_provisioned + back.green_provisioned == case[1]


@given(fitting, st.integers(0, 4000), st.lists(st.integers(0, 40_000), max_size=20), st.integers(0, 40_000))
def test_one_advance_and_many_small_ones_lead_to_the_same_rollout(case, ready, stops, end):
    begun_once = begun(*case, ready)
    on_the_way = sorted(stop for stop in stops if stop <= end)
    small = reduce(lambda rollout, stop: advance(rollout, at(stop), ()), [*on_the_way, end], begun_once)
    assert small == advance(begun_once, at(end), ())


@given(fitting, st.integers(0, 4000), st.integers(0, 8000))
def test_before_the_next_deadline_nothing_happens_by_time_alone(case, ready, later):
    rollout = run(begun(*case, ready), ready + later)
    if rollout.next_deadline is not None and rollout.next_deadline > at(ready + later):
        assert advance(rollout, at(ready + later), ()) is rollout
