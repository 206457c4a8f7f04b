"""The quantities that a stage file is written in: durations, sizes, percentages, latencies, periods.

Each has one way in (`parse_…`, from what YAML holds) and one way out (`str` or `format_duration`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from tidegate.stage import limits
from tidegate.stage.problems import InvalidValueError
from tidegate.stage.written import Schema, Written, matching

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s?%")
_LATENCY: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s?(us|ms|s)")
_MICROSECONDS: Final = {"us": 1, "ms": 1_000, "s": 1_000_000}
_PRICE: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,8})?) ([A-Z]{3})")
_PERIODS: Final = re.compile(r"([0-9]{1,4}) of ([0-9]{1,4})")


class CapacityType(StrEnum):
    """`CapacitySize.Type` of a traffic routing configuration."""

    CAPACITY_PERCENT = "CAPACITY_PERCENT"
    INSTANCE_COUNT = "INSTANCE_COUNT"


@dataclass(frozen=True, slots=True)
class Size:
    """A part of a fleet: `25%` of its capacity, or `1` instance."""

    kind: CapacityType
    value: int

    def __str__(self) -> str:
        return f"{self.value}%" if self.kind is CapacityType.CAPACITY_PERCENT else str(self.value)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of requests, kept in percent as it was written."""

    percent: Decimal

    @property
    def fraction(self) -> float:
        """The share in 0..1, the unit of the Average of a metric that is 0 or 1 a request."""
        return float(self.percent / 100)

    def __str__(self) -> str:
        return f"{self.percent.normalize():f}%"


@dataclass(frozen=True, slots=True)
class Latency:
    """A time that a request takes."""

    microseconds: int

    def __str__(self) -> str:
        for unit in ("s", "ms"):
            if self.microseconds % _MICROSECONDS[unit] == 0:
                return f"{self.microseconds // _MICROSECONDS[unit]}{unit}"
        return f"{self.microseconds}us"


@dataclass(frozen=True, slots=True)
class Periods:
    """`2 of 3`: an alarm fires when so many of the last so many minutes are over the threshold."""

    datapoints_to_alarm: int
    evaluation_periods: int

    def __str__(self) -> str:
        return f"{self.datapoints_to_alarm} of {self.evaluation_periods}"


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of money."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def parse_price(value: object) -> Price:
    """Read `0.134 USD`."""
    if isinstance(value, Price):
        return value
    match = _match(_PRICE, value)
    if match is None:
        raise InvalidValueError(f"{show(value)} is not a price", "write an amount and a currency, such as 0.134 USD")
    return Price(Decimal(match[1]), match[2])


def parse_duration(value: object) -> timedelta:
    """Read `90s`, `10m` or `1h`."""
    if isinstance(value, timedelta):
        return value
    if match := _match(_DURATION, value):
        return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    raise InvalidValueError(
        f"{show(value)} is not a duration", "write a whole number and a unit, such as 90s, 10m or 1h"
    )


def duration_within(minimum: timedelta, maximum: timedelta) -> Callable[[object], timedelta]:
    """Make a parser of durations that refuses those outside `minimum` to `maximum`, both allowed."""

    def parse(value: object) -> timedelta:
        duration = parse_duration(value)
        if minimum <= duration <= maximum:
            return duration
        raise InvalidValueError(
            f"{format_duration(duration)} is out of range",
            f"write {format_duration(minimum)} to {format_duration(maximum)}",
        )

    return parse


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that keeps it whole, as a stage file would."""
    seconds = int(duration.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def parse_size(value: object) -> Size:
    """Read `25%` or a whole number of instances."""
    if isinstance(value, Size):
        return value
    right = "write a share of the instances such as 25%, or a number of instances such as 1"
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise InvalidValueError(f"{value} instances cannot take traffic", right)
        return Size(CapacityType.INSTANCE_COUNT, value)
    percent = parse_whole_percent(value) if _match(_PERCENT, value) else None
    if percent is None:
        raise InvalidValueError(f"{show(value)} is not a size", right)
    if percent < 1:
        raise InvalidValueError("0% of the instances cannot take traffic", right)
    return Size(CapacityType.CAPACITY_PERCENT, percent)


def parse_whole_percent(value: object) -> int:
    """Read `0%` to `100%` as the whole number that SageMaker takes."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= limits.CAPTURE_SAMPLING_MAX:
        raise InvalidValueError(f"{value} has no unit", f"write {value}%")
    percent = parse_rate(value).percent
    if percent != percent.to_integral_value():
        raise InvalidValueError(f"{show(value)} is not whole", "SageMaker takes whole percentages here, such as 25%")
    return int(percent)


def parse_rate(value: object) -> Rate:
    """Read `0.1%`, between 0% and 100%."""
    if isinstance(value, Rate):
        return value
    match = _match(_PERCENT, value)
    if match is None:
        raise InvalidValueError(
            f"{show(value)} is not a percentage", "write a number and a percent sign, such as 1% or 0.5%"
        )
    percent = Decimal(match[1])
    if percent > 100:
        raise InvalidValueError(f"{show(value)} is more than everything", "write 0% to 100%")
    return Rate(percent)


def parse_latency(value: object) -> Latency:
    """Read `250ms`, `1.5s` or `800us`."""
    if isinstance(value, Latency):
        return value
    match = _match(_LATENCY, value)
    if match is None:
        raise InvalidValueError(f"{show(value)} is not a latency", "write a number and a unit, such as 250ms or 1.5s")
    microseconds = Decimal(match[1]) * _MICROSECONDS[match[2]]
    if microseconds != microseconds.to_integral_value() or microseconds < 1:
        raise InvalidValueError(f"{show(value)} is not a whole number of microseconds", "write a latency such as 250ms")
    return Latency(int(microseconds))


def parse_periods(value: object) -> Periods:
    """Read `2 of 3`, in periods of one minute."""
    if isinstance(value, Periods):
        return value
    match = _match(_PERIODS, value)
    if match is None:
        raise InvalidValueError(
            f"{show(value)} does not say how many periods", "write how many of how many minutes, such as 2 of 3"
        )
    periods = Periods(int(match[1]), int(match[2]))
    most = limits.ALARM_WINDOW_MAX // limits.METRIC_PERIOD
    if not 1 <= periods.datapoints_to_alarm <= periods.evaluation_periods <= most:
        raise InvalidValueError(
            f"{periods} can never be met",
            f"the first number is at least 1 and at most the second, which is at most {most} (one day)",
        )
    return periods


def as_written(value: object) -> Any:
    """Return a typed value as a file holds it: text, a number, true, false, nothing, or those in mappings and lists."""
    match value:
        case StrEnum() | Size(kind=CapacityType.CAPACITY_PERCENT) | Rate() | Latency() | Periods() | Price():
            return str(value)
        case Size():
            return value.value
        case timedelta():
            return format_duration(value)
        case Mapping():
            return {key: as_written(each) for key, each in value.items()}
        case tuple():
            return [as_written(each) for each in value]
        case _:
            return value


def show(value: object) -> str:
    """Quote what a file holds for a sentence: short, on one line, in YAML's words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str():
            line = "".join(character if character.isprintable() else " " for character in value[:60])
            return f"`{line}`" if len(value) <= 60 else f"`{line[:57]}...`"
        case _:
            return str(value)


def duration_between(minimum: timedelta, maximum: timedelta) -> Written:
    """Say how a duration from `minimum` to `maximum` is written."""
    said = f"{format_duration(minimum)} to {format_duration(maximum)}"
    return Written(duration_within(minimum, maximum), schema={**matching(_DURATION), "description": said})


_WHOLE_PERCENT: Final[Schema] = {"type": "string", "pattern": r"^([0-9]{1,2}|100)(\.0{1,6})?\s?%$"}
_SIZE: Final[Schema] = {"anyOf": [_WHOLE_PERCENT, {"type": "integer", "minimum": 1}]}

WRITTEN_SIZE: Final = Written(parse_size, schema=_SIZE)
WRITTEN_WHOLE_PERCENT: Final = Written(parse_whole_percent, schema=_WHOLE_PERCENT)
WRITTEN_RATE: Final = Written(parse_rate, schema=matching(_PERCENT))
WRITTEN_PERIODS: Final = Written(parse_periods, schema=matching(_PERIODS))
WRITTEN_PRICE: Final = Written(parse_price, schema=matching(_PRICE))
THRESHOLD_SCHEMA: Final[Schema] = {"anyOf": [matching(_PERCENT), matching(_LATENCY)]}


def _match(pattern: re.Pattern[str], value: object) -> re.Match[str] | None:
    return pattern.fullmatch(value) if isinstance(value, str) else None
