"""The registry's calls, checked against botocore's own model of requests and answers."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from tidegate.registry import resolve, stamp_rolled_back

GROUP = "shop-p-1"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def arn(version: int) -> str:
    return f"arn:aws:sagemaker:eu-west-1:111122223333:model-package/{GROUP}/{version}"


def summary(version: int, approval: str = "Approved") -> dict:
    return {
        "ModelPackageArn": arn(version),
        "ModelPackageVersion": version,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": approval,
        "CreationTime": WHEN,
    }


def described(version: int, life_cycle: dict | None = None) -> dict:
    extra = {"ModelLifeCycle": life_cycle} if life_cycle else {}
    return {
        **summary(version),
        "ModelPackageName": f"{GROUP}/{version}",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        **extra,
    }


@pytest.fixture
def client():
    return boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def answers(client):
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


LIST = {
    "ModelPackageGroupName": GROUP,
    "ModelPackageType": "Versioned",
    "SortBy": "CreationTime",
    "SortOrder": "Descending",
}


def test_the_newest_version_is_found_through_all_pages(client, answers):
    pages = [[summary(2, "Rejected")], [summary(1), summary(3, "PendingManualApproval")]]
    first, second = ({"ModelPackageSummaryList": page} for page in pages)
    answers.add_response("list_model_packages", {**first, "NextToken": "more"}, LIST)
    answers.add_response("list_model_packages", second, {**LIST, "NextToken": "more"})
    answers.add_response("describe_model_package", described(1), {"ModelPackageName": arn(1)})
    assert resolve(client, GROUP).arn == arn(1)


def test_the_stamp_is_read_from_the_package_itself(client, answers):
    answers.add_response("list_model_packages", {"ModelPackageSummaryList": [summary(3), summary(2), summary(1)]}, LIST)
    stamp = {"Stage": "prod", "StageStatus": "RolledBack"}
    answers.add_response("describe_model_package", described(3, stamp), {"ModelPackageName": arn(3)})
    answers.add_response("describe_model_package", described(2), {"ModelPackageName": arn(2)})
    assert resolve(client, GROUP).version == 2


def test_a_rollback_is_stamped_on_one_line_within_the_limit(client, answers):
    answers.add_response("describe_model_package", described(3), {"ModelPackageName": arn(3)})
    reason = "alarm errors\n" + "é" * 2000
    answers.add_response(
        "update_model_package",
        {"ModelPackageArn": arn(3)},
        {
            "ModelPackageArn": arn(3),
            "ModelLifeCycle": {
                "Stage": "prod",
                "StageStatus": "RolledBack",
                "StageDescription": ("alarm errors " + "é" * 2000)[:1024],
            },
        },
    )
    assert stamp_rolled_back(client, arn(3), "prod", reason)


def test_a_package_that_says_so_already_is_left_alone(client, answers):
    stamp = {"Stage": "prod", "StageStatus": "RolledBack", "StageDescription": "for another reason"}
    answers.add_response("describe_model_package", described(3, stamp), {"ModelPackageName": arn(3)})
    assert not stamp_rolled_back(client, arn(3), "prod", "alarm errors")
