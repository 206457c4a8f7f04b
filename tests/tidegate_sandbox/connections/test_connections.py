"""CodeConnections as its API and git meet it."""

import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox import git_host


def test_a_connection_is_found_with_its_tags_under_either_name_of_the_service(hosted: Any, sandbox: Any) -> None:
    for service in ("codeconnections", "codestar-connections"):
        client = sandbox.client(service)
        found = client.get_connection(ConnectionArn=hosted.arn)["Connection"]
        assert (found["ProviderType"], found["ConnectionStatus"]) == ("GitHub", "AVAILABLE")
        assert found["OwnerAccountId"] == sandbox.account
        listed = [each["ConnectionArn"] for each in client.list_connections()["Connections"]]
        assert hosted.arn in listed
    tags = hosted.connections.list_tags_for_resource(ResourceArn=hosted.arn)["Tags"]
    assert tags == [{"Key": "sagemaker", "Value": "true"}]


def test_a_connection_that_was_deleted_is_not_found(hosted: Any) -> None:
    hosted.connections.delete_connection(ConnectionArn=hosted.arn)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        hosted.connections.get_connection(ConnectionArn=hosted.arn)


def test_a_connection_to_a_host_of_ones_own_tells_where_it_is(sandbox: Any) -> None:
    client = sandbox.client("codeconnections")
    host = client.create_host(
        Name="own", ProviderType="GitLabSelfManaged", ProviderEndpoint="https://git.acme.example"
    )["HostArn"]
    arn = client.create_connection(ConnectionName="own", HostArn=host)["ConnectionArn"]
    found = client.get_connection(ConnectionArn=arn)["Connection"]
    assert (found["ProviderType"], found["HostArn"]) == ("GitLabSelfManaged", host)
    assert client.get_host(HostArn=host)["ProviderEndpoint"] == "https://git.acme.example"


def test_git_pushes_and_clones_at_the_connections_address_with_a_callers_credentials(hosted: Any, sandbox: Any) -> None:
    commit = hosted.push(to=hosted.url(sandbox.account))
    assert hosted.git("ls-remote", hosted.url(sandbox.account), "refs/heads/main").split()[0] == commit
    assert hosted.show()["branches"] == {"main": commit}


@pytest.mark.parametrize(("user", "said"), [(None, "could not read Username"), ("222222222222", "403")])
def test_nobody_elses_credentials_open_the_connections_address(hosted: Any, user: str | None, said: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        hosted.git("ls-remote", hosted.url(user))
    assert said in refused.value.stderr


def test_a_connection_reaches_no_repository_that_is_not_there(hosted: Any, sandbox: Any) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        hosted.git("ls-remote", hosted.url(sandbox.account).replace("repo-", "none-"))
    assert "not found" in refused.value.stderr


def test_a_repository_may_begin_with_a_readme_as_hosts_offer(hosted: Any, sandbox: Any) -> None:
    begun = git_host.create(sandbox.url, "GitLab", f"{hosted.name}-begun", readme=True)
    address = git_host.address(sandbox.url, "GitLab", f"{hosted.name}-begun")
    hosted.git("clone", "-q", address, "begun", cwd=hosted.folder)
    assert list(begun["branches"]) == ["main"]
    assert (hosted.folder / "begun" / "README.md").read_text()


@pytest.mark.parametrize("name", ["alone", "a/b.git", "../x", "a/.."])
def test_what_is_no_full_name_is_refused_with_a_sentence(sandbox: Any, name: str) -> None:
    with pytest.raises(git_host.GitHostError, match="no full name"):
        git_host.create(sandbox.url, "GitHub", name)


def test_a_pull_request_follows_its_branch_until_it_is_merged(hosted: Any, sandbox: Any) -> None:
    hosted.push()
    first = hosted.push("feature", "one")
    number = git_host.open_pull_request(sandbox.url, "GitHub", hosted.name, "feature")
    (pull,) = hosted.show()["pull_requests"]
    assert (pull["number"], pull["commit"], pull["state"]) == (number, first, "open")
    second = hosted.push("feature", "two")
    hosted.eventually(lambda: hosted.show()["pull_requests"][0]["commit"] == second)
    hosted.git("push", "-q", "origin", "HEAD:refs/heads/main")
    hosted.eventually(lambda: hosted.show()["pull_requests"][0]["state"] == "merged")
