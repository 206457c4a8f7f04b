"""Deployment windows: which minutes a cron expression with its time zone holds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.services.codepipeline.windows import read

# Monday is the 1st of July 2030; its last day is a Wednesday.
IN = [
    ("* * * * * ?", "UTC", "2030-07-01T00:00"),
    ("* 0/15 9-16 ? * MON-FRI", "UTC", "2030-07-01T09:45"),
    ("* * 9-16 ? * 2-6", "America/New_York", "2030-07-01T20:59"),
    ("* * 9 ? * *", "UTC+05:30", "2030-07-01T04:00"),
    ("* * 9 ? * *", "UTC-03:00", "2030-07-01T12:00"),
    ("* * 9 ? * *", "EST", "2030-07-01T14:00"),
    ("* * * ? * FRI-MON", "UTC", "2030-07-07T10:00"),
    ("* 30 12 L * ?", "UTC", "2030-07-31T12:30"),
    ("* * * L-3 * ?", "UTC", "2030-07-28T12:30"),
    ("* * * LW * ?", "UTC", "2030-08-30T12:30"),
    ("* * * 15W * ?", "UTC", "2030-06-14T12:30"),
    ("* * * 1W * ?", "UTC", "2030-06-03T12:30"),
    ("* * * ? * 6#3", "UTC", "2030-07-19T12:30"),
    ("* * * ? * FRIL", "UTC", "2030-07-26T12:30"),
    ("* * * ? JUL,AUG L 2030", "UTC", "2030-07-06T12:30"),
    ("* */20 * ? * *", "UTC", "2030-07-01T10:40"),
]
OUT = [
    ("* 0/15 9-16 ? * MON-FRI", "UTC", "2030-07-01T09:46"),
    ("* 0/15 9-16 ? * MON-FRI", "UTC", "2030-07-06T09:45"),
    ("* * 9-16 ? * 2-6", "America/New_York", "2030-07-01T12:59"),
    ("* * * ? * FRI-MON", "UTC", "2030-07-03T10:00"),
    ("* * * LW * ?", "UTC", "2030-08-31T12:30"),
    ("* * * 15W * ?", "UTC", "2030-06-15T12:30"),
    ("* * * ? * 6#3", "UTC", "2030-07-26T12:30"),
    ("* * * ? * FRIL", "UTC", "2030-07-19T12:30"),
    ("* * * ? JUL L 2031", "UTC", "2030-07-06T12:30"),
]


@pytest.mark.parametrize(("cron", "zone", "at"), IN)
def test_a_minute_in_the_window_finds_it_open(cron: str, zone: str, at: str) -> None:
    assert read(cron, zone).is_open(datetime.fromisoformat(at).replace(tzinfo=UTC, second=59))


@pytest.mark.parametrize(("cron", "zone", "at"), OUT)
def test_a_minute_out_of_the_window_finds_it_closed(cron: str, zone: str, at: str) -> None:
    assert not read(cron, zone).is_open(datetime.fromisoformat(at).replace(tzinfo=UTC))


@given(st.integers(0, 2000), st.integers(0, 200), st.integers(0, 1439))
def test_a_window_that_came_and_went_between_two_looks_has_opened(first: int, between: int, opens: int) -> None:
    begin = datetime(2030, 7, 1, tzinfo=UTC)
    since, at = begin + timedelta(minutes=first), begin + timedelta(minutes=first + between)
    window = read(f"* {opens % 60} {opens // 60} * * ?")

    passed = [since + timedelta(minutes=n) for n in range(1, between + 1)] or [at]
    assert window.has_opened(since, at) is any(window.is_open(minute) for minute in passed)


@pytest.mark.parametrize(
    ("cron", "zone", "sentence"),
    [
        ("0 9 * * ?", "UTC", "it has six fields or seven"),
        ("0 0 9 * * ?", "UTC", "the seconds of a deployment window are *"),
        ("* 0 9 1 * MON", "UTC", "one must be ? or *"),
        ("* 60 9 * * ?", "UTC", "'60' is no number from 0 to 59"),
        ("* 0 9 ? * FUNDAY", "UTC", "'FUNDAY' is no number from 1 to 7"),
        ("* 0/0 9 * * ?", "UTC", "has no number of steps"),
        ("* 0 9 * * ?", "Mars/Olympus", "a time zone is such as UTC"),
        ("* 0 9 * * ?", "../etc/passwd", "a time zone is such as UTC"),
    ],
)
def test_what_is_no_window_is_refused_with_a_sentence(cron: str, zone: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        read(cron, zone)

    assert sentence in str(refused.value)
    assert repr(cron) in str(refused.value)
