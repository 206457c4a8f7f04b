"""A scenario as functions over the time, in seconds since the release began: requests, and what befalls them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import erfc, exp, log, sqrt

from tidegate.errors import TidegateError
from tidegate.simulate.scenario import Quantiles, Scenario, Traffic, Version
from tidegate.stage import Rate, Stage

_DAY = 86400.0
_DEVIATIONS_OF_P99 = 2.3263478740408408  # of a normal distribution


@dataclass(frozen=True, slots=True)
class Lognormal:
    """A distribution of latencies: of their logarithm, in microseconds, the mean and the deviation."""

    mean_log: float
    deviation_log: float

    @classmethod
    def of(cls, quantiles: Quantiles) -> "Lognormal":
        """Return the distribution with these quantiles."""
        middle = log(quantiles.p50.microseconds)
        return cls(middle, (log(quantiles.p99.microseconds) - middle) / _DEVIATIONS_OF_P99)

    def above(self, microseconds: float) -> float:
        """Return the share of answers that take longer."""
        distance = log(microseconds) - self.mean_log
        if self.deviation_log == 0:
            return 1.0 if distance < 0 else 0.0
        return erfc(distance / self.deviation_log / sqrt(2)) / 2

    @property
    def mean(self) -> float:
        """The mean, in microseconds."""
        return exp(self.mean_log + self.deviation_log**2 / 2)

    @property
    def deviation(self) -> float:
        """The standard deviation, in microseconds."""
        return self.mean * sqrt(exp(self.deviation_log**2) - 1)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a version does with requests, for a time: shares (0..1) of 5xx and 4xx, and how long answers take."""

    errors: float
    client_errors: float
    latency: Lognormal | None


@dataclass(frozen=True, slots=True)
class Behaviours:
    """What a version does, over time: the n-th behaviour from the n-th time on."""

    times: tuple[float, ...]
    values: tuple[Behaviour, ...]

    def at(self, time: float) -> Behaviour:
        """Return what it does at `time`."""
        return self.values[max(0, bisect_right(self.times, time) - 1)]

    def since(self, time: float) -> "Behaviours":
        """Return the same, counted from `time`."""
        return replace(self, times=tuple(each + time for each in self.times))


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests a minute over time: in a straight line from point to point, the same before the first, after the last.

    `day`: the points are of a day, which comes again and again; `offset` seconds of it had passed at the beginning.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    day: bool = False
    offset: float = 0.0

    def at(self, time: float) -> float:
        """Return the requests a minute at `time`."""
        times, values = self.times, self.values
        if len(times) == 1:
            return values[0]
        if self.day:
            time = (time + self.offset) % _DAY
            times, values = (*times, times[0] + _DAY), (*values, values[0])
            if time < times[0]:
                time += _DAY
        after = bisect_right(times, time)
        if after == 0:
            return values[0]
        if after == len(times):
            return values[-1]
        part = (time - times[after - 1]) / (times[after] - times[after - 1])
        return values[after - 1] + part * (values[after] - values[after - 1])


def requests_of(stage: Stage, scenario: Scenario) -> Requests:
    """Return the traffic of the scenario, or what the stage expects where it says nothing."""
    traffic = scenario.traffic
    if traffic is None:
        if stage.expect is None:
            raise TidegateError(
                f"nobody says how many requests stage {stage.name} has: "
                "give the scenario `traffic: {requests_per_minute: 600}`, or the stage `expect.requests_per_minute`"
            )
        traffic = Traffic(requests_per_minute=stage.expect.requests_per_minute)
    if traffic.over_day:
        points = [(hour.at, hour.requests_per_minute) for hour in traffic.over_day]
        return Requests(*_columns(points), day=True, offset=_seconds_of_day(scenario.start))
    if traffic.over_time:
        return Requests(*_columns([(point.at, point.requests_per_minute) for point in traffic.over_time]))
    return Requests((0.0,), (traffic.requests_per_minute or 0.0,))


def behaviours_of(stage: Stage, scenario: Scenario) -> tuple[Behaviours, Behaviours]:
    """Return what the old and the new version do; the new one's times count from its first request."""
    expected = stage.expect.error_rate.fraction if stage.expect else 0.0
    old = _first(scenario.old, Behaviour(expected, 0.0, None))
    return _over_time(scenario.old, old), _over_time(scenario.new, _first(scenario.new, old))


def _first(version: Version, fallback: Behaviour) -> Behaviour:
    return _changed(fallback, version.error_rate, version.client_error_rate, version.latency)


def _over_time(version: Version, first: Behaviour) -> Behaviours:
    values = [first]
    for change in version.changes:
        values.append(_changed(values[-1], change.error_rate, change.client_error_rate, change.latency))
    return Behaviours((0.0, *(change.after.total_seconds() for change in version.changes)), tuple(values))


def _changed(
    before: Behaviour, errors: Rate | None, client_errors: Rate | None, latency: Quantiles | None
) -> Behaviour:
    return Behaviour(
        before.errors if errors is None else errors.fraction,
        before.client_errors if client_errors is None else client_errors.fraction,
        before.latency if latency is None else Lognormal.of(latency),
    )


def _columns(points: Sequence[tuple[timedelta, float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(at.total_seconds() for at, _ in points), tuple(value for _, value in points)


def _seconds_of_day(moment: datetime) -> float:
    return float(moment.hour * 3600 + moment.minute * 60 + moment.second)
