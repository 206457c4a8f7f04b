"""The conditions that a launch's optional answers become, and values that depend on them."""

from typing import Any

import aws_cdk as cdk

from service_catalog.project.parameters import EMAIL, ON_APPROVAL, ON_PUSH, ON_REJECTION, YES

STARTS = {ON_APPROVAL: "ReleasesOnApproval", ON_REJECTION: "ReleasesOnRejection", ON_PUSH: "ReleasesOnPush"}
HAS_EMAIL = "HasNotifyEmail"


def add_choices(stack: cdk.Stack) -> None:
    """Add the conditions to `stack`."""
    for parameter, condition in STARTS.items():
        cdk.CfnCondition(stack, condition, expression=cdk.Fn.condition_equals(cdk.Fn.ref(parameter), YES))
    without = cdk.Fn.condition_equals(cdk.Fn.ref(EMAIL), "")
    cdk.CfnCondition(stack, HAS_EMAIL, expression=cdk.Fn.condition_not(without))


def condition(stack: cdk.Stack, name: str) -> cdk.CfnCondition:
    """Return the condition of that name."""
    found = stack.node.find_child(name)
    assert isinstance(found, cdk.CfnCondition)
    return found


def enabled_if(name: str) -> str:
    """Return the state of an event rule that is to be enabled under the condition."""
    return str(cdk.Token.as_string(cdk.Fn.condition_if(name, "ENABLED", "DISABLED")))


def present_if(name: str, value: Any) -> dict[str, Any]:
    """Return a property, in the template's own words, that is there under the condition only."""
    return {"Fn::If": [name, value, {"Ref": "AWS::NoValue"}]}
