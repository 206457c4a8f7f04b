"""A repository, a checkout of it, and its events, of each test's own."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from developer import git


@pytest.fixture
def repository(sandbox: Any) -> dict[str, Any]:
    name = f"repo-{uuid.uuid4().hex[:8]}"
    return dict(sandbox.client("codecommit").create_repository(repositoryName=name)["repositoryMetadata"])


@pytest.fixture
def checkout(repository: dict[str, Any], tmp_path: Path) -> Path:
    """A clone with one commit, not yet pushed."""
    folder = tmp_path / "checkout"
    git("clone", "-q", repository["cloneUrlHttp"], str(folder), cwd=tmp_path)
    git("checkout", "-qB", "main", cwd=folder)
    (folder / "README.md").write_text("hello\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "First", cwd=folder)
    return folder


@pytest.fixture
def events(sandbox: Any, repository: dict[str, Any]) -> Callable[[], list[dict[str, Any]]]:
    """Read the repository's events, delivered through a rule to a queue."""
    sqs, name = sandbox.client("sqs"), repository["repositoryName"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    pattern = {"source": ["aws.codecommit"], "resources": [repository["Arn"]]}
    sandbox.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    sandbox.client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": sandbox.arn("sqs", name)}])
    read: list[dict[str, Any]] = []

    def all_so_far() -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            read.append(json.loads(message["Body"]))
        return read

    return all_so_far
