"""The function that starts the seed build: it answers what it does not start."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from service_catalog.project import seed_starter

EVENT: dict[str, Any] = {
    "RequestType": "Create",
    "ResponseURL": "https://answer.invalid/",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Seeds",
    "ResourceProperties": {"Context": {"project_name": "churn"}},
}


BUILD = "arn:aws:codebuild:eu-west-1:111111111111:build/sagemaker-p-abc-seed:1"
ENDED = {"source": "aws.codebuild", "detail": {"build-id": BUILD}}


class CodeBuild:
    def __init__(self, error: Exception | None = None, build: dict[str, Any] | None = None) -> None:
        self.started: list[dict[str, Any]] = []
        self.error, self.build = error, build

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        assert ids == [BUILD]
        return {"builds": [self.build]}

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


class NotYet(CodeBuild):
    """CodeBuild, where a role that is new may not start a build the first few times."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    def start_build(self, **request: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            said = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
            raise ClientError(said, "StartBuild")  # type: ignore[arg-type]
        super().start_build(**request)


@pytest.mark.parametrize(("refusals", "reasons"), [(4, []), (5, ["not authorized"])])
def test_given_a_role_too_new_to_be_known_everywhere_then_it_is_tried_again_for_half_a_minute(
    refusals: int, reasons: list[str], answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    codebuild, waited = NotYet(refusals), []
    monkeypatch.setattr(boto3, "client", lambda _: codebuild)
    monkeypatch.setattr(seed_starter.time, "sleep", waited.append)
    seed_starter.handler(EVENT, None)
    assert len(codebuild.started) == (not reasons)
    assert sum(waited) == 30
    assert [reason in said for reason, (_, said) in zip(reasons, answers, strict=True)] == [True] * len(reasons)


def ended(status: str, *phases: tuple[str, str]) -> dict[str, Any]:
    return {
        "id": "sagemaker-p-abc-seed:1",
        "buildStatus": status,
        "phases": [{"phaseType": name, "phaseStatus": state} for name, state in phases] + [{"phaseType": "COMPLETED"}],
        "environment": {"environmentVariables": [{"name": "CLOUDFORMATION_EVENT", "value": json.dumps(EVENT)}]},
        "logs": {"deepLink": "https://logs.example/1"},
    }


@pytest.mark.parametrize(
    "build",
    [
        ended("STOPPED", ("BUILD", "STOPPED")),
        ended("TIMED_OUT", ("BUILD", "TIMED_OUT")),
        ended("FAILED", ("INSTALL", "FAILED")),
        ended("FAILED", ("BUILD", "FAILED"), ("POST_BUILD", "FAILED")),
        ended("FAULT"),
    ],
    ids=["stopped", "timed out", "failed early", "could not answer", "never began"],
)
def test_given_a_build_that_ended_before_it_could_answer_then_the_function_answers_for_it(
    build: dict[str, Any], answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(build=build))
    seed_starter.handler(ENDED, None)
    ((kind, reason),) = answers
    assert kind == "Create"
    assert build["buildStatus"] in reason
    assert "https://logs.example/1" in reason
    assert "Launch the project again" in reason


def test_given_a_failed_build_that_answered_itself_then_its_answer_stands(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = ended("FAILED", ("BUILD", "FAILED"), ("POST_BUILD", "SUCCEEDED"))
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(build=build))
    seed_starter.handler(ENDED, None)
    assert answers == []
