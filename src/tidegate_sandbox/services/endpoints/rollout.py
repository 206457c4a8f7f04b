"""Drives endpoints from one state to the next: creation, guarded updates, deletion.

What an update does, and when, is `tidegate.guardrails`; here its fleets are started and stopped, its shares of the
traffic made so, and the alarms it looks at are read.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tidegate import guardrails
from tidegate.guardrails import Guardrails, Phase, Rollout
from tidegate_sandbox import context, credentials
from tidegate_sandbox.clock import jumped
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.endpoints.endpoint import Endpoint, endpoints
from tidegate_sandbox.services.endpoints.fleets import Fleet, FleetError
from tidegate_sandbox.services.endpoints.records import Plan, Variant
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import going_on

_log = logging.getLogger(__name__)

_LOOK_EVERY = 15.0
"""Seconds of the sandbox's time between two looks at the rollback alarms; alarms themselves change once a minute."""

_DRAIN = 60.0
"""Seconds of the wall that a request may take at most (InvokeEndpoint's limit), so that no longer is waited for."""

_Shares = tuple[tuple[Fleet, float], ...]


def create(endpoint: Endpoint, plan: Plan) -> None:
    """Bring a new endpoint into service, or to Failed."""
    if endpoint.status != "Creating":
        return
    if not going_on():
        endpoint.emit_state()
    fleet = Fleet(endpoint.name, plan)
    try:
        with credentials.acting_as(plan.role, "sagemaker", endpoint.name):
            fleet.start()
    except Exception as error:
        _unexpected(error)
        endpoint.settle("Failed", str(error))
        return
    with changing():
        with endpoint.lock:
            endpoint.fleet = fleet
        endpoint.router.shift((fleet, 1.0))
        endpoint.settle("InService")


def update(endpoint: Endpoint, plan: Plan, asked: Guardrails) -> None:
    """Take an endpoint whose update was begun to the fleet that `plan` asks for, or back to what it has.

    One that a sandbox before this one began goes on from the rollout as it stood: its bake, its share of the traffic.
    """
    if endpoint.status != "Updating":
        return
    if going_on():
        revive(endpoint)
    blue = endpoint.serving
    try:
        with credentials.acting_as(plan.role, "sagemaker", endpoint.name):
            _update(endpoint, plan, asked, blue)
    except Exception as error:
        # The sandbox's own failure: what serves the endpoint serves on, and nothing is left in the midst of an update.
        _log.exception("the update of the endpoint %s failed", endpoint.name)
        other = endpoint.next_fleet
        endpoint.router.shift(*endpoint.serving)
        if other is not None and other not in _fleets(endpoint.serving):
            other.stop()
        endpoint.settle("InService", f"the local simulation failed: {error!r}")


def _update(endpoint: Endpoint, plan: Plan, asked: Guardrails, blue: _Shares) -> None:
    if endpoint.promoted:  # and so far the sandbox before this one had come
        return endpoint.settle("InService")
    green, rollout = endpoint.next_fleet, endpoint.rollout
    if green is None or rollout is None:
        green, rollout = _begin(endpoint, plan, asked)
    rollout = _follow(endpoint, rollout, blue, green)
    if rollout.phase is Phase.ROLLBACK_FAILED:
        with endpoint.lock:
            endpoint.stuck = (green, rollout.green_share)
        return endpoint.settle("UpdateRollbackFailed", rollout.reason)
    losers = [green]
    if rollout.phase is Phase.PROMOTED:
        with endpoint.lock:
            endpoint.fleet, endpoint.stuck, endpoint.config = green, None, plan.config
            endpoint.promoted = True
        losers = _fleets(blue)
    for loser in losers:
        endpoint.router.drain(loser, _DRAIN)
        loser.stop()
    return endpoint.settle("UpdateRollbackFailed" if endpoint.stuck else "InService", rollout.reason)


def _begin(endpoint: Endpoint, plan: Plan, asked: Guardrails) -> tuple[Fleet, Rollout]:
    green, clock = Fleet(endpoint.name, plan), context.sandbox().clock
    with endpoint.lock:
        endpoint.next_fleet = green
    try:
        green.pull()  # making an image's stand-in takes as long as it takes; the update's time limit starts after it
        return green, guardrails.start(asked, plan.instance_count, clock.now())
    except Exception as error:
        _unexpected(error)
        rollout = guardrails.start(asked, plan.instance_count, clock.now())
        return green, guardrails.fleet_failed(rollout, clock.now(), str(error))


def revive(endpoint: Endpoint) -> None:
    """Start the fleets that an endpoint had in the sandbox before this one; one that cannot be is logged."""
    rollout, green = endpoint.rollout, endpoint.next_fleet
    fleets = _fleets(endpoint.serving)
    if green is not None and rollout is not None and rollout.green_instances and green not in fleets:
        fleets.append(green)
    for fleet in fleets:
        if not fleet.started:
            try:
                with credentials.acting_as(fleet.plan.role, "sagemaker", endpoint.name):
                    fleet.start(again=True)
            except Exception:
                _log.exception("a fleet of the endpoint %s could not be started again", endpoint.name)


def _follow(endpoint: Endpoint, rollout: Rollout, blue: _Shares, green: Fleet) -> Rollout:
    """Let the update run to its end. Its waits last as long as they are to, though the clock be set meanwhile."""
    clock = context.sandbox().clock
    alarms = _Alarms(rollout.guardrails.alarms)
    as_set = jumped(clock)
    _make_so(endpoint, rollout, blue, green)
    while not rollout.finished:
        if rollout.awaits_instances:
            report = _make_instances(rollout, blue, green)
        else:
            now = clock.now()
            look_again = now + timedelta(seconds=_LOOK_EVERY)
            until = min(look_again, rollout.next_deadline or look_again)
            clock.sleep((until - now).total_seconds())
            report = partial(_look, alarms)
        now = clock.now()
        if by := jumped(clock) - as_set:
            as_set += by
            rollout = _set_on(rollout, by)
            with endpoint.lock:
                endpoint.rollout = rollout
        before, rollout = rollout, report(rollout, now)
        if rollout is not before:
            _make_so(endpoint, rollout, blue, green)
    return rollout


def _look(alarms: "_Alarms", rollout: Rollout, now: datetime) -> Rollout:
    return guardrails.advance(rollout, now, alarms.firing())


def _set_on(rollout: Rollout, by: timedelta) -> Rollout:
    """Return `rollout` by a clock that was set `by` so much: what has passed of its wait and of its limit stays so."""
    due = rollout.next_deadline
    return replace(
        rollout,
        started_at=rollout.started_at + by,
        since=rollout.since + by,
        next_deadline=None if due is None else due + by,
    )


def _make_instances(rollout: Rollout, blue: _Shares, green: Fleet) -> Callable[[Rollout, datetime], Rollout]:
    """Make the instances that the rollout awaits; return how that went, which is to be reported to it."""
    back = rollout.phase is Phase.ROLLING_BACK
    try:
        if back:
            for fleet in _fleets(blue):
                fleet.grow()
        elif rollout.green_instances:
            green.grow()
        else:
            green.start()
    except Exception as error:
        _unexpected(error)
        failed = guardrails.rollback_failed if back else guardrails.fleet_failed
        return partial(failed, reason=str(error))
    return guardrails.fleet_ready


def _make_so(endpoint: Endpoint, rollout: Rollout, blue: _Shares, green: Fleet) -> None:
    """Share the traffic as the rollout says, and let the world know of it."""
    old = [(fleet, share * rollout.blue_share) for fleet, share in blue]
    with endpoint.lock:
        endpoint.router.shift(*old, (green, rollout.green_share))
        endpoint.rollout = rollout
    endpoint.emit_deployment_state()


def _fleets(shares: _Shares) -> list[Fleet]:
    return [fleet for fleet, _ in shares]


class _Alarms:
    """The rollback alarms, as CloudWatch knows them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._cloudwatch: Any = context.scope().client("cloudwatch") if names else None

    def firing(self) -> list[str]:
        """Return the names of those in ALARM. What cannot be read is not known to fire."""
        if not self._names:
            return []
        try:
            return [
                alarm["AlarmName"]
                for kind in _alarms(self._cloudwatch, self._names).values()
                for alarm in kind
                if alarm["StateValue"] == "ALARM"
            ]
        except Exception:
            _log.exception("the rollback alarms could not be read")
            return []


def missing_alarms(names: Sequence[str]) -> list[str]:
    """Return those of `names` that CloudWatch has no alarm of, in the scope that is being served."""
    if not names:
        return []
    found = _alarms(context.scope().client("cloudwatch"), list(names))
    known = {alarm["AlarmName"] for kind in found.values() for alarm in kind}
    return [name for name in names if name not in known]


def _alarms(cloudwatch: Any, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    answer = cloudwatch.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return {kind: answer.get(kind, []) for kind in ("MetricAlarms", "CompositeAlarms")}


def reweigh(endpoint: Endpoint, asked: Mapping[str, Mapping[str, Any]]) -> None:
    """Give the variants of an endpoint, whose update was begun, the weights and instance counts `asked` for by name.

    Where instances that are to come cannot be made, the endpoint goes back to what it was.
    """
    if endpoint.status not in ("Updating", "RollingBack"):
        return
    if going_on():
        revive(endpoint)

    def changed(variant: Variant) -> Variant:
        given = asked.get(variant.name, {})
        return replace(
            variant,
            weight=float(given.get("DesiredWeight", variant.weight)),
            instance_count=given.get("DesiredInstanceCount", variant.instance_count),
        )

    fleets, reason = _fleets(endpoint.serving), None
    try:
        for fleet in fleets:
            with credentials.acting_as(fleet.plan.role, "sagemaker", endpoint.name):
                fleet.grow([each.name for each in fleet.plan.every_variant if _grows(each, changed(each))])
    except Exception as error:
        _unexpected(error)
        reason = str(error)
        endpoint.roll_back()
    else:
        for fleet in fleets:
            endpoint.router.change(fleet, fleet.plan.changed(changed))
    endpoint.settle("UpdateRollbackFailed" if endpoint.stuck else "InService", reason)


def _grows(before: Variant, after: Variant) -> bool:
    return after.instance_count > before.instance_count


def delete(endpoint: Endpoint) -> None:
    """Take an endpoint whose deletion was begun out of service, after the requests in flight."""
    if endpoint.status != "Deleting":
        return
    endpoint.router.shift()
    for fleet in _fleets(endpoint.serving):
        endpoint.router.drain(fleet, _DRAIN)
        fleet.stop()
    endpoint.capturer.flush()
    with changing():
        tags.drop(endpoint.arn)
        endpoints.here().pop(endpoint.name, None)
        endpoint.settle("Deleted")


def _unexpected(error: Exception) -> None:
    """Log what is not a fleet's own failure: it is the sandbox's, and the endpoint says so all the same."""
    if not isinstance(error, FleetError):
        _log.exception("an endpoint's fleet could not be started")
