"""The endpoint state machine: what SageMaker's deployment guardrails do, as pure functions over the time.

Whoever drives an endpoint has as many instances of either fleet as `blue_provisioned` and `green_provisioned` say,
reports how making them went (`fleet_ready`, `fleet_failed`, `rollback_failed`), gives the fleets the shares of traffic
that the rollout says, and calls `advance` at `next_deadline` at the latest, with the alarms that are in ALARM. Between
two deadlines, with no alarm in ALARM, there is nothing to call. It removes the losing fleet once `finished`.

What is documented (developer guide, deployment guardrails): alarms are active during the baking periods; any alarm
takes all traffic back to the blue fleet, in a rolling update in batches of a size that is asked for; a rolling update
creates, shifts, bakes and cleans up batch by batch; the termination wait is reported as a bake on full capacity; where
a rolling update and its rollback both fail, a mix of both fleets serves.
What is not verified, and chosen so that a bad release is not let through: an alarm that is already in ALARM when the
first bake begins rolls back; a bake of no length looks at the alarms once; an alarm seen late, after a bake should
have ended, still counts; an update that runs out of time is rolled back; new instances keep their traffic until the
old ones that a batch back needs are healthy; batches back follow each other without a bake.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tidegate.guardrails.strategy import Canary, Guardrails, Linear, Rolling, Shift, rollback_batch, shifts


class Phase(StrEnum):
    """Where an update stands."""

    CREATING = "CREATING"
    BAKING = "BAKING"
    TERMINATION_WAIT = "TERMINATION_WAIT"
    PROMOTED = "PROMOTED"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


WATCHED = frozenset({Phase.BAKING, Phase.TERMINATION_WAIT})
"""The phases in which the alarms are looked at."""

FINAL = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.ROLLBACK_FAILED})
"""The phases that no update leaves."""

_TIMELESS = FINAL | {Phase.ROLLING_BACK}

# Words of botocore's VariantStatus. A finished rollout is Deleting for as long as its driver removes the losing fleet.
_VARIANT_STATUS = {
    Phase.CREATING: "Creating",
    Phase.BAKING: "Baking",
    Phase.TERMINATION_WAIT: "Baking",
    Phase.PROMOTED: "Deleting",
    Phase.ROLLING_BACK: "ActivatingTraffic",
    Phase.ROLLED_BACK: "Deleting",
    Phase.ROLLBACK_FAILED: "ActivatingTraffic",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of the history: from `at` on, the update was in `phase` with `green_share` of the traffic moved."""

    at: datetime
    phase: Phase
    green_share: float


@dataclass(frozen=True, slots=True)
class Rollout:
    """One update of an endpoint, as far as it has come. Make one with `start`.

    `green_instances` of `instance_count` take traffic on the new fleet, the others on the old one. Of either fleet as
    many instances are to exist as `blue_provisioned` and `green_provisioned` say; of the losing fleet of a finished
    update, those that are still to be removed. `next_deadline` is when the next change is due by time alone, None if
    none is. `step` is the index in `steps` of the shift that was made last, -1 before the first.
    """

    guardrails: Guardrails
    instance_count: int
    steps: tuple[Shift, ...]
    started_at: datetime
    phase: Phase
    since: datetime
    step: int
    green_instances: int
    blue_provisioned: int
    green_provisioned: int
    next_deadline: datetime | None
    reason: str | None
    history: tuple[Moment, ...]

    @property
    def finished(self) -> bool:
        """Whether the update has come to its end, whichever."""
        return self.phase in FINAL

    @property
    def awaits_instances(self) -> bool:
        """Whether the driver is to make instances and report: green ones while CREATING, blue while ROLLING_BACK."""
        return self.phase is Phase.CREATING or self.phase is Phase.ROLLING_BACK

    @property
    def shift(self) -> Shift | None:
        """The step of traffic that is in force, None while and after the old fleet takes all of it back."""
        return self.steps[self.step] if self.step >= 0 else None

    @property
    def blue_instances(self) -> int:
        """The instances of the old fleet that take traffic."""
        return self.instance_count - self.green_instances

    @property
    def green_share(self) -> float:
        """The new fleet's share of the requests, 0 to 1, by instance."""
        return self.green_instances / self.instance_count

    @property
    def blue_share(self) -> float:
        """The old fleet's share of the requests, 0 to 1, by instance."""
        return self.blue_instances / self.instance_count

    @property
    def variant_status(self) -> str:
        """The production variant's status, in the words of SageMaker's `VariantStatus`."""
        return _VARIANT_STATUS[self.phase]

    @property
    def status_message(self) -> str:
        """What DescribeEndpoint's `StatusMessage` says beside the status, in the form that SageMaker's events show.

        The guide has such messages for `canary capacity` and `full capacity` only; others say `capacity`.
        """
        match self.phase:
            case Phase.BAKING | Phase.TERMINATION_WAIT:
                wait = "TerminationWaitInSeconds" if self.phase is Phase.TERMINATION_WAIT else "WaitIntervalInSeconds"
                on = self._capacity(self.green_instances)
                return f"Baking for {self.steps[self.step].bake} seconds ({wait}) with traffic enabled on {on}."
            case Phase.CREATING:
                return f"Launching {self.green_provisioned - self.green_instances} instance(s)."
            case Phase.ROLLING_BACK | Phase.ROLLBACK_FAILED:
                return f"Activating traffic on {self._capacity(self.blue_provisioned)}."
            case Phase.PROMOTED:
                return f"Terminating {self.blue_provisioned} instance(s)."
            case Phase.ROLLED_BACK:
                return f"Terminating {self.green_provisioned} instance(s)."

    def _capacity(self, instances: int) -> str:
        if instances == self.instance_count:
            return f"full capacity of {instances} instance(s)"
        canary = isinstance(self.guardrails.strategy, Canary)
        return f"{'canary ' if canary else ''}capacity of {instances} instance(s)"

    @property
    def times_out_at(self) -> datetime | None:
        """When `maximum_execution_timeout` takes the update back, None where there is no limit."""
        limit = self.guardrails.maximum_execution_timeout
        return None if limit is None else self.started_at + timedelta(seconds=limit)

    @property
    def bakes_until(self) -> datetime | None:
        """When the bake in force ends, None outside a bake."""
        return self.since + timedelta(seconds=self.steps[self.step].bake) if self.phase in WATCHED else None


def start(guardrails: Guardrails, instance_count: int, now: datetime) -> Rollout:
    """Begin an update at `now`: the first green instances of a fleet of `instance_count` are being created.

    Raises GuardrailsError where the fleet is too small for the strategy.
    """
    steps = shifts(guardrails, instance_count)
    blank = Rollout(
        guardrails=guardrails,
        instance_count=instance_count,
        steps=steps,
        started_at=now,
        phase=Phase.CREATING,
        since=now,
        step=-1,
        green_instances=0,
        blue_provisioned=instance_count,
        green_provisioned=steps[0].green_provisioned,
        next_deadline=None,
        reason=None,
        history=(),
    )
    return _enter(blank, Phase.CREATING, now)


def fleet_ready(rollout: Rollout, now: datetime) -> Rollout:
    """Report that every instance that was asked for passes its health checks: its traffic is turned on.

    While CREATING these are green instances, while ROLLING_BACK blue ones. Instances that are ready only after the
    timeout are too late. Reported where no instances are awaited, it changes nothing.
    """
    awaiting = rollout.phase
    rollout = advance(rollout, now, ())
    at = max(now, rollout.since)
    if rollout.phase is not awaiting:
        return rollout
    if awaiting is Phase.CREATING:
        return _take_step(rollout, at)
    if awaiting is Phase.ROLLING_BACK:
        return _give_back(rollout, at)
    return rollout


def fleet_failed(rollout: Rollout, now: datetime, reason: str) -> Rollout:
    """Report that green instances could not be created, or have died: all traffic belongs to the blue fleet."""
    rollout = advance(rollout, now, ())
    return rollout if rollout.phase in _TIMELESS else _roll_back(rollout, max(now, rollout.since), reason)


def rollback_failed(rollout: Rollout, now: datetime, reason: str) -> Rollout:
    """Report that the blue instances that a rollback asked for could not be made: both fleets serve on as they do.

    This is SageMaker's `UpdateRollbackFailed`, which only a rolling update can come to (botocore, EndpointStatus). In
    any other phase nothing changes.
    """
    if rollout.phase is not Phase.ROLLING_BACK:
        return rollout
    stuck = replace(
        rollout,
        blue_provisioned=rollout.blue_instances,
        reason=f"{rollout.reason}; the rollback failed: {reason}",
    )
    return _enter(stuck, Phase.ROLLBACK_FAILED, max(now, rollout.since))


def advance(rollout: Rollout, now: datetime, firing: Collection[str]) -> Rollout:
    """Let the time run to `now`, at which the alarms named in `firing` are in ALARM.

    Alarms are looked at before the time is let run, so one that fires at the end of a bake, or is seen only after it,
    still takes the traffic back. Alarms that the guardrails do not name are ignored. While nothing fires, one call and
    many small ones lead to the same rollout. A `now` in the past changes nothing but what the alarms say.
    """
    if firing and rollout.phase in WATCHED:
        tripped = [name for name in rollout.guardrails.alarms if name in firing]
        if tripped:
            return _roll_back(rollout, max(now, rollout.since), _why(rollout, tripped))
    while (due := rollout.next_deadline) is not None and due <= now:
        if due == rollout.bakes_until:
            rollout = _pass_bake(rollout, due)
        else:
            limit = rollout.guardrails.maximum_execution_timeout
            rollout = _roll_back(rollout, due, f"the update was not complete within {limit} s")
    return rollout


def _why(rollout: Rollout, tripped: list[str]) -> str:
    alarms = f"alarm {tripped[0]} was" if len(tripped) == 1 else f"alarms {', '.join(tripped)} were"
    of = f"{rollout.step + 1} of {len(rollout.steps)}"
    match rollout.guardrails.strategy:
        case _ if rollout.phase is Phase.TERMINATION_WAIT:
            baking = "the termination wait"
        case Linear():
            baking = f"the bake of step {of}"
        case Rolling():
            baking = f"the bake of batch {of}"
        case _:
            baking = "the canary's bake"
    return f"{alarms} in ALARM during {baking}"


def _pass_bake(rollout: Rollout, at: datetime) -> Rollout:
    if rollout.step == len(rollout.steps) - 1:
        return _enter(rollout, Phase.PROMOTED, at)
    if not isinstance(rollout.guardrails.strategy, Rolling):
        return _take_step(rollout, at)
    return _enter(
        rollout,
        Phase.CREATING,
        at,
        blue_provisioned=rollout.blue_instances,
        green_provisioned=rollout.steps[rollout.step + 1].green_provisioned,
    )


def _take_step(rollout: Rollout, at: datetime) -> Rollout:
    step = rollout.step + 1
    shift = rollout.steps[step]
    last = step == len(rollout.steps) - 1 and not isinstance(rollout.guardrails.strategy, Rolling)
    return _enter(
        rollout,
        Phase.TERMINATION_WAIT if last else Phase.BAKING,
        at,
        step=step,
        green_instances=shift.green_instances,
        blue_provisioned=shift.blue_provisioned,
        green_provisioned=shift.green_provisioned,
    )


def _roll_back(rollout: Rollout, at: datetime, reason: str) -> Rollout:
    unborn = rollout.phase is Phase.CREATING and rollout.green_instances > 0
    green = rollout.green_instances if unborn else rollout.green_provisioned
    back = replace(rollout, reason=reason, step=-1, green_provisioned=green)
    if not back.green_instances:
        back = _enter(back, Phase.ROLLING_BACK, at)
    return _give_back(back, at)


def _give_back(rollout: Rollout, at: datetime) -> Rollout:
    """Move the traffic back batch by batch, as far as there are old instances to take it; ask for those missing.

    The old instances of a batch in its bake are all still there, so that its traffic returns without waiting.
    """
    while rollout.green_instances:
        left = _left(rollout)
        needed = rollout.instance_count - left
        if needed > rollout.blue_provisioned:
            return _enter(rollout, Phase.ROLLING_BACK, at, blue_provisioned=needed)
        remaining = {"green_provisioned": left} if left else {}
        rollout = _enter(rollout, Phase.ROLLING_BACK, at, green_instances=left, **remaining)
    return _enter(rollout, Phase.ROLLED_BACK, at)


def _left(rollout: Rollout) -> int:
    """Return how many green instances take traffic after the next batch back."""
    return max(0, rollout.green_instances - rollback_batch(rollout.guardrails, rollout.instance_count))


def _enter(rollout: Rollout, phase: Phase, at: datetime, **changes: Any) -> Rollout:
    step = changes.get("step", rollout.step)
    deadline = None
    if phase not in _TIMELESS:
        deadline = rollout.times_out_at
        if phase in WATCHED:
            baked = at + timedelta(seconds=rollout.steps[step].bake)
            deadline = baked if deadline is None else min(baked, deadline)
    green = changes.get("green_instances", rollout.green_instances)
    moment = Moment(at, phase, green / rollout.instance_count)
    history = (*rollout.history, moment)
    return replace(rollout, phase=phase, since=at, next_deadline=deadline, history=history, **changes)
