"""The README's promise, held: one command walks from a launched project to a guarded release and a rollback."""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox import lifecycle

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]


def test_good_models_are_promoted_and_the_broken_one_is_rolled_back(told: dict[str, Any]) -> None:
    assert told["outcomes"] == {"1": "PROMOTED", "2": "PROMOTED", "3": "ROLLED_BACK"}


def test_a_rollback_that_cloudformation_takes_for_success_is_told_alike(
    told_where_the_stack_succeeds: dict[str, Any],
) -> None:
    told = told_where_the_stack_succeeds

    assert told["sandbox"]["after_rollback"] == "succeed"
    assert told["outcomes"] == {"1": "PROMOTED", "2": "PROMOTED", "3": "ROLLED_BACK"}
    assert told["endpoint_status_after_rollback"] == "InService"
    assert list(told["account"]["failed"]) == ["3"]


def test_a_change_is_reviewed_where_it_was_proposed(
    told: dict[str, Any], told_where_the_stack_succeeds: dict[str, Any]
) -> None:
    assert told["review"].startswith("a comment on pull request")
    assert told_where_the_stack_succeeds["review"].startswith("a check on commit")


def test_repositories_behind_a_connection_are_built_and_released_alike(
    told_where_the_stack_succeeds: dict[str, Any],
) -> None:
    outputs = told_where_the_stack_succeeds["project"]["outputs"]

    assert outputs["DeployRepositoryUrl"].startswith("https://github.com/")
    assert told_where_the_stack_succeeds["account"]["balanced"]


def test_three_accounts_walk_the_same_way_and_production_is_in_its_own(
    told_where_the_stack_succeeds: dict[str, Any],
) -> None:
    told = told_where_the_stack_succeeds

    (bootstrapped,) = (step for step in told["steps"] if "tidegate-stage-account" in step["look_at"])
    assert "in 222222222222 and 333333333333" in bootstrapped["look_at"]
    journal = (told["home"] / "journal" / "calls.jsonl").read_text()
    calls = [json.loads(line) for line in journal.splitlines()]
    deployed = {call["role"] for call in calls if call["action"] == "cloudformation:CreateStack"}
    for account in ("222222222222", "333333333333"):
        assert any(f"::{account}:role/tidegate/sagemaker-{told['project']['id']}-deploy-" in role for role in deployed)
    assert told["account"]["balanced"], told["account"]["disagreements"]


def test_given_nothing_is_being_tested_then_a_decline_that_comes_all_the_same_rejects_nothing(
    told_where_the_stack_succeeds: dict[str, Any],
) -> None:
    """With a repository behind a connection, and the endpoint in another account; test_trial.py has one that is due."""
    told = told_where_the_stack_succeeds
    running = lifecycle.find(told["home"])
    assert running is not None
    codebuild, logs = (
        boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=running.url,
            region_name="us-east-1",
            aws_access_key_id=running.environment()["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="local",
        )
        for service in ("codebuild", "logs")
    )
    given = {"STAGE": "prod", "PIPELINE_EXECUTION_ID": "of-an-event-that-came-late"}

    id = codebuild.start_build(
        projectName=f"sagemaker-{told['project']['id']}-decline",
        environmentVariablesOverride=[{"name": name, "value": value} for name, value in given.items()],
    )["build"]["id"]

    until = time.monotonic() + 300
    while not (build := codebuild.batch_get_builds(ids=[id])["builds"][0])["buildComplete"]:
        assert time.monotonic() < until, "the build does not end"
        time.sleep(0.5)
    stream = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    said = [event["message"] for event in logs.get_log_events(**stream, startFromHead=True)["events"]]
    assert build["buildStatus"] == "SUCCEEDED", said
    assert any("there is nothing to decline" in line for line in said), said


def test_the_endpoint_looks_well_after_the_rollback(told: dict[str, Any]) -> None:
    assert told["endpoint_status_after_rollback"] == "InService"


def test_the_predictions_served_are_the_models_own(told: dict[str, Any]) -> None:
    assert told["largest_difference"] < 1e-4


def test_every_prediction_is_accounted_for(told: dict[str, Any]) -> None:
    account = told["account"]

    assert account["balanced"], account["disagreements"]
    assert account["sent"] == sum(account["answered"].values()) + sum(account["failed"].values())
    assert {"1", "2", "3"} <= account["answered"].keys() | account["failed"].keys()


def test_no_request_is_lost_outside_the_canarys_share(told: dict[str, Any]) -> None:
    assert list(told["account"]["failed"]) == ["3"]


def test_it_ends_with_a_table_of_every_step(told: dict[str, Any]) -> None:
    for step in told["steps"]:
        assert step["seconds"] > 0
        assert step["look_at"]
        assert step["title"][:30] in told["printed"]


def test_what_is_printed_says_that_it_is_a_simulation(told: dict[str, Any]) -> None:
    assert "local simulation" in told["printed"]


def test_the_version_that_was_rolled_back_carries_the_reason(told: dict[str, Any], aws: Any) -> None:
    group = told["project"]["outputs"]["ModelPackages"]
    newest = aws("sagemaker").list_model_packages(ModelPackageGroupName=group, SortBy="CreationTime")[
        "ModelPackageSummaryList"
    ]
    third = next(package for package in newest if package["ModelPackageVersion"] == 3)

    stamp = aws("sagemaker").describe_model_package(ModelPackageName=third["ModelPackageArn"])["ModelLifeCycle"]

    assert (stamp["Stage"], stamp["StageStatus"]) == ("prod", "RolledBack")
    assert "alarm" in stamp["StageDescription"].lower()


def test_a_model_that_misses_the_gate_is_not_registered(told: dict[str, Any], aws: Any) -> None:
    sagemaker = aws("sagemaker")
    group = told["project"]["outputs"]["ModelPackages"]
    before = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    pipeline = f"{told['project']['name']}-{told['project']['id']}"

    started = sagemaker.start_pipeline_execution(
        PipelineName=pipeline, PipelineParameters=[{"Name": "MaxRmse", "Value": "1.5"}]
    )["PipelineExecutionArn"]
    failed = _wait_for(sagemaker, started)

    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=started)["PipelineExecutionSteps"]
    [reason] = [step["FailureReason"] for step in steps if step["StepStatus"] == "Failed"]
    after = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert failed["PipelineExecutionStatus"] == "Failed"
    assert "RMSE" in reason
    assert "1.5" in reason
    assert len(after) == len(before)


@pytest.mark.parametrize("name", ["a" * 33, "{{7*7}}", "-demo", "demo_1"])
def test_a_name_that_is_none_is_refused_at_launch_with_a_sentence(name: str, aws: Any) -> None:
    catalog, sagemaker = aws("servicecatalog"), aws("sagemaker")
    product = catalog.search_products()["ProductViewSummaries"][0]["ProductId"]

    with pytest.raises(ClientError) as refused:
        sagemaker.create_project(ProjectName=name, ServiceCatalogProvisioningDetails={"ProductId": product})

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert name in str(refused.value) or "rojectName" in str(refused.value)


def _wait_for(sagemaker: Any, execution: str) -> Any:
    for _ in range(240):
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        if described["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
            return described
        time.sleep(0.5)
    raise AssertionError("the execution did not end within two minutes")
