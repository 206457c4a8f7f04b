"""Least privilege, held against what was called: no role lacks what it asked for, and none may do what nobody asked.

The journal of a sandbox tells what each role asked for (tidegate_sandbox.journal); the roles are as they were deployed.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.journey.documented_calls import DOCUMENTED, UNUSED_HERE
from tests.journey.stack_calls import checks, handlers, rendered_types
from tidegate_sandbox import iam_hooks, journal

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

_PROJECT_ID = re.compile(r"(?<![a-z0-9])p-[a-z0-9]{12}(?![a-z0-9])")

Check = tuple[str, str | None, Mapping[str, Any]]


@dataclass(frozen=True)
class Role:
    """A role as it was deployed. `purpose` is the same for that role of every project."""

    arn: str
    purpose: str
    documents: tuple[Mapping[str, Any], ...]
    boundary: Mapping[str, Any] | None

    @cached_property
    def actions(self) -> set[str]:
        """What its own policies allow, each by name."""
        statements = [each for document in self.documents for each in document["Statement"]]
        return {action for each in statements if each["Effect"] == "Allow" for action in _listed(each["Action"])}

    def may(self, check: Check, region: str) -> bool:
        """Whether its policies, within its boundary, allow what was asked for."""
        action, resource, keys = check
        if resource is None:
            return action in self.actions
        return iam_hooks.decide(self.documents, self.boundary, self.arn, (action, resource, keys), region).allowed


@dataclass(frozen=True)
class Account:
    """What was called in one sandbox, by whom, and what everyone there might."""

    lines: list[dict[str, Any]]
    roles: dict[str, Role]


@pytest.fixture(scope="module")
def account(told: dict[str, Any], trial: Any, aws: Any) -> Account:
    """The sandbox that the journey left up, after all that is done in it."""
    # Projects that other tests launched and deleted are told as the journey's own, whose roles are still there.
    text = _PROJECT_ID.sub(told["project"]["id"], journal.path(Path(told["home"])).read_text())
    lines = [json.loads(line) for line in text.splitlines()]
    iam = aws("iam")
    arns = {
        role["Arn"]
        for page in iam.get_paginator("list_roles").paginate(PathPrefix="/tidegate/")
        for role in page["Roles"]
    }
    return Account(lines, {arn: _role(iam, arn) for arn in arns | {line["role"] for line in lines}})


def _role(iam: Any, arn: str) -> Role:
    name = arn.rpartition("/")[2]
    described = iam.get_role(RoleName=name)["Role"]
    own = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    own += [_managed(iam, policy["PolicyArn"]) for policy in attached]
    boundary = described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return Role(arn, _purpose(name), tuple(own), _managed(iam, boundary) if boundary else None)


def _managed(iam: Any, arn: str) -> Mapping[str, Any]:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: Mapping[str, Any] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return document


def _purpose(name: str) -> str:
    return re.sub(r"^sagemaker-p-[a-z0-9]+-|-[a-z]{2}(-[a-z]+)+-[0-9]$", "", name)


def _asked(lines: list[dict[str, Any]]) -> Iterator[tuple[str, str, Check]]:
    """Return who asked for what and where, each once."""
    seen = set()
    for line in lines:
        of_a_stack = line["action"].startswith("cloudformation/")
        asked: list[Check] = list(checks(line)) if of_a_stack else [(line["action"], line["resource"], line["keys"])]
        for action, resource, keys in asked:
            key = (line["role"], action, resource, json.dumps(keys, sort_keys=True, default=str))
            if key not in seen:
                seen.add(key)
                yield line["role"], line["region"], (action, resource, keys)


def test_then_every_role_may_do_what_it_did(account: Account) -> None:
    refused = defaultdict(set)
    for arn, region, check in _asked(account.lines):
        if not account.roles[arn].may(check, region):
            refused[account.roles[arn].purpose].add(f"{check[0]} on {check[1]} with {dict(check[2])}")
    assert not refused, "\n".join(f"{purpose}: {what}" for purpose in refused for what in sorted(refused[purpose]))


def test_then_no_role_may_do_what_nothing_asked_for(account: Account) -> None:
    """A journey, a type that CloudFormation makes with the role, or a documented case: each action has one of them."""
    used = defaultdict(set)
    for arn, _, (action, _, _) in _asked(account.lines):
        used[account.roles[arn].purpose].add(action)
    for line in account.lines:
        if line["action"].startswith("cloudformation/"):
            purpose = account.roles[line["role"]].purpose
            for actions in handlers(line["keys"]["type"]).values():
                used[purpose] |= actions
    # A stage file decides which types a stage has, and the role of its stack has to make them all.
    used["cloudformation"] |= {
        action for kind in rendered_types() for each in handlers(kind).values() for action in each
    }
    may = {role.purpose: role.actions for role in account.roles.values()}
    unused = {
        f"{purpose}: {action}"
        for purpose, actions in may.items()
        for action in actions - used[purpose] - DOCUMENTED.get(purpose, {}).keys()
        if purpose not in UNUSED_HERE
    }
    assert not unused, "allowed, and asked for by nothing:\n" + "\n".join(sorted(unused))
    stale = {
        f"{purpose}: {action}"
        for purpose, actions in DOCUMENTED.items()
        for action in actions
        if action in used[purpose] or action not in may.get(purpose, set())
    }
    assert not stale, "documented, but asked for after all or not allowed:\n" + "\n".join(sorted(stale))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
