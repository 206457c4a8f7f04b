"""What CloudFormation calls in a role's name, as each type's own schema lists it, against what the role may."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tidegate_sandbox.authorisation.stacks import handlers

Template = dict[str, Any]

# What a handler calls for properties that this product's resources do not have.
NOT_USED = {
    "ec2:DescribeNetworkInterfaces": "the function is in no VPC",
    "iam:DeleteGroupPolicy": "the policy of the network is of roles",
    "iam:DeleteUserPolicy": "the policy of the network is of roles",
    "iam:DetachRolePolicy": "roles have inline policies only",
    "kms:Decrypt": "the function's variables are under Lambda's own key",
}
ENDPOINT_STACK = (
    "AWS::CloudWatch::Alarm",
    "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Model",
)
# IAM's quotas, in characters without white space.
INLINE_MAX, MANAGED_MAX = 10_240, 6_144


def calls(kind: str, handler: str) -> set[str]:
    schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", kind).schema
    return set(schema.get("handlers", {}).get(handler, {}).get("permissions", []))


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in role["Properties"]["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def allowed(role: dict[str, Any]) -> set[str]:
    actions = (statement["Action"] for statement in statements(role))
    return {each for action in actions for each in ([action] if isinstance(action, str) else action)}


@pytest.mark.parametrize("handler", ["read", "delete"])
def test_then_the_launch_role_can_read_and_delete_whatever_a_launch_made(
    either: Template, launch_role: Template, handler: str
) -> None:
    """A launch reads back what it refers to, and a launch that fails deletes what it made."""
    may = allowed(launch_role) | set(NOT_USED)
    kinds = {each["Type"] for each in either["Resources"].values() if each["Type"].startswith("AWS::")}
    assert {kind: sorted(calls(kind, handler) - may) for kind in kinds} == {kind: [] for kind in kinds}


@pytest.mark.parametrize("handler", ["create", "update", "delete"])
def test_then_the_launch_role_can_do_all_that_any_launch_asks_whatever_it_answers(
    either_template: Template, launch_role: Template, handler: str
) -> None:
    """With stages in other accounts, in a network, with an address to tell: no condition of the template is decided."""
    kinds = {each["Type"] for each in either_template["Resources"].values()}
    may = allowed(launch_role)
    lacking = {kind: sorted(handlers(kind).get(handler, set()) - may) for kind in kinds}
    assert lacking == {kind: [] for kind in kinds}


@pytest.mark.parametrize("handler", ["create", "read", "update", "delete"])
@pytest.mark.parametrize("kind", ENDPOINT_STACK)
def test_then_the_deployment_role_can_do_all_that_an_endpoint_stack_asks(
    product: Template, kind: str, handler: str
) -> None:
    assert calls(kind, handler) <= allowed(product["Resources"]["CloudformationRole"])


def test_then_nothing_that_follows_the_making_of_a_key_waits_for_its_tag(launch_role: Template) -> None:
    """A new tag takes up to five minutes to count in KMS."""
    untagged = [each for each in statements(launch_role) if "Condition" not in each]
    free = {action for each in untagged for action in each["Action"]}
    assert free >= calls("AWS::KMS::Key", "read") | {"kms:EnableKeyRotation"}
    assert not {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} & free


def test_then_an_endpoint_is_made_from_a_config_whose_tag_does_not_count_yet_but_not_from_anothers(
    product: Template,
) -> None:
    own = {"StringEqualsIfExists": {"aws:ResourceTag/sagemaker:project-id": {"Ref": "SageMakerProjectId"}}}
    for action in ("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"):
        (on_config,) = (
            each
            for each in statements(product["Resources"]["CloudformationRole"])
            if action in each["Action"] and ":endpoint-config/" in json.dumps(each["Resource"])
        )
        assert on_config["Condition"] == own


def test_then_a_model_may_be_made_from_the_projects_versions_only(product: Template) -> None:
    (on_version,) = (
        each
        for each in statements(product["Resources"]["CloudformationRole"])
        if "sagemaker:CreateModel" in each["Action"] and ":model-package/" in json.dumps(each["Resource"])
    )
    assert on_version["Resource"]["Fn::Sub"].endswith(":model-package/*-${SageMakerProjectId}/*")


def test_then_sagemakers_lists_are_asked_for_without_a_resource(product: Template) -> None:
    """Its developer guide: but for ListTags, a List call takes no restriction by resource."""
    for name, resource in product["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            for each in statements(resource):
                actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
                lists = {a for a in actions if a.startswith("sagemaker:List")} - {"sagemaker:ListTags"}
                assert not lists or each["Resource"] == "*", f"{name}: {sorted(lists)}"


@pytest.mark.parametrize("template", ["product", "portfolio"])
def test_then_policies_fit_into_iams_quotas(template: str, request: pytest.FixtureRequest) -> None:
    def size(document: dict[str, Any]) -> int:
        return len(json.dumps(document, separators=(",", ":")))

    for name, resource in request.getfixturevalue(template)["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            policies = resource["Properties"].get("Policies", [])
            assert sum(size(each["PolicyDocument"]) for each in policies) < INLINE_MAX, name
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            assert size(resource["Properties"]["PolicyDocument"]) < MANAGED_MAX, name
