"""Watches the stacks that services of the sandbox have CloudFormation make for whoever asks them."""

import itertools
import time
from typing import Any

from tidegate_sandbox.context import Scope

POLL = 0.2
"""Seconds of the wall between two looks at a stack."""


class StackFailedError(Exception):
    """Why a stack did not become what was asked for."""


def changes(where: Scope, stack: str) -> bool:
    """Whether something happens to a stack that is there."""
    (described,) = where.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return bool(described["StackStatus"].endswith("IN_PROGRESS"))


def settled(where: Scope, stack: str) -> dict[str, Any] | None:
    """Wait until nothing happens to a stack any more; return it, or None once it is gone."""
    cloudformation = where.client("cloudformation")
    while True:
        try:
            described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        except cloudformation.exceptions.ClientError:
            return None
        if not described["StackStatus"].endswith("IN_PROGRESS"):
            return described
        time.sleep(POLL)


def why(where: Scope, stack: str, status: str) -> str:
    """Return the first failure of what was done last to a stack: the resource, its type and the reason."""
    events = where.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    began = (stack, f"{status.partition('_')[0]}_IN_PROGRESS")
    last = itertools.takewhile(lambda each: (each["LogicalResourceId"], each["ResourceStatus"]) != began, events)
    for event in reversed(list(last)):
        if event["ResourceStatus"] == status:
            reason = event.get("ResourceStatusReason") or "no reason given"
            return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
    return f"The stack {stack} failed and says no reason."


def update_stack(cloudformation: Any, request: dict[str, Any]) -> None:
    """Have a stack updated; that it is as asked for already is no error."""
    try:
        cloudformation.update_stack(**request)
    except cloudformation.exceptions.ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
