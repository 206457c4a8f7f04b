"""When a monitoring schedule runs, and how much it looks at. Pure.

The expressions are those of botocore's ScheduleConfig.ScheduleExpression: hourly, daily, every some hours, or NOW.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

NOW = "NOW"

_CRON = re.compile(r"cron\(0 (?:(?P<every>\*)|(?P<hour>\d{1,2})(?:/(?P<step>\d{1,2}))?) \? \* \* \*\)")
_OFFSET = re.compile(r"-?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Recurrence:
    """Runs at those hours of a day, UTC, that are `step` hours apart from `hour`."""

    hour: int
    step: int

    def after(self, moment: datetime) -> datetime:
        """Return the first time after `moment`."""
        at = moment.replace(minute=0, second=0, microsecond=0) + HOUR
        while (at.hour - self.hour) % self.step:
            at += HOUR
        return at

    @property
    def interval(self) -> timedelta:
        """How much a run looks at where nobody says it: what came since the run before it."""
        return timedelta(hours=self.step)


def parse(expression: str) -> Recurrence | None:
    """Return when a schedule runs, None for once and now; ValueError, as a sentence, for any other expression."""
    if expression == NOW:
        return None
    given = _CRON.fullmatch(expression)
    hour, step = (0, 1) if given is None or given["every"] else (int(given["hour"]), int(given["step"] or 24))
    if given is None or hour > 23 or not 1 <= step <= 24:
        raise ValueError(
            f"the schedule expression {expression!r} is not hourly, cron(0 * ? * * *), daily, cron(0 6 ? * * *), "
            "every some hours, cron(0 0/2 ? * * *), or NOW"
        )
    return Recurrence(hour, step)


def offset(text: str) -> timedelta:
    """Return an offset such as -PT1H or -P1D as a duration before the schedule's time; ValueError for any other."""
    given = _OFFSET.fullmatch(text)
    if given is None or not any(given.groups()):
        raise ValueError(f"the offset {text!r} is not a duration such as -PT1H")
    days, hours, minutes, seconds = (int(each or 0) for each in given.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def hours(start: datetime, end: datetime) -> list[datetime]:
    """Return the hours that hold what was captured from `start` up to `end`."""
    at, found = start.replace(minute=0, second=0, microsecond=0), []
    while at < end:
        found.append(at)
        at += HOUR
    return found
