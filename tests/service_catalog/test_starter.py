"""The function that starts a custom resource's build: it answers what it does not start."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from service_catalog.project import starter

SEEDS: dict[str, Any] = {
    "ResponseURL": "https://answer.invalid/",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Seeds",
    "ResourceProperties": {"Build": "sagemaker-p-abc-seed", "BuildOn": "Create", "Context": {"project_name": "churn"}},
}
GOODBYE = {**SEEDS, "ResourceProperties": {"Build": "sagemaker-p-abc-goodbye", "BuildOn": "Delete"}}


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
    """Every answer that was sent: the request that it is to, and its reason."""
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(starter, "answer", lambda event, reason: sent.append((event["RequestType"], reason)))
    return sent


@pytest.mark.parametrize(
    ("resource", "kind", "build"),
    [(SEEDS, "Create", "sagemaker-p-abc-seed"), (GOODBYE, "Delete", "sagemaker-p-abc-goodbye")],
)
def test_given_the_request_that_a_resource_builds_on_then_its_build_starts_with_the_event_and_nothing_is_answered(
    resource: dict[str, Any],
    kind: str,
    build: str,
    answers: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codebuild = CodeBuild()
    monkeypatch.setattr(boto3, "client", lambda _: codebuild)
    event = {**resource, "RequestType": kind}
    starter.handler(event, None)
    (request,) = codebuild.started
    assert request["projectName"] == build
    assert request["idempotencyToken"] == "request"
    (variable,) = request["environmentVariablesOverride"]
    assert (variable["name"], json.loads(variable["value"])) == ("CLOUDFORMATION_EVENT_00", event)
    assert answers == []


def test_given_a_launch_that_was_told_as_much_as_it_may_be_then_no_variable_is_longer_than_codebuild_takes(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    codebuild = CodeBuild()
    monkeypatch.setattr(boto3, "client", lambda _: codebuild)
    event = {
        **SEEDS,
        "RequestType": "Create",
        "ResponseURL": "https://answer.invalid/" + "s" * 2_000,
        "More": "x" * 9_000,
    }
    starter.handler(event, None)
    (request,) = codebuild.started
    variables = request["environmentVariablesOverride"]
    assert len(variables) == 3
    assert max(len(each["value"]) for each in variables) == 4_096
    killed = {**ended("STOPPED", ("BUILD", "STOPPED")), "environment": {"environmentVariables": variables[::-1]}}
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(build=killed))
    starter.handler(ENDED, None)
    assert [kind for kind, _ in answers] == ["Create"]


def test_given_an_event_of_more_than_ten_parts_then_whoever_sorts_them_by_name_reads_it(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    codebuild = CodeBuild()
    monkeypatch.setattr(boto3, "client", lambda _: codebuild)
    event = {**SEEDS, "RequestType": "Create", "More": "".join(f"{number}," for number in range(10_000))}
    starter.handler(event, None)
    (request,) = codebuild.started
    given = request["environmentVariablesOverride"]
    values = {each["name"]: each["value"] for each in given}
    assert len(values) > 10
    assert json.loads("".join(values[name] for name in sorted(values))) == event
    failed = {**ended("STOPPED", ("BUILD", "STOPPED")), "environment": {"environmentVariables": given}}
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(build=failed))
    starter.handler(ENDED, None)
    assert [kind for kind, _ in answers] == ["Create"]


@pytest.mark.parametrize(
    ("resource", "kind"), [(SEEDS, "Update"), (SEEDS, "Delete"), (GOODBYE, "Create"), (GOODBYE, "Update")]
)
def test_given_any_other_request_then_it_succeeds_and_nothing_starts(
    resource: dict[str, Any], kind: str, answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    codebuild = CodeBuild()
    monkeypatch.setattr(boto3, "client", lambda _: codebuild)
    starter.handler({**resource, "RequestType": kind, "PhysicalResourceId": "it"}, None)
    assert answers == [(kind, "")]
    assert codebuild.started == []


def test_given_the_build_cannot_be_started_then_cloudformation_gets_the_reason(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(RuntimeError("no such project")))
    starter.handler({**GOODBYE, "RequestType": "Delete"}, None)
    assert answers == [("Delete", "The build sagemaker-p-abc-goodbye could not be started: no such project")]


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
    monkeypatch.setattr(starter.time, "sleep", waited.append)
    starter.handler({**SEEDS, "RequestType": "Create"}, None)
    assert len(codebuild.started) == (not reasons)
    assert sum(waited) == 30
    assert [reason in said for reason, (_, said) in zip(reasons, answers, strict=True)] == [True] * len(reasons)


def ended(status: str, *phases: tuple[str, str], request: str = "Create") -> dict[str, Any]:
    event = {**SEEDS, "RequestType": request}
    return {
        "id": "sagemaker-p-abc-seed:1",
        "buildStatus": status,
        "phases": [{"phaseType": name, "phaseStatus": state} for name, state in phases] + [{"phaseType": "COMPLETED"}],
        "environment": {"environmentVariables": [{"name": "CLOUDFORMATION_EVENT_00", "value": json.dumps(event)}]},
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
    starter.handler(ENDED, None)
    ((kind, reason),) = answers
    assert kind == "Create"
    assert build["buildStatus"] in reason
    assert "https://logs.example/1" in reason
    assert "Launch the project again" in reason


def test_given_a_goodbye_that_was_killed_then_people_are_told_to_delete_the_project_again(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = ended("TIMED_OUT", ("BUILD", "TIMED_OUT"), request="Delete")
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(build=build))
    starter.handler(ENDED, None)
    ((kind, reason),) = answers
    assert kind == "Delete"
    assert "Delete the project again" in reason


def test_given_a_failed_build_that_answered_itself_then_its_answer_stands(
    answers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = ended("FAILED", ("BUILD", "FAILED"), ("POST_BUILD", "SUCCEEDED"))
    monkeypatch.setattr(boto3, "client", lambda _: CodeBuild(build=build))
    starter.handler(ENDED, None)
    assert answers == []
