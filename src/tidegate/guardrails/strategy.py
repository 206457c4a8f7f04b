"""Strategies and their steps as values: what a blue/green update is asked to do, and what that means for a fleet.

Sources: botocore's model of `DeploymentConfig`, and the SageMaker developer guide, pages "Use canary traffic
shifting", "Use all at once traffic shifting" and "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor

LARGEST_CANARY = 0.5
"""Share of the instances that a canary may hold at most (botocore, `TrafficRoutingConfig.CanarySize`)."""


class GuardrailsError(ValueError):
    """Guardrails that SageMaker would refuse, or that cannot work on the fleet at hand. The message is a sentence."""


class CapacityType(StrEnum):
    """How a size is given, in the API's own words."""

    INSTANCE_COUNT = "INSTANCE_COUNT"
    CAPACITY_PERCENT = "CAPACITY_PERCENT"


@dataclass(frozen=True, slots=True)
class CapacitySize:
    """A part of a fleet: a number of instances, or per cent of them."""

    type: CapacityType
    value: int

    def bounds(self, instance_count: int) -> tuple[int, int]:
        """Return the fewest and the most instances this can mean for a fleet of `instance_count`.

        How SageMaker rounds a percentage to instances is not verified, so both roundings are given. No part of a
        fleet is smaller than one instance.
        """
        if self.type is CapacityType.INSTANCE_COUNT:
            return self.value, self.value
        exact = instance_count * self.value / 100
        return max(1, floor(exact)), max(1, ceil(exact))

    def instances(self, instance_count: int) -> int:
        """Return the instances taken of `instance_count`: rounded down, so never more than asked, but at least one."""
        return self.bounds(instance_count)[0]

    def __str__(self) -> str:
        return f"{self.value} %" if self.type is CapacityType.CAPACITY_PERCENT else f"{self.value} instances"


@dataclass(frozen=True, slots=True)
class AllAtOnce:
    """All traffic moves in one step, which then bakes for the termination wait."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A small part of the traffic moves first and bakes for `wait_interval` seconds, then the rest moves."""

    size: CapacitySize
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
            canary = size.instances(instance_count)
            if canary > LARGEST_CANARY * instance_count:
                raise GuardrailsError(
                    f"a canary of {size} is {canary} of {instance_count} instances, and SageMaker allows at most "
                    f"50 %: {'use at least 2 instances' if instance_count < 2 else 'make it smaller'}"
                )
            return Shift(canary, instance_count, wait_interval), whole


def waits(guardrails: Guardrails) -> int:
    """Return the seconds that an update without incident waits in all, beside creating and removing fleets."""
    interval = guardrails.strategy.wait_interval if isinstance(guardrails.strategy, Canary) else 0
    return interval + guardrails.termination_wait
