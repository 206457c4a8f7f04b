"""The stack `tidegate-portfolio`, driven by boto3 alone."""

from collections.abc import Mapping
from typing import Any, Literal

from botocore.exceptions import ClientError, WaiterError

from service_catalog.names import PORTFOLIO_STACK
from service_catalog.publishing.account import Account, PublishError, code

Change = Literal["created", "updated", "unchanged"]

# A stack whose first creation failed can only be deleted.
NEVER_MADE = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
POLL = {"Delay": 1, "MaxAttempts": 1800}


class AdminStack:
    """The one CloudFormation stack that publishing makes."""

    def __init__(self, account: Account, name: str = PORTFOLIO_STACK) -> None:
        self.name = name
        self._cloudformation = account.client("cloudformation")

    def status(self) -> str | None:
        """Return the stack's status, or None if there is no stack."""
        described = self._describe()
        return str(described["StackStatus"]) if described else None

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs; none if there is no stack."""
        described = self._describe() or {}
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    def template(self) -> dict[str, Any]:
        """Return the template that the stack was made from; an empty one if there is no stack."""
        if self.status() in {None, *NEVER_MADE}:
            return {}
        return dict(self._cloudformation.get_template(StackName=self.name)["TemplateBody"])

    def apply(self, template: Mapping[str, str]) -> Change:
        """Create the stack from `template`, given as CloudFormation's requests take it, or bring it to it, and wait.

        Raises PublishError with the first resource's reason if it fails, or if the stack is being changed.
        """
        status = self.status()
        if status and status.endswith("_IN_PROGRESS"):
            raise PublishError(f"The stack {self.name} is being changed ({status}): wait, then run this again.")
        if status in NEVER_MADE:
            self.delete()
            status = None
        request = {
            "StackName": self.name,
            **template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        if status is None:
            self._cloudformation.create_stack(**request)
            self._wait("stack_create_complete")
            return "created"
        try:
            self._cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return "unchanged"
            raise
        self._wait("stack_update_complete")
        return "updated"

    def delete(self) -> None:
        """Delete the stack and wait until it is gone.

        Raises PublishError with the first resource's reason if it fails.
        """
        self._cloudformation.delete_stack(StackName=self.name)
        self._wait("stack_delete_complete")

    def _describe(self) -> dict[str, Any] | None:
        try:
            found = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if code(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        return dict(found[0]) if found else None

    def _wait(self, waiter: str) -> None:
        try:
            self._cloudformation.get_waiter(waiter).wait(StackName=self.name, WaiterConfig=POLL)
        except WaiterError as error:
            raise PublishError(f"The stack {self.name} failed: {self._first_failure() or error}") from None

    def _first_failure(self) -> str:
        """Return what failed first in the newest operation; events come newest first."""
        failed = ""
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        for event in events:
            if event["ResourceStatus"].endswith("_FAILED"):
                reason = event.get("ResourceStatusReason", "no reason given")
                failed = f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
            if event["LogicalResourceId"] == self.name and "User Initiated" in event.get("ResourceStatusReason", ""):
                break
        return failed
