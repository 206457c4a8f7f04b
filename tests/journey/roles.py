"""The roles of a sandbox's accounts, as they were deployed: those that are there, and those that are gone.

What is gone is known from the journal, which has the properties of each role and policy that a stack made
(tidegate_sandbox.journal).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tidegate_sandbox.authorisation.stacks import checks
from tidegate_sandbox.checks import Unplaced
from tidegate_sandbox.hooks import iam as iam_hooks

Document = Mapping[str, Any]
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Role:
    """A role as it was deployed: its own policies, and managed ones by their names."""

    arn: str
    own: tuple[Document, ...]
    managed: Mapping[str, Document]
    boundary: Document | None

    @cached_property
    def purpose(self) -> str:
        """What is left of its name without the project and the region: the same for that role of every project."""
        return _general(self.arn)

    @cached_property
    def actions(self) -> Mapping[str, set[str]]:
        """The actions that are allowed, each by name: by its purpose its own, by a managed policy's name that one's."""
        found = {_general(name): _actions([document]) for name, document in self.managed.items()}
        return {self.purpose: _actions(self.own), **found}

    def without(self, action: str) -> "Role":
        """Return the role as it would be if none of its policies named an action."""
        own = tuple(_without(document, action) for document in self.own)
        return replace(self, own=own, managed={name: _without(each, action) for name, each in self.managed.items()})

    def may(self, check: Unplaced, region: str) -> bool:
        """Whether its policies, within its boundary, allow what was asked for."""
        action, resource, keys = check
        if resource is None:
            return any(action in actions for actions in self.actions.values())
        documents = [*self.own, *self.managed.values()]
        return iam_hooks.decide(documents, self.boundary, self.arn, (action, resource, keys), region).allowed


def _general(name: str) -> str:
    return re.sub(r"^sagemaker-p-[a-z0-9]+-|-[a-z]{2}(-[a-z]+)+-[0-9]$", "", name.rpartition("/")[2])


def _actions(documents: Iterable[Document]) -> set[str]:
    statements = [each for document in documents for each in _allowing(document)]
    return {action for each in statements for action in listed(each["Action"])}


def _without(document: Document, action: str) -> Document:
    rest = [
        {**each, "Action": [one for one in listed(each["Action"]) if one != action]} for each in _allowing(document)
    ]
    return {**document, "Statement": [each for each in rest if each["Action"]]}


def _allowing(document: Document) -> list[Any]:
    found = listed(document["Statement"])
    assert all(each["Effect"] == "Allow" for each in found), "what a policy denies is not looked at here"
    return found


def deployed(iam_of: Callable[[str], Any], lines: Iterable[Line]) -> dict[str, Role]:
    """Return by ARN every role that acts in the journal's `lines`, and every other one that Tidegate made.

    `iam_of` returns a client of IAM for an account.
    """
    lines = list(lines)
    gone = _Gone(lines)
    acting = {line["role"] for line in lines if acts(line)}
    there = {arn for account in {arn.split(":")[4] for arn in acting} for arn in _of_tidegate(iam_of(account))}
    arns = there | acting | {arn for arn in gone.arns() if "/tidegate/" in arn or "role/tidegate-" in arn}
    return {arn: _live(iam_of(arn.split(":")[4]), arn) or gone.role(arn) for arn in arns}


def acts(line: Line) -> bool:
    """Whether a line of the journal is about a role; else a person's stack made something."""
    return not line["role"].endswith(":root")


def asked_for(lines: Iterable[Line]) -> Iterator[tuple[str, str, Unplaced]]:
    """Return by which role what was asked for, and in which region, each once."""
    seen = set()
    for line in filter(acts, lines):
        of_a_stack = line["action"].startswith("cloudformation/")
        asked: list[Unplaced] = list(checks(line)) if of_a_stack else [(line["action"], line["resource"], line["keys"])]
        for action, resource, keys in asked:
            key = (line["role"], action, resource, json.dumps(keys, sort_keys=True, default=str))
            if key not in seen:
                seen.add(key)
                yield line["role"], line["region"], (action, resource, keys)


def _of_tidegate(iam: Any) -> Iterator[str]:
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if role["Path"] == "/tidegate/" or role["RoleName"].startswith("tidegate-"):
                yield role["Arn"]


def _live(iam: Any, arn: str) -> Role | None:
    name = arn.rpartition("/")[2]
    try:
        described = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    own = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    attached = [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
    boundary = described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    managed = {each: _managed(iam, each) for each in attached}
    return Role(arn, tuple(own), managed, _managed(iam, boundary) if boundary else None)


def _managed(iam: Any, arn: str) -> Document:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: Document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return document


class _Gone:
    """What the journal tells of roles and policies that stacks made: as they were last."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._roles: dict[str, Mapping[str, Any]] = {}
        self._given: dict[tuple[str, str], Document] = {}
        self._managed: dict[str, Document] = {}
        for line in lines:
            operation, _, kind = line["action"].partition(" ")
            if not kind.startswith("AWS::IAM::") or operation == "cloudformation/delete":
                continue
            account, properties = line["role"].split(":")[4], line["keys"]["properties"]
            path = properties.get("Path", "/")
            if kind == "AWS::IAM::Role":
                self._roles[f"arn:aws:iam::{account}:role{path}{line['keys']['id']}"] = properties
            elif kind == "AWS::IAM::Policy":
                for name in properties["Roles"]:
                    self._given[f"{account}/{name}", properties["PolicyName"]] = properties["PolicyDocument"]
            elif kind == "AWS::IAM::ManagedPolicy":
                self._managed[line["keys"]["id"]] = properties["PolicyDocument"]

    def arns(self) -> Iterable[str]:
        return self._roles

    def role(self, arn: str) -> Role:
        assert arn in self._roles, f"{arn} acted, is not there any more, and no stack made it"
        properties, known = self._roles[arn], f"{arn.split(':')[4]}/{arn.rpartition('/')[2]}"
        own = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
        own += [document for (role, _), document in self._given.items() if role == known]
        boundary = properties.get("PermissionsBoundary")
        managed = {each: self._managed[each] for each in properties.get("ManagedPolicyArns", ())}
        return Role(arn, tuple(own), managed, self._managed[boundary] if boundary else None)


def listed(value: Any) -> list[Any]:
    """Return what a policy may say as one value or as several as a list."""
    return value if isinstance(value, list) else [value]
