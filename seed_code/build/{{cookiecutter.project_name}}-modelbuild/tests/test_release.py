"""Uploading, upserting and following, against botocore's own shapes of the API."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from pipelines.compilation import Compiled
from pipelines.execution import ExecutionFailed, follow
from pipelines.release import commit_id, parameters, start, upload, upsert
from pipelines.settings import Project, Settings

ARN = "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/p"
EXECUTION = f"{ARN}/execution/abc"
PACKAGE = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/group/7"
T0 = datetime(2011, 1, 1, tzinfo=UTC)


@cache
def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[Stubber]:
    with Stubber(client(getattr(request, "param", "sagemaker"))) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def compiled(project: Project) -> Compiled:
    return Compiled(project.pipeline, "{}", "s3://b/d", {"m/code/a1/x.py": b"x", "m/data/b2/d.csv": b"d"})


def step(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"StepName": name, "StepStatus": status, **more}


def look(api: Stubber, status: str, *steps: dict[str, Any]) -> None:
    """Let the next look at the execution find this."""
    api.add_response(
        "describe_pipeline_execution",
        {"PipelineExecutionStatus": status},
        {"PipelineExecutionArn": EXECUTION},
    )
    api.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": list(steps)})


@pytest.mark.parametrize("api", ["s3"], indirect=True)
def test_only_what_is_not_there_is_uploaded(api: Stubber, project: Project, compiled: Compiled) -> None:
    api.add_response("list_objects_v2", {"Contents": [{"Key": "m/code/a1/x.py"}]})
    api.add_response("list_objects_v2", {})
    api.add_response(
        "put_object",
        {},
        {
            "Bucket": project.bucket,
            "Key": "m/data/b2/d.csv",
            "Body": b"d",
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": project.kms_key_arn,
        },
    )
    said: list[str] = []
    upload(api.client, project, compiled.objects, said.append)
    assert said == ["code and data: 1 objects uploaded, 1 already there"]


def test_a_new_pipeline_is_created_and_belongs_to_the_project(
    api: Stubber, project: Project, compiled: Compiled
) -> None:
    api.add_client_error("describe_pipeline", "ResourceNotFound")
    api.add_response("create_pipeline", {"PipelineArn": ARN})
    assert upsert(api.client, project, compiled, lambda _: None) == ARN


def test_an_equal_definition_makes_no_new_version(api: Stubber, project: Project, compiled: Compiled) -> None:
    found = {"PipelineArn": ARN, "PipelineDefinition": "{}", "RoleArn": project.execution_role_arn}
    api.add_response("describe_pipeline", found)
    said: list[str] = []
    upsert(api.client, project, compiled, said.append)
    assert said == [f"pipeline {project.pipeline}: unchanged"]


def test_a_changed_definition_updates_the_pipeline(api: Stubber, project: Project, compiled: Compiled) -> None:
    found = {"PipelineArn": ARN, "PipelineDefinition": "{ }", "RoleArn": project.execution_role_arn}
    api.add_response("describe_pipeline", found)
    api.add_response("update_pipeline", {"PipelineArn": ARN})
    upsert(api.client, project, compiled, lambda _: None)


def test_a_run_is_started_with_the_settings_and_the_commit(
    api: Stubber, compiled: Compiled, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEBUILD_RESOLVED_SOURCE_VERSION", "f00dfacef00dfacef00d")
    monkeypatch.setenv("CODEBUILD_BUILD_ID", "project:1")
    given = parameters(settings, compiled.data_url, commit_id())
    assert given["GitCommit"] == "f00dfacef00dfacef00d"
    api.add_response(
        "start_pipeline_execution",
        {"PipelineExecutionArn": EXECUTION},
        {
            "PipelineName": compiled.name,
            "PipelineExecutionDisplayName": "commit-f00dfacef00d",
            "PipelineExecutionDescription": ANY,
            "PipelineParameters": [{"Name": name, "Value": value} for name, value in given.items()],
            "ClientRequestToken": hashlib.sha256(b"project:1").hexdigest(),
        },
    )
    assert start(api.client, compiled, settings, commit_id()) == EXECUTION


def test_following_says_each_change_once_and_what_was_registered(api: Stubber) -> None:
    done = step("Process", "Succeeded", StartTime=T0, EndTime=T0 + timedelta(seconds=4))
    registered = step("Register", "Succeeded", Metadata={"RegisterModel": {"Arn": PACKAGE}})
    look(api, "Executing", step("Process", "Executing", StartTime=T0))
    look(api, "Executing", step("Process", "Executing", StartTime=T0))
    look(api, "Succeeded", done, step("Train", "Succeeded", CacheHitResult={}), registered)
    said: list[str] = []
    follow(api.client, EXECUTION, said.append, sleep=lambda _: None)
    assert said == [
        "Process     Executing",
        "Process     Succeeded (4 s)",
        "Train       Succeeded (from the cache)",
        "Register    Succeeded",
        f"registered version 7: {PACKAGE}",
    ]


def test_a_weak_model_ends_the_build_with_the_metric(api: Stubber) -> None:
    too_weak = step("TooWeak", "Failed", Metadata={"Fail": {"ErrorMessage": "RMSE 90.1 is above the limit of 60"}})
    look(api, "Failed", step("Evaluate", "Succeeded"), too_weak)
    with pytest.raises(ExecutionFailed, match=r"Failed\. TooWeak: RMSE 90\.1 is above the limit of 60"):
        follow(api.client, EXECUTION, lambda _: None, sleep=lambda _: None)


def test_a_failed_job_ends_the_build_with_the_jobs_reason(api: Stubber) -> None:
    look(api, "Failed", step("Train", "Failed", FailureReason="AlgorithmError: exit code 1"))
    with pytest.raises(ExecutionFailed, match="Train: AlgorithmError"):
        follow(api.client, EXECUTION, lambda _: None, sleep=lambda _: None)


def test_it_looks_at_most_every_second_and_at_least_every_ten(api: Stubber) -> None:
    pauses: list[float] = []
    for _ in range(200):
        look(api, "Executing")
    look(api, "Succeeded")
    follow(api.client, EXECUTION, lambda _: None, sleep=pauses.append)
    assert min(pauses) == 1
    assert max(pauses) == 10
