"""The function that starts the seed build: it answers what it does not start."""

import json
from typing import Any

import boto3
import pytest

from service_catalog.project import seed_starter

EVENT: dict[str, Any] = {
    "RequestType": "Create",
    "ResponseURL": "https://answer.invalid/",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Seeds",
    "ResourceProperties": {"Context": {"project_name": "churn"}},
}


class CodeBuild:
    def __init__(self, error: Exception | None = None) -> None:
        self.started: list[dict[str, Any]] = []
        self.error = error

    def start_build(self, **request: Any) -> None:
        if self.error:
            raise self.error
        self.started.append(request)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every answer that was sent: its physical id and its reason."""
    sent: list[tuple[str, str]] = []
    monkeypatch.setenv("SEED_PROJECT", "sagemaker-p-abc-seed")
    monkeypatch.setattr(seed_starter, "answer", lambda event, reason: sent.append((event["RequestType"], reason)))
    return sent


def test_given_a_create_then_one_build_starts_with_the_event_and_nothing_is_answered(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    codebuild = CodeBuild()
    monkeypatch.setattr(boto3, "client", lambda _: codebuild)
    seed_starter.handler(EVENT, None)
    (request,) = codebuild.started
    assert request["projectName"] == "sagemaker-p-abc-seed"
    assert request["idempotencyToken"] == "request"
    (variable,) = request["environmentVariablesOverride"]
    assert (variable["name"], json.loads(variable["value"])) == ("CLOUDFORMATION_EVENT", EVENT)
    assert answers == []


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_given_an_update_or_a_delete_then_it_succeeds_and_the_repositories_stay(
    kind: str, answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    codebuild = CodeBuild()
    monkeypatch.setattr(boto3, "client", lambda _: codebuild)
    seed_starter.handler({**EVENT, "RequestType": kind, "PhysicalResourceId": "Seeds"}, None)
    assert answers == [(kind, "")]
    assert codebuild.started == []


def test_given_the_build_cannot_be_started_then_cloudformation_gets_the_reason(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(RuntimeError("no such project")))
    seed_starter.handler(EVENT, None)
    assert answers == [("Create", "The seed build could not be started: no such project")]
