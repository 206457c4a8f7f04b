"""What a part of a fleet means in instances and in steps: the arithmetic of canaries, linear steps and batches.

Size is by instance (developer guide, deployment guardrails: "the number of instances or the percentage of the green
fleet's capacity"). How SageMaker rounds a percentage to instances is not verified, so whatever depends on it comes as
two bounds, one for each rounding.
"""

from itertools import count, takewhile
from math import ceil
from typing import Final

from tidegate.stage import limits
from tidegate.stage.quantities import CapacityType, Size
from tidegate.stage.release import Strategy

PERCENTAGES: Final = {
    Strategy.CANARY: (0, limits.CANARY_MAX_PERCENT),
    Strategy.LINEAR: (limits.LINEAR_STEP_MIN_PERCENT, limits.LINEAR_STEP_MAX_PERCENT),
    Strategy.ROLLING: (limits.ROLLING_BATCH_MIN_PERCENT, limits.ROLLING_BATCH_MAX_PERCENT),
}
"""The least and the most of a fleet that a strategy may move at once."""


def instance_bounds(size: Size, instance_count: int) -> tuple[int, int]:
    """Return the fewest and the most instances that `size` can mean for a fleet of `instance_count`.

    They differ where a percentage does not come out whole. No part of a fleet is smaller than one instance.
    """
    if size.kind is CapacityType.INSTANCE_COUNT:
        return size.value, size.value
    whole, rest = divmod(instance_count * size.value, 100)
    return max(1, whole), max(1, whole + bool(rest))


def instances_of(size: Size, instance_count: int) -> int:
    """Return the instances that `size` is taken as: no more than asked, but at least one."""
    return instance_bounds(size, instance_count)[0]


def allowed_instances(least_percent: int, most_percent: int, instance_count: int) -> tuple[int, int]:
    """Return the fewest and the most instances within a range of percentages; the fewest may exceed the most.

    `allowed_instances(10, 50, 4)` is `(1, 2)`; of a single instance, no part is within 10 to 50 %: `(1, 0)`.
    """
    return ceil(instance_count * least_percent / 100), instance_count * most_percent // 100


def step_bounds(size: Size, instance_count: int) -> tuple[int, int]:
    """Return the fewest and the most equal steps in which a fleet of `instance_count` is moved.

    Larger parts make fewer steps. The last step takes what is left, so it may be smaller than the others.
    """
    fewest_instances, most_instances = instance_bounds(size, instance_count)
    return ceil(instance_count / most_instances), ceil(instance_count / fewest_instances)


def moved(part: int, instance_count: int) -> tuple[int, ...]:
    """Return how many instances have been moved after each step of `part`: `moved(2, 5)` is `(2, 4, 5)`."""
    return (*takewhile(lambda instances: instances < instance_count, count(part, part)), instance_count)
