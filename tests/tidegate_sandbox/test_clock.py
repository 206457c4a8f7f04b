"""The sandbox's clock: the wall's time, faster."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.clock import ScaledClock


def test_it_starts_at_the_walls_time_in_utc():
    now = ScaledClock(60).now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_sixty_times_the_wall_makes_a_six_second_wait_a_tenth_of_one():
    clock = ScaledClock(60)
    began, wall = clock.now(), time.monotonic()
    clock.sleep(6)
    assert clock.now() - began >= timedelta(seconds=6)
    assert 0.09 < time.monotonic() - wall < 5


@given(speed=st.floats(min_value=0.1, max_value=3600))
def test_time_never_runs_backwards(speed):
    clock = ScaledClock(speed)
    times = [clock.now() for _ in range(20)]
    assert times == sorted(times)


def test_a_wait_of_less_than_nothing_is_over_at_once():
    ScaledClock(1).sleep(-5)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_clock_that_would_stand_still_is_refused(speed):
    with pytest.raises(ValueError, match="speed must be above 0"):
        ScaledClock(speed)
