"""Evaluates the rules of a stage's conditions, each with the role that it acts with."""

from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from tidegate_sandbox import context
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.acting import acting
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError
from tidegate_sandbox.services.codepipeline.conditions import Checked, Rule, check, state_of_alarm
from tidegate_sandbox.services.codepipeline.execution import Execution

Wait = Callable[[Callable[[], bool], float], bool]
_MINUTE = 60.0


def check_all(rules: Sequence[Rule], execution: Execution, wait: Wait) -> list[Checked]:
    """Return what became of each rule; one that waits first does so on the sandbox's clock, by `wait`."""
    return [_checked(rule, execution, wait) for rule in rules]


def _checked(rule: Rule, execution: Execution, wait: Wait) -> Checked:
    if rule.provider == "VariableCheck":
        return check(rule, execution.variables)
    if minutes := int(rule.configuration.get("WaitTime", "0")):
        wait(lambda: execution.status != "InProgress", minutes * _MINUTE)
    try:
        with acting(execution, rule.role_arn):
            return state_of_alarm(rule, execution.variables, _state)
    except (ActionFailedError, AwsError) as error:
        return Checked(False, rule.configuration, str(error), "PermissionError")
    except ClientError as error:
        return Checked(False, rule.configuration, error.response["Error"]["Message"], "PermissionError")


def _state(alarm: str) -> str | None:
    kinds = ["MetricAlarm", "CompositeAlarm"]
    found = context.scope().client("cloudwatch").describe_alarms(AlarmNames=[alarm], AlarmTypes=kinds)
    return next((one["StateValue"] for kind in ("MetricAlarms", "CompositeAlarms") for one in found[kind]), None)
