"""Chance: how many requests come and how each fares, drawn by the minute, or just what is to be expected."""

from math import exp, sqrt
from random import Random
from typing import NamedTuple, Protocol

from tidegate.simulate.course import Expected

_NORMAL_FROM = 30.0  # from this mean on a normal distribution, rounded, is as good as the real one here


class Counted(NamedTuple):
    """What a fleet got in a stretch of time: requests, errors by kind, those above each threshold, summed latency."""

    requests: float
    errors: float
    client_errors: float
    slow: tuple[float, ...]
    latency: float


NOTHING = Counted(0, 0, 0, (), 0.0)


class Draw(Protocol):
    """Makes counts of what is expected."""

    def __call__(self, expected: Expected) -> Counted:
        """Return the counts of one fleet in one stretch."""
        ...


def evenly(expected: Expected) -> Counted:
    """Return what is expected, parts of requests included."""
    requests = expected.good + expected.errors + expected.client_errors
    slow = tuple(requests * share for share in expected.slow)
    return Counted(requests, expected.errors, expected.client_errors, slow, requests * expected.mean)


class ByChance:
    """Draws from a seed. Requests come independently of each other, so each kind of answer is a Poisson count."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a simulation, no secret

    def __call__(self, expected: Expected) -> Counted:
        """Return the counts of one fleet in one stretch."""
        good = self._poisson(expected.good)
        errors = self._poisson(expected.errors) if expected.errors else 0
        client_errors = self._poisson(expected.client_errors) if expected.client_errors else 0
        requests = good + errors + client_errors
        slow, above, share = [], requests, 1.0
        for tail in expected.slow:  # of those above one threshold, some are above the next
            above = self._binomial(above, min(1.0, tail / share)) if share > 0 else 0
            share = tail
            slow.append(above)
        latency = 0.0
        if requests and expected.mean:
            latency = requests * max(0.0, self._random.gauss(expected.mean, expected.deviation / sqrt(requests)))
        return Counted(requests, errors, client_errors, tuple(slow), latency)

    def _poisson(self, mean: float) -> int:
        if mean > _NORMAL_FROM:
            return max(0, int(self._random.gauss(mean, sqrt(mean)) + 0.5))
        likely = exp(-mean)
        left, count = self._random.random() - likely, 0
        while left > 0 and likely > 0:
            count += 1
            likely *= mean / count
            left -= likely
        return count

    def _binomial(self, tries: int, share: float) -> int:
        if share <= 0 or tries == 0:
            return 0
        if share > 0.5:
            return tries if share >= 1 else tries - self._binomial(tries, 1 - share)
        mean = tries * share
        if mean > _NORMAL_FROM:
            return min(tries, max(0, int(self._random.gauss(mean, sqrt(mean * (1 - share))) + 0.5)))
        odds = share / (1 - share)
        likely = (1 - share) ** tries
        left, count = self._random.random() - likely, 0
        while left > 0 and likely > 0 and count < tries:
            count += 1
            likely *= odds * (tries - count + 1) / count
            left -= likely
        return count
