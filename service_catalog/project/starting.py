"""Custom resources whose work a build does: one function starts the build that a resource names.

A function may run for 15 minutes and has no git; a build may run for hours and has it, and answers CloudFormation
itself. Where the build was killed, an event has the function answer for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_

from service_catalog.policy import allow, arn, sub
from service_catalog.project.functions import add_function
from service_catalog.project.rules import add_rule
from service_catalog.project.scope import Project

SOURCE = Path(__file__).with_name("starter.py")
# The builds that the function starts, and answers for.
STARTED = ("seed", "goodbye")


@dataclass(frozen=True)
class Starter:
    """The function, and what has it told of builds that were killed: both last as long as what they serve."""

    function: lambda_.CfnFunction
    told_by: tuple[cdk.CfnResource, ...]


def add_starter(stack: cdk.Stack, project: Project) -> Starter:
    """Add the function that starts builds for custom resources.

    It has no variables, so that it needs no key: with the project's own, nothing could be deleted any more once the
    key is pending deletion.
    """
    builds = [arn("codebuild", f"project/{project.names.resource(purpose)}") for purpose in STARTED]
    function = add_function(
        stack,
        project.names,
        "starter",
        SOURCE,
        does="Starts the build that a custom resource names; the build answers CloudFormation",
        statements=[allow(["codebuild:BatchGetBuilds", "codebuild:StartBuild"], on=builds)],
    )
    return Starter(function, _told_of_killed_builds(stack, project, function))


def _told_of_killed_builds(
    stack: cdk.Stack, project: Project, function: lambda_.CfnFunction
) -> tuple[cdk.CfnResource, ...]:
    """Have the function told of every bad end of its builds: one that is killed cannot answer by itself."""
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {
            "project-name": [sub(project.names.resource(purpose)) for purpose in STARTED],
            "build-status": ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"],
        },
    }
    target = events.CfnRule.TargetProperty(id="answer", arn=function.attr_arn)
    rule = add_rule(stack, project.names, "build-ended", pattern, target)
    permission = lambda_.CfnPermission(
        stack,
        "BuildEndedPermission",
        action="lambda:InvokeFunction",
        function_name=function.ref,
        principal="events.amazonaws.com",
        source_arn=rule.attr_arn,
    )
    return rule, permission


def add_started_build(
    stack: cdk.Stack,
    logical_id: str,
    starter: Starter,
    build: codebuild.CfnProject,
    *,
    on: Literal["Create", "Delete"],
    seconds: int,
    properties: Mapping[str, Any],
) -> cdk.CfnResource:
    """Add the resource `Custom::Tidegate{logical_id}`, which has `build` started when it is created, or deleted.

    CloudFormation waits `seconds` for the build's answer.
    """
    own = {"ServiceToken": starter.function.attr_arn, "ServiceTimeout": seconds, "Build": build.ref, "BuildOn": on}
    resource = cdk.CfnResource(
        stack, logical_id, type=f"Custom::Tidegate{logical_id}", properties={**own, **properties}
    )
    for each in starter.told_by:
        resource.add_resource_dependency(each)
    return resource
