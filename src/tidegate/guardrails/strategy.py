"""Strategies and their steps as values: what an update is asked to do, and what that means for a fleet.

Sources: botocore's model of `DeploymentConfig`, and the SageMaker developer guide, pages "Use all at once traffic
shifting", "Use canary traffic shifting", "Use linear traffic shifting", "Use rolling deployments" and "Events that
Amazon SageMaker AI sends to Amazon EventBridge".
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from tidegate.errors import TidegateError
from tidegate.stage import CapacityType, Release, Size, limits
from tidegate.stage import Strategy as StrategyName
from tidegate.stage.steps import PERCENTAGES, allowed_instances, instance_bounds, instances_of, moved, step_bounds


class GuardrailsError(TidegateError):
    """Guardrails that SageMaker would refuse, or that cannot work on the fleet at hand."""


@dataclass(frozen=True, slots=True)
class AllAtOnce:
    """All traffic moves in one step, which then bakes for the termination wait.

    `wait_interval` is sent as it is, and bakes nothing: it is the time "between incremental steps" (botocore), of which
    there are none. Should SageMaker bake for it after all, a release is only watched longer than told.
    """

    wait_interval: int = 0


@dataclass(frozen=True, slots=True)
class Canary:
    """A small part of the traffic moves first and bakes for `wait_interval` seconds, then the rest moves."""

    size: Size
    wait_interval: int


@dataclass(frozen=True, slots=True)
class Linear:
    """The traffic moves in equal steps, each of which bakes for `wait_interval` seconds."""

    step_size: Size
    wait_interval: int


@dataclass(frozen=True, slots=True)
class Rolling:
    """The fleet is replaced in batches, each of which bakes for `wait_interval` seconds before old instances go.

    A batch of new instances is provisioned, takes traffic and bakes; then as many old instances are terminated, and
    the next batch follows. A rollback goes the same way back in batches of `rollback_maximum_batch_size`; without one,
    or with all of the fleet, the whole old fleet is brought up and takes all traffic back at once (developer guide,
    "Use rolling deployments"). There is no termination wait.
    """

    maximum_batch_size: Size
    wait_interval: int
    rollback_maximum_batch_size: Size | None = None


Strategy = AllAtOnce | Canary | Linear | Rolling


@dataclass(frozen=True, slots=True)
class Guardrails:
    """How an endpoint moves from its old fleet (blue) to the new one (green), and what takes it back.

    Times are in seconds. Without `maximum_execution_timeout` the update has no limit of its own. Without `alarms` a
    bake only waits: SageMaker rolls back on alarms alone. `termination_wait` is 0 where the strategy is rolling.
    """

    strategy: Strategy = AllAtOnce()
    termination_wait: int = 0
    maximum_execution_timeout: int | None = None
    alarms: tuple[str, ...] = ()

    @property
    def ask_for_nothing(self) -> bool:
        """Whether they are what SageMaker does unasked, with no bake and no way back, if within a time."""
        return replace(self, maximum_execution_timeout=None) == Guardrails()


@dataclass(frozen=True, slots=True)
class Shift:
    """One step of traffic: so many green instances take traffic, then `bake` seconds pass under the alarms.

    `green_bounds` are the fewest and the most green instances that the step can mean, by how SageMaker may round.
    `blue_provisioned` and `green_provisioned` are the instances that exist, and cost, while the step bakes; traffic is
    taken by `instance_count` of them.
    """

    green_instances: int
    instance_count: int
    bake: int
    green_bounds: tuple[int, int]
    blue_provisioned: int
    green_provisioned: int

    @property
    def blue_instances(self) -> int:
        """The instances of the old fleet that take traffic."""
        return self.instance_count - self.green_instances

    @property
    def green_share(self) -> float:
        """The new fleet's share of requests, 0 to 1: traffic follows instances."""
        return self.green_instances / self.instance_count

    @property
    def green_share_bounds(self) -> tuple[float, float]:
        """The least and the most that the new fleet's share can be, by how SageMaker may round."""
        least, most = self.green_bounds
        return least / self.instance_count, most / self.instance_count


def shifts(guardrails: Guardrails, instance_count: int) -> tuple[Shift, ...]:
    """Return the steps of traffic for a fleet of `instance_count` instances, the last one with all of them.

    Percentages are rounded down to instances, which makes the most steps; the last takes the rest.

    In a blue/green update the last step's bake is the termination wait: SageMaker reports it as `Baking for X seconds
    (TerminationWaitInSeconds) with traffic enabled on full capacity` (developer guide, endpoint deployment state
    change), so the alarms are watched there too. Whether the wait interval passes once more before it is not verified;
    the guide's own canary example, 600 s and 600 s within 1800 s, leaves no room for it. In a rolling update the last
    batch bakes as the others do.

    Raises GuardrailsError where the fleet is too small for the strategy, or the part outside what SageMaker allows.
    """
    if instance_count < 1:
        raise GuardrailsError(f"a fleet needs at least 1 instance, not {instance_count}")
    full = (instance_count, instance_count)
    whole = Shift(instance_count, instance_count, guardrails.termination_wait, full, *full)
    match guardrails.strategy:
        case AllAtOnce():
            return (whole,)
        case Canary(size, wait_interval):
            canary = _part("canary", size, instance_count, PERCENTAGES[StrategyName.CANARY])
            bounds = instance_bounds(size, instance_count)
            return Shift(canary, instance_count, wait_interval, bounds, *full), whole
        case Linear(size, wait_interval):
            step = _part("linear step", size, instance_count, PERCENTAGES[StrategyName.LINEAR])
            steps = moved(step, instance_count)
            between = tuple(
                Shift(green, instance_count, wait_interval, _bounds_after(size, index, instance_count), *full)
                for index, green in enumerate(steps[:-1], 1)
            )
            return *between, whole
        case Rolling(size, wait_interval):
            batch = _part("rolling batch", size, instance_count, PERCENTAGES[StrategyName.ROLLING])
            batches = moved(batch, instance_count)
            return tuple(
                Shift(
                    green,
                    instance_count,
                    wait_interval,
                    _bounds_after(size, index, instance_count),
                    blue_provisioned=instance_count - before,
                    green_provisioned=green,
                )
                for index, (before, green) in enumerate(zip((0, *batches), batches, strict=False), 1)
            )
        case _:
            assert_never(guardrails.strategy)


def _bounds_after(size: Size, steps: int, instance_count: int) -> tuple[int, int]:
    least, most = instance_bounds(size, instance_count)
    return min(steps * least, instance_count), min(steps * most, instance_count)


def _part(what: str, size: Size, instance_count: int, percentages: tuple[int, int]) -> int:
    least_percent, most_percent = percentages
    least, most = allowed_instances(least_percent, most_percent, instance_count)
    part = instances_of(size, instance_count)
    by_percent = size.kind is CapacityType.CAPACITY_PERCENT
    too_small = size.value < least_percent if by_percent else part < least
    too_large = part > most or (by_percent and size.value > most_percent)
    if not too_small and not too_large:
        return part
    allowed = f"{least_percent}% to {most_percent}%" if least_percent else f"at most {most_percent}%"
    if too_small:
        right = "make it larger"
    elif instance_count < limits.CANARY_MIN_INSTANCES:
        right = f"use at least {limits.CANARY_MIN_INSTANCES} instances"
    else:
        right = "make it smaller"
    raise GuardrailsError(
        f"a {what} of {size} is {part} of {instance_count} instances, and SageMaker allows {allowed}; {right}"
    )


def rollback_batch(guardrails: Guardrails, instance_count: int) -> int:
    """Return how many instances at a time a rollback takes back: all of them, unless a rolling update says less."""
    if isinstance(guardrails.strategy, Rolling) and guardrails.strategy.rollback_maximum_batch_size is not None:
        return min(instances_of(guardrails.strategy.rollback_maximum_batch_size, instance_count), instance_count)
    return instance_count


def waits(guardrails: Guardrails, instance_count: int) -> int:
    """Return the most seconds that an update without incident waits in all, beside creating and removing instances.

    A `maximum_execution_timeout` beyond it is enough whichever way SageMaker rounds, and for a linear update even if
    one more wait interval passes with all traffic moved ("the same process repeats until ... the green fleet is fully
    active and receiving all traffic", developer guide).
    """
    return _wait_bounds(guardrails, instance_count)[1]


def least_waits(guardrails: Guardrails, instance_count: int) -> int:
    """Return the fewest seconds that an update without incident waits: one that took less was not guarded so."""
    return _wait_bounds(guardrails, instance_count)[0]


def _wait_bounds(guardrails: Guardrails, instance_count: int) -> tuple[int, int]:
    at_the_end = guardrails.termination_wait
    match guardrails.strategy:
        case AllAtOnce():
            return at_the_end, at_the_end
        case Canary(_, wait_interval):
            return wait_interval + at_the_end, wait_interval + at_the_end
        case Linear(size, wait_interval):
            fewest, most = step_bounds(size, instance_count)
            return (fewest - 1) * wait_interval + at_the_end, most * wait_interval + at_the_end
        case Rolling(size, wait_interval):
            fewest, most = step_bounds(size, instance_count)
            return fewest * wait_interval, most * wait_interval
        case _:
            assert_never(guardrails.strategy)


def of_release(release: Release, alarms: Iterable[str]) -> Guardrails:
    """Return the guardrails that a stage file's `release` asks for, with the names of its rollback alarms.

    Raises GuardrailsError where a size is missing, and for a rolling update with a termination wait.
    """
    wait_interval = int(release.wait_interval.total_seconds())
    strategy: Strategy
    match release.strategy:
        case StrategyName.ALL_AT_ONCE:
            strategy = AllAtOnce(wait_interval)
        case StrategyName.CANARY:
            strategy = Canary(_given(release.canary_size, "canary_size", release), wait_interval)
        case StrategyName.LINEAR:
            strategy = Linear(_given(release.linear_step_size, "linear_step_size", release), wait_interval)
        case StrategyName.ROLLING:
            size = _given(release.maximum_batch_size, "maximum_batch_size", release)
            strategy = Rolling(size, wait_interval, release.rollback_maximum_batch_size)
            if release.termination_wait:
                raise GuardrailsError("a rolling update has no termination wait: its old instances go in batches")
        case _:
            assert_never(release.strategy)
    return Guardrails(
        strategy=strategy,
        termination_wait=int(release.termination_wait.total_seconds()),
        maximum_execution_timeout=int(release.maximum_execution_timeout.total_seconds()),
        alarms=tuple(alarms),
    )


def _given(size: Size | None, key: str, release: Release) -> Size:
    if size is None:
        raise GuardrailsError(f"the strategy {release.strategy} needs `{key}`")
    return size
