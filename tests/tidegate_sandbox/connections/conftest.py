"""A repository at a stand-in for GitHub, and a connection that reaches it, of each test's own."""

import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox import git_host

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
    "NO_PROXY": "127.0.0.1",
}


class Hosted:
    """A repository at GitHub's stand-in, a checkout of it, and a connection."""

    def __init__(self, sandbox: Any, eventually: Callable[..., Any], folder: Path) -> None:
        self.sandbox, self.eventually, self.folder = sandbox, eventually, folder
        self.name = f"acme/repo-{uuid.uuid4().hex[:8]}"
        git_host.create(sandbox.url, "GitHub", self.name)
        self.connections = sandbox.client("codeconnections")
        made = self.connections.create_connection(
            ProviderType="GitHub", ConnectionName="hub", Tags=[{"Key": "sagemaker", "Value": "true"}]
        )
        self.arn = made["ConnectionArn"]
        self.git("clone", "-q", git_host.address(sandbox.url, "GitHub", self.name), "checkout", cwd=folder)

    def url(self, user: str | None = None, account: str | None = None) -> str:
        """Return the connection's own git address of the repository, with a caller's credentials if given."""
        scheme, _, host = self.sandbox.url.partition("://")
        caller = f"{user}:secret@" if user else ""
        path = f"{account or self.sandbox.account}/{self.sandbox.region}/{self.arn.rpartition('/')[2]}/{self.name}"
        return f"{scheme}://{caller}{host}/git-http/{path}.git"

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.folder / "checkout",
            env={**os.environ, **GIT},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def push(self, branch: str = "main", text: str = "hello", to: str = "origin") -> str:
        """Commit a file and push it to `branch`; return the commit."""
        (self.folder / "checkout" / "word.txt").write_text(f"{text}\n")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", text)
        self.git("push", "-q", to, f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def show(self) -> dict[str, Any]:
        return git_host.show(self.sandbox.url, "GitHub", self.name)


@pytest.fixture
def hosted(sandbox: Any, eventually: Callable[..., Any], tmp_path: Path) -> Hosted:
    return Hosted(sandbox, eventually, tmp_path)
