"""IAM is enforced: what a role's policies do not allow is refused, naming who asked, what for and on what."""

import contextlib
import http.client
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ELSEWHERE = "222222222222"


@pytest.fixture(scope="module")
def enforcing(another_sandbox: Any) -> Iterator[Any]:
    with another_sandbox(iam="enforce") as running:
        yield running


Statement = dict[str, Any]


def allow(*actions: str, on: str = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str) -> Statement:
    return {**allow(*actions), "Effect": "Deny"}


def policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(**principal: str) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def session_keys(credentials: dict[str, str]) -> dict[str, str]:
    names = {"AccessKeyId": "aws_access_key_id", "SecretAccessKey": "aws_secret_access_key"}
    return {name: credentials[key] for key, name in {**names, "SessionToken": "aws_session_token"}.items()}


class Role:
    """A role of an account, whom a test lets act."""

    def __init__(self, sandbox: Any, *statements: Statement, account: str, trusted: str, boundary: str = "") -> None:
        self.sandbox, self.account, self.name = sandbox, account, f"role-{uuid.uuid4().hex[:8]}"
        iam = sandbox.client("iam", account)
        given = {"RoleName": self.name, "AssumeRolePolicyDocument": trusted}
        if boundary:
            made = iam.create_policy(PolicyName=f"boundary-{self.name}", PolicyDocument=boundary)
            given["PermissionsBoundary"] = made["Policy"]["Arn"]
        self.arn = iam.create_role(**given)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=self.name, PolicyName="own", PolicyDocument=policy(*statements))

    def session(self) -> dict[str, str]:
        """Return what boto3 takes a session's keys by."""
        sts = self.sandbox.client("sts", self.account)
        return session_keys(sts.assume_role(RoleArn=self.arn, RoleSessionName="somebody")["Credentials"])

    def client(self, service: str, **session: str) -> Any:
        sts = self.sandbox.client("sts", self.account)
        return self.sandbox.assumed(self.arn, service, sts, **session)


@pytest.fixture
def role(enforcing: Any) -> Callable[..., Role]:
    def make(*statements: Statement, account: str = enforcing.account, **more: str) -> Role:
        trusted = more.pop("trusted", trust(AWS=f"arn:aws:iam::{account}:root"))
        return Role(enforcing, *statements, account=account, trusted=trusted, **more)

    return make


@pytest.fixture
def bucket(enforcing: Any) -> str:
    name = f"b-{uuid.uuid4().hex[:8]}"
    s3 = enforcing.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": enforcing.region})
    s3.put_object(Bucket=name, Key="a/b", Body=b"x")
    return name


def refused(call: Callable[..., Any], **given: Any) -> str:
    """Return AWS's words of refusing a call, without the name that botocore puts before them."""
    with pytest.raises(ClientError) as told:
        call(**given)
    assert told.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return str(told.value.response["Error"].get("Message") or told.value.response["Error"])


@pytest.mark.parametrize(
    ("service", "operation", "given", "action", "resource"),
    [
        (
            "sagemaker",
            "describe_model",
            {"ModelName": "Demo"},
            "sagemaker:DescribeModel",
            "arn:aws:sagemaker:eu-west-1:111122223333:model/demo",
        ),
        ("s3", "get_object", {"Bucket": "demo", "Key": "a"}, "s3:GetObject", "arn:aws:s3:::demo/a"),
        ("iam", "get_role", {"RoleName": "x"}, "iam:GetRole", "arn:aws:iam::111122223333:role/x"),
        (
            "logs",
            "create_log_stream",
            {"logGroupName": "/x", "logStreamName": "y"},
            "logs:CreateLogStream",
            "arn:aws:logs:eu-west-1:111122223333:log-group:/x:log-stream:y",
        ),
        (
            "ssm",
            "get_parameter",
            {"Name": "/x"},
            "ssm:GetParameter",
            "arn:aws:ssm:eu-west-1:111122223333:parameter/x",
        ),
        ("sagemaker", "list_models", {}, "sagemaker:ListModels", "*"),
        ("lambda", "get_account_settings", {}, "lambda:GetAccountSettings", "*"),
    ],
)
def test_given_nothing_is_allowed_then_a_call_is_refused_with_who_what_and_where(
    role: Any, service: str, operation: str, given: dict[str, str], action: str, resource: str
) -> None:
    caller = role()
    said = refused(getattr(caller.client(service), operation), **given)
    who = f"arn:aws:sts::111122223333:assumed-role/{caller.name}/somebody"
    assert said == (
        f"User: {who} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )


def test_the_accounts_root_may_do_everything_and_anybody_may_ask_who_they_are(enforcing: Any, role: Any) -> None:
    caller = role()
    assert enforcing.client("sagemaker").list_models()["Models"] == []
    assert caller.client("sts").get_caller_identity()["Arn"].endswith(f"assumed-role/{caller.name}/somebody")


def test_given_what_is_allowed_then_that_alone_is_done(role: Any, bucket: str) -> None:
    s3 = role(allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/a/*")).client("s3")
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"x"
    refused(s3.get_object, Bucket=bucket, Key="b")
    refused(s3.put_object, Bucket=bucket, Key="a/b", Body=b"y")


def test_given_metrics_are_allowed_in_a_namespace_then_in_no_other(role: Any) -> None:
    within = {"StringLike": {"cloudwatch:namespace": ["rides/*"]}}
    cloudwatch = role(allow("cloudwatch:PutMetricData", Condition=within)).client("cloudwatch")
    metric = {"MetricData": [{"MetricName": "drift", "Value": 1.0}]}
    cloudwatch.put_metric_data(Namespace="rides/monitors", **metric)
    refused(cloudwatch.put_metric_data, Namespace="others", **metric)


def test_given_a_deny_then_no_allow_helps(role: Any) -> None:
    caller = role(allow("sagemaker:*"), deny("sagemaker:ListModels"))
    said = refused(caller.client("sagemaker").list_models)
    assert said.endswith("with an explicit deny in an identity-based policy")


def test_given_a_managed_policy_of_awss_then_it_allows_what_it_says_and_nothing_else(enforcing: Any, role: Any) -> None:
    caller, iam = role(), enforcing.client("iam")
    iam.attach_role_policy(RoleName=caller.name, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerReadOnly")
    sagemaker = caller.client("sagemaker")
    sagemaker.list_models()
    said = refused(sagemaker.delete_model, ModelName="m")
    assert said.endswith("because no identity-based policy allows the sagemaker:DeleteModel action")


def test_given_a_managed_policy_of_awss_as_boundary_then_it_is_the_most_there_is(enforcing: Any, role: Any) -> None:
    caller, iam = role(allow("*")), enforcing.client("iam")
    bounds = "arn:aws:iam::aws:policy/AmazonSageMakerReadOnly"
    iam.put_role_permissions_boundary(RoleName=caller.name, PermissionsBoundary=bounds)
    sagemaker = caller.client("sagemaker")
    sagemaker.list_models()
    said = refused(sagemaker.delete_model, ModelName="m")
    assert said.endswith("because no permissions boundary allows the sagemaker:DeleteModel action")


def test_given_a_boundary_then_it_is_the_most_that_policies_give(role: Any) -> None:
    caller = role(allow("sagemaker:*"), boundary=policy(allow("sagemaker:ListEndpoints")))
    assert caller.client("sagemaker").list_endpoints()["Endpoints"] == []
    said = refused(caller.client("sagemaker").list_models)
    assert said.endswith("because no permissions boundary allows the sagemaker:ListModels action")


def test_given_a_policy_of_the_session_then_it_narrows_the_roles(role: Any) -> None:
    caller, narrow = role(allow("sagemaker:*")), policy(allow("sagemaker:ListEndpoints"))
    assert caller.client("sagemaker", Policy=narrow).list_endpoints()["Endpoints"] == []
    said = refused(caller.client("sagemaker", Policy=narrow).list_models)
    assert said.endswith("because no session policy allows the sagemaker:ListModels action")


def test_given_a_condition_on_tags_then_only_a_request_with_them_is_let(role: Any) -> None:
    tagged = {"StringEquals": {"aws:RequestTag/team": "tide"}}
    create = allow("sagemaker:CreateModelPackageGroup", "sagemaker:AddTags", Condition=tagged)
    sagemaker, name = role(create).client("sagemaker"), f"g-{uuid.uuid4().hex[:8]}"
    refused(sagemaker.create_model_package_group, ModelPackageGroupName=name)
    other = [{"Key": "team", "Value": "ebb"}]
    refused(sagemaker.create_model_package_group, ModelPackageGroupName=name, Tags=other)
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "team", "Value": "tide"}])


def test_given_a_role_is_handed_on_then_that_has_to_be_allowed_too(role: Any) -> None:
    handed, caller = role(), role(allow("codebuild:CreateProject"))
    said = refused(
        caller.client("codebuild").create_project,
        name=f"p-{uuid.uuid4().hex[:8]}",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "image", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=handed.arn,
    )
    assert f"perform: iam:PassRole on resource: {handed.arn} " in said


def test_given_a_buckets_policy_then_across_accounts_both_sides_have_to_agree(
    enforcing: Any, role: Any, bucket: str
) -> None:
    read = allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*")
    may, may_not = role(read, account=ELSEWHERE), role(account=ELSEWHERE)
    said = refused(may.client("s3").get_object, Bucket=bucket, Key="a/b")
    assert said.endswith("because no resource-based policy allows the s3:GetObject action")
    named = {**read, "Principal": {"AWS": [may.arn, may_not.arn]}}
    enforcing.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(named))
    assert may.client("s3").get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"x"
    said = refused(may_not.client("s3").get_object, Bucket=bucket, Key="a/b")
    assert said.endswith("because no identity-based policy allows the s3:GetObject action")


def test_given_a_keys_policy_without_the_account_then_a_roles_own_policy_is_not_enough(
    enforcing: Any, role: Any
) -> None:
    caller, kms = role(allow("kms:Encrypt")), enforcing.client("kms")
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{enforcing.account}:root"}, "Resource": "*"}
    open_ = kms.create_key()["KeyMetadata"]["KeyId"]
    closed = kms.create_key(Policy=policy({**root, "Action": "kms:PutKeyPolicy"}))["KeyMetadata"]["KeyId"]
    caller.client("kms").encrypt(KeyId=open_, Plaintext=b"x")
    said = refused(caller.client("kms").encrypt, KeyId=closed, Plaintext=b"x")
    assert said.endswith("because no resource-based policy allows the kms:Encrypt action")


def test_given_a_role_that_does_not_trust_the_caller_then_it_is_not_assumed(enforcing: Any, role: Any) -> None:
    caller = role(allow("sts:AssumeRole"))
    willing = role(account=ELSEWHERE, trusted=trust(AWS=caller.arn))
    unwilling = role(account=ELSEWHERE)
    enforcing.assumed(willing.arn, "sts", caller.client("sts")).get_caller_identity()
    said = refused(caller.client("sts").assume_role, RoleArn=unwilling.arn, RoleSessionName="somebody")
    assert said.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {unwilling.arn}")


def condition(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("key", "its", "other"),
    [
        ("aws:PrincipalTag/team", "a", "b"),
        ("aws:PrincipalTag/shift", "night", "day"),
        ("aws:userid", "*:somebody", "*:anybody"),
        ("aws:PrincipalIsAWSService", "false", "true"),
        ("aws:TokenIssueTime", "20*", "19*"),
    ],
)
def test_given_a_condition_on_who_asks_then_it_is_met_by_that_session_alone(
    enforcing: Any, role: Any, key: str, its: str, other: str
) -> None:
    trusted = policy({"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole", "sts:TagSession"]})
    caller = role(
        allow("sagemaker:ListModels", **condition("StringLike", key, its)),
        allow("sagemaker:ListEndpoints", **condition("StringLike", key, other)),
        trusted=trusted,
    )
    enforcing.client("iam").tag_role(RoleName=caller.name, Tags=[{"Key": "team", "Value": "a"}])
    sagemaker = caller.client("sagemaker", Tags=[{"Key": "shift", "Value": "night"}])
    sagemaker.list_models()
    refused(sagemaker.list_endpoints)


def test_given_a_condition_on_what_is_asked_of_sagemaker_then_it_is_met_by_that_alone(role: Any) -> None:
    approved = condition("StringEquals", "sagemaker:ModelApprovalStatus", "Approved")
    large = condition("ForAnyValue:StringLike", "sagemaker:InstanceTypes", "ml.p*")
    caller = role(
        allow("sagemaker:*"),
        {**deny("sagemaker:UpdateModelPackage"), **approved},
        {**deny("sagemaker:CreateEndpointConfig"), **large},
    )
    sagemaker = caller.client("sagemaker")
    package = {"ModelPackageArn": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/nothing/1"}
    refused(sagemaker.update_model_package, ModelApprovalStatus="Approved", **package)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.update_model_package(ModelApprovalStatus="Rejected", **package)
    variant = {"VariantName": "a", "ModelName": "nothing", "InitialInstanceCount": 1}
    variants = [{**variant, "InstanceType": "ml.m5.large"}, {**variant, "InstanceType": "ml.p3.2xlarge"}]
    refused(sagemaker.create_endpoint_config, EndpointConfigName="Demo", ProductionVariants=variants)
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.create_endpoint_config(EndpointConfigName="Demo", ProductionVariants=variants[:1])


def test_given_a_variable_in_a_policy_then_it_stands_for_the_sessions_own_value(role: Any, bucket: str) -> None:
    own = "arn:aws:s3:::" + bucket + "/${aws:PrincipalTag/folder, 'a'}/*"
    caller = role(allow("s3:GetObject", on=own), allow("s3:PutObject", on=own.replace(", 'a'", "")))
    assert caller.client("s3").get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"x"
    refused(caller.client("s3").put_object, Bucket=bucket, Key="a/b")
    caller.sandbox.client("iam").tag_role(RoleName=caller.name, Tags=[{"Key": "folder", "Value": "c"}])
    caller.client("s3").put_object(Bucket=bucket, Key="c/d")
    refused(caller.client("s3").get_object, Bucket=bucket, Key="a/b")


EXTERNAL_ID = {"Condition": {"StringEquals": {"sts:ExternalId": "agreed"}}}


@pytest.mark.parametrize(
    ("trusted", "given", "may"),
    [
        ({"Principal": {"AWS": ELSEWHERE}}, {}, True),
        ({"Principal": {"AWS": "333333333333"}}, {}, False),
        ({"Principal": {"Service": "codebuild.amazonaws.com"}}, {}, False),
        ({"Principal": {"AWS": ELSEWHERE}, **EXTERNAL_ID}, {"ExternalId": "agreed"}, True),
        ({"Principal": {"AWS": ELSEWHERE}, **EXTERNAL_ID}, {}, False),
        ({"Principal": {"AWS": ELSEWHERE}}, {"Tags": [{"Key": "team", "Value": "a"}]}, False),
        ({"Principal": {"AWS": ELSEWHERE}, "Action": ["sts:AssumeRole", "sts:TagSession"]}, {"Tags": []}, True),
    ],
)
def test_given_an_accounts_own_keys_then_a_role_is_assumed_only_if_it_trusts_them(
    enforcing: Any, role: Any, trusted: Any, given: dict[str, Any], may: bool
) -> None:
    wanted = role(trusted=policy({"Effect": "Allow", "Action": "sts:AssumeRole", **trusted})).arn
    assume = enforcing.client("sts", ELSEWHERE).assume_role
    if may:
        assert assume(RoleArn=wanted, RoleSessionName="somebody", **given)["AssumedRoleUser"]["Arn"]
        return
    said = refused(assume, RoleArn=wanted, RoleSessionName="somebody", **given)
    assert said.startswith(f"User: arn:aws:iam::{ELSEWHERE}:root is not authorized to perform: sts:")
    assert said.endswith(f"on resource: {wanted}")


def test_given_there_is_no_such_role_then_nobody_assumes_it(enforcing: Any) -> None:
    missing = f"arn:aws:iam::{enforcing.account}:role/there-is-none"
    said = refused(enforcing.client("sts").assume_role, RoleArn=missing, RoleSessionName="somebody")
    assert said.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {missing}")


def fetched(sandbox: Any, address: str, method: str = "GET") -> tuple[int, str]:
    """Ask the sandbox for an address whose host a name server need not know."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(sandbox.url).port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, f"{where.path}?{where.query}", headers={"Host": where.netloc})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "s3.localhost", "s3.eu-west-1.localhost"])
def test_given_a_signed_address_then_it_may_what_its_author_may_wherever_the_bucket_stands(
    enforcing: Any, role: Any, bucket: str, host: str, signature: str
) -> None:
    config = Config(signature_version=signature, s3={"addressing_style": "virtual"})
    at = {"endpoint_url": f"http://{host}:{urlsplit(enforcing.url).port}", "config": config}
    own = {"aws_access_key_id": enforcing.account, "aws_secret_access_key": "local"}
    account = boto3.client("s3", region_name=enforcing.region, **at, **own)
    wanted = {"Params": {"Bucket": bucket, "Key": "a/b"}}
    address = account.generate_presigned_url("get_object", **wanted)
    assert urlsplit(address).netloc.startswith(bucket) == (host != "127.0.0.1")
    assert fetched(enforcing, address) == (200, "x")

    keys = role().session()
    nobody = boto3.client("s3", region_name=enforcing.region, **at, **keys)
    status, said = fetched(enforcing, nobody.generate_presigned_url("get_object", **wanted))
    assert status == 403
    assert f"is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::{bucket}/a/b" in said
    absent = account.generate_presigned_url("list_bucket_inventory_configurations", Params={"Bucket": bucket})
    status, said = fetched(enforcing, absent)
    assert status == 501
    assert "s3:ListBucketInventoryConfigurations is not in the local simulation" in said


def test_given_a_key_of_a_session_that_nobody_has_then_it_is_not_taken_for_the_accounts(enforcing: Any) -> None:
    keys = {"aws_access_key_id": "ASIAAAAAAAAAAAAAAAAA", "aws_secret_access_key": "x", "aws_session_token": "y"}
    codes = {"s3": "InvalidAccessKeyId", "sagemaker": "UnrecognizedClientException", "iam": "InvalidClientTokenId"}
    calls = {"s3": "list_buckets", "sagemaker": "list_models", "iam": "list_roles"}
    for service, code in codes.items():
        client = boto3.client(service, endpoint_url=enforcing.url, region_name=enforcing.region, **keys)  # type: ignore[call-overload]
        with pytest.raises(ClientError) as told:
            getattr(client, calls[service])()
        assert told.value.response["Error"]["Code"] == code


def test_given_a_session_of_a_user_then_it_acts_as_the_user_and_one_that_nobody_would_check_is_not_had(
    enforcing: Any,
) -> None:
    given = enforcing.client("sts").get_session_token()["Credentials"]
    sts = boto3.client("sts", endpoint_url=enforcing.url, region_name=enforcing.region, **session_keys(given))
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{enforcing.account}:root"
    with pytest.raises(ClientError, match="GetFederationToken is not in the local simulation"):
        sts.get_federation_token(Name="somebody", Policy=policy(allow("s3:ListBucket")))


def test_given_a_stacks_role_lacks_a_permission_then_the_stack_fails_with_it_and_nothing_is_left(
    enforcing: Any, role: Any, eventually: Any
) -> None:
    may = ("logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:DeleteLogGroup")
    more = ("logs:ListTagsForResource", "logs:GetDataProtectionPolicy", "logs:DescribeIndexPolicies")
    stacks = role(allow(*may, *more), trusted=trust(Service="cloudformation.amazonaws.com"))
    name, cloudformation = f"stack-{uuid.uuid4().hex[:8]}", enforcing.client("cloudformation")
    template = {
        "Resources": {
            "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{name}", "RetentionInDays": 7}},
        }
    }
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), RoleARN=stacks.arn, OnFailure="DO_NOTHING"
    )

    def ended() -> Any:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return None if found["StackStatus"].endswith("IN_PROGRESS") else found["StackStatus"]

    assert eventually(ended) == "CREATE_FAILED"
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    (reason,) = [
        each["ResourceStatusReason"]
        for each in events
        if each["LogicalResourceId"] == "Group" and each["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert f"assumed-role/{stacks.name}/{name} is not authorized to perform: logs:" in reason
    assert "HandlerErrorCode: AccessDenied" in reason
    groups = enforcing.client("logs").describe_log_groups(logGroupNamePrefix=f"/{name}")["logGroups"]
    assert groups == []


def test_given_a_builds_role_may_not_read_its_source_then_the_build_fails_and_says_so(
    enforcing: Any, role: Any, bucket: str, eventually: Any
) -> None:
    builds = role(allow("logs:*"), trusted=trust(Service="codebuild.amazonaws.com"))
    codebuild, name = enforcing.client("codebuild"), f"p-{uuid.uuid4().hex[:8]}"
    codebuild.create_project(
        name=name,
        source={"type": "S3", "location": f"{bucket}/a/b", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "image", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=builds.arn,
    )
    id = codebuild.start_build(projectName=name)["build"]["id"]

    def ended() -> Any:
        build = codebuild.batch_get_builds(ids=[id])["builds"][0]
        return build if build["buildComplete"] else None

    build = eventually(ended)
    assert build["buildStatus"] == "FAILED"
    who = f"arn:aws:sts::111122223333:assumed-role/{builds.name}/AWSCodeBuild-{id.partition(':')[2]}"
    resource = f"arn:aws:s3:::{bucket}/a/b"
    assert f"User: {who} is not authorized to perform: s3:GetObject on resource: {resource}" in str(build["phases"])


def test_given_there_is_no_such_role_then_codebuild_has_no_project_and_no_build_of_it(
    enforcing: Any, role: Any, eventually: Any
) -> None:
    builds, codebuild = (
        role(allow("logs:*"), trusted=trust(Service="codebuild.amazonaws.com")),
        enforcing.client("codebuild"),
    )
    project = {
        "name": f"p-{uuid.uuid4().hex[:8]}",
        "source": {"type": "NO_SOURCE", "buildspec": 'version: 0.2\nphases: {build: {commands: ["true"]}}\n'},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {"type": "LINUX_CONTAINER", "image": "image", "computeType": "BUILD_GENERAL1_SMALL"},
    }
    for wrong, why in {
        "there-is-none": "is no ARN of a role",
        f"arn:aws:iam::{ELSEWHERE}:role/there-is-none": "account ID does not match",
        f"{builds.arn}-none": "CodeBuild is not authorized to perform: sts:AssumeRole on service role",
    }.items():
        with pytest.raises(ClientError, match=f"InvalidInputException.*{why}"):
            codebuild.create_project(**project, serviceRole=wrong)
    codebuild.create_project(**project, serviceRole=builds.arn)
    enforcing.client("iam").delete_role_policy(RoleName=builds.name, PolicyName="own")

    def ended() -> tuple[str, str, str, str]:
        id = codebuild.start_build(projectName=project["name"])["build"]["id"]
        build = eventually(lambda: (now := codebuild.batch_get_builds(ids=[id])["builds"][0])["buildComplete"] and now)
        [failed] = [phase for phase in build["phases"] if phase.get("phaseStatus") in ("FAILED", "FAULT")]
        [said] = failed["contexts"]
        return build["buildStatus"], failed["phaseType"], said["statusCode"], said["message"]

    *how, said = ended()
    assert how == ["FAILED", "QUEUED", "ACCESS_DENIED"]
    assert said.startswith(f"Service role {builds.arn} does not allow AWS CodeBuild to create Amazon CloudWatch Logs")
    making = policy(allow("logs:CreateLogGroup", "logs:CreateLogStream"))
    enforcing.client("iam").put_role_policy(RoleName=builds.name, PolicyName="own", PolicyDocument=making)
    assert f"assumed-role/{builds.name}/" in (said := ended()[-1])
    assert "is not authorized to perform: logs:PutLogEvents" in said
    enforcing.client("iam").delete_role_policy(RoleName=builds.name, PolicyName="own")

    enforcing.client("iam").delete_role(RoleName=builds.name)
    with pytest.raises(ClientError, match="sts:AssumeRole on service role"):
        codebuild.start_build(projectName=project["name"])


def test_given_a_role_that_sagemaker_may_not_assume_then_no_job_has_it(enforcing: Any, role: Any) -> None:
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    for wrong in (role().arn, f"arn:aws:iam::{enforcing.account}:role/there-is-none"):
        with pytest.raises(ClientError, match=rf"ValidationException.*Could not assume role {wrong}\. Please ensure"):
            enforcing.client("sagemaker").create_processing_job(
                ProcessingJobName="none",
                ProcessingResources={"ClusterConfig": cluster},
                AppSpecification={"ImageUri": "image"},
                RoleArn=wrong,
            )


def test_given_a_role_that_may_not_be_assumed_then_no_pipeline_has_it(enforcing: Any, role: Any, bucket: str) -> None:
    client, pipelines = enforcing.client("codepipeline"), trust(Service="codepipeline.amazonaws.com")
    own = role(allow("sts:AssumeRole"), trusted=pipelines)
    foreign, willing = role(account=ELSEWHERE), role(account=ELSEWHERE, trusted=trust(AWS=own.arn))

    def pipeline(runs: str, deploys: str) -> dict[str, Any]:
        def action(name: str, category: str, **more: Any) -> dict[str, Any]:
            kind = {"category": category, "owner": "AWS", "provider": name, "version": "1"}
            return {"name": name, "actionTypeId": kind, **more}

        repository = {"RepositoryName": "none", "BranchName": "main", "PollForSourceChanges": "false"}
        source = action("CodeCommit", "Source", configuration=repository, outputArtifacts=[{"name": "A"}])
        stack = {"ActionMode": "DELETE_ONLY", "StackName": "none", "RoleArn": own.arn}
        deploy = action("CloudFormation", "Deploy", configuration=stack, roleArn=deploys)
        stages = [{"name": "Source", "actions": [source]}, {"name": "Deploy", "actions": [deploy]}]
        store = {"type": "S3", "location": bucket}
        return {"name": own.name, "roleArn": runs, "artifactStore": store, "stages": stages}

    for runs, deploys, said in (
        (
            f"{own.arn}-none",
            willing.arn,
            f"CodePipeline is not authorized to perform AssumeRole on role {own.arn}-none",
        ),
        (role().arn, willing.arn, "CodePipeline is not authorized to perform AssumeRole on role"),
        (own.arn, foreign.arn, f"{own.arn} is not authorized to perform AssumeRole on role {foreign.arn}"),
    ):
        with pytest.raises(ClientError, match=f"InvalidStructureException.*{said}"):
            client.create_pipeline(pipeline=pipeline(runs, deploys))
    client.create_pipeline(pipeline=pipeline(own.arn, willing.arn))
    with pytest.raises(ClientError, match=f"InvalidStructureException.*AssumeRole on role {foreign.arn}"):
        client.update_pipeline(pipeline=pipeline(own.arn, foreign.arn))
    client.delete_pipeline(name=own.name)


def test_given_a_builds_role_may_not_read_a_secret_then_the_build_fails_until_it_may(
    enforcing: Any, role: Any, eventually: Any
) -> None:
    builds = role(allow("logs:*"), trusted=trust(Service="codebuild.amazonaws.com"))
    codebuild, name = enforcing.client("codebuild"), f"p-{uuid.uuid4().hex[:8]}"
    secret = enforcing.client("secretsmanager").create_secret(Name=name, SecretString="sesame")["ARN"]
    spec = {
        "version": "0.2",
        "env": {"secrets-manager": {"WORD": name}},
        "phases": {"build": {"commands": ["echo '<testsuite/>' > unit.xml"]}},
        "reports": {"unit": {"files": ["*.xml"]}},
    }
    codebuild.create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "image", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=builds.arn,
    )

    def built() -> tuple[str, str]:
        id = codebuild.start_build(projectName=name)["build"]["id"]
        build = eventually(lambda: (now := codebuild.batch_get_builds(ids=[id])["builds"][0])["buildComplete"] and now)
        return build["buildStatus"], str(build["phases"])

    def may(*actions: str, on: str) -> None:
        allowed = policy(allow("logs:*"), allow("secretsmanager:GetSecretValue", on=secret), allow(*actions, on=on))
        enforcing.client("iam").put_role_policy(RoleName=builds.name, PolicyName="own", PolicyDocument=allowed)

    status, said = built()
    assert status == "FAILED"
    assert f"is not authorized to perform: secretsmanager:GetSecretValue on resource: {secret}" in said

    may("logs:*", on="*")
    group = f"arn:aws:codebuild:eu-west-1:111122223333:report-group/{name}-unit"
    assert f"is not authorized to perform: codebuild:CreateReportGroup on resource: {group}" in built()[1]

    may("codebuild:CreateReportGroup", "codebuild:*Report", "codebuild:BatchPutTestCases", on=group)
    assert built()[0] == "SUCCEEDED"
