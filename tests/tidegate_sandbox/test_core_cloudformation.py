"""What the product's and the endpoints' stacks ask of CloudFormation."""

import io
import json
import time
import urllib.request
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

# Hands its event to a bucket and answers nothing: whoever reads it there answers later.
HAND_OVER = """
import boto3, json, os
def handler(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=event["RequestType"], Body=json.dumps(event))
"""


@pytest.fixture
def cloudformation(sandbox):
    return sandbox.client("cloudformation")


@pytest.fixture
def name():
    return f"core-{uuid.uuid4().hex[:8]}"


def settled(cloudformation, eventually, name):
    """Return a stack once nothing happens to it any more."""

    def stack():
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return None if described["StackStatus"].endswith("IN_PROGRESS") else described

    return eventually(stack)


def group(name, **attributes):
    kind = "AWS::SageMaker::ModelPackageGroup"
    return {"Resources": {"Group": {"Type": kind, "Properties": {"ModelPackageGroupName": name}, **attributes}}}


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_what_is_replaced_is_retained_only_when_told_to(sandbox, cloudformation, eventually, name, policy):
    body = json.dumps(group(f"{name}-old", UpdateReplacePolicy=policy))
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    settled(cloudformation, eventually, name)
    body = json.dumps(group(f"{name}-new", UpdateReplacePolicy=policy))
    cloudformation.update_stack(StackName=name, TemplateBody=body)
    assert settled(cloudformation, eventually, name)["StackStatus"] == "UPDATE_COMPLETE"

    listed = sandbox.client("sagemaker").list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    left = {each["ModelPackageGroupName"] for each in listed}
    assert left == ({f"{name}-old", f"{name}-new"} if policy == "Retain" else {f"{name}-new"})


def test_what_a_resource_needs_that_cannot_be_deleted_stays_until_the_deletion_is_repeated(
    sandbox, cloudformation, eventually, name
):
    sagemaker, topics = sandbox.client("sagemaker"), sandbox.client("sns")
    template = group(name, DependsOn="Topic")
    template["Resources"]["Topic"] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    settled(cloudformation, eventually, name)
    version = sagemaker.create_model_package(ModelPackageGroupName=name)["ModelPackageArn"]

    def topic_is_there():
        return name in json.dumps(topics.list_topics()["Topics"])

    cloudformation.delete_stack(StackName=name)
    assert settled(cloudformation, eventually, name)["StackStatus"] == "DELETE_FAILED"
    assert topic_is_there()

    sagemaker.delete_model_package(ModelPackageName=version)
    cloudformation.delete_stack(StackName=name)
    eventually(lambda: not topic_is_there())
    assert not sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]


def test_a_stack_bears_the_time_of_the_sandboxs_clock(sandbox, cloudformation, eventually, name):
    sagemaker = sandbox.client("sagemaker")

    def now(which):
        sagemaker.create_model_package_group(ModelPackageGroupName=f"{name}-{which}")
        return sagemaker.describe_model_package_group(ModelPackageGroupName=f"{name}-{which}")["CreationTime"]

    before = now("before")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(group(f"{name}-in-stack")))
    stack = settled(cloudformation, eventually, name)
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    times = [stack["CreationTime"], *(event["Timestamp"] for event in reversed(events))]
    assert [before.replace(microsecond=0), *times] == sorted([before.replace(microsecond=0), *times])
    assert max(times) <= now("after")


def test_an_update_that_changes_nothing_is_refused_as_such(cloudformation, eventually, name):
    body = json.dumps(group(name))
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    settled(cloudformation, eventually, name)
    with pytest.raises(ClientError, match="No updates are to be performed") as refused:
        cloudformation.update_stack(StackName=name, TemplateBody=body)
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_a_named_role_needs_its_capability(cloudformation, name):
    trust = {"Version": "2012-10-17", "Statement": []}
    properties = {"RoleName": name, "AssumeRolePolicyDocument": trust}
    body = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}})
    with pytest.raises(ClientError, match="CAPABILITY_NAMED_IAM") as refused:
        cloudformation.create_stack(StackName=name, TemplateBody=body)
    assert refused.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    assert cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])


def test_a_type_that_nobody_serves_is_refused_by_name(cloudformation, name):
    body = json.dumps({"Resources": {"X": {"Type": "AWS::SageMaker::NotebookInstance"}}})
    with pytest.raises(ClientError, match="AWS::SageMaker::NotebookInstance"):
        cloudformation.create_stack(StackName=name, TemplateBody=body)


class Custom:
    """A stack with a custom resource whose function leaves the answer to somebody else."""

    def __init__(self, sandbox, eventually, name):
        self.name, self.eventually = name, eventually
        self.cloudformation, self.s3 = sandbox.client("cloudformation"), sandbox.client("s3")
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("index.py", HAND_OVER)
        self.function = sandbox.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="index.handler",
            Role=f"arn:aws:iam::{sandbox.account}:role/any",
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"BUCKET": name}},
        )["FunctionArn"]

    def create(self, timeout=60):
        properties = {"ServiceToken": self.function, "ServiceTimeout": timeout, "Repositories": {"build": "url"}}
        template = {
            "Resources": {"Seeds": {"Type": "Custom::Seeds", "Properties": properties}},
            "Outputs": {"Commit": {"Value": {"Fn::GetAtt": ["Seeds", "Commit"]}}},
        }
        self.cloudformation.create_stack(StackName=self.name, TemplateBody=json.dumps(template))

    def event(self, kind):
        def handed_over():
            keys = [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])]
            return kind in keys and json.loads(self.s3.get_object(Bucket=self.name, Key=kind)["Body"].read())

        return self.eventually(handed_over)

    def answer(self, event, **answer):
        known = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        body = json.dumps({"PhysicalResourceId": "seeds", **known, **answer}).encode()
        request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200

    def settled(self):
        return settled(self.cloudformation, self.eventually, self.name)


@pytest.fixture
def custom(sandbox, eventually, name):
    return Custom(sandbox, eventually, name)


def test_a_custom_resource_may_be_answered_later_by_another_process(sandbox, custom):
    custom.create()
    event = custom.event("Create")
    assert event["ResponseURL"].startswith(f"{sandbox.url}/")
    assert event["ResourceProperties"]["Repositories"] == {"build": "url"}
    time.sleep(0.5)  # the function has long returned
    custom.answer(event, Status="SUCCESS", Data={"Commit": "abc"})
    stack = custom.settled()
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == "abc"

    custom.cloudformation.delete_stack(StackName=custom.name)
    event = custom.event("Delete")
    assert event["PhysicalResourceId"] == "seeds"
    custom.answer(event, Status="SUCCESS")
    custom.cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=custom.name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100}
    )


def test_a_custom_resource_that_fails_fails_the_stack_with_its_reason_and_is_asked_to_take_back_what_it_did(custom):
    custom.create()
    custom.answer(custom.event("Create"), Status="FAILED", Reason="git push was refused", PhysicalResourceId="half")
    asked = custom.event("Delete")
    assert asked["PhysicalResourceId"] == "half"
    assert asked["ResourceProperties"]["Repositories"] == {"build": "url"}
    custom.answer(asked, Status="SUCCESS")
    assert custom.settled()["StackStatus"] == "ROLLBACK_COMPLETE"
    events = custom.cloudformation.describe_stack_events(StackName=custom.name)["StackEvents"]
    assert "git push was refused" in [each.get("ResourceStatusReason") for each in events]
    told = [each["ResourceStatus"] for each in reversed(events) if each["LogicalResourceId"] == "Seeds"]
    assert told == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_custom_resource_that_nobody_answers_fails_after_its_timeout(custom):
    custom.create(timeout=1)
    assert custom.settled()["StackStatus"] == "ROLLBACK_FAILED"
    events = custom.cloudformation.describe_stack_events(StackName=custom.name)["StackEvents"]
    told = {each["ResourceStatus"]: each.get("ResourceStatusReason", "") for each in events}
    assert "timed out after 1s" in told["CREATE_FAILED"]
    assert "timed out after 1s" in told["DELETE_FAILED"]


def test_a_custom_resource_that_does_not_take_back_what_it_did_fails_the_rollback(custom):
    custom.create()
    custom.answer(custom.event("Create"), Status="FAILED", Reason="git push was refused")
    custom.answer(custom.event("Delete"), Status="FAILED", Reason="the repository is locked")
    stack = custom.settled()
    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    assert "Seeds" in stack["StackStatusReason"]
