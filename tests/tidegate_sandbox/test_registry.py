"""The model registry: groups, versions, approval, and the events that follow."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def sagemaker(sandbox):
    return sandbox.client("sagemaker")


@pytest.fixture(scope="module")
def model(sandbox):
    """Return the S3 URI of a model."""
    bucket = f"models-{uuid.uuid4().hex[:8]}"
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=b"model")
    return f"s3://{bucket}/model.tar.gz"


@pytest.fixture
def group(sagemaker):
    name = f"Group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "team", "Value": "bikes"}])
    return name


@pytest.fixture
def register(sagemaker, model, group):
    def create(url=model, **parameters):
        return sagemaker.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": url}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            **parameters,
        )["ModelPackageArn"]

    return create


@pytest.fixture
def events(sandbox, group):
    """Return a function that takes the group's events off a queue that a rule delivers them to."""
    sqs, bus = sandbox.client("sqs"), sandbox.client("events")
    url = sqs.create_queue(QueueName=group)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [group]},
    }
    bus.put_rule(Name=group, EventPattern=json.dumps(pattern))
    bus.put_targets(Rule=group, Targets=[{"Id": "queue", "Arn": arn}])

    def take():
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]

    return take


def test_arns_are_lower_case_and_names_keep_theirs(sandbox, sagemaker, group, register):
    described = sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    assert described["ModelPackageGroupName"] == group
    assert described["ModelPackageGroupArn"] == sandbox.arn("sagemaker", f"model-package-group/{group.lower()}")
    assert register() == sandbox.arn("sagemaker", f"model-package/{group.lower()}/1")


def test_versions_count_up_and_a_number_is_never_used_again(sagemaker, register):
    first, second = register(), register()
    sagemaker.delete_model_package(ModelPackageName=second)
    assert [arn.rsplit("/", 1)[1] for arn in (first, second, register())] == ["1", "2", "3"]


def test_a_version_waits_for_approval_unless_it_says_otherwise(sagemaker, register):
    statuses = [
        sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"]
        for arn in (register(), register(ModelApprovalStatus="Approved"))
    ]
    assert statuses == ["PendingManualApproval", "Approved"]


def test_what_was_registered_is_described(sagemaker, register, model):
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": model}}}
    arn = register(ModelMetrics=metrics, CustomerMetadataProperties={"commit": "abc"})
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelMetrics"] == metrics
    assert described["CustomerMetadataProperties"] == {"commit": "abc"}
    assert described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == model


def test_a_model_that_is_not_in_s3_is_refused(register):
    with pytest.raises(ClientError, match="Could not find model data at s3://none-such/model") as refused:
        register("s3://none-such/model")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_group_that_is_not_there_is_refused(sagemaker):
    with pytest.raises(ClientError, match="ModelPackageGroup none-such does not exist"):
        sagemaker.create_model_package(ModelPackageGroupName="none-such")


def test_versions_are_listed_by_approval_and_newest_first_when_asked(sagemaker, group, register):
    arns = [register(ModelApprovalStatus=status) for status in ("Approved", "Rejected", "Approved")]
    listed = sagemaker.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved", SortBy="CreationTime", SortOrder="Descending"
    )["ModelPackageSummaryList"]
    assert [each["ModelPackageArn"] for each in listed] == [arns[2], arns[0]]


def test_pages_put_together_are_the_whole_list(sagemaker, group, register):
    arns = [register() for _ in range(5)]
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, PaginationConfig={"PageSize": 2}
    )
    assert [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]] == arns


def test_an_approval_and_a_stamp_each_say_in_their_event_what_changed(sagemaker, register, events, eventually):
    arn = register()
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="looks good"
    )
    stamp = {"Stage": "Production", "StageStatus": "RolledBack", "StageDescription": "5xx alarm"}
    sagemaker.update_model_package(ModelPackageArn=arn, ModelLifeCycle=stamp)

    seen = []
    eventually(lambda: seen.extend(events()) or len(seen) == 3)
    details = [event["detail"] for event in seen]
    assert [each["ModelApprovalStatus"] for each in details] == ["PendingManualApproval", "Approved", "Approved"]
    assert [each.get("UpdatedModelPackageFields") for each in details] == [
        None,
        ["ModelApprovalStatus", "ApprovalDescription"],
        ["ModelLifeCycle"],
    ]
    assert {each["ModelPackageVersion"] for each in details} == {1}
    assert all(event["resources"] == [arn] for event in seen)
    assert details[2]["ModelLifeCycle"] == stamp
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelLifeCycle"] == stamp


def test_an_event_carries_the_account_and_region_that_it_happened_in(sandbox, register, events, eventually):
    register()
    (event,) = eventually(events)
    assert (event["account"], event["region"]) == (sandbox.account, sandbox.region)


def test_the_approval_rule_lets_decisions_through_and_stamps_not(sandbox, sagemaker, register, group, eventually):
    """The rule that starts the deploy pipeline, with $or, anything-but and exists."""
    sqs, bus = sandbox.client("sqs"), sandbox.client("events")
    url = sqs.create_queue(QueueName=f"{group}-decisions")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": [group],
            "ModelApprovalStatus": [{"anything-but": ["PendingManualApproval"]}],
            "$or": [
                {"UpdatedModelPackageFields": ["ModelApprovalStatus"]},
                {"UpdatedModelPackageFields": [{"exists": False}]},
            ],
        },
    }
    bus.put_rule(Name=f"{group}-decisions", EventPattern=json.dumps(pattern))
    bus.put_targets(Rule=f"{group}-decisions", Targets=[{"Id": "queue", "Arn": arn}])

    package = register()
    sagemaker.update_model_package(ModelPackageArn=package, CustomerMetadataProperties={"a": "b"})
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    stamp = {"Stage": "prod", "StageStatus": "Live"}
    sagemaker.update_model_package(ModelPackageArn=package, ModelLifeCycle=stamp)
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Rejected")

    seen = []

    def rejected_came():
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            seen.append(json.loads(message["Body"])["detail"]["ModelApprovalStatus"])
        return "Rejected" in seen

    eventually(rejected_came)
    assert seen == ["Approved", "Rejected"]


def test_metadata_is_merged_and_removed_by_key(sagemaker, register):
    arn = register(CustomerMetadataProperties={"kept": "1", "gone": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"new": "3"}, CustomerMetadataPropertiesToRemove=["gone"]
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["CustomerMetadataProperties"] == {"kept": "1", "new": "3"}


def test_a_group_with_versions_cannot_be_deleted(sagemaker, group, register):
    register()
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def test_tags_are_added_listed_and_removed(sagemaker, group):
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "trams"}, {"Key": "stage", "Value": "prod"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["stage"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "trams"}]


def test_tags_of_what_is_not_there_are_refused(sandbox, sagemaker):
    with pytest.raises(ClientError, match="Could not find resource"):
        sagemaker.list_tags(ResourceArn=sandbox.arn("sagemaker", "endpoint/none-such"))


def test_a_stack_makes_a_group_and_retains_it_when_told_to(sandbox, sagemaker):
    name = f"stack-{uuid.uuid4().hex[:8]}"
    template = {
        "Resources": {
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "DeletionPolicy": "RetainExceptOnCreate",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"ModelPackageGroupName": name, "Tags": [{"Key": "a", "Value": "b"}]},
            }
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Group", "ModelPackageGroupArn"]}}},
    }
    cloudformation = sandbox.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    described = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert [output["OutputValue"] for output in stack["Outputs"]] == [described["ModelPackageGroupArn"]]
    tags = sagemaker.list_tags(ResourceArn=described["ModelPackageGroupArn"])["Tags"]
    assert {"Key": "a", "Value": "b"} in tags

    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    assert sagemaker.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
