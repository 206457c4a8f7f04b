"""EventBridge rules: one target each, on the account's own bus."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events

from service_catalog.names import ProjectNames
from service_catalog.policy import sub
from service_catalog.project.choices import enabled_if


def add_rule(
    stack: cdk.Stack,
    names: ProjectNames,
    purpose: str,
    pattern: dict[str, Any],
    target: events.CfnRule.TargetProperty,
    *,
    only_if: str | None = None,
) -> events.CfnRule:
    """Add the rule `sagemaker-{id}-{purpose}`; it is disabled where the condition `only_if` does not hold."""
    return events.CfnRule(
        stack,
        "".join(word.title() for word in purpose.split("-")) + "Rule",
        name=sub(names.resource(purpose)),
        state=enabled_if(only_if) if only_if else "ENABLED",
        event_pattern=pattern,
        targets=[target],
    )
