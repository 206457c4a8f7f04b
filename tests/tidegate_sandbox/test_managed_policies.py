"""AWS's own managed policies are attached and read as AWS has them; an ARN that nobody has is not there.

That they are enforced is held by test_enforcement.py.
"""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox.managed_policies import PREFIX, all_policies

ACCOUNT = "710000000031"
LAMBDA = f"{PREFIX}service-role/AWSLambdaBasicExecutionRole"
READ_ONLY = f"{PREFIX}AmazonSageMakerReadOnly"
LAUNCH = f"{PREFIX}AmazonSageMakerAdmin-ServiceCatalogProductsServiceRolePolicy"
NOBODYS = f"{PREFIX}AmazonSageMakerFulAccess"
TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
TRUSTED = {"Version": "2012-10-17", "Statement": [TRUST]}


@pytest.fixture(scope="module")
def iam(sandbox: Any) -> Any:
    return sandbox.client("iam", ACCOUNT)


@pytest.fixture
def role(iam: Any) -> str:
    return a_role_of(iam)


def a_role_of(iam: Any) -> str:
    name = f"role-{uuid.uuid4().hex[:8]}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUSTED))
    return name


def code_of(call: Any, **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as told:
        call(**given)
    return told.value.response["Error"]["Code"], told.value.response["Error"]["Message"]


# ---------------------------------------------------------------- what is read of them
def test_each_is_under_its_own_path_with_the_version_that_is_in_force() -> None:
    launch, of_lambda = all_policies()[LAUNCH], all_policies()[LAMBDA]
    assert (launch.path, of_lambda.path) == ("/", "/service-role/")
    assert launch.version.removeprefix("v").isdigit()
    assert {each["Effect"] for each in json.loads(launch.document)["Statement"]} == {"Allow"}
    assert len({policy.id for policy in all_policies().values()}) == len(all_policies())


def test_a_managed_policy_is_described_with_its_document(iam: Any) -> None:
    policy = iam.get_policy(PolicyArn=LAUNCH)["Policy"]
    assert (policy["Arn"], policy["Path"], policy["PolicyName"]) == (LAUNCH, "/", LAUNCH.removeprefix(PREFIX))
    version = iam.get_policy_version(PolicyArn=LAUNCH, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"] == json.loads(all_policies()[LAUNCH].document)
    [listed] = iam.list_policy_versions(PolicyArn=LAUNCH)["Versions"]
    assert (listed["VersionId"], listed["IsDefaultVersion"]) == (policy["DefaultVersionId"], True)


def test_they_are_listed_a_page_at_a_time_by_scope_and_path(sandbox: Any) -> None:
    iam = sandbox.client("iam", "710000000033")
    mine = iam.create_policy(PolicyName="mine", PolicyDocument=all_policies()[LAMBDA].document)
    first = iam.list_policies(Scope="AWS")
    assert (len(first["Policies"]), first["IsTruncated"]) == (100, True)
    pages = iam.get_paginator("list_policies")
    aws = [
        each["Arn"]
        for page in pages.paginate(Scope="AWS", PaginationConfig={"PageSize": 1000})
        for each in page["Policies"]
    ]
    assert aws == list(all_policies())
    [local] = iam.list_policies(Scope="Local")["Policies"]
    assert local["Arn"] == mine["Policy"]["Arn"]
    of_jobs = [each["Path"] for each in iam.list_policies(PathPrefix="/job-function/")["Policies"]]
    assert set(of_jobs) == {"/job-function/"}


def test_those_that_are_attached_are_listed_with_how_often(sandbox: Any) -> None:
    iam = sandbox.client("iam", "710000000034")
    role = a_role_of(iam)
    iam.attach_role_policy(RoleName=role, PolicyArn=LAMBDA)
    [listed] = iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"]
    assert (listed["Arn"], listed["AttachmentCount"]) == (LAMBDA, 1)
    [attached] = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached == {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": LAMBDA}
    iam.detach_role_policy(RoleName=role, PolicyArn=LAMBDA)
    assert iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"] == []


# ---------------------------------------------------------------- what nobody has
def test_a_policy_that_nobody_has_is_not_attached_by_its_name(iam: Any, role: str) -> None:
    said = ("NoSuchEntity", f"Policy {NOBODYS} does not exist or is not attachable.")
    assert code_of(iam.attach_role_policy, RoleName=role, PolicyArn=NOBODYS) == said
    assert code_of(iam.get_policy, PolicyArn=NOBODYS)[0] == "NoSuchEntity"
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    bound = code_of(iam.put_role_permissions_boundary, RoleName=role, PermissionsBoundary=NOBODYS)
    assert bound == ("NoSuchEntity", f"Scope ARN: {NOBODYS} does not exist or is not attachable.")


def test_a_policy_for_roles_of_services_is_attached_to_no_other(iam: Any, role: str) -> None:
    of_service = next(arn for arn, policy in all_policies().items() if policy.path == "/aws-service-role/")
    assert code_of(iam.attach_role_policy, RoleName=role, PolicyArn=of_service)[0] == "PolicyNotAttachable"


# ---------------------------------------------------------------- in stacks
def a_role(**properties: Any) -> str:
    given = {"AssumeRolePolicyDocument": TRUSTED, **properties}
    return json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": given}}})


def test_a_stacks_role_has_its_managed_policies_and_its_boundary(sandbox: Any, iam: Any, eventually: Any) -> None:
    cloudformation, name = sandbox.client("cloudformation", ACCOUNT), f"s-{uuid.uuid4().hex[:8]}"
    template = a_role(RoleName=name, ManagedPolicyArns=[LAMBDA], PermissionsBoundary=READ_ONLY)
    cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    boundary = iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]
    assert boundary == {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": READ_ONLY}
    [attached] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached["PolicyArn"] == LAMBDA
    cloudformation.update_stack(
        StackName=name,
        TemplateBody=a_role(RoleName=name, ManagedPolicyArns=[READ_ONLY]),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert "PermissionsBoundary" not in iam.get_role(RoleName=name)["Role"]
    [attached] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached["PolicyArn"] == READ_ONLY


def test_a_stack_whose_role_names_a_policy_that_nobody_has_fails_with_its_name(sandbox: Any, eventually: Any) -> None:
    cloudformation, name = sandbox.client("cloudformation", ACCOUNT), f"s-{uuid.uuid4().hex[:8]}"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=a_role(ManagedPolicyArns=[LAMBDA, NOBODYS]),
        Capabilities=["CAPABILITY_IAM"],
        OnFailure="DO_NOTHING",
    )
    eventually(lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_FAILED")
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert any(f"Policy {NOBODYS} does not exist" in each.get("ResourceStatusReason", "") for each in events)


# ---------------------------------------------------------------- the roles that Studio makes
def test_enabling_projects_makes_the_roles_that_public_templates_name(sandbox: Any) -> None:
    account = "710000000032"
    sagemaker, iam = sandbox.client("sagemaker", account), sandbox.client("iam", account)
    assert iam.list_roles(PathPrefix="/service-role/")["Roles"] == []
    for _ in range(2):  # what is there is left as it is
        sagemaker.enable_sagemaker_servicecatalog_portfolio()
    prefix = "AmazonSageMakerServiceCatalogProducts"
    roles = {each["RoleName"]: each for each in iam.list_roles(PathPrefix="/service-role/")["Roles"]}
    assert {name.removeprefix(prefix).removesuffix("Role") for name in roles} == {
        *("Launch", "Use", "Execution", "ApiGateway", "Cloudformation", "CodeBuild", "CodePipeline", "Events"),
        *("Firehose", "Glue", "Lambda"),
    }
    policies = {
        name: [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
        for name in roles
    }
    assert policies[f"{prefix}LaunchRole"] == [LAUNCH]
    assert policies[f"{prefix}ExecutionRole"] == [f"{PREFIX}AmazonSageMakerFullAccess"]
    assert policies[f"{prefix}UseRole"] == [f"arn:aws:iam::{account}:policy/service-role/{prefix}UseRole"]
    assert policies[f"{prefix}CodeBuildRole"] == [f"{PREFIX}{prefix}CodeBuildServiceRolePolicy"]
    assert policies[f"{prefix}EventsRole"] == [f"{PREFIX}service-role/{prefix}EventsServiceRolePolicy"]
    launch = roles[f"{prefix}LaunchRole"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert launch["Principal"] == {"Service": ["servicecatalog.amazonaws.com"]}
