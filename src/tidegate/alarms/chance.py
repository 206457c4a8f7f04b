"""What chance does to an alarm where requests are few: they come as they please, each at a rate (Poisson)."""

from collections import Counter
from collections.abc import Sequence
from math import comb, erf, exp, floor, prod, sqrt

from tidegate.alarms.metric import Bar

_MANY = 500.0  # from here on the normal distribution is as good, and as quick for a million requests


def chance_of_breach(bar: Bar, bad: float, good: float) -> float:
    """Return how likely a period breaches in which `bad` and `good` requests are expected; without any it has no data.

    That a sum of requests is split into independent counts is what Poisson traffic is about.
    """
    if bar.slowness:
        return 1 - exp(-bad - good)
    if bar.share is None:
        assert bar.count is not None
        return _above(bad, bar.count, bar.strict)
    if bar.share >= 1:
        return (1 - exp(-bad)) * exp(-good)
    odds = bar.share / (1 - bar.share)
    if bad + good > _MANY:
        return _normal((bad - odds * good) / sqrt(bad + odds * odds * good))
    return sum(
        likely * _above(bad, odds * number, bar.strict or number == 0) for number, likely in enumerate(_poisson(good))
    )


def chance_of_success(chance: float, needed: int, tries: int) -> float:
    """Return how likely at least `needed` of `tries` succeed, each with `chance`."""
    return sum(comb(tries, k) * chance**k * (1 - chance) ** (tries - k) for k in range(needed, tries + 1))


def chance_of_alarm(chances: Sequence[float], needed: int, of: int) -> float:
    """Return how likely an alarm fires in periods that breach with `chances`, one by one; for M of N at most so."""
    if needed == 1:
        return 1 - prod(1 - chance for chance in chances)
    windows = Counter(max(chances[first : first + of]) for first in range(max(1, len(chances) - needed + 1)))
    return min(1.0, sum(number * chance_of_success(chance, needed, of) for chance, number in windows.items()))


def _poisson(mean: float) -> list[float]:
    likely = exp(-mean)
    found, total = [likely], likely
    while total < 1 - 1e-12 and len(found) < mean + 12 * sqrt(mean) + 40:
        likely *= mean / len(found)
        found.append(likely)
        total += likely
    return found


def _above(mean: float, bound: float, strict: bool) -> float:
    """Return how likely a Poisson count is above `bound`, or without `strict` at least it."""
    most = floor(bound + 1e-9) if strict or abs(bound - round(bound)) > 1e-9 else round(bound) - 1
    if most < 0:
        return 1.0
    if mean > _MANY:
        return _normal((mean - most - 0.5) / sqrt(mean))
    return max(0.0, 1 - sum(_poisson(mean)[: most + 1]))


def _normal(deviations: float) -> float:
    return (1 + erf(deviations / sqrt(2))) / 2
