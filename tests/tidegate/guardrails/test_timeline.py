"""The plan of an update, second by second, without driving it."""

from itertools import pairwise

import pytest
from guarded import at, begun, fitting, instances, percent, run, unlimited
from hypothesis import given
from hypothesis import strategies as st

from tidegate.guardrails import (
    FINAL,
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Phase,
    Rolling,
    least_waits,
    peak_instances,
    rollback_peak_instances,
    timeline,
    waits,
)


def drawn(guardrails: Guardrails, instance_count: int, provisioning: float = 0.0) -> list[tuple[float, ...]]:
    return [
        (step.at, step.until, step.green_share, step.blue_instances, step.green_instances)
        for step in timeline(guardrails, instance_count, provisioning=provisioning)
    ]


def test_a_canary_has_both_fleets_until_its_termination_wait_is_over():
    assert drawn(Guardrails(Canary(percent(25), 600), 300), 4) == [
        (0, 600, 0.25, 4, 4),
        (600, 900, 1.0, 4, 4),
        (900, 900, 1.0, 0, 4),
    ]


def test_a_linear_update_bakes_after_each_step_and_waits_with_all_traffic_moved():
    steps = timeline(Guardrails(Linear(percent(30), 300), 120), 5)
    assert [(step.at, step.until, step.green_share) for step in steps] == [
        (0, 300, 0.2),
        (300, 600, 0.4),
        (600, 900, 0.6),
        (900, 1200, 0.8),
        (1200, 1320, 1.0),
        (1320, 1320, 1.0),
    ]
    assert [step.green_share_bounds for step in steps][:4] == [(0.2, 0.4), (0.4, 0.8), (0.6, 1.0), (0.8, 1.0)]
    assert [step.phase for step in steps][-2:] == [Phase.TERMINATION_WAIT, Phase.PROMOTED]


def test_a_rolling_update_creates_and_removes_instances_batch_by_batch():
    assert drawn(Guardrails(Rolling(percent(40), 300)), 5, provisioning=60) == [
        (0, 300, 0.4, 5, 2),
        (300, 360, 0.4, 3, 4),
        (360, 660, 0.8, 3, 4),
        (660, 720, 0.8, 1, 5),
        (720, 1020, 1.0, 1, 5),
        (1020, 1020, 1.0, 0, 5),
    ]


def test_a_rolling_update_needs_a_batch_more_than_the_fleet_and_going_back_may_need_another_fleet():
    assert peak_instances(Guardrails(Rolling(percent(30), 300)), 5) == (6, 7)
    assert peak_instances(Guardrails(Linear(percent(30), 300)), 5) == (10, 10)
    assert rollback_peak_instances(Guardrails(Rolling(percent(30), 300)), 5) == 10
    assert rollback_peak_instances(Guardrails(Rolling(percent(30), 300, instances(1))), 5) == 7
    assert rollback_peak_instances(Guardrails(AllAtOnce()), 5) == 10


def test_a_part_that_does_not_fit_the_fleet_is_refused():
    with pytest.raises(GuardrailsError, match=r"a rolling batch of 50% is 1 of 1 instances.*use at least 2 instances"):
        timeline(Guardrails(Rolling(percent(50), 60)), 1)


# Laws


@given(fitting, st.floats(0, 900))
def test_shares_only_grow_stay_within_their_bounds_and_end_at_all_of_the_traffic(case, provisioning):
    steps = timeline(*case, provisioning=provisioning)
    shares = [step.green_share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    for step in steps:
        least, most = step.green_share_bounds
        assert 0 < least <= step.green_share <= most <= 1


@given(fitting, st.floats(0, 900))
def test_there_is_never_less_than_one_fleet_and_never_more_than_the_peak(case, provisioning):
    _, fleet = case
    most = peak_instances(*case)[1]
    for step in timeline(*case, provisioning=provisioning):
        assert fleet <= step.blue_instances + step.green_instances <= most
        assert step.green_instances >= round(step.green_share * fleet)


@given(fitting, st.floats(0, 900))
def test_steps_follow_each_other_without_a_gap(case, provisioning):
    steps = timeline(*case, provisioning=provisioning)
    assert steps[0].at == 0.0
    assert all(before.until == after.at for before, after in pairwise(steps))


@given(fitting)
def test_what_is_waited_lies_between_the_bounds(case):
    assert least_waits(*case) <= timeline(*case)[-1].until <= waits(*case)


@given(unlimited, st.integers(0, 900))
def test_an_update_without_alarms_goes_exactly_as_its_timeline(case, provisioning):
    ready = 100.0
    rollout = run(begun(*case, ready), ready, provisioning)
    for step in timeline(*case, provisioning=provisioning):
        if step.at < step.until:
            rollout = run(rollout, ready + (step.at + step.until) / 2, provisioning)
            assert rollout.phase is step.phase
            assert rollout.green_share == step.green_share
            assert (rollout.blue_provisioned, rollout.green_provisioned) == (step.blue_instances, step.green_instances)
    planned = [(ready + step.at, step.phase, step.green_share) for step in timeline(*case, provisioning=provisioning)]
    done = run(rollout, 10**6, provisioning)
    went = [((m.at - at(0)).total_seconds(), m.phase, m.green_share) for m in done.history[1:]]
    assert done.phase in FINAL
    assert [moment for moment in went if provisioning or moment[1] is not Phase.CREATING] == planned
