"""An alarm over the course of a release: what the new version must fail so that it fires at each evaluation.

The traffic is even, so that a period's statistic is what it is on average.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import ceil
from typing import NamedTuple

from tidegate.alarms.evaluation import Missing
from tidegate.alarms.metric import Bar
from tidegate.alarms.rollback import AlarmSpec
from tidegate.guardrails import Guardrails, Rolling, timeline

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `at` to `until` (seconds from the new fleet's first request) it has `share` of the traffic, watched."""

    at: float
    until: float
    share: float


class Evaluation(NamedTuple):
    """At `at` the periods that have ended breach often enough if `needed` of the new fleet's requests are bad.

    Below 0 whatever they are, above 1 never.
    """

    at: float
    needed: float


def roundings(guardrails: Guardrails, instance_count: int) -> tuple[tuple[Stretch, ...], ...]:
    """Return the watched stretches of a release as the least and as the most that sizes can mean.

    Where sizes are rounded up, all traffic has moved in fewer steps: the steps that are left over do not take place.
    """
    steps = [step for step in timeline(guardrails, instance_count) if step.watched]
    rolling = isinstance(guardrails.strategy, Rolling)
    found = []
    for which in (0, 1):
        stretches: list[Stretch] = []
        at = 0.0
        for step in steps:
            moved = step.green_share_bounds[which] >= 1
            if moved and step is not steps[-1] and not rolling:
                continue
            stretches.append(Stretch(at, at + step.until - step.at, step.green_share_bounds[which]))
            at = stretches[-1].until
            if moved:
                break
        found.append(tuple(stretches))
    return tuple(dict.fromkeys(found))


def evaluations(
    spec: AlarmSpec, bar: Bar, stretches: tuple[Stretch, ...], *, phase: float, requests: float, old_bad: float
) -> Iterator[Evaluation]:
    """Yield each evaluation while the release is watched: the last one before it, then at the end of each minute.

    The first request comes to the new fleet `phase` seconds after a minute has begun. The old fleet, of all `requests`
    a minute that the new one does not get, answers the share `old_bad` badly.
    """
    minutes = ceil((stretches[-1].until + phase) / _MINUTE)
    green = [requests * share for share in _shares(stretches, phase, minutes)]  # the same for all alarms of a release
    blue = [0.0] * minutes if spec.new_fleet_only else [requests - count for count in green]
    green_sums, blue_sums = [0.0, *accumulate(green)], [0.0, *accumulate(blue)]
    before = 0.0 if spec.new_fleet_only else requests
    length = spec.period // _MINUTE
    needed: dict[int, float | None] = {}

    def of_window(end: int) -> float | None:
        if end not in needed:
            begin = max(0, end - length)
            if end <= 0:
                needed[end] = bar.needed(0.0, before * length, old_bad)
            else:
                old = blue_sums[end] - blue_sums[begin] + before * (begin - (end - length))
                needed[end] = bar.needed(green_sums[end] - green_sums[begin], old, old_bad)
        return needed[end]

    reach = range(0, spec.rule.range * length, length)
    for minute in range(minutes + 1):
        windows = [of_window(minute - age) for age in reach]
        yield Evaluation(max(0.0, minute * _MINUTE - phase), _for_so_many(spec, windows))


@lru_cache(maxsize=2 * _MINUTE)  # the positions of the clock, in both roundings
def _shares(stretches: tuple[Stretch, ...], phase: float, minutes: int) -> tuple[float, ...]:
    """Return the new fleet's share of each minute's requests."""
    found = [0.0] * minutes
    endless = (*stretches[:-1], Stretch(stretches[-1].at, minutes * _MINUTE, stretches[-1].share))
    for stretch in endless:
        begin, until = stretch.at + phase, min(stretch.until + phase, minutes * _MINUTE)
        while begin < until:
            minute = int(begin // _MINUTE)
            end = min(until, (minute + 1) * _MINUTE)
            found[minute] += (end - begin) * stretch.share / _MINUTE
            begin = end
    return tuple(found)


def _for_so_many(spec: AlarmSpec, windows: list[float | None]) -> float:
    used = [needed for needed in windows if needed is not None][: spec.evaluation_periods]
    if spec.missing is Missing.BREACHING:
        used += [float("-inf")] * (spec.evaluation_periods - len(used))
    if len(used) < spec.datapoints_to_alarm:
        return float("inf")
    return sorted(used)[spec.datapoints_to_alarm - 1]
