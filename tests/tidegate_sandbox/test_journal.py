"""Whoever acts in the sandbox does so with a session of its role, and what it asks for is written down."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox import journal


def trusting(service: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | condition]})


@pytest.fixture
def role(sandbox: Any) -> Any:
    def make(trust: str) -> str:
        name = f"acting-{uuid.uuid4().hex[:8]}"
        made = sandbox.client("iam").create_role(RoleName=name, Path="/tidegate/", AssumeRolePolicyDocument=trust)
        return str(made["Role"]["Arn"])

    return make


@pytest.fixture
def written(sandbox: Any) -> Any:
    def read(role: str) -> list[dict[str, Any]]:
        lines = map(json.loads, journal.path(sandbox.home).read_text().splitlines())
        return [line for line in lines if line["role"] == role]

    return read


def test_given_a_session_of_a_role_when_it_calls_then_its_role_with_its_path_is_written_down(
    sandbox: Any, role: Any, written: Any
) -> None:
    caller = role(trusting("codebuild"))
    sandbox.assumed(caller, "s3").list_buckets()
    sandbox.assumed(caller, "sagemaker").list_models()
    assert [(line["session"], line["action"], line["resource"]) for line in written(caller)] == [
        ("somebody", "s3:ListAllMyBuckets", "*"),
        ("somebody", "sagemaker:ListModels", "*"),
    ]


def test_given_repositories_of_images_then_each_is_written_down_however_it_is_named(
    sandbox: Any, role: Any, written: Any
) -> None:
    caller, name = role(trusting("codebuild")), f"images-{uuid.uuid4().hex[:8]}"
    arn = sandbox.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryArn"]
    ecr = sandbox.assumed(caller, "ecr")
    ecr.describe_repositories(repositoryNames=[name])
    ecr.list_tags_for_resource(resourceArn=arn)
    ecr.delete_repository(repositoryName=name)
    assert [(line["action"], line["resource"]) for line in written(caller)] == [
        ("ecr:DescribeRepositories", arn),
        ("ecr:ListTagsForResource", arn),
        ("ecr:DeleteRepository", arn),
    ]


def test_given_tags_and_a_role_at_creation_then_what_these_need_is_written_down_too(
    sandbox: Any, role: Any, written: Any
) -> None:
    caller, name = role(trusting("codebuild")), f"Group-{uuid.uuid4().hex[:8]}"
    sandbox.assumed(caller, "sagemaker").create_model_package_group(
        ModelPackageGroupName=name, Tags=[{"Key": "team", "Value": "tide"}]
    )
    arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:model-package-group/{name.lower()}"
    tags = {"aws:RequestTag/team": "tide", "aws:TagKeys": ["team"]}
    assert [(line["action"], line["resource"], line["keys"]) for line in written(caller)] == [
        ("sagemaker:CreateModelPackageGroup", arn, tags),
        ("sagemaker:AddTags", arn, tags | {"sagemaker:TaggingAction": "CreateModelPackageGroup"}),
    ]


def test_given_a_bucket_with_a_key_when_it_is_read_and_written_then_the_key_is_used(
    sandbox: Any, role: Any, written: Any
) -> None:
    caller, bucket, key = role(trusting("codebuild")), f"b-{uuid.uuid4().hex[:8]}", "arn:aws:kms:eu-west-1:1:key/k"
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    own = sandbox.assumed(caller, "s3")
    own.put_object(Bucket=bucket, Key="a/b", Body=b"x")
    own.get_object(Bucket=bucket, Key="a/b")
    assert [(line["action"], line["resource"]) for line in written(caller)] == [
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/a/b"),
        ("kms:GenerateDataKey", key),
        ("s3:GetObject", f"arn:aws:s3:::{bucket}/a/b"),
        ("kms:Decrypt", key),
    ]


def test_given_a_stack_with_a_role_then_what_it_makes_is_made_with_that_role(
    sandbox: Any, role: Any, written: Any, eventually: Any
) -> None:
    caller, stacks = role(trusting("codebuild")), role(trusting("cloudformation"))
    name = f"stack-{uuid.uuid4().hex[:8]}"
    template = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{name}"}}}}
    cloudformation = sandbox.assumed(caller, "cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), RoleARN=stacks)
    eventually(lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    # Whoever deletes it names no role: the stack keeps its own.
    sandbox.client("cloudformation").delete_stack(StackName=name)
    eventually(lambda: len(written(stacks)) == 2)

    assert [line["action"] for line in written(stacks)] == [
        "cloudformation/create AWS::Logs::LogGroup",
        "cloudformation/delete AWS::Logs::LogGroup",
    ]
    asked = [(line["action"], line["resource"]) for line in written(caller)]
    assert asked[0][0] == "cloudformation:CreateStack"
    assert asked[1] == ("iam:PassRole", stacks)


@pytest.mark.parametrize(
    "trust",
    [
        trusting("codepipeline"),
        trusting("codebuild", Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}),
    ],
)
def test_given_a_role_that_does_not_trust_codebuild_then_no_project_has_it(sandbox: Any, role: Any, trust: str) -> None:
    with pytest.raises(ClientError, match="CodeBuild is not authorized to perform: sts:AssumeRole on service role"):
        sandbox.client("codebuild").create_project(
            name=f"project-{uuid.uuid4().hex[:8]}",
            source={"type": "NO_SOURCE", "buildspec": 'version: 0.2\nphases: {build: {commands: ["true"]}}\n'},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "image", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole=role(trust),
        )
