"""What the doctor's document says of permissions is what the code asks for."""

import re
from pathlib import Path

from botocore.session import Session
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from service_catalog.doctor.check import Verdict
from service_catalog.doctor.examine import TOPICS
from service_catalog.doctor.permissions import of_publishing
from service_catalog.publishing.account import Account
from service_catalog.publishing.published import ROUTES

DOCUMENT = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()
# What CloudFormation's schemas name beyond what the admin stack's resources make use of.
UNUSED = {
    # The product's template lies in the admin bucket, not in a repository.
    "codestar-connections:GetConnection", "codestar-connections:PassConnection", "codestar-connections:UseConnection",
    "servicecatalog:DisassociateServiceActionFromProvisioningArtifact",
    # Principals of templates in S3 are attached as roles; a user or group asks for the same of its own kind.
    "iam:AttachGroupPolicy", "iam:AttachUserPolicy", "iam:DetachGroupPolicy", "iam:DetachUserPolicy",
    # The launch roles have no boundary, and descriptions are changed by UpdateRole.
    "iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:UpdateRoleDescription",
    # Asked only to check that a principal exists, of the kind that it is.
    "iam:GetGroup", "iam:GetUser",
}  # fmt: skip


def actions(text: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9-]+:[A-Z]\w+)`", text))


def section(title: str) -> str:
    return DOCUMENT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def publishing() -> set[str]:
    account = Account(Session(), "111122223333", "eu-west-1")  # type: ignore[arg-type]
    return {action for each in of_publishing(account, ROUTES).values() for action in each}


def test_then_the_document_names_every_action_that_looking_takes_and_no_other() -> None:
    assert actions(section("What it needs")) == {call for each in TOPICS for call in each.calls}


def test_then_the_document_names_every_action_that_publishing_takes_and_no_other() -> None:
    assert actions(section("What publishing needs")) == publishing()


def test_then_the_document_explains_every_verdict() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE)) >= {each.value for each in Verdict}


def test_then_publishing_asks_for_all_that_cloudformation_does_to_the_admin_stack(portfolio: dict[str, object]) -> None:
    kinds = {each["Type"] for each in portfolio["Resources"].values()}  # type: ignore[attr-defined]
    asked = set()
    for kind in kinds:
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
        asked |= {action for name, each in handlers.items() if name != "list" for action in each.get("permissions", [])}
    assert asked - UNUSED <= publishing()
