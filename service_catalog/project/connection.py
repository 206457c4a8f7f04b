"""Both repositories at GitHub, GitLab or Bitbucket, reached through a CodeConnection.

A connection cannot make a repository, so both exist before the project does, and stay when it goes. Which host it is
only the connection tells: a custom resource asks it at launch, so that nobody has to be asked what can be looked up.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild

from service_catalog.names import BRANCH, ProjectNames
from service_catalog.policy import Statement, allow, sub
from service_catalog.project.actions import SOURCE, Stage, source_stage
from service_catalog.project.functions import add_function
from service_catalog.project.parameters import CONNECTION, REPOSITORY
from service_catalog.project.sources import PARTS, Trigger

LOOKUP_SOURCE = Path(__file__).with_name("connection_lookup.py")
# The service was renamed; a connection keeps the name it was made under, and IAM's actions go by the connection's.
SERVICES = ("codeconnections", "codestar-connections")
ARN = f"${{{CONNECTION}}}"


class HostedRepositories:
    """The repositories that the launch parameters name, at the host that the connection reaches."""

    def __init__(self, stack: cdk.Stack, names: ProjectNames) -> None:
        """Add what looks the connection up to `stack`."""
        lookup = add_function(
            stack,
            names,
            "connection",
            LOOKUP_SOURCE,
            does="Looks the project's CodeConnection up: which host it reaches, and by which addresses",
            statements=[allow(_actions("GetConnection"), on=[ARN]), *_look_at_hosts()],
        )
        self._found = cdk.CfnResource(
            stack,
            "Connection",
            type="Custom::TidegateConnection",
            properties={
                "ServiceToken": lookup.attr_arn,
                "ServiceTimeout": lookup.timeout,
                "ConnectionArn": sub(ARN),
                "Repositories": {part: _full_name(part) for part in PARTS},
            },
        )

    def address(self, part: str) -> str:
        """Return the repository's URL at the host."""
        return self._attribute(f"{part}Address")

    def remote(self, part: str) -> str:
        """Return the connection's git address of the repository: CodeBuild's credential helper signs for it."""
        return self._attribute(f"{part}Remote")

    def source_stage(self, part: str) -> Stage:
        """Return the stage that takes the branch; what starts the pipeline is its trigger."""
        configuration: dict[str, str | bool] = {
            "ConnectionArn": sub(ARN),
            "FullRepositoryId": _full_name(part),
            "BranchName": BRANCH,
            "DetectChanges": False,
        }
        return source_stage("CodeStarSourceConnection", configuration)

    def triggers(self, part: str) -> list[Trigger] | None:
        """Start on a push to the branch, and on nothing else."""
        push = [{"Branches": {"Includes": [BRANCH]}}]
        git: Trigger = {
            "ProviderType": "CodeStarSourceConnection",
            "GitConfiguration": {"SourceActionName": SOURCE, "Push": push},
        }
        return [git]

    def push_pattern(self, part: str) -> dict[str, Any] | None:
        """Return None: a push to a host is no event, the pipeline's trigger hears of it."""
        return None

    def build_source(self, part: str, buildspec: str, *, whole: bool = False) -> codebuild.CfnProject.SourceProperty:
        """Return a source that clones the repository with the connection's credentials."""
        return codebuild.CfnProject.SourceProperty(
            type=self._attribute("SourceType"),
            location=self.address(part),
            auth=codebuild.CfnProject.SourceAuthProperty(type="CODECONNECTIONS", resource=sub(ARN)),
            git_clone_depth=None if whole else 1,
            build_spec=buildspec,
        )

    def in_pipelines(self) -> list[Statement]:
        """Allow to take archives of both repositories through the connection."""
        return [_use(PARTS)]

    def clone(self, parts: Sequence[str]) -> list[Statement]:
        """Allow CodeBuild to get the connection's credentials (its user guide, "Create CodeBuild service role")."""
        return [_use(parts), allow(_actions("GetConnection", "GetConnectionToken"), on=[ARN])]

    def request_pattern(self, part: str) -> dict[str, Any] | None:
        """Return None: a pull request at a host is no event, the webhook hears of it."""
        return None

    def webhook(self) -> codebuild.CfnProject.ProjectTriggersProperty | None:
        """Listen for pull requests into the branch; what comes from a fork waits for somebody who may write here.

        CodeBuild reports the outcome of such a build to the host, on the commit.
        """
        project = codebuild.CfnProject
        filters = {
            "EVENT": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED",
            "BASE_REF": f"^refs/heads/{BRANCH}$",
        }
        group = [project.WebhookFilterProperty(type=kind, pattern=pattern) for kind, pattern in filters.items()]
        return project.ProjectTriggersProperty(
            webhook=True,
            build_type="BUILD",
            filter_groups=[group],
            pull_request_build_policy=project.PullRequestBuildPolicyProperty(
                requires_comment_approval="FORK_PULL_REQUESTS"
            ),
        )

    def comment(self, part: str) -> list[Statement]:
        """Allow nothing: CodeBuild reports to the host by itself."""
        return []

    def made_here(self) -> dict[str, dict[str, str]]:
        """Return none: both were there before the project, and stay."""
        return {}

    def bundle(self) -> list[Statement]:
        """Return nothing: there is none to bundle."""
        return []

    def push(self) -> list[Statement]:
        """Allow git at the connection's address."""
        return [_use(PARTS)]

    def _attribute(self, name: str) -> str:
        return str(cdk.Token.as_string(self._found.get_att(name)))


def _full_name(part: str) -> str:
    return str(cdk.Fn.ref(REPOSITORY[part]))


def _actions(*names: str) -> list[str]:
    return [f"{service}:{name}" for service in SERVICES for name in names]


def _use(parts: Sequence[str]) -> Statement:
    """Allow to use the connection for these repositories.

    Not every use names its repository (asking how far an archive is does not), so what does not may.
    """
    names = [_full_name(part) for part in parts]
    same = {f"{service}:FullRepositoryId": names for service in SERVICES}
    return allow(_actions("UseConnection"), on=[ARN], when={"StringEqualsIfExists": same})


def _look_at_hosts() -> list[Statement]:
    """Allow to ask for the address of a host of one's own; which it is, only the connection tells."""
    hosts = [f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:host/*" for service in SERVICES]
    return [allow(_actions("GetHost"), on=hosts)]
