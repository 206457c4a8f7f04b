"""What a part of a fleet means in instances and steps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.stage import CapacityType, Size
from tidegate.stage.steps import allowed_instances, instance_bounds, instances_of, moved, step_bounds


def percent(value: int) -> Size:
    return Size(CapacityType.CAPACITY_PERCENT, value)


def instances(value: int) -> Size:
    return Size(CapacityType.INSTANCE_COUNT, value)


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


@pytest.mark.parametrize(
    ("size", "fleet", "steps"),
    [
        (percent(20), 5, (5, 5)),
        (percent(20), 4, (4, 4)),
        (percent(30), 5, (3, 5)),
        (percent(50), 3, (2, 3)),
        (percent(10), 19, (10, 19)),
        (instances(2), 5, (3, 3)),
    ],
)
def test_the_rounding_decides_how_many_steps_there_are(size, fleet, steps):
    assert step_bounds(size, fleet) == steps


@pytest.mark.parametrize(
    ("part", "fleet", "after"),
    [(1, 1, (1,)), (2, 5, (2, 4, 5)), (2, 4, (2, 4)), (9, 4, (4,))],
)
def test_the_last_step_takes_the_rest(part, fleet, after):
    assert moved(part, fleet) == after


@pytest.mark.parametrize(
    ("percentages", "fleet", "allowed"),
    [
        ((10, 50), 4, (1, 2)),
        ((10, 50), 3, (1, 1)),
        ((10, 50), 12, (2, 6)),
        ((10, 50), 1, (1, 0)),
        ((5, 50), 40, (2, 20)),
    ],
)
def test_a_range_of_percentages_is_a_range_of_instances(percentages, fleet, allowed):
    assert allowed_instances(*percentages, fleet) == allowed


@given(st.integers(1, 100), st.integers(1, 1000))
def test_the_instances_taken_are_at_least_one_and_within_the_bounds(value, fleet):
    least, most = instance_bounds(percent(value), fleet)
    assert 1 <= least <= most <= fleet
    assert most - least <= 1
    assert instances_of(percent(value), fleet) == least


@given(st.integers(1, 100), st.integers(1, 1000))
def test_as_many_steps_are_made_as_either_rounding_says(value, fleet):
    least, most = instance_bounds(percent(value), fleet)
    assert step_bounds(percent(value), fleet) == (len(moved(most, fleet)), len(moved(least, fleet)))


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_steps_go_up_by_no_more_than_the_part_and_end_at_the_fleet(part, fleet):
    after = (0, *moved(part, fleet))
    assert after[-1] == fleet
    assert all(0 < later - earlier <= part for earlier, later in pairwise(after))
