"""CodeCommit as a developer meets it: boto3 for the API, git for the rest."""

import base64
import io
import json
import os
import subprocess
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from developer import git


def test_a_new_repository_is_described_with_where_to_clone_it(sandbox: Any, repository: dict[str, Any]) -> None:
    name = repository["repositoryName"]
    client = sandbox.client("codecommit")

    assert repository["cloneUrlHttp"] == f"{sandbox.url}/v1/repos/{name}"
    assert repository["Arn"] == sandbox.arn("codecommit", name)
    assert client.get_repository(repositoryName=name)["repositoryMetadata"] == repository
    assert name in [one["repositoryName"] for one in client.list_repositories()["repositories"]]


@pytest.mark.parametrize("name", ["../escape", "..", "a b", "ends.git", "x" * 101])
def test_a_name_that_is_no_repository_name_is_refused(sandbox: Any, name: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationException|InvalidRepositoryNameException"):
        sandbox.client("codecommit").create_repository(repositoryName=name)


def test_the_same_name_twice_is_refused(sandbox: Any, repository: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="already exists"):
        sandbox.client("codecommit").create_repository(repositoryName=repository["repositoryName"])


def test_what_was_pushed_is_cloned_back_with_its_modes(
    checkout: Path, repository: dict[str, Any], sandbox: Any
) -> None:
    git("push", "-q", "origin", "main", cwd=checkout)

    git("clone", "-q", repository["cloneUrlHttp"], "again", cwd=checkout.parent)

    again = checkout.parent / "again"
    assert (again / "README.md").read_text() == "hello\n"
    assert os.access(again / "run.sh", os.X_OK)
    assert git("rev-parse", "HEAD", cwd=again) == git("rev-parse", "HEAD", cwd=checkout)


def test_branches_commits_and_files_are_told(checkout: Path, repository: dict[str, Any], sandbox: Any) -> None:
    git("push", "-q", "origin", "main", cwd=checkout)
    client, name, tip = (
        sandbox.client("codecommit"),
        repository["repositoryName"],
        git("rev-parse", "HEAD", cwd=checkout),
    )

    assert client.list_branches(repositoryName=name)["branches"] == ["main"]
    assert client.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"] == tip
    commit = client.get_commit(repositoryName=name, commitId=tip)["commit"]
    assert (commit["message"], commit["author"]["name"], commit["parents"]) == ("First\n", "Dev", [])
    assert client.get_file(repositoryName=name, filePath="README.md")["fileContent"] == b"hello\n"
    with pytest.raises(client.exceptions.BranchDoesNotExistException):
        client.get_branch(repositoryName=name, branchName="other")
    with pytest.raises(client.exceptions.FileDoesNotExistException):
        client.get_file(repositoryName=name, filePath="absent")


@pytest.mark.parametrize("form", ["none", "basic"])
def test_credentials_are_not_needed_and_do_no_harm(checkout: Path, form: str) -> None:
    basic = base64.b64encode(b"111122223333:anything").decode()
    header = ["-c", f"http.extraHeader=Authorization: Basic {basic}"] if form == "basic" else []

    git(*header, "push", "-q", "origin", "main", cwd=checkout)

    assert git("ls-remote", "origin", "refs/heads/main", cwd=checkout)


def test_a_pack_of_several_megabytes_is_pushed_in_chunks(checkout: Path) -> None:
    (checkout / "big.bin").write_bytes(os.urandom(6 << 20))
    git("add", "-A", cwd=checkout)
    git("commit", "-qm", "Big", cwd=checkout)

    git("-c", "http.postBuffer=65536", "push", "-q", "origin", "main", cwd=checkout)

    git("clone", "-q", git("remote", "get-url", "origin", cwd=checkout), "again", cwd=checkout.parent)
    assert (checkout.parent / "again" / "big.bin").read_bytes() == (checkout / "big.bin").read_bytes()


def test_a_fetch_that_asks_for_much_is_understood_though_git_compresses_it(
    checkout: Path, repository: dict[str, Any]
) -> None:
    # git gzips a request above 1 KiB: many commits that it already has make it so.
    for number in range(60):
        git("commit", "-q", "--allow-empty", "-m", str(number), cwd=checkout)
    git("push", "-q", "origin", "main", cwd=checkout)
    git("clone", "-q", repository["cloneUrlHttp"], "again", cwd=checkout.parent)
    again = checkout.parent / "again"
    for number in range(60):
        git("commit", "-q", "--allow-empty", "-m", f"mine {number}", cwd=again)
    git("commit", "-q", "--allow-empty", "-m", "one more", cwd=checkout)
    git("push", "-q", "origin", "main", cwd=checkout)

    git("fetch", "-q", "origin", cwd=again)

    assert git("rev-parse", "origin/main", cwd=again) == git("rev-parse", "HEAD", cwd=checkout)


def test_a_push_says_what_became_of_each_reference(
    checkout: Path, repository: dict[str, Any], events: Callable[[], list[dict[str, Any]]], eventually: Any
) -> None:
    first = git("rev-parse", "HEAD", cwd=checkout)
    git("push", "-q", "origin", "main", "main:side", cwd=checkout)
    git("commit", "-q", "--allow-empty", "-m", "Second", cwd=checkout)
    second = git("rev-parse", "HEAD", cwd=checkout)
    git("push", "-q", "origin", "main", cwd=checkout)
    git("push", "-q", "origin", ":side", cwd=checkout)

    eventually(lambda: len(events()) >= 4)

    told = {(e["detail"]["event"], e["detail"]["referenceName"]): e["detail"] for e in events()}
    assert set(told) == {
        ("referenceCreated", "main"),
        ("referenceCreated", "side"),
        ("referenceUpdated", "main"),
        ("referenceDeleted", "side"),
    }
    assert told["referenceCreated", "main"]["commitId"] == first
    updated = told["referenceUpdated", "main"]
    assert (updated["oldCommitId"], updated["commitId"]) == (first, second)
    assert updated["referenceFullName"] == "refs/heads/main"
    assert updated["referenceType"] == "branch"
    assert told["referenceDeleted", "side"]["oldCommitId"] == first
    assert {(e["detail-type"], e["region"], e["account"]) for e in events()} == {
        ("CodeCommit Repository State Change", "eu-west-1", "111122223333")
    }


def test_a_push_that_is_refused_says_nothing(
    checkout: Path, events: Callable[[], list[dict[str, Any]]], eventually: Any
) -> None:
    git("push", "-q", "origin", "main", cwd=checkout)
    eventually(events)
    git("commit", "-q", "--amend", "-m", "Rewritten", cwd=checkout)

    with pytest.raises(subprocess.CalledProcessError):
        git("push", "-q", "origin", "main", cwd=checkout)

    assert [one["detail"]["event"] for one in events()] == ["referenceCreated"]


def test_the_first_branch_pushed_is_the_default_one(
    checkout: Path, repository: dict[str, Any], sandbox: Any, eventually: Any
) -> None:
    git("push", "-q", "origin", "main:trunk", cwd=checkout)
    client, name = sandbox.client("codecommit"), repository["repositoryName"]

    eventually(lambda: client.get_repository(repositoryName=name)["repositoryMetadata"].get("defaultBranch") == "trunk")

    git("clone", "-q", repository["cloneUrlHttp"], "again", cwd=checkout.parent)
    assert git("branch", "--show-current", cwd=checkout.parent / "again") == "trunk"


def test_only_git_is_served_under_the_repositories(sandbox: Any, repository: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        git("clone", "-q", f"{sandbox.url}/v1/repos/absent", cwd=tmp_path)
    assert "not found" in failed.value.stderr


def test_one_name_in_two_accounts_is_told_apart_by_the_user_name(
    sandbox: Any, repository: dict[str, Any], checkout: Path
) -> None:
    other = sandbox.client("codecommit", account="222233334444")
    other.create_repository(repositoryName=repository["repositoryName"])
    of_account = f"{sandbox.url}/v1/repos/{repository['repositoryName']}".replace("://", "://111122223333:x@")

    git("push", "-q", of_account, "main", cwd=checkout)

    assert other.list_branches(repositoryName=repository["repositoryName"])["branches"] == []
    other.delete_repository(repositoryName=repository["repositoryName"])


def test_cloudformation_makes_describes_and_deletes_a_repository(sandbox: Any) -> None:
    name = f"stack-{uuid.uuid4().hex[:8]}"
    outputs = {key: {"Value": {"Fn::GetAtt": ["Repo", key]}} for key in ("Arn", "CloneUrlHttp", "CloneUrlSsh", "Name")}
    template = {
        "Resources": {"Repo": {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": name}}},
        "Outputs": outputs,
    }
    cloudformation = sandbox.client("cloudformation")

    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})

    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    told = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    metadata = sandbox.client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]
    assert told["Arn"] == metadata["Arn"]
    assert told["CloneUrlHttp"] == metadata["cloneUrlHttp"]
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    with pytest.raises(ClientError, match="does not exist"):
        sandbox.client("codecommit").get_repository(repositoryName=name)


def test_cloudformation_commits_what_lies_in_s3_and_tells_of_it_or_makes_nothing(
    sandbox: Any, eventually: Any, tmp_path: Path
) -> None:
    name = f"seeded-{uuid.uuid4().hex[:8]}"
    s3, codecommit, cloudformation = map(sandbox.client, ("s3", "codecommit", "cloudformation"))
    queue = sandbox.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    pattern = {"source": ["aws.codecommit"], "resources": [sandbox.arn("codecommit", name)]}
    sandbox.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    sandbox.client("events").put_targets(Rule=name, Targets=[{"Id": "q", "Arn": sandbox.arn("sqs", name)}])
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("buildspec.yml", "version: 0.2\n")
        archive.writestr("src/run.py", "print('hello')\n")
    s3.put_object(Bucket=name, Key="seed.zip", Body=packed.getvalue())

    def stack(key: str) -> str:
        code = {"S3": {"Bucket": name, "Key": key}, "BranchName": "trunk"}
        properties = {"RepositoryName": name, "Code": code}
        template = {"Resources": {"Repo": {"Type": "AWS::CodeCommit::Repository", "Properties": properties}}}
        cloudformation.create_stack(StackName=f"{name}-{key[:4]}", TemplateBody=json.dumps(template))

        def settled() -> Any:
            status = cloudformation.describe_stacks(StackName=f"{name}-{key[:4]}")["Stacks"][0]["StackStatus"]
            return not status.endswith("IN_PROGRESS") and status

        return str(eventually(settled))

    assert stack("none.zip") == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        codecommit.get_repository(repositoryName=name)

    assert stack("seed.zip") == "CREATE_COMPLETE"
    metadata = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
    assert metadata["defaultBranch"] == "trunk"
    git("clone", "-q", metadata["cloneUrlHttp"], str(tmp_path / "clone"), cwd=tmp_path)
    assert (tmp_path / "clone" / "src" / "run.py").read_text() == "print('hello')\n"
    assert len(git("log", "--format=%H", cwd=tmp_path / "clone").split()) == 1
    (message,) = eventually(lambda: sandbox.client("sqs").receive_message(QueueUrl=queue).get("Messages"))
    detail = json.loads(message["Body"])["detail"]
    assert (detail["event"], detail["referenceName"]) == ("referenceCreated", "trunk")
