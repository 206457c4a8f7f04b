"""How many requests are due by when: a constant rate, a ramp, a day.

Times are seconds of the wall since the load began, and rates are in requests a second of the wall.
"""

import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

DAY = 86400.0
FASTEST = 5000.0
"""Requests a second at most that can be asked for."""

_SPEC = re.compile(r"(?P<low>\d{1,4}(\.\d{1,3})?)(\.\.(?P<high>\d{1,4}(\.\d{1,3})?))?( (?P<daily>daily))?")
_PEAK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class RateError(ValueError):
    """Why something is no rate, as a sentence."""


class Rate(Protocol):
    """A rate that may change with time."""

    def at(self, seconds: float) -> float:
        """Return the rate at that time."""
        ...

    def due(self, seconds: float) -> float:
        """Return how many requests are due from the beginning to that time: the integral of the rate."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same rate all the time."""

    rate: float

    def at(self, seconds: float) -> float:
        """Return the rate."""
        return self.rate

    def due(self, seconds: float) -> float:
        """Return how many are due."""
        return self.rate * seconds


@dataclass(frozen=True)
class Ramp:
    """From one rate to another within `over` seconds; the second from then on."""

    first: float
    last: float
    over: float

    def at(self, seconds: float) -> float:
        """Return the rate."""
        return self.first + (self.last - self.first) * min(seconds / self.over, 1.0)

    def due(self, seconds: float) -> float:
        """Return how many are due."""
        within = min(seconds, self.over)
        return (
            self.first * within
            + (self.last - self.first) * within**2 / (2 * self.over)
            + self.last * (seconds - within)
        )


@dataclass(frozen=True)
class Daily:
    """A day's curve, a cosine: `high` once a day and `low` half a day from it.

    A day takes `day` seconds of the wall, and `until_peak` of them pass until the first highest point.
    """

    low: float
    high: float
    until_peak: float
    day: float = DAY

    def at(self, seconds: float) -> float:
        """Return the rate."""
        return self._mean + self._swing * math.cos(self._angle(seconds))

    def due(self, seconds: float) -> float:
        """Return how many are due."""
        waves = (math.sin(self._angle(seconds)) - math.sin(self._angle(0))) * self.day / math.tau
        return self._mean * seconds + self._swing * waves

    @property
    def _mean(self) -> float:
        return (self.high + self.low) / 2

    @property
    def _swing(self) -> float:
        return (self.high - self.low) / 2

    def _angle(self, seconds: float) -> float:
        return math.tau * (seconds - self.until_peak) / self.day


def read(spec: str, lasting: float | None, peak: str, now: float, speed: float) -> Rate:
    """Return the rate that `spec` says: `50`, `10..100` over all the load's time, or `10..100 daily`.

    `lasting` is the load's time in seconds of the wall, None where it has no end; `peak` (HH:MM) is when a day is
    busiest and `now` the second of the day, by a clock that runs `speed` times as fast as the wall. RateError where
    it is none.
    """
    match, clock = _SPEC.fullmatch(spec.strip()), _PEAK.fullmatch(peak)
    if match is None:
        raise RateError(f"{spec!r} is no rate; write 50 for a constant one, 10..100 for a ramp, or '10..100 daily'")
    if clock is None:
        raise RateError(f"{peak!r} is no time of the day; write HH:MM in UTC, such as 17:00")
    low, high = float(match["low"]), float(match["high"] or match["low"])
    if not 0 < max(low, high) <= FASTEST:
        raise RateError(f"{spec} is out of range; write more than 0 and at most {FASTEST:g} requests a second")
    if match["daily"]:
        at_peak = int(clock[1]) * 3600 + int(clock[2]) * 60
        return Daily(min(low, high), max(low, high), (at_peak - now) % DAY / speed, DAY / speed)
    if low == high:
        return Constant(low)
    if lasting is None:
        raise RateError(f"{spec} has no end that it could reach; say with --for how long the load lasts")
    return Ramp(low, high, lasting)


def arrivals(rate: Rate, lasting: float | None, step: Callable[[], float] = lambda: 1.0) -> Iterator[float]:
    """Yield when each request is due, in order, for `lasting` seconds or for ever.

    `step` says how much of the integral of the rate lies between two of them: always 1 for even arrivals, and
    exponentially distributed with mean 1 for those of independent users (a Poisson process of that rate).
    """
    at, due = 0.0, 0.0
    while True:
        due += step()
        at = _when(rate, due, at)
        if lasting is not None and at >= lasting:
            return
        yield at


def independent(chance: random.Random) -> Callable[[], float]:
    """Return the steps of independent users."""
    return lambda: chance.expovariate(1.0)


_CLOSE = 1e-6


def _when(rate: Rate, due: float, after: float) -> float:
    """Return when so many are due: found by bisection, for what is due never falls."""
    width = 1e-3
    while rate.due(after + width) < due:
        width *= 2
    low, high = after, after + width
    while high - low > _CLOSE:
        middle = (low + high) / 2
        if rate.due(middle) < due:
            low = middle
        else:
            high = middle
    return high
