from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.stage import CapacityType, Latency, Periods, Rate, Size, format_duration
from tidegate.stage.problems import InvalidValueError
from tidegate.stage.quantities import (
    parse_duration,
    parse_latency,
    parse_periods,
    parse_rate,
    parse_size,
    parse_whole_percent,
)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_duration, "90s", timedelta(seconds=90)),
        (parse_duration, "10m", timedelta(minutes=10)),
        (parse_duration, "1h", timedelta(hours=1)),
        (parse_size, "25%", Size(CapacityType.CAPACITY_PERCENT, 25)),
        (parse_size, 1, Size(CapacityType.INSTANCE_COUNT, 1)),
        (parse_rate, "0.1%", Rate(Decimal("0.1"))),
        (parse_rate, "1 %", Rate(Decimal(1))),
        (parse_whole_percent, "100%", 100),
        (parse_latency, "250ms", Latency(250_000)),
        (parse_latency, "1.5s", Latency(1_500_000)),
        (parse_latency, "800us", Latency(800)),
        (parse_periods, "2 of 3", Periods(2, 3)),
    ],
)
def test_it_is_read(parse, text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        *(
            (parse_duration, value)
            for value in ("10", 10, "1.5h", "-1m", "1 m", "10M", "", None, True, "١٠m", "9999999s")
        ),
        *((parse_size, value) for value in ("25", 0, -1, True, 1.5, "0%", "12.5%", "101%", "25 percent", None)),
        *((parse_rate, value) for value in ("1", 1, "101%", "-1%", "%", "1e1%", "nan%", None)),
        *((parse_whole_percent, value) for value in (50, "0.5%", True, "50")),
        *((parse_latency, value) for value in ("250", 250, "0ms", "0.0001ms", "1m", None)),
        *((parse_periods, value) for value in ("0 of 1", "3 of 2", "2", 2, "2/3", "1 of 1441", None)),
    ],
)
def test_it_is_refused_with_what_would_be_right(parse, value):
    with pytest.raises(InvalidValueError) as caught:
        parse(value)

    assert caught.value.wrong
    assert caught.value.right


@given(st.integers(0, 28_800))
def test_a_duration_is_written_as_it_can_be_read(seconds):
    duration = timedelta(seconds=seconds)

    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(1, 10_000_000))
def test_a_latency_is_written_as_it_can_be_read(microseconds):
    assert parse_latency(str(Latency(microseconds))) == Latency(microseconds)


@given(st.decimals(0, 100, places=3))
def test_a_rate_is_written_as_it_can_be_read_and_lies_in_0_to_1(percent):
    rate = Rate(percent)

    assert parse_rate(str(rate)) == rate
    assert 0 <= rate.fraction <= 1


def test_sizes_and_periods_are_written_as_they_are_read():
    assert str(parse_size("25%")) == "25%"
    assert str(parse_size(3)) == "3"
    assert str(parse_periods("2 of 3")) == "2 of 3"
