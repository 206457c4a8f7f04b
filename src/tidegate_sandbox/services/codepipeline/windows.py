"""Deployment windows: whether a moment is in one. Pure.

CodePipeline user guide, rule reference "DeploymentWindow": a cron expression of Quartz's kind, seconds first.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MINUTE = timedelta(minutes=1)
_OFFSET = re.compile(r"UTC(?:([+-])(\d{2}):(\d{2}))?")

OnDay = Callable[[date], bool]


@dataclass(frozen=True)
class Window:
    """The minutes of `minutes`, `hours`, `months` and `years` on the days that `on_day` holds of, in `zone`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    on_day: OnDay
    zone: tzinfo

    def is_open(self, at: datetime) -> bool:
        """Whether the minute of `at` is in the window."""
        here = at.astimezone(self.zone)
        in_calendar = here.year in self.years and here.month in self.months and self.on_day(here.date())
        return in_calendar and here.hour in self.hours and here.minute in self.minutes

    def has_opened(self, since: datetime, at: datetime) -> bool:
        """Whether a minute after that of `since`, up to that of `at`, is in the window, or that of `at` is."""
        minute = max(since, at - timedelta(days=1))
        while (minute := minute + _MINUTE) < at:
            if self.is_open(minute):
                return True
        return self.is_open(at)


def read(cron: str, zone: str = "UTC") -> Window:
    """Read a rule's Cron and TimeZone; ValueError, as a sentence, where either is none."""
    fields = cron.upper().split()
    if len(fields) not in (6, 7):
        raise ValueError(
            f"Cron is {cron!r}; it has six fields or seven: seconds minutes hours day month weekday [year]"
        )
    seconds, minutes, hours, of_month, months, of_week, *rest = fields
    if seconds != "*":
        raise ValueError(f"Cron is {cron!r}; the seconds of a deployment window are *")
    if of_month != "?" and of_week != "?" and "*" not in (of_month, of_week):
        raise ValueError(f"Cron is {cron!r}; of the days of the month and of the week one must be ? or *")
    try:
        in_month, in_week = _of_month(of_month), _of_week(of_week)
        return Window(
            _values(minutes, 0, 59),
            _values(hours, 0, 23),
            _values(months, 1, 12, _MONTHS),
            _values(rest[0] if rest else "*", 1970, 2199),
            lambda day: in_month(day) and in_week(day),
            _zone(zone),
        )
    except ValueError as error:
        raise ValueError(f"Cron is {cron!r}, TimeZone {zone!r}; {error}") from None


def _zone(named: str) -> tzinfo:
    if offset := _OFFSET.fullmatch(named):
        sign, hours, minutes = offset.groups()
        away = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return timezone(-away if sign == "-" else away)
    try:
        return ZoneInfo(named)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone is such as UTC, UTC+05:30, Europe/Berlin or EST") from None


def _number(text: str, first: int, last: int, names: tuple[str, ...] = ()) -> int:
    if text in names:
        return names.index(text) + first
    if not text.isdigit() or not first <= int(text) <= last:
        raise ValueError(f"{text!r} is no number from {first} to {last}")
    return int(text)


def _values(field: str, first: int, last: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """Return what `field` stands for: numbers and names, ranges and steps, of `first` to `last`."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        if slash and (not step.isdigit() or int(step) == 0):
            raise ValueError(f"{part!r} has no number of steps")
        low = first if span in ("*", "?") else _number(begin, first, last, names)
        high = _number(end, first, last, names) if dash else last if slash or span in ("*", "?") else low
        # A range may go over the end: FRI-MON.
        reach = range(low, high + 1) if low <= high else [*range(low, last + 1), *range(first, high + 1)]
        found.update(list(reach)[:: int(step or 1)])
    return frozenset(found)


def _of_month(field: str) -> OnDay:
    if near := re.fullmatch(r"(\d{1,2})W", field):
        wanted = _number(near[1], 1, 31)
        return lambda day: wanted <= _length(day) and day == _weekday_near(day.replace(day=wanted))
    if field == "LW":
        return lambda day: day == _weekday_near(day.replace(day=_length(day)))
    if last := re.fullmatch(r"L(?:-(\d{1,2}))?", field):
        before = int(last[1] or 0)
        return lambda day: day.day == _length(day) - before
    days = _values(field, 1, 31)
    return lambda day: day.day in days


def _of_week(field: str) -> OnDay:
    if nth := re.fullmatch(r"(\w+)#([1-5])", field):
        wanted, which = _number(nth[1], 1, 7, _DAYS), int(nth[2])
        return lambda day: _day_of_week(day) == wanted and (day.day - 1) // 7 + 1 == which
    if field == "L":
        return lambda day: _day_of_week(day) == 7
    if last := re.fullmatch(r"(\w+)L", field):
        wanted = _number(last[1], 1, 7, _DAYS)
        return lambda day: _day_of_week(day) == wanted and day.day + 7 > _length(day)
    days = _values(field, 1, 7, _DAYS)
    return lambda day: _day_of_week(day) in days


def _day_of_week(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _weekday_near(day: date) -> date:
    """Return the weekday that is nearest to `day` within its month."""
    away = {6: -1, 7: 1}.get(day.isoweekday(), 0)
    near = day + timedelta(days=away)
    return near if near.month == day.month else day - timedelta(days=2 * away)
