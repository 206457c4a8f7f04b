import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.guardrails import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Shift,
    instance_bounds,
    instances_of,
    shifts,
    waits,
)
from tidegate.stage import CapacityType, Size


def percent(value: int) -> Size:
    return Size(CapacityType.CAPACITY_PERCENT, value)


def instances(value: int) -> Size:
    return Size(CapacityType.INSTANCE_COUNT, value)


def test_all_at_once_is_one_step_whose_bake_is_the_termination_wait():
    assert shifts(Guardrails(AllAtOnce(), termination_wait=300), 4) == (Shift(4, 4, 300, (4, 4), 4, 4),)


def test_a_canary_takes_its_share_first_and_the_rest_second():
    guardrails = Guardrails(Canary(percent(25), 600), termination_wait=300)
    assert shifts(guardrails, 4) == (Shift(1, 4, 600, (1, 1), 4, 4), Shift(4, 4, 300, (4, 4), 4, 4))
    assert [shift.green_share for shift in shifts(guardrails, 4)] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("size", "fleet", "taken", "bounds"),
    [
        (percent(25), 4, 1, (1, 1)),
        (percent(10), 3, 1, (1, 1)),
        (percent(30), 3, 1, (1, 1)),
        (percent(30), 5, 1, (1, 2)),
        (percent(50), 3, 1, (1, 2)),
        (percent(50), 10, 5, (5, 5)),
        (instances(2), 5, 2, (2, 2)),
    ],
)
def test_a_percentage_means_whole_instances_and_both_roundings_are_told(size, fleet, taken, bounds):
    assert instances_of(size, fleet) == taken
    assert instance_bounds(size, fleet) == bounds


@given(st.integers(1, 100), st.integers(1, 1000))
def test_the_instances_taken_are_at_least_one_and_within_the_bounds(value, fleet):
    least, most = instance_bounds(percent(value), fleet)
    assert 1 <= least <= most <= fleet
    assert instances_of(percent(value), fleet) in (least, most)


@pytest.mark.parametrize(
    ("size", "fleet", "sentence"),
    [
        (percent(10), 1, "a canary of 10% is 1 of 1 instances.*use at least 2 instances"),
        (instances(3), 5, "a canary of 3 is 3 of 5 instances.*make it smaller"),
    ],
)
def test_a_canary_of_more_than_half_the_fleet_is_refused(size, fleet, sentence):
    with pytest.raises(GuardrailsError, match=sentence):
        shifts(Guardrails(Canary(size, 60)), fleet)


def test_a_fleet_without_instances_is_refused():
    with pytest.raises(GuardrailsError, match="at least 1 instance, not 0"):
        shifts(Guardrails(), 0)


def test_the_waits_add_up():
    assert waits(Guardrails(AllAtOnce(), termination_wait=300), 4) == 300
    assert waits(Guardrails(Canary(percent(25), 600), termination_wait=300), 4) == 900
