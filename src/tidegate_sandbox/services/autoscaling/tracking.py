"""How many instances target tracking wants: pure functions over what the alarms say.

Documented (Application Auto Scaling user guide, "Target tracking scaling policies" and "Define cooldown periods"): the
more the metric is above the target, the more instances come at once; scale-in is more gradual; of several policies the
one that wants most decides, and instances go only if all that may take them want it; a cooldown after a scale-out lets
only a larger one through, counted from the capacity before it; one after a scale-in holds back scale-ins alone.
Not documented, and a guess: that the proportion of metric and target is rounded up, that a scale-out goes by the last
minute that has a value, and that a scale-in goes by the highest of its fifteen minutes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidegate_sandbox.services.autoscaling.records import Policy, Target

COOLDOWN = 300
"""Seconds of either cooldown, for variants of endpoints, where the policy names none (API reference)."""

HIGH_PERIODS, LOW_PERIODS = 3, 15
"""Minutes in a row that raise the alarms of a policy."""

LOW_THRESHOLD = 0.9
"""The low alarm's threshold as a share of the target value, as alarms of public accounts show it."""

_TINY = 1e-9


@dataclass(frozen=True)
class Reading:
    """What a policy's alarms say: `values` of the metric by minute, newest first, None where it has none."""

    policy: Policy
    high: bool
    low: bool
    values: Sequence[float | None]


@dataclass(frozen=True)
class Decision:
    """The capacity that `policy` wants, and the name of its alarm that asked for it."""

    capacity: int
    policy: Policy
    alarm: str


def decide(target: Target, readings: Sequence[Reading], current: int, now: datetime) -> Decision | None:
    """Return what is to be done for a target of `current` instances, None where nothing is."""
    out = [made for reading in readings if reading.high and (made := _out(target, reading, current, now))]
    if out:
        return max(out, key=lambda made: made.capacity)
    may_shrink = [reading for reading in readings if not _option(reading.policy, "DisableScaleIn", False)]
    if any(reading.high for reading in readings) or not all(reading.low for reading in may_shrink):
        return None
    down = [_in(target, reading, current, now) for reading in may_shrink]
    wanted = [made for made in down if made is not None]
    if not wanted or len(wanted) < len(down):
        return None
    return max(wanted, key=lambda made: made.capacity)


def _out(target: Target, reading: Reading, current: int, now: datetime) -> Decision | None:
    latest = next((value for value in reading.values[:HIGH_PERIODS] if value is not None), None)
    if latest is None or target.suspended.get("DynamicScalingOutSuspended"):
        return None
    base = current
    if target.scaled_out is not None:
        ended, before = target.scaled_out
        if now < ended + timedelta(seconds=_option(reading.policy, "ScaleOutCooldown", COOLDOWN)):
            base = min(before, current)
    wanted = target.bounded(_proportional(base, latest, reading.policy))
    return Decision(wanted, reading.policy, reading.policy.alarms["AlarmHigh"]) if wanted > current else None


def _in(target: Target, reading: Reading, current: int, now: datetime) -> Decision | None:
    known = [value for value in reading.values[:LOW_PERIODS] if value is not None]
    if not known or target.suspended.get("DynamicScalingInSuspended"):
        return None
    cooldown = timedelta(seconds=_option(reading.policy, "ScaleInCooldown", COOLDOWN))
    if target.scaled_in is not None and now < target.scaled_in + cooldown:
        return None
    wanted = target.bounded(_proportional(current, max(known), reading.policy))
    return Decision(wanted, reading.policy, reading.policy.alarms["AlarmLow"]) if wanted < current else None


def _proportional(capacity: int, value: float, policy: Policy) -> int:
    return math.ceil(capacity * value / float(policy.configuration["TargetValue"]) - _TINY)


def _option(policy: Policy, name: str, default: Any) -> Any:
    return policy.configuration.get(name, default)
