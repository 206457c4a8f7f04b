"""The endpoint state machine: what SageMaker's deployment guardrails do, as pure functions over the time.

Whoever drives a fleet creates the green instances and reports how that went (`fleet_ready`, `fleet_failed`), gives the
traffic the share that `Rollout.green_share` says, and calls `advance` at `next_deadline` at the latest, with the
alarms that are in ALARM. It removes the losing fleet once `finished`.

What is documented (developer guide, deployment guardrails): alarms are active during the baking periods, any alarm
takes all traffic back to the blue fleet, the termination wait is reported as a bake on full capacity.
What is not verified, and chosen so that a bad release is not let through: an alarm that is already in ALARM when the
first bake begins rolls back; a bake of no length looks at the alarms once; an alarm seen late, after a bake should
have ended, still counts; an update that runs out of time is rolled back.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.guardrails.strategy import Guardrails, Shift, shifts


class Phase(StrEnum):
    """Where an update stands."""

    CREATING = "CREATING"
    BAKING = "BAKING"
    TERMINATION_WAIT = "TERMINATION_WAIT"
    PROMOTED = "PROMOTED"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"


WATCHED = frozenset({Phase.BAKING, Phase.TERMINATION_WAIT})
"""The phases in which the alarms are looked at."""

FINAL = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK})
"""The phases that no update leaves."""

# Words of botocore's VariantStatus. A finished rollout is Deleting for as long as its driver removes the losing fleet.
_VARIANT_STATUS = {
    Phase.CREATING: "Creating",
    Phase.BAKING: "Baking",
    Phase.TERMINATION_WAIT: "Baking",
    Phase.PROMOTED: "Deleting",
    Phase.ROLLING_BACK: "ActivatingTraffic",
    Phase.ROLLED_BACK: "Deleting",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of the history: from `at` on, the update was in `phase` with `green_share` of the traffic moved."""

    at: datetime
    phase: Phase
    green_share: float


@dataclass(frozen=True, slots=True)
class Rollout:
    """One update of an endpoint, as far as it has come. Make one with `start`."""

    guardrails: Guardrails
    instance_count: int
    started_at: datetime
    phase: Phase
    since: datetime
    step: int
    reason: str | None
    history: tuple[Moment, ...]

    @property
    def finished(self) -> bool:
        """Whether the update has come to its end, either way."""
        return self.phase in FINAL

    @property
    def shift(self) -> Shift | None:
        """The step of traffic that is in force, None while the old fleet takes all of it."""
        return shifts(self.guardrails, self.instance_count)[self.step] if self.step >= 0 else None

    @property
    def green_instances(self) -> int:
        """The instances of the new fleet that take traffic."""
        return self.shift.green_instances if self.shift else 0

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
        """What DescribeEndpoint's `StatusMessage` says beside the status, in the form that SageMaker's events show."""
        match self.phase, self.shift:
            case Phase.BAKING, Shift(green, _, bake):
                on = f"canary capacity of {green} instance(s)"
                return f"Baking for {bake} seconds (WaitIntervalInSeconds) with traffic enabled on {on}."
            case Phase.TERMINATION_WAIT, Shift(green, _, bake):
                on = f"full capacity of {green} instance(s)"
                return f"Baking for {bake} seconds (TerminationWaitInSeconds) with traffic enabled on {on}."
            case Phase.CREATING, _:
                return f"Launching {self.instance_count} instance(s)."
            case Phase.ROLLING_BACK, _:
                return f"Activating traffic on full capacity of {self.instance_count} instance(s)."
            case _:
                return f"Terminating {self.instance_count} instance(s)."

    @property
    def times_out_at(self) -> datetime | None:
        """When `maximum_execution_timeout` takes the update back, None where there is no limit."""
        limit = self.guardrails.maximum_execution_timeout
        return None if limit is None else self.started_at + timedelta(seconds=limit)

    @property
    def bakes_until(self) -> datetime | None:
        """When the bake in force ends, None outside a bake."""
        if self.phase not in WATCHED or self.shift is None:
            return None
        return self.since + timedelta(seconds=self.shift.bake)

    @property
    def next_deadline(self) -> datetime | None:
        """When the next change is due by time alone; None if none is. Alarms need looking at in between."""
        if self.finished:
            return None
        return min((at for at in (self.bakes_until, self.times_out_at) if at is not None), default=None)


def start(guardrails: Guardrails, instance_count: int, now: datetime) -> Rollout:
    """Begin an update at `now`: the green fleet of `instance_count` instances is being created.

    Raises GuardrailsError where the fleet is too small for the strategy.
    """
    shifts(guardrails, instance_count)
    begun = Moment(now, Phase.CREATING, 0.0)
    return Rollout(guardrails, instance_count, now, Phase.CREATING, now, -1, None, (begun,))


def fleet_ready(rollout: Rollout, now: datetime) -> Rollout:
    """Report that every green instance passes its health checks: the first step of traffic begins.

    A fleet that is ready only after the timeout is too late. Reported again, it changes nothing.
    """
    rollout = advance(rollout, now, ())
    return _take_step(rollout, max(now, rollout.since)) if rollout.phase is Phase.CREATING else rollout


def fleet_failed(rollout: Rollout, now: datetime, reason: str) -> Rollout:
    """Report that the green fleet could not be created, or has died: all traffic belongs to the blue one."""
    rollout = advance(rollout, now, ())
    return rollout if rollout.finished else _roll_back(rollout, max(now, rollout.since), reason)


def advance(rollout: Rollout, now: datetime, firing: Collection[str]) -> Rollout:
    """Let the time run to `now`, at which the alarms named in `firing` are in ALARM.

    Alarms are looked at before the time is let run, so one that fires at the end of a bake, or is seen only after it,
    still takes the traffic back. Alarms that the guardrails do not name are ignored. While nothing fires, one call and
    many small ones lead to the same rollout. A `now` in the past changes nothing but what the alarms say.
    """
    tripped = [name for name in rollout.guardrails.alarms if name in firing]
    if tripped and rollout.phase in WATCHED:
        alarms = f"alarm {tripped[0]} was" if len(tripped) == 1 else f"alarms {', '.join(tripped)} were"
        baking = "the termination wait" if rollout.phase is Phase.TERMINATION_WAIT else "the canary's bake"
        return _roll_back(rollout, max(now, rollout.since), f"{alarms} in ALARM during {baking}")
    while (due := rollout.next_deadline) is not None and due <= now:
        if due == rollout.bakes_until:
            rollout = _pass_bake(rollout, due)
        else:
            limit = rollout.guardrails.maximum_execution_timeout
            rollout = _roll_back(rollout, due, f"the update was not complete within {limit} s")
    return rollout


def _pass_bake(rollout: Rollout, at: datetime) -> Rollout:
    if rollout.phase is Phase.TERMINATION_WAIT:
        return _enter(rollout, Phase.PROMOTED, at)
    return _take_step(rollout, at)


def _take_step(rollout: Rollout, at: datetime) -> Rollout:
    step = rollout.step + 1
    last = step == len(shifts(rollout.guardrails, rollout.instance_count)) - 1
    return _enter(replace(rollout, step=step), Phase.TERMINATION_WAIT if last else Phase.BAKING, at)


def _roll_back(rollout: Rollout, at: datetime, reason: str) -> Rollout:
    """Traffic returns in one step (developer guide: all of it), so rolling back takes no time on this clock."""
    rolling = _enter(replace(rollout, step=-1, reason=reason), Phase.ROLLING_BACK, at)
    return _enter(rolling, Phase.ROLLED_BACK, at)


def _enter(rollout: Rollout, phase: Phase, at: datetime) -> Rollout:
    entered = replace(rollout, phase=phase, since=at)
    return replace(entered, history=(*rollout.history, Moment(at, phase, entered.green_share)))
