"""Both repositories in CodeCommit, made with the project."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codecommit as codecommit

from service_catalog.names import BRANCH, ProjectNames
from service_catalog.policy import Statement, allow, arn, sub
from service_catalog.project.actions import Stage, source_stage
from service_catalog.project.sources import PARTS, Trigger


class CodeCommitRepositories:
    """The repositories `{name}-{id}-modelbuild` and `-modeldeploy`."""

    def __init__(self, stack: cdk.Stack, names: ProjectNames) -> None:
        """Add both to `stack`."""
        self._names = names
        self._made = {part: _repository(stack, names, part) for part in PARTS}

    def address(self, part: str) -> str:
        """Return the clone URL."""
        url: str = self._made[part].attr_clone_url_http
        return url

    def remote(self, part: str) -> str:
        """Return the clone URL: CodeBuild's credential helper signs for it."""
        return self.address(part)

    def source_stage(self, part: str) -> Stage:
        """Return the stage that takes the branch; it does not poll, an event tells."""
        return source_stage(
            "CodeCommit",
            {"RepositoryName": self._made[part].attr_name, "BranchName": BRANCH, "PollForSourceChanges": False},
        )

    def triggers(self, part: str) -> list[Trigger] | None:
        """Return None: CodePipeline's own triggers know connections only."""
        return None

    def push_pattern(self, part: str) -> dict[str, Any] | None:
        """Match a push to the branch."""
        return {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Repository State Change"],
            "resources": [self._made[part].attr_arn],
            "detail": {
                "event": ["referenceCreated", "referenceUpdated"],
                "referenceType": ["branch"],
                "referenceName": [BRANCH],
            },
        }

    def build_source(self, part: str, buildspec: str, *, whole: bool = False) -> codebuild.CfnProject.SourceProperty:
        """Return a source that clones the repository."""
        return codebuild.CfnProject.SourceProperty(
            type="CODECOMMIT",
            location=self.remote(part),
            git_clone_depth=None if whole else 1,
            build_spec=buildspec,
        )

    def in_pipelines(self) -> list[Statement]:
        """Allow what CodePipeline calls to archive a commit."""
        return [
            allow(
                [
                    "codecommit:CancelUploadArchive",
                    "codecommit:GetBranch",
                    "codecommit:GetCommit",
                    "codecommit:GetRepository",
                    "codecommit:GetUploadArchiveStatus",
                    "codecommit:UploadArchive",
                ],
                on=self._arns(PARTS),
            )
        ]

    def clone(self, parts: Sequence[str]) -> list[Statement]:
        """Allow to fetch."""
        return [allow(["codecommit:GitPull"], on=self._arns(parts))]

    def request_pattern(self, part: str) -> dict[str, Any] | None:
        """Match a pull request into the branch that was opened, or whose own branch moved."""
        return {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Pull Request State Change"],
            "resources": [self._made[part].attr_arn],
            "detail": {
                "event": ["pullRequestCreated", "pullRequestSourceBranchUpdated"],
                "pullRequestStatus": ["Open"],
                "destinationReference": [f"refs/heads/{BRANCH}"],
            },
        }

    def webhook(self) -> codebuild.CfnProject.ProjectTriggersProperty | None:
        """Return None: CodeCommit tells by events."""
        return None

    def comment(self, part: str) -> list[Statement]:
        """Allow to comment; not to approve, for a rule that asks for one approval would be met by the check alone."""
        return [allow(["codecommit:PostCommentForPullRequest"], on=self._arns([part]))]

    def made_here(self) -> dict[str, dict[str, str]]:
        """Return both."""
        return {part: {"Name": made.attr_name, "Remote": self.remote(part)} for part, made in self._made.items()}

    def bundle(self) -> list[Statement]:
        """Allow to see whether it is still there, and to fetch."""
        return [allow(["codecommit:GetRepository", "codecommit:GitPull"], on=self._arns(PARTS))]

    def push(self) -> list[Statement]:
        """Allow to look whether a repository is empty, and to push."""
        return [allow(["codecommit:GitPull", "codecommit:GitPush"], on=self._arns(PARTS))]

    def _arns(self, parts: Sequence[str]) -> list[str]:
        return [arn("codecommit", self._names.repository(part)) for part in parts]


def _repository(stack: cdk.Stack, names: ProjectNames, part: str) -> codecommit.CfnRepository:
    repository = codecommit.CfnRepository(
        stack,
        f"{part.title()}Repository",
        repository_name=sub(names.repository(part)),
        repository_description=sub(f"What {part}s the model of SageMaker project {names.project_name}"),
    )
    # It goes with the project, once there is a bundle of it: see goodbye.py.
    repository.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    repository.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
    return repository
