"""Least privilege, held against what was called: no role lacks what it asked for, and none may do what nobody asked.

The journal of a sandbox tells what each role asked for (tidegate_sandbox.journal); the roles are as they were deployed.
Whatever is done in the sandboxes of the walks counts, so this is looked at last (conftest.py).
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.journey.documented_calls import BY_CHANCE, DOCUMENTED, REFUSED
from tests.journey.rendered_types import rendered_types
from tests.journey.roles import Role, acts, asked_for, deployed
from tidegate_sandbox import journal, lifecycle
from tidegate_sandbox.authorisation.stacks import handlers
from tidegate_sandbox.checks import Unplaced

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

_PROJECT_ID = re.compile(r"(?<![a-z0-9])p-[a-z0-9]{12}(?![a-z0-9])")

Line = dict[str, Any]
Sandbox = tuple[list[Line], dict[str, Role]]
"""What was asked for in one sandbox, and by ARN everyone there."""


@pytest.fixture(scope="module")
def sandboxes(all_is_done: None, told: dict[str, Any], told_where_the_stack_succeeds: dict[str, Any]) -> list[Sandbox]:
    """Both sandboxes that were left up, after all that is done in them."""
    return [_sandbox(Path(told["home"])), _sandbox(Path(told_where_the_stack_succeeds["home"]))]


def _sandbox(home: Path) -> Sandbox:
    running = lifecycle.find(home)
    assert running is not None

    def iam_of(account: str) -> Any:
        keys = {"aws_access_key_id": account, "aws_secret_access_key": "local"}
        return boto3.client("iam", endpoint_url=running.url, region_name="us-east-1", **keys)

    lines = [json.loads(line) for line in journal.path(home).read_text().splitlines()]
    return lines, deployed(iam_of, lines)


Actions = Mapping[str, set[str]]
"""Actions by a role's purpose, those of its own policies; or by the name of a managed policy, which roles may share."""


@pytest.fixture(scope="module")
def used(sandboxes: list[Sandbox]) -> Actions:
    """What a journey, or a type that CloudFormation makes with a role, has a use for."""
    found = defaultdict(set)
    for lines, roles in sandboxes:
        for arn, _, (action, _, _) in asked_for(lines):
            for whose in roles[arn].actions:
                found[whose].add(action)
        for line in lines:
            if acts(line) and line["action"].startswith("cloudformation/"):
                assert handlers(line["keys"]["type"]), f"what a {line['keys']['type']} calls is not known"
                for whose in roles[line["role"]].actions:
                    found[whose].update(*handlers(line["keys"]["type"]).values())
    # A stage file decides which types a stage has, and the role of its stack has to make them all.
    for kind in rendered_types():
        found["cloudformation"].update(*handlers(kind).values())
    return found


@pytest.fixture(scope="module")
def allowed(sandboxes: list[Sandbox]) -> Actions:
    """What the policies allow."""
    found = defaultdict(set)
    for _, roles in sandboxes:
        for role in roles.values():
            for whose, actions in role.actions.items():
                found[whose] |= actions
    return found


def test_then_every_role_may_do_what_it_did(sandboxes: list[Sandbox]) -> None:
    """But for what is refused on purpose, and for what is another project's, which a role that searches comes upon."""
    refused, on_purpose = defaultdict(set), set()
    for lines, roles in sandboxes:
        for arn, region, check in asked_for(lines):
            if roles[arn].may(check, region) or _of_another_project(arn, check):
                continue
            if check[0] in REFUSED.get(roles[arn].purpose, {}):
                on_purpose.add((roles[arn].purpose, check[0]))
            else:
                refused[arn].add(f"{check[0]} on {check[1]} with {dict(check[2])}")
    assert not refused, "\n".join(f"{arn}: {what}" for arn in refused for what in sorted(refused[arn]))
    assert on_purpose == {(purpose, action) for purpose, actions in REFUSED.items() for action in actions}


def _of_another_project(arn: str, check: Unplaced) -> bool:
    own, named = set(_PROJECT_ID.findall(arn)), set(_PROJECT_ID.findall(check[1] or ""))
    return bool(own and named - own)


def test_then_no_role_may_do_what_nothing_asked_for(used: Actions, allowed: Actions) -> None:
    """A journey, a type that CloudFormation makes with the role, or a documented case: each action has one of them."""
    unused = {
        f"{purpose}: {action}"
        for purpose, actions in allowed.items()
        for action in actions - used.get(purpose, set()) - documented(purpose)
    }
    assert not unused, "allowed, and asked for by nothing:\n" + "\n".join(sorted(unused))


def documented(purpose: str) -> set[str]:
    return {*DOCUMENTED.get(purpose, {}), *BY_CHANCE.get(purpose, {})}


def test_then_what_is_documented_is_allowed_and_is_asked_for_by_nothing_else(used: Actions, allowed: Actions) -> None:
    """Nothing stands in the table that does not have to."""
    stale = {
        f"{purpose}: {action}"
        for purpose in DOCUMENTED.keys() | BY_CHANCE.keys()
        for action in documented(purpose)
        if action in used.get(purpose, set()) - BY_CHANCE.get(purpose, {}).keys()
        or action not in allowed.get(purpose, set())
    }
    assert not stale, "documented, but asked for after all or not allowed:\n" + "\n".join(sorted(stale))


def test_given_a_permission_is_taken_away_then_the_journey_stops_at_a_call_that_needs_it(
    sandboxes: list[Sandbox],
) -> None:
    """One action at a time from each role, wherever its policies have it: no other statement makes up for it."""
    stopped = 0
    for lines, roles in sandboxes:
        called: dict[tuple[str, str], list[tuple[str, Unplaced]]] = defaultdict(list)
        for arn, region, check in asked_for(lines):
            if check[0] in {action for actions in roles[arn].actions.values() for action in actions}:
                called[arn, check[0]].append((region, check))
        for (arn, action), asked in called.items():
            less = roles[arn].without(action)
            assert not any(less.may(check, region) for region, check in asked), f"{arn} may {action} all the same"
            stopped += 1
    assert stopped


def test_then_every_kind_of_role_that_a_project_has_was_looked_at(sandboxes: list[Sandbox]) -> None:
    """In both variants and in every account; nothing above would miss a role that is not there."""
    found = [{(arn.split(":")[4], role.purpose) for arn, role in roles.items()} for _, roles in sandboxes]
    of_a_project = {"seed", "build", "render", "verify", "decline", "review", "goodbye", "pipeline", "cloudformation"}
    of_a_project |= {"execution", "events", "starter", "tidegate-launch"}
    home, *others = sorted({account for account, _ in found[1]})
    assert found[0] >= {(home, purpose) for purpose in {*of_a_project, "tidegate-launch-s3"}}
    assert found[1] >= {(home, purpose) for purpose in {*of_a_project, "connection", "tidegate-stackset-admin"}}
    in_a_stage_account = {"cloudformation", "deploy", "execution", "goodbye", "look", "tidegate-stackset"}
    assert len(others) == 2
    assert found[1] >= {(account, purpose) for account in others for purpose in in_a_stage_account}
