"""The function that looks a connection up: which host, which addresses, and a sentence where it cannot be used."""

import io
import json
import urllib.request
from typing import Any

import boto3
import pytest

from service_catalog.project import connection_lookup

CONNECTION_ID = "01234567-89ab-cdef-0123-456789abcdef"
NAMES = {"build": "acme/churn-build", "deploy": "acme/churn-deploy"}


class Connections:
    """The service, with one connection of `provider` in `status`."""

    def __init__(self, service: str, region: str, provider: str, status: str) -> None:
        self.meta = type("Meta", (), {"endpoint_url": f"https://{service}.{region}.amazonaws.com"})
        self.connection = {"ProviderType": provider, "ConnectionStatus": status, "HostArn": "host"}

    def get_connection(self, **_: str) -> dict[str, Any]:
        return {"Connection": self.connection}

    def get_host(self, **_: str) -> dict[str, Any]:
        return {"ProviderEndpoint": "https://git.acme.example/"}


def event(service: str = "codeconnections", kind: str = "Create") -> dict[str, Any]:
    return {
        "RequestType": kind,
        "ResponseURL": "https://answer.invalid/",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Connection",
        "ResourceProperties": {
            "ConnectionArn": f"arn:aws:{service}:eu-west-1:111111111111:connection/{CONNECTION_ID}",
            "Repositories": NAMES,
        },
    }


def told(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], provider: str = "GitHub", status: str = "AVAILABLE"
) -> dict[str, Any]:
    """Run the function on the event and return what CloudFormation is told."""
    answers: list[dict[str, Any]] = []

    def put(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        assert isinstance(request.data, bytes)
        answers.append(json.loads(request.data))
        return io.BytesIO()

    monkeypatch.setattr(urllib.request, "urlopen", put)
    monkeypatch.setattr(
        boto3, "client", lambda service, region_name: Connections(service, region_name, provider, status)
    )
    connection_lookup.handler(asked, None)
    (answer,) = answers
    assert (answer["StackId"], answer["RequestId"], answer["LogicalResourceId"]) == ("stack", "request", "Connection")
    return answer


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_given_github_then_the_addresses_are_the_hosts_and_the_connections_own(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = told(monkeypatch, event(service))
    git = f"https://{service}.eu-west-1.amazonaws.com/git-http/111111111111/eu-west-1/{CONNECTION_ID}"
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"] == {
        "SourceType": "GITHUB",
        "buildAddress": "https://github.com/acme/churn-build.git",
        "buildRemote": f"{git}/acme/churn-build.git",
        "deployAddress": "https://github.com/acme/churn-deploy.git",
        "deployRemote": f"{git}/acme/churn-deploy.git",
    }


@pytest.mark.parametrize(
    ("provider", "source", "host"),
    [
        ("GitLab", "GITLAB", "https://gitlab.com"),
        ("Bitbucket", "BITBUCKET", "https://bitbucket.org"),
        ("GitHubEnterpriseServer", "GITHUB_ENTERPRISE", "https://git.acme.example"),
        ("GitLabSelfManaged", "GITLAB_SELF_MANAGED", "https://git.acme.example"),
    ],
)
def test_given_another_host_then_codebuild_is_told_which(
    provider: str, source: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = told(monkeypatch, event(), provider)["Data"]
    assert (data["SourceType"], data["deployAddress"]) == (source, f"{host}/acme/churn-deploy.git")


def test_given_an_update_then_it_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, event(kind="Update"), "GitLab")["Data"]["SourceType"] == "GITLAB"


def test_given_a_delete_then_nothing_is_asked_of_a_connection_that_may_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = told(monkeypatch, event(kind="Delete"), status="ERROR")
    assert answer["Status"] == "SUCCESS"
    assert "Data" not in answer


def test_given_a_connection_that_nobody_completed_then_the_launch_is_told_how_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = told(monkeypatch, event(), status="PENDING")
    assert answer["Status"] == "FAILED"
    assert "is PENDING: complete it in the console" in answer["Reason"]


def test_given_a_host_that_codebuild_does_not_know_then_the_launch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "AzureDevOps, which CodeBuild cannot clone" in told(monkeypatch, event(), "AzureDevOps")["Reason"]
