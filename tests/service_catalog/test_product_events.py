"""Which events start a pipeline, asked of an EventBridge."""

import json
import re
from typing import Any

import pytest

from service_catalog.publishing.account import Account

Template = dict[str, Any]

GROUP = "churn-p-abc123def456"
REPOSITORY = "arn:aws:codecommit:eu-west-1:111111111111:churn-p-abc123def456-modeldeploy"
RESOLVED = {"SageMakerProjectName": "churn", "SageMakerProjectId": "p-abc123def456"}


def resolve(value: Any) -> Any:
    """Return the pattern as CloudFormation hands it to EventBridge."""
    if isinstance(value, dict):
        if "Fn::GetAtt" in value:
            assert value["Fn::GetAtt"] == ["DeployRepository", "Arn"]
            return REPOSITORY
        if "Fn::Sub" in value:
            return re.sub(r"\$\{(\w+)\}", lambda match: RESOLVED[match[1]], value["Fn::Sub"])
        return {key: resolve(each) for key, each in value.items()}
    return [resolve(each) for each in value] if isinstance(value, list) else value


def starts(account: Account, product: Template, rule: str, **event: Any) -> bool:
    pattern = resolve(product["Resources"][rule]["Properties"]["EventPattern"])
    whole = {
        "id": "1",
        "account": "111111111111",
        "region": "eu-west-1",
        "time": "2026-11-22T12:00:00Z",
        "resources": [],
        **event,
    }
    found = account.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(whole))
    return bool(found["Result"])


def package_event(status: str, group: str = GROUP, **detail: Any) -> dict[str, Any]:
    return {
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Model Package State Change",
        "detail": {"ModelPackageGroupName": group, "ModelApprovalStatus": status, **detail},
    }


def push_event(event: str = "referenceUpdated", branch: str = "main", kind: str = "branch") -> dict[str, Any]:
    return {
        "source": "aws.codecommit",
        "detail-type": "CodeCommit Repository State Change",
        "resources": [REPOSITORY],
        "detail": {"event": event, "referenceType": kind, "referenceName": branch},
    }


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
@pytest.mark.parametrize(
    "fields",
    [
        {"UpdatedModelPackageFields": ["ModelApprovalStatus"]},
        {"UpdatedModelPackageFields": ["ApprovalDescription", "ModelApprovalStatus"]},
        {},
    ],
)
def test_given_a_version_is_approved_or_rejected_then_a_release_starts(
    account: Account, product: Template, status: str, fields: dict[str, Any]
) -> None:
    assert starts(account, product, "ApprovalRule", **package_event(status, **fields))


@pytest.mark.parametrize(
    "event",
    [
        package_event("PendingManualApproval", UpdatedModelPackageFields=["ModelApprovalStatus"]),
        package_event("PendingManualApproval"),
        package_event("PendingManualApproval", UpdatedModelPackageFields=["ModelApprovalStatus", "ModelLifeCycle"]),
        package_event("Approved", UpdatedModelPackageFields=["ModelLifeCycle"]),
        package_event("Approved", UpdatedModelPackageFields=["CustomerMetadataProperties"]),
        package_event("Approved", group="other-p-abc123def457"),
    ],
    ids=["registered", "registered, silent", "rolled back", "stamped", "edited", "another project"],
)
def test_given_anything_else_about_a_version_then_nothing_starts(
    account: Account, product: Template, event: dict[str, Any]
) -> None:
    assert not starts(account, product, "ApprovalRule", **event)


@pytest.mark.parametrize("event", ["referenceCreated", "referenceUpdated"])
def test_given_a_push_to_main_then_the_pipeline_starts(account: Account, product: Template, event: str) -> None:
    assert starts(account, product, "DeployPushRule", **push_event(event))


@pytest.mark.parametrize(
    "event",
    [
        push_event(branch="feature"),
        push_event(kind="tag"),
        push_event("referenceDeleted"),
        {**push_event(), "resources": [REPOSITORY.replace("deploy", "build")]},
    ],
    ids=["another branch", "a tag", "a deletion", "the other repository"],
)
def test_given_any_other_push_then_nothing_starts(account: Account, product: Template, event: dict[str, Any]) -> None:
    assert not starts(account, product, "DeployPushRule", **event)


def decided(state: str = "FAILED", **changed: str) -> dict[str, Any]:
    detail = {
        "pipeline": "sagemaker-p-abc123def456-modeldeploy",
        "execution-id": "01234567-0123-0123-0123-012345678901",
        "stage": "ProductionTest",
        "action": "Decide",
        "state": state,
        "type": {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"},
    }
    return {
        "source": "aws.codepipeline",
        "detail-type": "CodePipeline Action Execution State Change",
        "detail": {**detail, **changed},
    }


def test_given_a_test_is_rejected_or_nobody_decides_in_time_then_its_version_is_declined(
    account: Account, product: Template
) -> None:
    assert starts(account, product, "DeclineProdRule", **decided())
    assert starts(account, product, "DeclineStagingRule", **decided(stage="StagingTest"))


@pytest.mark.parametrize(
    "event",
    [
        decided("SUCCEEDED"),
        decided("STARTED"),
        decided("ABANDONED"),
        decided(action="Deploy"),
        decided(stage="StagingTest"),
        decided(stage="ProductionApprove", action="Approve"),
        decided(pipeline="sagemaker-p-abc123def457-modeldeploy"),
    ],
    ids=["passed", "asked", "stopped", "not put in place", "another stage", "not released", "another project"],
)
def test_given_anything_else_of_the_pipeline_then_no_version_is_declined(
    account: Account, product: Template, event: dict[str, Any]
) -> None:
    assert not starts(account, product, "DeclineProdRule", **event)
