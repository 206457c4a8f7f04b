"""Who may do what: no role has more than its work needs, and `*` is never given without a reason."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from service_catalog.policy import allow

PURPOSES = {
    "Seed", "Build", "Render", "Verify", "Pipeline", "Cloudformation", "Execution", "Events", "SeedStarter",
}  # fmt: skip

Template = dict[str, Any]


def roles(template: Template) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::IAM::Role"}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in resource["Properties"]["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def allowed(resource: dict[str, Any]) -> set[str]:
    return {action for statement in statements(resource) for action in as_list(statement["Action"])}


def test_then_every_purpose_has_a_role_of_its_own_within_the_boundary(product: Template) -> None:
    assert set(roles(product)) == {f"{purpose}Role" for purpose in PURPOSES}
    for role in roles(product).values():
        assert role["Properties"]["Path"] == "/tidegate/"
        assert "policy/tidegate/tidegate-project-" in role["Properties"]["PermissionsBoundary"]["Fn::Sub"]


@pytest.mark.parametrize("template", ["product", "portfolio"])
def test_then_no_role_has_a_wildcard_action(template: str, request: pytest.FixtureRequest) -> None:
    for name, role in roles(request.getfixturevalue(template)).items():
        assert not [action for action in allowed(role) if "*" in action], name


@pytest.mark.parametrize("template", ["product", "portfolio"])
def test_then_any_resource_at_all_has_a_reason_in_the_template(template: str, request: pytest.FixtureRequest) -> None:
    for name, role in roles(request.getfixturevalue(template)).items():
        for statement in statements(role):
            if "*" in as_list(statement["Resource"]):
                for action in as_list(statement["Action"]):
                    assert role.get("Metadata", {}).get(action), f"{name}: {action}"


def test_given_a_statement_about_anything_without_a_reason_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="has to say why"):
        allow(["s3:GetObject"], on=["*"])


@pytest.mark.parametrize("template", ["product", "portfolio"])
def test_then_a_role_is_passed_only_to_named_services(template: str, request: pytest.FixtureRequest) -> None:
    for name, role in roles(request.getfixturevalue(template)).items():
        for statement in statements(role):
            if "iam:PassRole" in as_list(statement["Action"]):
                assert statement["Condition"]["StringEquals"]["iam:PassedToService"], name
                assert "role/tidegate/sagemaker-" in json.dumps(statement["Resource"]), name


def test_then_only_roles_of_the_project_itself_touch_iam_and_only_to_pass_a_role(product: Template) -> None:
    for name, role in roles(product).items():
        assert {action for action in allowed(role) if action.startswith("iam:")} <= {"iam:PassRole"}, name


def test_then_every_resource_is_the_projects_own_or_known_by_its_tag(product: Template) -> None:
    """SageMaker lower-cases its ARNs, so the id is what may be matched; what CloudFormation names has a tag."""
    shared = re.compile(
        r"(cloudwatch:.*:alarm:\*"  # DescribeAlarms knows no narrower one
        r"|ecr:.*repository/sagemaker-\*|logs:.*log-group:/aws/sagemaker/\*|job/pipelines-\*"
        r"|s3:::tidegate-111111111111-eu-west-1.*)$"
    )
    for name, role in roles(product).items():
        for statement in statements(role):
            for resource in as_list(statement["Resource"]):
                text = json.dumps(resource)
                arn = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
                own = "SageMakerProjectId" in text or "Key.Arn" in text or "SeedProject" in text
                by_condition = "aws:ResourceTag" in str(statement) or "aws:RequestTag" in str(statement)
                tagging = "sagemaker:TaggingAction" in str(statement)
                assert own or by_condition or tagging or arn == "*" or shared.search(arn), f"{name}: {text}"


def test_then_no_service_of_another_account_can_use_a_role(product: Template, portfolio: Template) -> None:
    """A service that does not say who asked may still use it: not every one is documented to say."""
    for role in (*roles(product).values(), *roles(portfolio).values()):
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_then_only_verify_writes_to_the_registry_and_only_cloudformation_changes_an_endpoint(
    product: Template,
) -> None:
    may = {name: allowed(role) for name, role in roles(product).items()}
    assert {name for name, actions in may.items() if "sagemaker:UpdateModelPackage" in actions} == {"VerifyRole"}
    assert {name for name, actions in may.items() if "sagemaker:UpdateEndpoint" in actions} == {"CloudformationRole"}
    assert {name for name, actions in may.items() if "codecommit:GitPush" in actions} == {"SeedRole"}


def test_then_the_launch_role_makes_roles_only_within_the_boundary(portfolio: Template) -> None:
    launch = portfolio["Resources"]["LaunchRole"]
    for statement in statements(launch):
        if {"iam:CreateRole", "iam:PutRolePolicy"} & set(as_list(statement["Action"])):
            assert "iam:PermissionsBoundary" in statement["Condition"]["StringEquals"]
    refused = {"iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreatePolicyVersion"}
    assert not refused & allowed(launch)


def test_then_the_boundary_holds_nothing_that_could_widen_a_role(portfolio: Template) -> None:
    boundary = portfolio["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    actions = {action for statement in boundary for action in as_list(statement["Action"])}
    assert {action for action in actions if action.startswith(("iam:", "sts:", "organizations:"))} == {"iam:PassRole"}


def test_then_every_role_lies_within_the_boundary(product: Template, portfolio: Template) -> None:
    boundary = portfolio["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    bounds = {action for statement in boundary for action in as_list(statement["Action"])}
    for name, role in roles(product).items():
        for action in allowed(role):
            service = action.partition(":")[0]
            assert action in bounds or f"{service}:*" in bounds, f"{name}: {action}"


CREATED_BY = {
    "AWS::CodeBuild::Project": "codebuild:CreateProject",
    "AWS::CodeCommit::Repository": "codecommit:CreateRepository",
    "AWS::CodePipeline::Pipeline": "codepipeline:CreatePipeline",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::KMS::Key": "kms:CreateKey",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::SageMaker::ModelPackageGroup": "sagemaker:CreateModelPackageGroup",
    "Custom::TidegateSeeds": "lambda:InvokeFunction",
}


def test_then_the_launch_role_can_create_every_type_of_resource_there_is_in_a_project(
    product: Template, portfolio: Template
) -> None:
    may = allowed(portfolio["Resources"]["LaunchRole"])
    types = {resource["Type"] for resource in product["Resources"].values()}
    assert types == set(CREATED_BY)
    assert {CREATED_BY[kind] for kind in types} <= may
