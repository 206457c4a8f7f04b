"""AWS::CloudFormation::StackSet with self-managed permissions: a real stack in each account that it names.

As in AWS, CloudFormation assumes the administration role, that role assumes the execution role in each account, and
that one makes the stack there. What either role does not let happen does not.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tidegate_sandbox import context, credentials, hooks, journal
from tidegate_sandbox.context import Scoped
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.hooks import stacks as stack_hooks
from tidegate_sandbox.services import stacks
from tidegate_sandbox.state import changing

_TAKEN = {
    "AdministrationRoleARN", "CallAs", "Capabilities", "Description", "ExecutionRoleName", "Parameters",
    "PermissionModel", "StackInstancesGroup", "StackSetName", "Tags", "TemplateBody", "TemplateURL",
}  # fmt: skip
_MADE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@dataclass
class StackSet:
    """A stack set: the stack of each of its instances by account and region."""

    id: str
    instances: dict[tuple[str, str], str] = field(default_factory=dict)


_state: Scoped[dict[str, StackSet]] = Scoped(dict)


class StackSetResource:
    """AWS::CloudFormation::StackSet: Ref gives the id."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Make the set, and its stacks one after the other; where one fails, those that were made go again."""
        _refuse(properties)
        name = properties["StackSetName"]
        if name in _state.here() and not stack_hooks.goes_on():
            raise ValueError(f"Name already in use: the stack set {name} exists")
        made = _state.here().setdefault(name, StackSet(f"{name}:{secrets.token_hex(16)}"))
        try:
            _bring_to(made, properties)
        except ValueError:
            self.delete(made.id, properties)
            raise
        return made.id, {"StackSetId": made.id}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Bring each stack to the template, make those of new accounts, delete those of accounts not named any more."""
        _refuse(new)
        if new["StackSetName"] != physical_id.partition(":")[0]:
            return self.create(logical_id, new, stack)
        _bring_to(_state.here()[new["StackSetName"]], new)
        return physical_id, {"StackSetId": physical_id}

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete the stacks, then the set."""
        name = physical_id.partition(":")[0]
        gone = _state.here().get(name)
        if gone is not None:
            _bring_to(gone, {**properties, "StackInstancesGroup": []})
            del _state.here()[name]


def _refuse(properties: dict[str, Any]) -> None:
    if unknown := sorted(properties.keys() - _TAKEN):
        raise ValueError(f"{', '.join(unknown)} of AWS::CloudFormation::StackSet is not in the local simulation")
    if properties.get("PermissionModel") != "SELF_MANAGED" or properties.get("CallAs", "SELF") != "SELF":
        raise ValueError("only stack sets with self-managed permissions, called as SELF, are in the local simulation")
    named = [account for account, _ in _wanted(properties)]
    if len(set(_wanted(properties))) != len(named):
        raise ValueError("StackInstancesGroup names an account twice in a region")


def _wanted(properties: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (account, region)
        for group in properties.get("StackInstancesGroup", [])
        for account in group["DeploymentTargets"].get("Accounts", [])
        for region in group["Regions"]
    ]


def _bring_to(stack_set: StackSet, properties: dict[str, Any]) -> None:
    """Make, change and delete stacks until there is one for each instance that is wanted."""
    wanted = _wanted(properties)
    request = _request(properties) if wanted else {}
    for account, region in [each for each in stack_set.instances if each not in wanted]:
        name = stack_set.instances[account, region]
        with _in_account(properties, account, region) as there:
            there.client("cloudformation").delete_stack(StackName=name)
            left = stacks.settled(there, name)
        if left is not None and left["StackStatus"] != "DELETE_COMPLETE":
            raise ValueError(f"{account}, {region}: stack {name} is {left['StackStatus']}")
        del stack_set.instances[account, region]
    for account, region in wanted:
        there_already = stack_set.instances.get((account, region))
        name = there_already or f"StackSet-{properties['StackSetName']}-{secrets.token_hex(8)}"
        with _in_account(properties, account, region) as there:
            cloudformation = there.client("cloudformation")
            asked = {"StackName": name, **request}
            under_way = there_already and stack_hooks.goes_on() and stacks.changes(there, name)
            with changing():
                if there_already and not under_way:
                    stacks.update_stack(cloudformation, asked)
                elif not there_already:
                    cloudformation.create_stack(**asked)
                    stack_set.instances[account, region] = name
            became = stacks.settled(there, name)
            if became is None or became["StackStatus"] not in _MADE:
                reason = stacks.why(there, name, f"{'UPDATE' if there_already else 'CREATE'}_FAILED")
                raise ValueError(f"Account {account}, region {region}: {reason}")


@contextmanager
def _in_account(properties: dict[str, Any], account: str, region: str) -> Iterator[context.Scope]:
    """Act in an account with the execution role there, as the administration role is let."""
    name = properties["StackSetName"]
    administration, execution = properties["AdministrationRoleARN"], properties["ExecutionRoleName"]
    if context.scope().region != region:
        raise ValueError(f"{region}: instances in other regions are not in the local simulation")
    source = context.scope().arn("cloudformation", f"stackset/{name}:1")
    try:
        journal.passes(administration, "cloudformation")
        administering = credentials.session_of(administration, "cloudformation", name, source)
        with (
            credentials.acting_with(administering),
            credentials.handed_to(f"arn:aws:iam::{account}:role/{execution}", name),
        ):
            yield context.scope()
    except AwsError as refused:
        raise ValueError(
            f"Account {account} should have '{execution}' role with trust relationship to Role "
            f"'{administration.partition('role/')[2]}'. ({refused.message})"
        ) from None


def _request(properties: dict[str, Any]) -> dict[str, Any]:
    body = properties.get("TemplateBody") or _fetched(properties["TemplateURL"])
    return {
        "TemplateBody": body,
        "Parameters": properties.get("Parameters", []),
        "Capabilities": properties.get("Capabilities", []),
        "Tags": properties.get("Tags", []),
    }


def _fetched(url: str) -> str:
    """Return the template at an address of S3 in path style, read by whoever makes the stack set."""
    from botocore.exceptions import ClientError

    bucket, _, key = urlsplit(url).path.lstrip("/").partition("/")
    try:
        found = context.scope().client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise ValueError(f"S3 error: {error.response['Error']['Message']} ({url})") from None
    text: str = found["Body"].read().decode()
    return text


def install() -> None:
    """Let CloudFormation provision stack sets."""
    hooks.register_resource_type("AWS::CloudFormation::StackSet", StackSetResource(), waits=True)
