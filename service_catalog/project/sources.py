"""Where a project's two repositories are, and what everything else asks of them.

Pipelines take their source from them, builds clone them, the seed build pushes to them, pushes start pipelines. How
each of these is done depends on the host alone, so that nothing else has to know which it is.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from aws_cdk import aws_codebuild as codebuild

from service_catalog.policy import Statement
from service_catalog.project.actions import Stage

PARTS = ("build", "deploy")

# CloudFormation's PipelineTriggerDeclaration in its own words, for a launch may choose to have none.
Trigger: TypeAlias = dict[str, Any]


class Repositories(Protocol):
    """The repositories `build` and `deploy` at one host; texts may hold `Fn::Sub` placeholders or tokens."""

    def address(self, part: str) -> str:
        """Return where people find the repository."""

    def remote(self, part: str) -> str:
        """Return the git address that the seed build pushes to."""

    def source_stage(self, part: str) -> Stage:
        """Return the stage that takes the branch of the repository into a pipeline."""

    def triggers(self, part: str) -> list[Trigger] | None:
        """Return what of CodePipeline itself starts the pipeline on a push, if anything does."""

    def push_pattern(self, part: str) -> dict[str, Any] | None:
        """Return the pattern of the event that starts the pipeline on a push, if an event does."""

    def build_source(self, part: str, buildspec: str, *, whole: bool = False) -> codebuild.CfnProject.SourceProperty:
        """Return the source of a CodeBuild project that clones the repository itself: its last commit, or `whole`."""

    def in_pipelines(self) -> list[Statement]:
        """Allow the pipelines' role to take both as sources."""

    def clone(self, parts: Sequence[str]) -> list[Statement]:
        """Allow a build's role to clone these."""

    def request_pattern(self, part: str) -> dict[str, Any] | None:
        """Return the pattern of the events that ask for a review of the repository, if events do."""

    def webhook(self) -> codebuild.CfnProject.ProjectTriggersProperty | None:
        """Return what of a CodeBuild project itself listens to the host for pull requests, if anything does."""

    def comment(self, part: str) -> list[Statement]:
        """Allow a build's role to write what it found on a pull request, where the host is not told otherwise."""

    def made_here(self) -> dict[str, dict[str, str]]:
        """Return, by part, `Name` and git address `Remote` of those that are made with the project and go with it."""

    def bundle(self) -> list[Statement]:
        """Allow a build's role to find and to clone those that go with the project."""

    def push(self) -> list[Statement]:
        """Allow the seed build's role to push to both."""
