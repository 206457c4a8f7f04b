"""Composite alarms: whose actions another alarm suppresses, and AWS::CloudWatch::CompositeAlarm.

CloudWatch user guide, "Create a composite alarm" and "Alarm suppression".
"""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

from botocore.exceptions import ClientError

from tidegate_sandbox import context, hooks
from tidegate_sandbox.hooks import metrics as metric_hooks
from tidegate_sandbox.hooks.metrics import Alarm
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services.alarms import actions
from tidegate_sandbox.services.alarms.actions import SUPPRESSION, changed_at
from tidegate_sandbox.services.properties import as_parameters
from tidegate_sandbox.state import changing

SuppressedBy = Literal["Alarm", "WaitPeriod", "ExtensionPeriod"]

_STATE = ("ActionsSuppressedBy", "ActionsSuppressedReason")
_being_put: context.Scoped[dict[str, Alarm]] = context.Scoped(dict)


def install() -> None:
    """Take part in what becomes of composite alarms, and send an event for each change of any alarm."""
    metric_hooks.replace_composite_alarms(_refusal, _put)
    metric_hooks.replace_alarm_actions(_changed)
    hooks.register_resource_type("AWS::CloudWatch::CompositeAlarm", CompositeAlarmResource())


def _refusal(given: Alarm) -> str | None:
    if refused := actions.refusal(given):
        return refused
    suppressor = given.get("ActionsSuppressor")
    if not suppressor:
        extra = [name for name in SUPPRESSION if given.get(name)]
        return f"{extra[0]} is given without ActionsSuppressor" if extra else None
    missing = [name for name in SUPPRESSION if given.get(name) is None]
    if missing:
        return f"{missing[0]} must be given with ActionsSuppressor"
    if metric_hooks.any_alarm(suppressor) is None:
        return f"Could not save the composite alarm as the actions suppressor {suppressor} does not exist"
    return None


def _put(given: Alarm, go_on: Callable[[], Any]) -> Any:
    name = given["AlarmName"]
    # Creating an alarm may change its state at once, and that is suppressed as any change is.
    before = metric_hooks.composite_alarm(name) or {}
    chosen = {one: given[one] for one in SUPPRESSION if given.get(one) is not None}
    chosen |= {one: int(chosen[one]) for one in SUPPRESSION[1:] if one in chosen}
    _being_put.here()[name] = chosen | ({one: before[one] for one in _STATE if one in before} if chosen else {})
    try:
        answer = go_on()
        alarm = metric_hooks.composite_alarm(name)
        if alarm is not None and alarm is not before:
            alarm.update(_being_put.here()[name] | alarm)
        return answer
    finally:
        del _being_put.here()[name]


def _changed(alarm: Alarm, before: str, _now: str, reason: str) -> None:
    if "AlarmRule" in alarm:
        alarm.update(_being_put.here().get(alarm["AlarmName"], {}))
        _suppress(alarm, _first(alarm))
    detail = actions.tell(alarm, before)
    if not alarm.get("ActionsSuppressedBy"):
        actions.act(alarm, before, reason, detail)


def _first(alarm: Alarm) -> SuppressedBy | None:
    """Return what suppresses the actions of a composite alarm that has just changed its state."""
    if not alarm.get("ActionsSuppressor"):
        return None
    if _suppressor_alarms(alarm):
        return "Alarm"
    if alarm.get("ActionsSuppressedBy") == "ExtensionPeriod":
        return "ExtensionPeriod"
    return "WaitPeriod" if alarm["ActionsSuppressorWaitPeriod"] else None


def _suppressor_alarms(alarm: Alarm) -> bool:
    suppressor = metric_hooks.any_alarm(alarm["ActionsSuppressor"])
    return suppressor is not None and suppressor["StateValue"] == "ALARM"


def _suppress(alarm: Alarm, by: SuppressedBy | None) -> None:
    for name in _STATE:
        alarm.pop(name, None)
    if by is not None:
        alarm.update(ActionsSuppressedBy=by, ActionsSuppressedReason=f"Actions suppressed by {by}")


def _until(alarm: Alarm) -> float:
    """Return when the suppression of an alarm ends by itself, in epoch seconds; infinity while an alarm suppresses."""
    by = alarm.get("ActionsSuppressedBy")
    if by == "WaitPeriod":
        return float(changed_at(alarm) + alarm["ActionsSuppressorWaitPeriod"])
    if by == "ExtensionPeriod":
        suppressor = metric_hooks.any_alarm(alarm["ActionsSuppressor"])
        return float(changed_at(suppressor) + alarm["ActionsSuppressorExtensionPeriod"]) if suppressor else 0.0
    return math.inf


def next_end(now: float) -> float:
    """Return when the next suppression ends by itself, in epoch seconds."""
    ends = [math.inf]
    for account, region, alarm in metric_hooks.composite_alarms():
        if alarm.get("ActionsSuppressedBy"):
            with hooks.acting_in(account, region):
                ends.append(max(now, _until(alarm)))
    return min(ends)


def end_suppressions(now: float) -> None:
    """Let each composite alarm act whose suppression is over, in the state that it is in now."""
    for account, region, alarm in metric_hooks.composite_alarms():
        if not alarm.get("ActionsSuppressedBy"):
            continue
        with hooks.acting_in(account, region), changing():
            try:
                _look_again(alarm, now)
            except Exception:  # one alarm must not end the evaluation of the others
                logging.getLogger(__name__).exception("the actions of the alarm %s", alarm["AlarmName"])


def _look_again(alarm: Alarm, now: float) -> None:
    by = alarm["ActionsSuppressedBy"]
    if _suppressor_alarms(alarm):
        if by != "Alarm":
            _suppress(alarm, "Alarm")
        return
    if by == "Alarm":
        _suppress(alarm, "ExtensionPeriod")
    if _until(alarm) <= now:
        state = alarm["StateValue"]
        _suppress(alarm, None)
        actions.act(alarm, state, alarm["StateReason"], actions.tell(alarm, state))


class CompositeAlarmResource:
    """AWS::CloudWatch::CompositeAlarm: Ref gives the name, GetAtt the Arn."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create the alarm."""
        name = properties.get("AlarmName") or hooks.physical_name(stack, logical_id, 255)
        given = as_parameters("cloudwatch", "PutCompositeAlarm", {**properties, "AlarmName": name})
        check_parameters("cloudwatch", "PutCompositeAlarm", given)
        with _told_as_reason():
            context.scope().client("cloudwatch").put_composite_alarm(**given)
        return name, {"Arn": context.scope().arn("cloudwatch", f"alarm:{name}")}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Change the alarm; another name means another alarm."""
        return self.create(logical_id, {**new, "AlarmName": new.get("AlarmName", physical_id)}, stack)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete the alarm."""
        with _told_as_reason():
            context.scope().client("cloudwatch").delete_alarms(AlarmNames=[physical_id])


@contextlib.contextmanager
def _told_as_reason() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise ValueError(error.response["Error"]["Message"]) from None
