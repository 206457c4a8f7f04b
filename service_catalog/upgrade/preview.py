"""What an update would do to a project's stack, resource by resource, told before it is done.

CloudFormation's own answer is a change set. It is made with the credentials of whoever asks, not with the launch role:
it reads, and is deleted again. AWS's managed policy for people who launch products allows just that on the stacks that
Service Catalog makes (`AWSServiceCatalogEndUserFullAccess`), so it works there too; on a stack from a template in S3
CloudFormation uses the role that the stack has. Where it is refused, the templates of both versions are compared,
which shows what is asked for, but not what CloudFormation makes of it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from botocore.exceptions import ClientError

from service_catalog.publishing.account import Account, PublishError, code
from service_catalog.publishing.difference import SIGN, Change, difference
from service_catalog.upgrade.project import SAGEMAKERS_OWN, Project
from tidegate.clock import Clock

REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
VERBS = {"Add": "added", "Modify": "changed", "Remove": "removed", "Import": "added", "Dynamic": "changed"}
# What holds what people or releases made, and no update can make again.
HOLDS = {
    "AWS::CodeCommit::Repository": "its history",
    "AWS::KMS::Key": "everything that is encrypted with it",
    "AWS::S3::Bucket": "what is in it",
    "AWS::SageMaker::ModelPackageGroup": "every registered version",
}
# A change set of a stack like a project's takes seconds.
POLL_SECONDS = 1.0
ATTEMPTS = 300


@dataclass(frozen=True)
class Effect:
    """What an update does to a resource; `replaced` is None where that cannot be told beforehand."""

    verb: str
    logical_id: str
    type: str
    replaced: bool | None
    because: tuple[str, ...] = ()
    kept: bool = False

    @property
    def loses(self) -> str:
        """What is lost with the resource that is there now; nothing, if it stays."""
        goes = self.verb == "removed" or (self.verb == "changed" and self.replaced is not False)
        return HOLDS.get(self.type, "") if goes and not self.kept else ""

    def __str__(self) -> str:
        """Return it as people read it."""
        changed = {True: ", REPLACED", None: ", perhaps replaced", False: ""}[self.replaced]
        said = changed if self.verb == "changed" else ", which stays in the account" if self.kept else ""
        surely = self.verb == "removed" or self.replaced
        lost = f": {'loses' if surely else 'may lose'} {self.loses}" if self.loses else ""
        line = f"{SIGN[self.verb]} {self.logical_id} ({self.type}){said}{lost}"
        return "\n".join([line, *(f"    {each}" for each in self.because)])


@dataclass(frozen=True)
class Preview:
    """What an update does, and where that is known from."""

    source: str
    effects: tuple[Effect, ...]


def preview(
    account: Account,
    project: Project,
    template: str,
    url: str,
    answers: Mapping[str, str],
    clock: Clock,
) -> Preview:
    """Return what updating the stack of `project` to `template`, which lies at `url`, with `answers` does.

    Raises PublishError with CloudFormation's reason if the stack would not take it.
    """
    cloudformation = account.client("cloudformation")
    try:
        return Preview("CloudFormation's change set", _change_set(cloudformation, project, url, answers, clock))
    except ClientError as error:
        if code(error) not in REFUSED:
            raise
        refused = str(error)
    old = _resources(cloudformation.get_template(StackName=project.stack, TemplateStage="Original")["TemplateBody"])
    new = _resources(template)
    compared = (
        _compared(cloudformation, each, old, new) for each in difference({"Resources": old}, {"Resources": new})
    )
    return Preview(
        "the templates of both versions, compared, since a change set was refused; what changes only because another "
        f"resource or a launch parameter does is not shown ({refused})",
        tuple(compared),
    )


def _compared(cloudformation: Any, change: Change, before: Mapping[str, Any], after: Mapping[str, Any]) -> Effect:
    """Return what a difference between two templates does, by what CloudFormation says of resources of that type."""
    replaced: bool | None = False
    if change.verb == "changed":
        old, new = (each[change.logical_id].get("Properties", {}) for each in (before, after))
        changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        replaced = _replaces(cloudformation, change.kind, changed)
    kept = change.verb == "removed" and _retained(before[change.logical_id])
    return Effect(change.verb, change.logical_id, change.kind, replaced, change.lines, kept)


def _replaces(cloudformation: Any, resource_type: str, changed: Collection[str]) -> bool | None:
    """Say whether changing those properties replaces a resource of that type; None if that cannot be told."""
    try:
        said = cloudformation.describe_type(Type="RESOURCE", TypeName=resource_type)
        schema: Mapping[str, Sequence[str]] = json.loads(said["Schema"])
    except (ClientError, KeyError):
        return None
    of = {
        key: {path.removeprefix("/properties/").partition("/")[0] for path in schema.get(key, [])}
        for key in ("createOnlyProperties", "conditionalCreateOnlyProperties")
    }
    if of["createOnlyProperties"] & set(changed):
        return True
    return None if of["conditionalCreateOnlyProperties"] & set(changed) else False


def _change_set(
    cloudformation: Any, project: Project, url: str, answers: Mapping[str, str], clock: Clock
) -> tuple[Effect, ...]:
    name = project.names.resource("upgrade-preview")
    where = {"StackName": project.stack, "ChangeSetName": name}
    own = [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(SAGEMAKERS_OWN)]
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in answers.items()]
    _forget(cloudformation, where)
    cloudformation.create_change_set(
        **where,
        TemplateURL=url,
        Parameters=[*own, *given],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Description="What an upgrade would change; only looked at",
    )
    try:
        described = _described(cloudformation, where, clock)
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "no reason given")
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return ()
            raise PublishError(f"CloudFormation would not take the update: {reason}")
        pages = cloudformation.get_paginator("describe_change_set").paginate(**where)
        return tuple(_effect(each["ResourceChange"]) for page in pages for each in page["Changes"])
    finally:
        _forget(cloudformation, where)


def _described(cloudformation: Any, where: Mapping[str, str], clock: Clock) -> dict[str, Any]:
    for _ in range(ATTEMPTS):
        described: dict[str, Any] = cloudformation.describe_change_set(**where)
        if described["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            return described
        clock.sleep(POLL_SECONDS)
    raise PublishError(f"CloudFormation has not made the change set {where['ChangeSetName']} in time; try again.")


def _forget(cloudformation: Any, where: Mapping[str, str]) -> None:
    try:
        cloudformation.delete_change_set(**where)
    except ClientError as error:
        if code(error) not in {"ChangeSetNotFound", "ChangeSetNotFoundException"}:
            raise


def _effect(change: Mapping[str, Any]) -> Effect:
    replacement = {"True": True, "Conditional": None}.get(change.get("Replacement", "False"), False)
    targets = [detail.get("Target", {}) for detail in change.get("Details", [])]
    names = {f"{each.get('Attribute', '')}.{each['Name']}" if each.get("Name") else each.get("Attribute", "")
             for each in targets}  # fmt: skip
    return Effect(
        VERBS[change["Action"]],
        change["LogicalResourceId"],
        change["ResourceType"],
        replacement,
        tuple(sorted(name.removeprefix("Properties.") for name in names if name)),
        kept=change.get("PolicyAction") in ("Retain", "ReplaceAndRetain"),
    )


def _retained(resource: Mapping[str, Any]) -> bool:
    return resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")


def _resources(template: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources of a template as plain values; what is published has no tags of YAML's own."""
    parsed: Any = yaml.safe_load(template) if isinstance(template, str) else template
    return dict(parsed["Resources"])


def losses(effects: Sequence[Effect]) -> list[Effect]:
    """Return those that lose something."""
    return [each for each in effects if each.loses]
