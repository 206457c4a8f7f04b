"""What a size means for a fleet of whole instances: how many instances, and how many steps of them.

SageMaker sizes canaries, steps and batches by instance. How it rounds a percentage to instances is not verified, so
everything here gives both bounds: the fewest (rounded down, but at least one) and the most (rounded up).
"""

from tidegate.stage.quantities import CapacityType, Size


def instance_bounds(size: Size, instance_count: int) -> tuple[int, int]:
    """Return the fewest and the most instances that `size` can mean for a fleet of `instance_count`.

    No part of a fleet is smaller than one instance.
    """
    if size.kind is CapacityType.INSTANCE_COUNT:
        return size.value, size.value
    whole, rest = divmod(instance_count * size.value, 100)
    return max(1, whole), max(1, whole + (rest > 0))


def step_bounds(size: Size, instance_count: int) -> tuple[int, int]:
    """Return the fewest and the most steps of `size` that move a whole fleet of `instance_count`."""
    fewest, most = instance_bounds(size, instance_count)
    return -(-instance_count // most), -(-instance_count // fewest)
