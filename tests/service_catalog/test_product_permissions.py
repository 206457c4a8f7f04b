"""Who may do what: no role has more than its work needs, and `*` is never given without a reason."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from launch_roles import with_policies

from tidegate.service_models import OPERATIONS

PURPOSES = {
    "Seed", "Build", "Render", "Verify", "Decline", "Review", "Pipeline", "Cloudformation", "Execution", "Events",
    "Starter", "Goodbye",
}  # fmt: skip
TEMPLATES = Path(__file__).parents[2] / "templates"

Template = dict[str, Any]


def roles(template: Template) -> dict[str, dict[str, Any]]:
    found = (name for name, each in template["Resources"].items() if each["Type"] == "AWS::IAM::Role")
    return {name: with_policies(template, name) for name in found}


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


EVERY = pytest.mark.parametrize(
    "template", ["product_template", "hosted_template", "portfolio", "stage_account", "stage_roles_template"]
)
"""All that is ever deployed, its conditions not decided."""
OF_IDENTITIES = {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"}


def policies(template: Template) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Return by name each resource that says what somebody may do, and its statements."""
    for name, resource in template["Resources"].items():
        if resource["Type"] in OF_IDENTITIES:
            own = [resource["Properties"], *resource["Properties"].get("Policies", [])]
            documents = [each["PolicyDocument"] for each in own if "PolicyDocument" in each]
            yield name, resource, [decided(each) for document in documents for each in document["Statement"]]


def decided(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement that is there on a condition as if it were there."""
    found: dict[str, Any] = statement["Fn::If"][1] if "Fn::If" in statement else statement
    return found


@pytest.mark.parametrize("template", ["product", "hosted", "portfolio"])
def test_then_no_role_has_a_wildcard_action(template: str, request: pytest.FixtureRequest) -> None:
    for name, role in roles(request.getfixturevalue(template)).items():
        assert not [action for action in allowed(role) if "*" in action], name


@EVERY
def test_then_any_resource_at_all_has_a_reason_in_the_template(template: str, request: pytest.FixtureRequest) -> None:
    looked_at = 0
    for name, resource, found in policies(request.getfixturevalue(template)):
        for statement in found:
            looked_at += 1
            assert statement["Effect"] == "Deny" or not {"NotResource", "NotAction"} & statement.keys(), name
            if "*" in as_list(statement["Resource"]):
                for action in as_list(statement["Action"]):
                    assert resource.get("Metadata", {}).get(action), f"{name}: {action}"
    assert looked_at


def test_given_a_statement_about_anything_without_a_reason_then_it_is_refused() -> None:
    from service_catalog.policy import allow  # not above: the CDK takes seconds to load

    with pytest.raises(ValueError, match="has to say why"):
        allow(["s3:GetObject"], on=["*"])


@EVERY
def test_then_a_role_is_passed_only_to_named_services(template: str, request: pytest.FixtureRequest) -> None:
    for name, _, found in policies(request.getfixturevalue(template)):
        for statement in found:
            if any(fnmatchcase("iam:PassRole", action) for action in as_list(statement["Action"])):
                passed = json.dumps(statement["Resource"])
                assert any(f"role/tidegate/{each}" in passed for each in PASSED), name
                assert statement["Condition"]["StringEquals"]["iam:PassedToService"], name


PASSED = ("sagemaker-", "tidegate-stackset-admin-", "tidegate-launch-s3-")


def test_then_no_role_of_a_project_touches_iam_but_to_pass_a_role_or_to_let_autoscaling_have_its_own(
    either: Template,
) -> None:
    linked = "iam:CreateServiceLinkedRole"
    for name, role in roles(either).items():
        expected = {"iam:PassRole"} | ({linked} if name == "CloudformationRole" else set())
        assert {action for action in allowed(role) if action.startswith("iam:")} <= expected, name
    (statement,) = [each for each in statements(roles(either)["CloudformationRole"]) if linked in each["Action"]]
    service = "sagemaker.application-autoscaling.amazonaws.com"
    assert statement["Condition"] == {"StringEquals": {"iam:AWSServiceName": service}}
    assert f"role/aws-service-role/{service}/" in statement["Resource"]["Fn::Sub"]


def test_then_every_resource_is_the_projects_own_or_known_by_its_tag(either: Template) -> None:
    """SageMaker lower-cases its ARNs, so the id is what may be matched; what CloudFormation names has a tag."""
    shared = re.compile(
        r"(cloudwatch:.*:alarm:\*"  # DescribeAlarms knows no narrower one
        r"|ecr:.*repository/sagemaker-\*|logs:.*log-group:/aws/sagemaker/\*|job/pipelines-\*"
        r"|ec2:.*:(network-interface|subnet|security-group)/\*"  # a network is nobody's project's
        r"|role/aws-service-role/sagemaker\.application-autoscaling\..*"
        r"|(codeconnections|codestar-connections):\*:\$\{AWS::AccountId\}:host/\*"  # only the connection knows which
        r"|s3:::tidegate-111111111111-eu-west-1.*)$"
    )
    for name, role in roles(either).items():
        for statement in statements(role):
            for resource in as_list(statement["Resource"]):
                text = json.dumps(resource)
                arn = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
                given = ("SageMakerProjectId", "Key.Arn", "AWS::StackId", "ConnectionArn")
                own = any(word in text for word in given)
                by_condition = "aws:ResourceTag" in str(statement) or "aws:RequestTag" in str(statement)
                tagging = "sagemaker:TaggingAction" in str(statement)
                assert own or by_condition or tagging or arn == "*" or shared.search(arn), f"{name}: {text}"


def test_then_no_service_of_another_account_can_use_a_role(either: Template, portfolio: Template) -> None:
    """A service that does not say who asked may still use it: not every one is documented to say."""
    for role in (*roles(either).values(), roles(portfolio)["LaunchRole"]):
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_then_only_verify_and_decline_write_to_the_registry_and_only_cloudformation_changes_an_endpoint(
    either: Template,
) -> None:
    may = {name: allowed(role) for name, role in roles(either).items()}

    def who(action: str) -> set[str]:
        return {name for name, actions in may.items() if action in actions}

    assert who("sagemaker:UpdateModelPackage") == {"VerifyRole", "DeclineRole"}
    assert who("sagemaker:UpdateEndpoint") == who("sagemaker:CreateEndpoint") == {"CloudformationRole"}
    assert who("sagemaker:DeleteEndpoint") == {"CloudformationRole", "GoodbyeRole"}
    assert who("sagemaker:DeleteModel") == {"VerifyRole", "CloudformationRole", "GoodbyeRole"}
    assert who("sagemaker:DeleteModelPackage") == who("s3:DeleteObject") == who("s3:DeleteBucket") == {"GoodbyeRole"}
    assert who("kms:ScheduleKeyDeletion") == who("logs:DeleteLogGroup") == {"GoodbyeRole"}
    assert who("pricing:GetProducts") == {"RenderRole", "ReviewRole"}


def test_then_an_image_is_pulled_by_jobs_and_endpoints_of_its_own_project_alone_and_pushed_by_no_role(
    either: Template,
) -> None:
    of_images = {
        name: {
            action: as_list(statement["Resource"])
            for statement in statements(role)
            for action in as_list(statement["Action"])
            if action.startswith("ecr:")
        }
        for name, role in roles(either).items()
    }
    assert {name for name, may in of_images.items() if may} == {"ExecutionRole", "GoodbyeRole"}
    execution = of_images["ExecutionRole"]
    assert execution.pop("ecr:GetAuthorizationToken") == ["*"]
    own = "repository/tidegate/sagemaker-${SageMakerProjectId}-images"
    for resources in execution.values():
        assert [each["Fn::Sub"].rpartition(":")[2] for each in resources] == ["repository/sagemaker-*", own]
    assert not fnmatchcase("repository/tidegate/sagemaker-p-another-images", "repository/sagemaker-*")
    assert set(of_images["GoodbyeRole"]) == {"ecr:DeleteRepository", "ecr:DescribeRepositories", "ecr:TagResource"}


def test_then_only_the_seed_build_pushes_and_pulls_both(product: Template) -> None:
    pushing = {name for name, role in roles(product).items() if "codecommit:GitPush" in allowed(role)}
    assert pushing == {"SeedRole"}


def test_then_a_connection_is_used_for_the_projects_own_repositories_only(hosted: Template) -> None:
    both = [{"Ref": "BuildRepository"}, {"Ref": "DeployRepository"}]
    for name, of in {"SeedRole": both, "PipelineRole": both, "DeclineRole": both[1:], "ReviewRole": both[1:]}.items():
        (statement,) = [
            each for each in statements(roles(hosted)[name]) if "codeconnections:UseConnection" in each["Action"]
        ]
        assert statement["Resource"] == {"Ref": "ConnectionArn"}
        assert statement["Condition"]["StringEqualsIfExists"] == {
            f"{service}:FullRepositoryId": of for service in ("codeconnections", "codestar-connections")
        }
    others = set(roles(hosted)) - {"SeedRole", "PipelineRole", "DeclineRole", "ReviewRole"}
    for name in others:
        assert not {each for each in allowed(roles(hosted)[name]) if each.endswith("UseConnection")}, name


def test_then_decline_reads_its_repository_and_writes_to_nothing_but_the_registry(product: Template) -> None:
    role = roles(product)["DeclineRole"]
    writes = {
        action for action in allowed(role) if not re.match(r"\w+:(Describe|List|Git|Get|Decrypt|Generate)", action)
    }
    assert writes == {"sagemaker:UpdateModelPackage", "logs:CreateLogStream", "logs:PutLogEvents"}
    (repository,) = [each["Resource"] for each in statements(role) if "codecommit:GitPull" in each["Action"]]
    assert repository["Fn::Sub"].endswith("-modeldeploy")


def test_then_a_review_of_what_nobody_has_looked_at_changes_nothing_but_its_own_comment(either: Template) -> None:
    read = re.compile(r"[\w-]+:(Describe|List|Get|Decrypt|Generate|GitPull|UseConnection)")
    writes = {action for action in allowed(roles(either)["ReviewRole"]) if not read.match(action)}
    writes -= {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert writes <= {"codecommit:PostCommentForPullRequest"}
    assert not {action for action in allowed(roles(either)["ReviewRole"]) if action.startswith("s3:")}


def test_then_verify_tags_an_endpoint_config_with_an_outcome_and_with_nothing_else(product: Template) -> None:
    (statement,) = [each for each in statements(roles(product)["VerifyRole"]) if "sagemaker:AddTags" in each["Action"]]
    assert statement["Action"] == ["sagemaker:AddTags"]
    assert statement["Condition"]["ForAllValues:StringEquals"] == {"aws:TagKeys": ["tidegate:outcome"]}
    assert statement["Condition"]["Null"] == {"aws:TagKeys": "false"}
    assert "aws:ResourceTag/sagemaker:project-id" in statement["Condition"]["StringEquals"]


def test_then_the_event_rules_can_start_the_two_pipelines_and_the_decline_and_nothing_else(either: Template) -> None:
    found = {
        (action, each["Fn::Sub"].rpartition(":")[2])
        for statement in statements(roles(either)["EventsRole"])
        for action in as_list(statement["Action"])
        for each in as_list(statement["Resource"])
    }
    prefix = "sagemaker-${SageMakerProjectId}"
    assert found == {
        ("codepipeline:StartPipelineExecution", f"{prefix}-modelbuild"),
        ("codepipeline:StartPipelineExecution", f"{prefix}-modeldeploy"),
        ("codebuild:StartBuild", f"project/{prefix}-decline"),
        *(() if "ReviewRule" not in either["Resources"] else [("codebuild:StartBuild", f"project/{prefix}-review")]),
    }


BY_PEOPLE_ONLY = {"sagemaker:UpdateEndpoint", "cloudformation:ContinueUpdateRollback"}
"""What `tidegate recover --yes` calls: no build does it by itself."""


def test_then_the_builds_may_call_what_the_engine_calls(either: Template) -> None:
    called = {f"{service}:{operation}" for service, operations in OPERATIONS.items() for operation in operations}
    builds = [allowed(roles(either)[name]) for name in ("RenderRole", "VerifyRole", "DeclineRole")]
    assert called - set.union(*builds) == BY_PEOPLE_ONLY


NOT_CALLED = {
    "application-autoscaling:PutScheduledAction": "no template schedules a scaling",
    "application-autoscaling:DeleteScheduledAction": "no template schedules a scaling",
    "lambda:GetProvisionedConcurrencyConfig": "it is of functions",
    "lambda:PutProvisionedConcurrencyConfig": "it is of functions",
    "lambda:DeleteProvisionedConcurrencyConfig": "it is of functions",
}


def rendered_types() -> set[str]:
    """Return every type of resource that the engine's templates can hold."""
    found = {kind for path in TEMPLATES.glob("*.j2") for kind in re.findall(r"Type: (AWS::\w+::\w+)", path.read_text())}
    monitors = {f"AWS::SageMaker::{kind}QualityJobDefinition" for kind in ("Data", "Model")}
    return found | monitors | {"AWS::SageMaker::MonitoringSchedule", "AWS::ApplicationAutoScaling::ScalableTarget"}


@pytest.mark.parametrize("kind", sorted(rendered_types()))
def test_then_cloudformation_may_call_what_its_schema_of_each_rendered_type_names(product: Template, kind: str) -> None:
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
    steps = [handlers.get(step, {}) for step in ("create", "read", "update", "delete")]
    called = {action for step in steps for action in step.get("permissions", [])}
    assert called, f"the schema of {kind} names no permissions"
    assert called - allowed(roles(product)["CloudformationRole"]) <= set(NOT_CALLED)


@pytest.mark.parametrize("kind", ["endpoint-config", "model"])
def test_then_verify_may_see_whose_a_thing_is_before_it_removes_it(product: Template, kind: str) -> None:
    on = {
        action
        for statement in statements(roles(product)["VerifyRole"])
        if any(f":{kind}/*" in json.dumps(resource) for resource in as_list(statement["Resource"]))
        for action in as_list(statement["Action"])
    }
    removing = {"endpoint-config": "DeleteEndpointConfig", "model": "DeleteModel"}[kind]
    assert {"sagemaker:ListTags", f"sagemaker:{removing}"} <= on


def test_then_no_policy_is_larger_than_iam_takes(either: Template, portfolio: Template) -> None:
    values = {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-1", "AWS::AccountId": "1" * 12}
    values |= {
        "SageMakerProjectId": "p-" + "z" * 18,
        "SageMakerProjectName": "n" * 32,
        "AWS::URLSuffix": "amazonaws.com",
    }

    def resolved(value: Any) -> Any:
        if isinstance(value, dict) and "Fn::Sub" in value:
            return re.sub(r"\$\{([^}]+)\}", lambda one: values.get(one[1], "x" * 90), value["Fn::Sub"])
        if isinstance(value, dict):
            return {key: resolved(each) for key, each in value.items()}
        return [resolved(each) for each in value] if isinstance(value, list) else value

    def size(document: Any) -> int:
        return len(json.dumps(resolved(document), separators=(",", ":")))

    for name, resource in {**either["Resources"], **portfolio["Resources"]}.items():
        if resource["Type"] == "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])]
            assert sum(map(size, documents)) <= 10_240, f"{name}: inline policies of a role may have 10240 characters"
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            of_one = size(resource["Properties"]["PolicyDocument"])
            assert of_one <= 6_144, f"{name}: a managed policy may have 6144 characters"


LAUNCH_ROLES = pytest.mark.parametrize("name", ["LaunchRole", "S3LaunchRole"])


@LAUNCH_ROLES
def test_then_a_launch_role_makes_roles_only_within_the_boundary(portfolio: Template, name: str) -> None:
    launch = roles(portfolio)[name]
    for statement in statements(launch):
        if {"iam:CreateRole", "iam:PutRolePolicy"} & set(as_list(statement["Action"])):
            assert "iam:PermissionsBoundary" in statement["Condition"]["StringEquals"]
    refused = {"iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreatePolicyVersion"}
    assert not refused & allowed(launch)


def test_then_the_boundary_holds_nothing_that_could_widen_a_role(portfolio: Template) -> None:
    boundary = portfolio["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    actions = {action for statement in boundary for action in as_list(statement["Action"])}
    touching = {action for action in actions if action.startswith(("iam:", "sts:", "organizations:"))}
    assert touching == {"iam:PassRole", "iam:CreateServiceLinkedRole", "sts:AssumeRole"}
    (assumed,) = [statement["Resource"] for statement in boundary if statement["Action"] == ["sts:AssumeRole"]]
    assert assumed["Fn::Sub"].endswith("::*:role/tidegate/sagemaker-p-*-*-${AWS::Region}")
    (linked,) = [statement for statement in boundary if "iam:CreateServiceLinkedRole" in as_list(statement["Action"])]
    assert "iam:AWSServiceName" in linked["Condition"]["StringEquals"]


def test_then_every_role_lies_within_the_boundary(either: Template, portfolio: Template) -> None:
    boundary = portfolio["Resources"]["Boundary"]["Properties"]["PolicyDocument"]["Statement"]
    bounds = {action for statement in boundary for action in as_list(statement["Action"])}
    for name, role in roles(either).items():
        for action in allowed(role):
            assert any(fnmatchcase(action, bound) for bound in bounds), f"{name}: {action}"


CREATED_BY = {
    "AWS::CloudFormation::StackSet": "cloudformation:CreateStackSet",
    "AWS::CodeBuild::Project": "codebuild:CreateProject",
    "AWS::CodeCommit::Repository": "codecommit:CreateRepository",
    "AWS::CodePipeline::Pipeline": "codepipeline:CreatePipeline",
    "AWS::ECR::Repository": "ecr:CreateRepository",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::Policy": "iam:PutRolePolicy",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::KMS::Key": "kms:CreateKey",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::SNS::Subscription": "sns:Subscribe",
    "AWS::SNS::Topic": "sns:CreateTopic",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SageMaker::ModelPackageGroup": "sagemaker:CreateModelPackageGroup",
    "Custom::TidegateConnection": "lambda:InvokeFunction",
    "Custom::TidegateGoodbye": "lambda:InvokeFunction",
    "Custom::TidegateSeeds": "lambda:InvokeFunction",
}


@LAUNCH_ROLES
def test_then_a_launch_role_can_create_every_type_of_resource_there_is_in_a_project(
    product_template: Template, hosted_template: Template, portfolio: Template, name: str
) -> None:
    may = allowed(roles(portfolio)[name])
    both = (product_template, hosted_template)
    types = {resource["Type"] for template in both for resource in template["Resources"].values()}
    assert types == set(CREATED_BY)
    assert {CREATED_BY[kind] for kind in types} <= may
