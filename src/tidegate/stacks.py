"""A CloudFormation stack as AWS tells it; of a stack that does not exist, nothing."""

from collections.abc import Iterator
from typing import Any, Final

from tidegate.aws import aws_errors, is_missing

STACK: Final = "AWS::CloudFormation::Stack"
ENDPOINT: Final = "AWS::SageMaker::Endpoint"
ENDPOINT_CONFIG: Final = "AWS::SageMaker::EndpointConfig"
MODEL: Final = "AWS::SageMaker::Model"


def describe_stack(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """Return what DescribeStacks does, None if there is no such stack."""
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except aws_errors() as error:
        if is_missing(error):
            return None
        raise
    return stack


def stack_resources(cloudformation: Any, name: str) -> list[dict[str, Any]]:
    """Return the stack's resources as DescribeStackResources does."""
    try:
        resources: list[dict[str, Any]] = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    except aws_errors() as error:
        if is_missing(error):
            return []
        raise
    return resources


def stack_events(cloudformation: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield the stack's events, the newest first, reading no more pages than are asked for."""
    try:
        for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
            yield from page.get("StackEvents", [])
    except aws_errors() as error:
        if not is_missing(error):
            raise
