"""Rules on how long a release may take."""

from collections.abc import Iterator
from datetime import timedelta

from tidegate.stage import limits
from tidegate.stage.fleet import Autoscaling, Instances
from tidegate.stage.quantities import CapacityType, format_duration
from tidegate.stage.release import Release, Strategy
from tidegate.stage.rules.rule import Finding, rule
from tidegate.stage.rules.strategy import PARTS, fleet_bounds, part_size
from tidegate.stage.steps import step_bounds


def longest_waits(release: Release, instances: Instances, autoscaling: Autoscaling | None) -> tuple[timedelta, int]:
    """Return what an update without incident can wait in all, and how many times `wait_interval` is in it.

    Steps and batches are counted for the smaller of both roundings and the fleet that needs most of them, and a step
    waits after the last one too, as the guide says of each of them.
    """
    match release.strategy:
        case Strategy.ALL_AT_ONCE:
            times = 0
        case Strategy.CANARY:
            times = 1
        case Strategy.LINEAR | Strategy.ROLLING:
            size = part_size(release)
            times = _most_steps(release, instances, autoscaling) if size else 1
    termination = timedelta(0) if release.strategy is Strategy.ROLLING else release.termination_wait
    return times * release.wait_interval + termination, times


def _most_steps(release: Release, instances: Instances, autoscaling: Autoscaling | None) -> int:
    size = part_size(release)
    assert size is not None
    least, most = fleet_bounds(instances, autoscaling)
    # 10% of 19 instances can be 1 of them and take 19 steps, where 20 instances take 10: so every fleet is looked at.
    return max(step_bounds(size, count)[1] for count in range(least, most + 1))


@rule(
    "TG020",
    "The timeout is longer than all waits together",
    why="SageMaker ends an update that takes longer than `maximum_execution_timeout`, so one that waits as long "
    "as that can never end well. A linear update waits after each step and a rolling one after each batch. "
    "How many there are depends on how SageMaker rounds, and with autoscaling on the fleet that a release "
    "meets: the most that there can be are counted. Starting the instances takes time too, which `tidegate "
    "plan` reckons with.",
    source="botocore, in the text of BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds; SageMaker developer "
    "guide, Use linear traffic shifting: a bake for each step",
    right="Write a longer `maximum_execution_timeout`, up to 8h, or wait less, or in fewer steps.",
)
def shorter_than_its_waits(
    release: Release, instances: Instances, autoscaling: Autoscaling | None
) -> Iterator[Finding]:
    """Find a timeout that the waits use up; a part that cannot be is not counted with."""
    part, size = PARTS.get(release.strategy), part_size(release)
    if part and size and size.kind is CapacityType.CAPACITY_PERCENT and size.value < part.least_percent:
        return
    total, times = longest_waits(release, instances, autoscaling)
    if release.maximum_execution_timeout > total:
        return
    counted = f" with {times} waits of {format_duration(release.wait_interval)}" if times > 1 else ""
    more = (
        f"write more than that, up to {format_duration(limits.EXECUTION_TIMEOUT_MAX)}, or wait less"
        if total < limits.EXECUTION_TIMEOUT_MAX
        else f"wait less: SageMaker allows {format_duration(limits.EXECUTION_TIMEOUT_MAX)}"
    )
    yield Finding(
        ("release", "maximum_execution_timeout"),
        f"{format_duration(release.maximum_execution_timeout)} is not longer than the waits, "
        f"which add up to {format_duration(total)}{counted}",
        more,
    )


RULES = (shorter_than_its_waits,)
