"""Strategies and their steps as values: what a blue/green update is asked to do, and what that means for a fleet.

Sources: botocore's model of `DeploymentConfig`, and the SageMaker developer guide, pages "Use canary traffic
shifting", "Use all at once traffic shifting" and "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor

from tidegate.errors import TidegateError
from tidegate.stage import CapacityType, Release, Size, limits
from tidegate.stage import Strategy as StrategyName


class GuardrailsError(TidegateError):
    """Guardrails that SageMaker would refuse, or that cannot work on the fleet at hand."""


def instance_bounds(size: Size, instance_count: int) -> tuple[int, int]:
    """Return the fewest and the most instances that `size` can mean for a fleet of `instance_count`.

    How SageMaker rounds a percentage to instances is not verified, so both roundings are given. No part of a fleet is
    smaller than one instance.
    """
    if size.kind is CapacityType.INSTANCE_COUNT:
        return size.value, size.value
    exact = instance_count * size.value / 100
    return max(1, floor(exact)), max(1, ceil(exact))


def instances_of(size: Size, instance_count: int) -> int:
    """Return the instances that `size` takes of `instance_count`: no more than asked, but at least one."""
    return instance_bounds(size, instance_count)[0]


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


# Linear and rolling updates join this union as values of their own; `shifts` is where they say what they mean.
Strategy = AllAtOnce | Canary


@dataclass(frozen=True, slots=True)
class Guardrails:
    """How an endpoint moves from its old fleet (blue) to the new one (green), and what takes it back.

    Times are in seconds. Without `maximum_execution_timeout` the update has no limit of its own. Without `alarms` a
    bake only waits: SageMaker rolls back on alarms alone.
    """

    strategy: Strategy = AllAtOnce()
    termination_wait: int = 0
    maximum_execution_timeout: int | None = None
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """One step of traffic: so many green instances take traffic, then `bake` seconds pass under the alarms."""

    green_instances: int
    instance_count: int
    bake: int

    @property
    def green_share(self) -> float:
        """The new fleet's share of requests, 0 to 1: traffic follows instances."""
        return self.green_instances / self.instance_count


def shifts(guardrails: Guardrails, instance_count: int) -> tuple[Shift, ...]:
    """Return the steps of traffic for a fleet of `instance_count` instances, the last one with all of them.

    The last step's bake is the termination wait: SageMaker reports it as `Baking for X seconds
    (TerminationWaitInSeconds) with traffic enabled on full capacity` (developer guide, endpoint deployment state
    change), so the alarms are watched there too. Whether the wait interval passes once more before it is not verified;
    the guide's own canary example, 600 s and 600 s within 1800 s, leaves no room for it.

    Raises GuardrailsError where the fleet is too small for the strategy.
    """
    if instance_count < 1:
        raise GuardrailsError(f"a fleet needs at least 1 instance, not {instance_count}")
    whole = Shift(instance_count, instance_count, guardrails.termination_wait)
    match guardrails.strategy:
        case AllAtOnce():
            return (whole,)
        case Canary(size, wait_interval):
            canary = instances_of(size, instance_count)
            if canary * 100 > instance_count * limits.CANARY_MAX_PERCENT:
                too_few = instance_count < limits.CANARY_MIN_INSTANCES
                raise GuardrailsError(
                    f"a canary of {size} is {canary} of {instance_count} instances, and SageMaker allows at most "
                    f"{limits.CANARY_MAX_PERCENT}%; "
                    f"{f'use at least {limits.CANARY_MIN_INSTANCES} instances' if too_few else 'make it smaller'}"
                )
            return Shift(canary, instance_count, wait_interval), whole


def waits(guardrails: Guardrails) -> int:
    """Return the seconds that an update without incident waits in all, beside creating and removing fleets."""
    interval = guardrails.strategy.wait_interval if isinstance(guardrails.strategy, Canary) else 0
    return interval + guardrails.termination_wait


def of_release(release: Release, alarms: Iterable[str]) -> Guardrails:
    """Return the guardrails that a stage file's `release` asks for, with the names of its rollback alarms."""
    wait_interval = int(release.wait_interval.total_seconds())
    strategy: Strategy
    match release.strategy, release.canary_size:
        case StrategyName.ALL_AT_ONCE, None:
            strategy = AllAtOnce(wait_interval)
        case StrategyName.CANARY, Size() as size:
            strategy = Canary(size, wait_interval)
        case _:
            raise GuardrailsError(
                f"the strategy {release.strategy} does not go with `canary_size: {release.canary_size}`"
            )
    return Guardrails(
        strategy=strategy,
        termination_wait=int(release.termination_wait.total_seconds()),
        maximum_execution_timeout=int(release.maximum_execution_timeout.total_seconds()),
        alarms=tuple(alarms),
    )
