"""Where the journey's two repositories are, and what a person does there: make them, ask for a review, read it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from tidegate_sandbox import git_host
from tidegate_sandbox.journey.account import Account

Git: TypeAlias = Literal["codecommit", "connection"]

PROVIDER, ADDRESS = "GitHub", "https://github.com/"
REPOSITORIES = {"build": "acme/bikeshare-build", "deploy": "acme/bikeshare-deploy"}


@dataclass(frozen=True)
class Asked:
    """A review that was asked for: of what `after` changes of `before`."""

    number: str
    before: str
    after: str


@dataclass(frozen=True)
class Review:
    """How a review ended, and the words in which it is told where it was asked for."""

    passed: bool
    told: str


class GitHost(Protocol):
    """A place for repositories, as the people of the journey meet it."""

    product: str
    """What the name of the product has in it that puts repositories there."""

    def prepare(self) -> dict[str, str]:
        """Do what has to be done before a launch; return the launch parameters that come of it."""

    def settings(self) -> dict[str, str]:
        """Return git's settings for a person who works there."""

    def ask(self, clone: Path, branch: str, commits: tuple[str, str]) -> Asked:
        """Open a pull request of `branch` into main; `commits` are the tips of main and of the branch."""

    def review(self, asked: Asked) -> Review | None:
        """Return how the review of a pull request ended, or None while it goes on."""


@dataclass
class CodeCommit:
    """CodeCommit, in the account itself; the launch makes the repositories."""

    account: Account
    product: str = "CodeCommit"

    def prepare(self) -> dict[str, str]:
        """There is nothing to do."""
        return {}

    def settings(self) -> dict[str, str]:
        """There is nothing to set."""
        return {}

    def ask(self, clone: Path, branch: str, commits: tuple[str, str]) -> Asked:
        """Open a pull request by the API."""
        config = (clone / ".git" / "config").read_text()
        name = next(line.rpartition("/")[2] for line in config.splitlines() if line.strip().startswith("url = "))
        opened = self.account.client("codecommit").create_pull_request(
            title="A change of production", targets=[{"repositoryName": name, "sourceReference": branch}]
        )
        return Asked(opened["pullRequest"]["pullRequestId"], *commits)

    def review(self, asked: Asked) -> Review | None:
        """Read the comment on the pull request."""
        said = self.account.client("codecommit").get_comments_for_pull_request(pullRequestId=asked.number)
        for about in said["commentsForPullRequestData"]:
            [comment] = about["comments"]
            return Review("Review passed" in comment["content"], f"a comment on pull request {asked.number}")
        return None


@dataclass
class Connected:
    """A host behind a connection: the simulation's stand-in for GitHub. One repository is begun with a README."""

    account: Account
    url: str
    product: str = PROVIDER

    def prepare(self) -> dict[str, str]:
        """Make the repositories and the connection, as people do before they launch."""
        for part, name in REPOSITORIES.items():
            git_host.create(self.url, PROVIDER, name, readme=part == "build")
        made = self.account.client("codeconnections").create_connection(
            ProviderType=PROVIDER, ConnectionName="tidegate", Tags=[{"Key": "sagemaker", "Value": "true"}]
        )
        return {
            "ConnectionArn": made["ConnectionArn"],
            **{f"{part.title()}Repository": name for part, name in REPOSITORIES.items()},
        }

    def settings(self) -> dict[str, str]:
        """Let the host's own address lead to its stand-in."""
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.url}/git-hosts/{PROVIDER}/.insteadOf",
            "GIT_CONFIG_VALUE_0": ADDRESS,
        }

    def ask(self, clone: Path, branch: str, commits: tuple[str, str]) -> Asked:
        """Open a pull request at the stand-in."""
        return Asked(str(git_host.open_pull_request(self.url, PROVIDER, REPOSITORIES["deploy"], branch)), *commits)

    def review(self, asked: Asked) -> Review | None:
        """Look at the checks on the commit."""
        shown: dict[str, Any] = git_host.show(self.url, PROVIDER, REPOSITORIES["deploy"])
        for check in shown["checks"].get(asked.after, []):
            if check["state"] != "pending":
                return Review(check["state"] == "success", f"a check on commit {asked.after[:8]}: {check['name']}")
        return None


def at_the_stand_in(url: str, address: str) -> str:
    """Return where git finds `address` in the simulation at `url`: a host's own leads to its stand-in."""
    return address.replace(ADDRESS, f"{url}/git-hosts/{PROVIDER}/", 1)


def host_of(git: Git, account: Account) -> GitHost:
    """Return where the repositories are to be."""
    return CodeCommit(account) if git == "codecommit" else Connected(account, os.environ["AWS_ENDPOINT_URL"])
