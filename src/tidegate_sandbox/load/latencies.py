"""Latencies, kept as counts by their first three digits: memory grows with their spread, not with their number."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

DIGITS = 3


class Latencies:
    """A distribution of latencies, exact to half a per cent."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        microseconds = round(seconds * 1e6)
        self._counts[round(microseconds, min(0, DIGITS - len(str(microseconds))))] += 1
        self.longest = max(self.longest, seconds)

    def __len__(self) -> int:
        return self._counts.total()

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return for each share (0..1) the least latency in seconds that so many do not exceed (nearest rank)."""
        values = sorted(self._counts)
        ranks = list(accumulate(self._counts[value] for value in values))
        if not ranks:
            return []
        return [
            min(values[bisect_left(ranks, max(1.0, round(share * ranks[-1], 9)))] / 1e6, self.longest)
            for share in shares
        ]
