"""What an update without incident does when: the same steps as the state machine's, laid out in advance."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tidegate.guardrails.rollout import WATCHED, Phase
from tidegate.guardrails.strategy import Guardrails, Rolling, Shift, shifts
from tidegate.stage.steps import instance_bounds


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of an update, in seconds from the moment at which the first green instances are healthy.

    `green_share` is the new fleet's part of the requests, 0 to 1, and `green_share_bounds` what it can be by either
    rounding. Instances are those that exist, whether they take traffic or not. `watched`: the alarms are looked at.
    """

    at: float
    until: float
    phase: Phase
    green_share: float
    green_share_bounds: tuple[float, float]
    blue_instances: int
    green_instances: int
    watched: bool


def timeline(guardrails: Guardrails, instance_count: int, *, provisioning: float = 0.0) -> tuple[Step, ...]:
    """Return the steps of an update that goes well; the last, of no length, is its promotion.

    `provisioning` is the time in seconds that a later batch of a rolling update takes to be healthy; where it is 0 the
    steps that only create instances are left out. A bake of no length is there: the alarms are looked at once.

    Raises GuardrailsError as `shifts` does.
    """
    return tuple(_steps(guardrails, shifts(guardrails, instance_count), provisioning))


def _steps(guardrails: Guardrails, planned: tuple[Shift, ...], provisioning: float) -> Iterator[Step]:
    rolling = isinstance(guardrails.strategy, Rolling)
    at = 0.0
    for before, shift in pairwise((None, *planned)):
        assert shift is not None
        if rolling and before is not None and provisioning > 0:
            blue, green = before.blue_instances, shift.green_provisioned
            yield _step(at, at + provisioning, Phase.CREATING, before, blue, green)
            at += provisioning
        last = shift is planned[-1]
        phase = Phase.TERMINATION_WAIT if last and not rolling else Phase.BAKING
        yield _step(at, at + shift.bake, phase, shift, shift.blue_provisioned, shift.green_provisioned)
        at += shift.bake
    yield _step(at, at, Phase.PROMOTED, planned[-1], 0, planned[-1].instance_count)


def _step(at: float, until: float, phase: Phase, shift: Shift, blue: int, green: int) -> Step:
    return Step(at, until, phase, shift.green_share, shift.green_share_bounds, blue, green, phase in WATCHED)


def peak_instances(guardrails: Guardrails, instance_count: int) -> tuple[int, int]:
    """Return the fewest and the most instances of both fleets together, at the height of an update that goes well."""
    if isinstance(guardrails.strategy, Rolling):
        least, most = instance_bounds(guardrails.strategy.maximum_batch_size, instance_count)
        return instance_count + least, instance_count + most
    return 2 * instance_count, 2 * instance_count


def rollback_peak_instances(guardrails: Guardrails, instance_count: int) -> int:
    """Return the most instances of both fleets together while an update rolls back, at the worst moment.

    A blue/green update has both fleets whole. A rolling one brings old instances back before new ones go, so it can
    need more than on its way forward: with the default, which restores the whole old fleet at once, two fleets.
    """
    if isinstance(guardrails.strategy, Rolling):
        size = guardrails.strategy.rollback_maximum_batch_size
        batch = instance_count if size is None else min(instance_bounds(size, instance_count)[1], instance_count)
        return max(instance_count + batch, peak_instances(guardrails, instance_count)[1])
    return 2 * instance_count
