"""Given a schedule's expression, when time passes, then it is executed at its hours, each time once."""

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.clock import ManualClock
from tidegate_sandbox import context
from tidegate_sandbox.services.monitoring import cron, schedules
from tidegate_sandbox.services.monitoring.execution import window
from tidegate_sandbox.services.monitoring.records import Execution, JobDefinition, Schedule
from tidegate_sandbox.state.snapshot import pickled

AT = datetime(2026, 11, 22, 9, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("cron(0 * ? * * *)", [10, 11, 12]),
        ("cron(0 6 ? * * *)", [30, 54]),
        ("cron(0 0/6 ? * * *)", [12, 18, 24]),
        ("cron(0 17/12 ? * * *)", [17, 29]),
    ],
)
def test_an_expression_comes_to_hours_of_the_day(expression: str, following: list[int]) -> None:
    recurrence, at = cron.parse(expression), AT
    assert recurrence is not None
    for hours in following:
        at = recurrence.after(at)
        assert at == datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hours)


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(9000, 1, 1)), st.integers(0, 23), st.integers(1, 24))
def test_the_next_time_is_a_full_hour_later_than_now_and_no_further_off_than_a_day(
    now: datetime, hour: int, step: int
) -> None:
    recurrence = cron.parse(f"cron(0 {hour}/{step} ? * * *)")
    assert recurrence is not None
    following = recurrence.after(now)
    assert timedelta(0) < following - now <= timedelta(hours=24)
    assert (following.minute, following.second, following.microsecond) == (0, 0, 0)
    assert (following.hour - hour) % step == 0


@pytest.mark.parametrize(
    "expression", ["cron(5 * ? * * *)", "cron(0 24 ? * * *)", "cron(0 0/25 ? * * *)", "hourly", ""]
)
def test_any_other_expression_is_refused_in_a_sentence(expression: str) -> None:
    with pytest.raises(ValueError, match="is not hourly"):
        cron.parse(expression)


@pytest.mark.parametrize(("text", "hours"), [("-PT1H", 1), ("-P1D", 24), ("PT30M", 0.5), ("-P1DT2H", 26), ("-PT0S", 0)])
def test_an_offset_is_a_duration(text: str, hours: float) -> None:
    assert cron.offset(text) == timedelta(hours=hours)


def made(expression: str, due: datetime, **endpoint: str) -> Schedule:
    request = {"DataQualityJobInput": {"EndpointInput": {"EndpointName": "e", "LocalPath": "/l", **endpoint}}}
    definition = JobDefinition("DataQuality", "d", "arn:d", request, AT)
    config = {"ScheduleConfig": {"ScheduleExpression": expression}}
    return Schedule("s", "arn:s", config, definition, AT, AT, due=due)


def test_an_execution_looks_at_what_came_since_the_one_before_unless_its_definition_says_otherwise() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert window(made("cron(0 * ? * * *)", at), at) == (at - timedelta(hours=1), at)
    assert window(made("cron(0 0 ? * * *)", at), at) == (at - timedelta(days=1), at)
    offsets = {"StartTimeOffset": "-PT3H", "EndTimeOffset": "-PT1H"}
    given_offsets = made("cron(0 * ? * * *)", at, **offsets)
    assert window(given_offsets, at) == (at - timedelta(hours=3), at - timedelta(hours=1))


def test_what_is_due_is_executed_once_and_times_that_nobody_was_up_for_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = ManualClock(AT)
    monkeypatch.setattr(context, "_running", context.Sandbox(tmp_path, 1, clock))
    executed: list[datetime] = []

    def execute(schedule: Schedule, scheduled: datetime, _: Any) -> Execution:
        executed.append(scheduled)
        return Execution(schedule.name, "d", "DataQuality", "e", scheduled, clock.now(), why_none="nothing")

    monkeypatch.setattr(schedules, "prepare", lambda *_: "nothing")
    monkeypatch.setattr(schedules, "execute", execute)
    monkeypatch.setattr(schedules, "executions", _Here([]))
    hourly = made("cron(0 * ? * * *)", AT.replace(minute=0) + timedelta(hours=1))
    schedules._run_if_due(hourly)
    assert executed == []
    clock.sleep(3600)
    schedules._run_if_due(hourly)
    schedules._run_if_due(hourly)
    assert executed == [datetime(2026, 11, 22, 10, tzinfo=UTC)]
    clock.sleep(5 * 3600)
    schedules._run_if_due(hourly)
    assert executed[1:] == [datetime(2026, 11, 22, 15, tzinfo=UTC)]
    once = made("NOW", clock.now())
    schedules._run_if_due(once)
    clock.sleep(86400)
    schedules._run_if_due(once)
    assert len(executed) == 3
    assert once.due is None


def test_a_schedule_and_what_it_executed_are_in_the_next_sandbox_too() -> None:
    hourly = made("cron(0 * ? * * *)", AT)
    hourly.executions.append(Execution("s", "d", "DataQuality", "e", AT, AT, why_none="nothing"))
    again = pickle.loads(pickled({"records": hourly}))["records"]
    assert (again.name, again.due, again.definition) == (hourly.name, AT, hourly.definition)
    assert [each.summary() for each in again.executions] == [each.summary() for each in hourly.executions]


class _Here:
    def __init__(self, content: list[Any]) -> None:
        self._content = content

    def here(self) -> list[Any]:
        return self._content
