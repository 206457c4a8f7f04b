"""What a change of an alarm's state sets off: an event, notices to SNS, and functions.

CloudWatch user guide, "Alarm events and EventBridge" and "Invoke a Lambda function from an alarm".
"""

import json
from datetime import UTC, datetime
from typing import Any

from tidegate_sandbox import context, hooks
from tidegate_sandbox.hooks import metrics as metric_hooks
from tidegate_sandbox.hooks.metrics import Alarm

SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
_OF_STATE = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_DONE = ("sns", "lambda", "autoscaling")
"""Services whose resources an alarm can act on here; scaling policies look at their alarms themselves."""

_told: context.Scoped[dict[str, dict[str, Any]]] = context.Scoped(dict)
"""The state that each alarm's last event told of."""


def refusal(parameters: Alarm) -> str | None:
    """Return why an alarm with these actions would not do what it is to do, None if it will."""
    for member in _OF_STATE.values():
        for action in parameters.get(member) or ():
            if _service(action) not in _DONE:
                return (
                    f"{member}: {action} is not in the local simulation, where alarms tell SNS topics, Lambda "
                    "functions and scaling policies"
                )
    return None


def _service(arn: str) -> str:
    parts = str(arn).split(":")
    return parts[2] if len(parts) > 5 and parts[0] == "arn" else ""


def changed_at(alarm: Alarm) -> int:
    """Return when the alarm came to its state, in epoch seconds."""
    return max(int(alarm.get(f"State{what}Timestamp") or 0) for what in ("Updated", "Transitioned"))


def tell(alarm: Alarm, before: str) -> dict[str, Any]:
    """Send `CloudWatch Alarm State Change`; return its detail."""
    name = alarm["AlarmName"]
    at = datetime.fromtimestamp(changed_at(alarm), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    state = {"value": alarm["StateValue"], "reason": alarm["StateReason"], "timestamp": at}
    if data := alarm.get("StateReasonData"):
        state["reasonData"] = data if isinstance(data, str) else json.dumps(data)
    if by := alarm.get("ActionsSuppressedBy"):
        state |= {"actionsSuppressedBy": by, "actionsSuppressedReason": alarm["ActionsSuppressedReason"]}
    last = _told.here().get(name)
    detail = {
        "alarmName": name,
        "state": state,
        "previousState": last if last and last["value"] == before else {"value": before},
        "configuration": _configuration(alarm),
    }
    _told.here()[name] = state
    hooks.emit_event("aws.cloudwatch", "CloudWatch Alarm State Change", detail, [alarm["AlarmArn"]])
    return detail


def act(alarm: Alarm, before: str, reason: str, detail: dict[str, Any]) -> None:
    """Do what the alarm has for the state that it is in; `detail` is that of its event."""
    state = alarm["StateValue"]
    metric_hooks.send_notices(alarm, before, state, reason)
    if not alarm.get("ActionsEnabled", True):
        return
    for action in alarm.get(_OF_STATE[state]) or ():
        if _service(action) == "lambda":
            # Not here and now: what serves the call may be what calls.
            hooks.run_in_background(_invoke, action, alarm["AlarmArn"], detail, name=f"alarm-{alarm['AlarmName']}")


def _invoke(function: str, alarm_arn: str, detail: dict[str, Any]) -> None:
    scope = context.scope()
    event = {
        "source": "aws.cloudwatch",
        "alarmArn": alarm_arn,
        "accountId": scope.account,
        "time": detail["state"]["timestamp"],
        "region": scope.region,
        "alarmData": detail,
    }
    scope.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode())


def _configuration(alarm: Alarm) -> dict[str, Any]:
    told: dict[str, Any] = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        told["alarmRule"] = alarm["AlarmRule"]
        return told | {name[0].lower() + name[1:]: alarm[name] for name in SUPPRESSION if name in alarm}
    queries = alarm.get("Metrics") or [_query_of(alarm)]
    return told | {"metrics": [_in_event(query) for query in queries]}


def _query_of(alarm: Alarm) -> dict[str, Any]:
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    return {"Id": "m1", "MetricStat": {"Metric": metric, "Period": alarm.get("Period"), "Stat": stat}}


def _in_event(query: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        return told | {"expression": query["Expression"], "label": query.get("Label", query["Id"])}
    stat = query["MetricStat"]
    metric = {
        "namespace": stat["Metric"]["Namespace"],
        "name": stat["Metric"]["MetricName"],
        "dimensions": {each["Name"]: each["Value"] for each in stat["Metric"].get("Dimensions") or ()},
    }
    return told | {"metricStat": {"metric": metric, "period": int(stat["Period"]), "stat": stat["Stat"]}}
