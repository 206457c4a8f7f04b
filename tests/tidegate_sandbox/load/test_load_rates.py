"""When requests are due: as many as the rate's integral says, in order, and no other way of reading a rate."""

import random
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate_sandbox.load.rates import Constant, Daily, Ramp, Rate, RateError, arrivals, independent, read

NUMBERS = st.floats(0.5, 50)
RATES = (
    st.builds(Constant, NUMBERS)
    | st.builds(Ramp, NUMBERS, NUMBERS, st.floats(1, 30))
    | st.tuples(NUMBERS, NUMBERS, st.floats(0, 100), st.floats(20, 200)).map(
        lambda given: Daily(min(given[:2]), max(given[:2]), given[2], given[3])
    )
)


@settings(max_examples=40)
@given(rate=RATES, lasting=st.floats(0.5, 15))
def test_as_many_requests_are_due_as_the_rate_adds_up_to(rate: Rate, lasting: float) -> None:
    due = list(arrivals(rate, lasting))

    assert abs(len(due) - rate.due(lasting)) <= 1 + 1e-6
    assert all(0 <= earlier <= later < lasting for earlier, later in pairwise(due))


@settings(max_examples=40)
@given(rate=RATES, at=st.floats(0, 60))
def test_what_is_due_is_the_integral_of_the_rate(rate: Rate, at: float) -> None:
    steps = 400
    middle = [rate.at((each + 0.5) * at / steps) for each in range(steps)]

    assert rate.due(at) == pytest.approx(sum(middle) * at / steps, rel=1e-2, abs=1e-2)


@settings(max_examples=20)
@given(seed=st.integers())
def test_independent_users_come_at_the_same_rate_and_not_evenly(seed: int) -> None:
    due = list(islice(arrivals(Constant(20), None, independent(random.Random(seed))), 1000))

    # The time of the thousandth has a mean of 50 s and a deviation of 1.58 s.
    assert 50 - 6 * 1.59 < due[-1] < 50 + 6 * 1.59
    assert len({round(later - earlier, 4) for earlier, later in pairwise(due)}) > 100


def test_a_day_is_busiest_at_its_peak_by_a_clock_that_runs_faster() -> None:
    noon, speed = 12 * 3600.0, 60.0

    rate = read("10..100 daily", None, "17:30", noon, speed)

    peak, day = 5.5 * 3600 / speed, 86400 / speed
    assert rate.at(peak) == pytest.approx(100)
    assert rate.at(peak + day / 2) == pytest.approx(10)
    assert rate.due(day) == pytest.approx(55 * day)


def test_rates_as_they_are_written() -> None:
    assert read("50", None, "17:00", 0, 1) == Constant(50)
    assert read("10..100", 60, "17:00", 0, 1) == Ramp(10, 100, 60)
    assert read("100..10", 60, "17:00", 0, 1) == Ramp(100, 10, 60)


@pytest.mark.parametrize(
    ("spec", "lasting", "peak", "sentence"),
    [
        ("fast", None, "17:00", "'fast' is no rate"),
        ("-5", None, "17:00", "'-5' is no rate"),
        ("0", None, "17:00", "0 is out of range"),
        ("9999", None, "17:00", "9999 is out of range"),
        ("10..100", None, "17:00", "has no end that it could reach"),
        ("10..100 daily", None, "25:00", "'25:00' is no time of the day"),
    ],
)
def test_what_is_no_rate_is_refused(spec: str, lasting: float | None, peak: str, sentence: str) -> None:
    with pytest.raises(RateError, match=sentence):
        read(spec, lasting, peak, 0, 1)
