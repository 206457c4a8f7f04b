"""What a number of requests can tell about an error rate, whatever the alarms are set to.

The question put to a bake is: does the new fleet fail more often than the old one beside it? Its answer is a one-sided
comparison of two proportions at level 0.05 that is to succeed with probability 0.8. The number of requests that this
takes is the normal approximation with the continuity correction of Fleiss, Tytun and Ury ("A simple approximation for
calculating sample sizes for comparing independent proportions", Biometrics 36, 1980), which comes close to the exact
conditional test also where only a few failures are expected. Without the correction, small canaries look better than
they are.
"""

from dataclasses import dataclass
from math import inf, isfinite, sqrt
from statistics import NormalDist
from typing import Final

ALPHA: Final = 0.05
"""The chance that a new version as good as the old one is taken for worse."""
POWER: Final = 0.8
"""The chance that a regression of the size told is noticed."""

_Z_ALPHA: Final = NormalDist().inv_cdf(1 - ALPHA)
_Z_POWER: Final = NormalDist().inv_cdf(POWER)
_BISECTIONS: Final = 60
_LEAST_DIFFERENCE = 1e-12  # far below the smallest percentage that a file can hold; what is less overflows


@dataclass(frozen=True, slots=True)
class Exposure:
    """The requests that each fleet is expected to answer while they can be compared.

    `old` is infinite where no old fleet serves beside the new one: the new fleet is then held against the error rate
    that is expected, as if that were known exactly.
    """

    new: float
    old: float


def requests_needed(error_rate: float, new_error_rate: float, old_per_new: float = inf) -> float:
    """Return the requests at the new fleet that tell `new_error_rate` from `error_rate`.

    Both rates are shares in 0..1, and `old_per_new` is how many requests the old fleet answers for each of the new one.
    Infinite where the new rate is not above the old one by what a file can say: there is nothing to notice.

    >>> round(requests_needed(0.01, 0.02, old_per_new=9))
    1020
    """
    difference = new_error_rate - error_rate
    if difference < _LEAST_DIFFERENCE:
        return inf
    old_part = 1 / old_per_new
    pooled = (new_error_rate * old_part + error_rate) / (1 + old_part)
    same = pooled * (1 - pooled) * (1 + old_part)
    apart = new_error_rate * (1 - new_error_rate) + error_rate * (1 - error_rate) * old_part
    uncorrected = ((_Z_ALPHA * sqrt(same) + _Z_POWER * sqrt(apart)) / difference) ** 2
    # The correction in a form that holds where nothing varies, which is where every request of the new fleet fails.
    half = sqrt(uncorrected) / 2
    return (half + sqrt(half * half + (1 + old_part) / (2 * difference))) ** 2


def can_tell(error_rate: float, new_error_rate: float, exposure: Exposure) -> bool:
    """Whether the exposure can tell a new version that fails at `new_error_rate` from one at `error_rate`."""
    if exposure.new <= 0 or exposure.old <= 0:
        return False
    return requests_needed(error_rate, new_error_rate, exposure.old / exposure.new) <= exposure.new


def smallest_error_rate(error_rate: float, exposure: Exposure) -> float | None:
    """Return the smallest error rate of a new version that the exposure can tell from `error_rate`, in 0..1.

    None where not even a version that fails every request could be told from a healthy one.
    """
    if not can_tell(error_rate, 1.0, exposure):
        return None
    unseen, seen = error_rate, 1.0
    for _ in range(_BISECTIONS):
        middle = (unseen + seen) / 2
        if can_tell(error_rate, middle, exposure):
            seen = middle
        else:
            unseen = middle
    return seen


def minutes_needed(
    error_rate: float, new_error_rate: float, *, new_share: float, requests_per_minute: float
) -> float | None:
    """Return the minutes in which a new fleet with `new_share` of the traffic shows `new_error_rate`.

    A share of 1 leaves nothing to the old fleet, so the new one is held against the error rate that is expected. None
    where no time is enough.
    """
    if new_share <= 0 or requests_per_minute <= 0:
        return None
    old_per_new = inf if new_share >= 1 else (1 - new_share) / new_share
    needed = requests_needed(error_rate, new_error_rate, old_per_new) / (new_share * requests_per_minute)
    return needed if isfinite(needed) else None
