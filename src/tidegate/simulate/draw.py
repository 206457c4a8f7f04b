"""Chance: how many requests come and how each fares, drawn by the minute, or just what is to be expected."""

from math import exp, sqrt
from random import Random
from typing import Protocol

from tidegate.simulate.course import Expected

_NORMAL_FROM = 50.0  # from this mean on a normal distribution, rounded, is as good here; 0 is 7 deviations away


Counts = tuple[float, ...]
"""What a fleet got in a stretch of time, by the columns below; from SLOW on, how many answers were above each of the
thresholds that are looked at. A plain tuple, for a simulation makes hundreds of thousands."""

REQUESTS, FAILED, ERRORS, CLIENT_ERRORS, LATENCY, SLOW = range(6)
"""Requests; those that failed, of which so many with 5xx and so many with 4xx; microseconds that all took."""


def nothing(thresholds: int) -> Counts:
    """Return the counts of a fleet that got nothing."""
    return (0.0,) * (SLOW + thresholds)


class Draw(Protocol):
    """Makes counts of what is expected."""

    def __call__(self, expected: Expected) -> Counts:
        """Return the counts of one fleet in one stretch."""
        ...


def evenly(expected: Expected) -> Counts:
    """Return what is expected, parts of requests included."""
    failed = expected.errors + expected.client_errors
    requests = expected.good + failed
    slow = (requests * share for share in expected.slow)
    return requests, failed, expected.errors, expected.client_errors, requests * expected.mean, *slow


class ByChance:
    """Draws from a seed. Requests come independently of each other, so each kind of answer is a Poisson count."""

    def __init__(self, seed: int) -> None:
        chance = Random(seed)  # noqa: S311 - a simulation, no secret
        self._random, self._gauss = chance.random, chance.gauss

    def __call__(self, expected: Expected) -> Counts:
        """Return the counts of one fleet in one stretch."""
        good, errors, client_errors, shares, mean, deviation = expected
        requests = self._poisson(good)
        failed = 0
        if errors:
            failed = errors = self._poisson(errors)
        if client_errors:
            client_errors = self._poisson(client_errors)
            failed += client_errors
        requests += failed
        latency = 0.0
        if mean and requests:
            latency = requests * max(0.0, self._gauss(mean, deviation / sqrt(requests)))
        counts: Counts = (requests, failed, errors, client_errors, latency)
        above, before = requests, 1.0
        for share in shares:  # of those above one threshold, some are above the next
            above = self._binomial(above, min(1.0, share / before)) if share and above else 0
            before = share
            counts = (*counts, above)
        return counts

    def _poisson(self, mean: float) -> int:
        if mean > _NORMAL_FROM:
            return int(self._gauss(mean, sqrt(mean)) + 0.5)
        likely = exp(-mean)
        left, count = self._random() - likely, 0
        while left > 0 and likely > 0:
            count += 1
            likely *= mean / count
            left -= likely
        return count

    def _binomial(self, tries: int, share: float) -> int:
        if share > 0.5:
            return tries if share >= 1 else tries - self._binomial(tries, 1 - share)
        mean = tries * share
        if mean > _NORMAL_FROM:
            return min(tries, int(self._gauss(mean, sqrt(mean * (1 - share))) + 0.5))
        odds = share / (1 - share)
        likely = (1 - share) ** tries
        left, count = self._random() - likely, 0
        while left > 0 and likely > 0 and count < tries:
            count += 1
            likely *= odds * (tries - count + 1) / count
            left -= likely
        return count
