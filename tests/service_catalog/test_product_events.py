"""Which events start a pipeline, asked of an EventBridge."""

import json
import re
from typing import Any

import pytest

from service_catalog.publishing.account import Account

Template = dict[str, Any]

GROUP = "churn-p-abc123def456"
REPOSITORY = "arn:aws:codecommit:eu-west-1:111111111111:churn-p-abc123def456-modeldeploy"
RESOLVED = {
    "SageMakerProjectName": "churn",
    "SageMakerProjectId": "p-abc123def456",
    "SeedProject": "sagemaker-p-abc123def456-seed",
}


def resolve(value: Any) -> Any:
    """Return the pattern as CloudFormation hands it to EventBridge."""
    if isinstance(value, dict):
        if "Fn::GetAtt" in value:
            assert value["Fn::GetAtt"] == ["DeployRepository", "Arn"]
            return REPOSITORY
        if "Fn::Sub" in value:
            return re.sub(r"\$\{(\w+)\}", lambda match: RESOLVED[match[1]], value["Fn::Sub"])
        if "Ref" in value:
            return RESOLVED[value["Ref"]]
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


DECISIONS = {"Approved": "ApprovalRule", "Rejected": "RejectionRule"}


@pytest.mark.parametrize("status", DECISIONS)
@pytest.mark.parametrize(
    "fields",
    [
        {"UpdatedModelPackageFields": ["ModelApprovalStatus"]},
        {"UpdatedModelPackageFields": ["ApprovalDescription", "ModelApprovalStatus"]},
        {},
    ],
)
def test_given_a_version_is_approved_or_rejected_then_the_rule_of_that_decision_alone_starts_a_release(
    account: Account, product: Template, status: str, fields: dict[str, Any]
) -> None:
    heard = {rule for rule in DECISIONS.values() if starts(account, product, rule, **package_event(status, **fields))}
    assert heard == {DECISIONS[status]}


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
    assert not [rule for rule in DECISIONS.values() if starts(account, product, rule, **event)]


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


def asked(event: str = "pullRequestCreated", **changed: Any) -> dict[str, Any]:
    detail = {
        "event": event,
        "pullRequestId": "7",
        "pullRequestStatus": "Open",
        "destinationReference": "refs/heads/main",
        "sourceReference": "refs/heads/anything",
        "isMerged": "False",
    }
    return {
        "source": "aws.codecommit",
        "detail-type": "CodeCommit Pull Request State Change",
        "resources": [REPOSITORY],
        "detail": detail | changed,
    }


@pytest.mark.parametrize("event", ["pullRequestCreated", "pullRequestSourceBranchUpdated"])
def test_given_a_pull_request_into_main_is_opened_or_changed_then_it_is_reviewed(
    account: Account, product: Template, event: str
) -> None:
    assert starts(account, product, "ReviewRule", **asked(event))


@pytest.mark.parametrize(
    "event",
    [
        asked("pullRequestStatusChanged", pullRequestStatus="Closed"),
        asked("pullRequestMergeStatusUpdated", isMerged="True", pullRequestStatus="Closed"),
        asked("pullRequestApprovalStateChanged"),
        asked(destinationReference="refs/heads/other"),
        {**asked(), "resources": [REPOSITORY.replace("deploy", "build")]},
        push_event(),
    ],
    ids=["closed", "merged", "approved", "into another branch", "the other repository", "a push"],
)
def test_given_anything_else_about_a_pull_request_then_nothing_is_reviewed(
    account: Account, product: Template, event: dict[str, Any]
) -> None:
    assert not starts(account, product, "ReviewRule", **event)


def decided(state: str = "FAILED", **changed: Any) -> dict[str, Any]:
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


def of_an_action(state: str, category: str, pipeline: str = "sagemaker-p-abc123def456-modelbuild") -> dict[str, Any]:
    kind = {"owner": "AWS", "provider": "CodeBuild", "category": category, "version": "1"}
    return decided(state, pipeline=pipeline, stage="Build", action="Build", type=kind)


@pytest.mark.parametrize("category", ["Source", "Build", "Deploy"])
@pytest.mark.parametrize("part", ["build", "deploy"])
def test_given_an_action_of_either_pipeline_failed_then_it_is_told(
    account: Account, product: Template, category: str, part: str
) -> None:
    event = of_an_action("FAILED", category, f"sagemaker-p-abc123def456-model{part}")
    assert starts(account, product, "FailedRule", **event)


@pytest.mark.parametrize(
    "event",
    [
        of_an_action("SUCCEEDED", "Build"),
        of_an_action("STARTED", "Deploy"),
        decided("FAILED"),
        of_an_action("FAILED", "Build", "sagemaker-p-abc123def457-modelbuild"),
    ],
    ids=["succeeded", "started", "rejected by a person", "another project"],
)
def test_given_nothing_that_has_to_be_mended_then_nobody_is_told(
    account: Account, product: Template, event: dict[str, Any]
) -> None:
    assert not starts(account, product, "FailedRule", **event)


def of_a_build(status: str, project: str = "sagemaker-p-abc123def456-seed") -> dict[str, Any]:
    return {
        "source": "aws.codebuild",
        "detail-type": "CodeBuild Build State Change",
        "detail": {"build-status": status, "project-name": project, "build-id": "arn:of:it"},
    }


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"])
def test_given_the_seed_build_ended_badly_then_it_is_answered_for(
    account: Account, product: Template, status: str
) -> None:
    assert starts(account, product, "BuildEndedRule", **of_a_build(status))


@pytest.mark.parametrize(
    "event",
    [
        of_a_build("SUCCEEDED"),
        of_a_build("IN_PROGRESS"),
        of_a_build("STOPPED", "sagemaker-p-abc123def456-build"),
        of_a_build("STOPPED", "sagemaker-p-abc123def457-seed"),
    ],
    ids=["it answered", "it runs", "another build", "another project"],
)
def test_given_any_other_build_then_nothing_is_answered(
    account: Account, product: Template, event: dict[str, Any]
) -> None:
    assert not starts(account, product, "BuildEndedRule", **event)
