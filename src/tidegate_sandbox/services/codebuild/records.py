"""What CodeBuild keeps: projects as the API describes them, builds as they run."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from tidegate_sandbox import context
from tidegate_sandbox.services.codebuild.shell import Shell

Status = Literal["SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "IN_PROGRESS", "STOPPED"]
Project = dict[str, Any]
"""botocore's shape Project."""


@dataclass(frozen=True)
class Bundle:
    """A zip in S3 that stands for an artefact of a pipeline."""

    name: str
    bucket: str
    key: str


@dataclass(frozen=True)
class PipelineRequest:
    """What CodePipeline hands to a build: the primary source first, and where the outputs go.

    `acts_as` are the roles whom a build without a project acts as: the pipeline's, and one that this hands it to.
    """

    pipeline: str
    sources: tuple[Bundle, ...]
    outputs: tuple[Bundle, ...]
    resolved_version: str | None = None
    acts_as: tuple[str, ...] = ()


@dataclass
class PhaseRecord:
    """A phase of a build; `status` and `ended` are None while it runs."""

    name: str
    started: datetime
    ended: datetime | None = None
    status: Status | None = None
    code: str = ""
    message: str = ""

    def describe(self) -> dict[str, Any]:
        """Return botocore's shape BuildPhase."""
        described: dict[str, Any] = {"phaseType": self.name, "startTime": self.started}
        if self.ended is not None and self.status is not None:
            described |= {
                "phaseStatus": self.status,
                "endTime": self.ended,
                "durationInSeconds": int((self.ended - self.started).total_seconds()),
                "contexts": [{"statusCode": self.code, "message": self.message}],
            }
        return described


@dataclass
class Build:
    """A build, of a project as it was when the build started. `finished` is set once nothing of it runs.

    `declared` are its variables as the API tells of them: names in the Parameter Store and in Secrets Manager stay
    names there, and are looked up with the build's role once it runs.
    """

    uuid: str
    number: int
    project: Project
    scope: context.Scope
    declared: list[dict[str, Any]]
    source_version: str
    initiator: str
    started: datetime
    log: Path
    group: str
    stream: str
    pipeline: PipelineRequest | None = None
    webhook: Mapping[str, str] = field(default_factory=dict)
    """What the webhook that started it adds to its environment."""
    status: Status = "IN_PROGRESS"
    ended: datetime | None = None
    phases: list[PhaseRecord] = field(default_factory=list)
    resolved_version: str | None = None
    exported: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
    secondary_artifacts: list[dict[str, Any]] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    """The ARNs of its test reports."""
    retried: int = 0
    """How many builds before it were the same, each retried after it had failed."""
    previous: str = ""
    next: str = ""
    """The ARNs of the build that it retries, and of the one that retries it by itself."""
    retry_up_to: int = 0
    """How often it is to be retried at most, by its project or by the phase that failed."""
    shipped: int = 0
    """How far its log's file is in CloudWatch Logs, in bytes."""
    shell: Shell | None = None
    stopping: bool = False
    finished: threading.Event = field(default_factory=threading.Event)

    def begin_again(self) -> None:
        """Forget what it had done, as it has not ended."""
        self.status, self.shell, self.resolved_version = "IN_PROGRESS", None, None
        self.phases.clear()
        self.exported, self.artifacts = {}, {}
        self.secondary_artifacts, self.reports = [], []

    @property
    def id(self) -> str:
        """The build's id, PROJECT:UUID."""
        return f"{self.project['name']}:{self.uuid}"

    @property
    def arn(self) -> str:
        """The build's ARN."""
        return self.scope.arn("codebuild", f"build/{self.id}")

    @property
    def failure(self) -> str:
        """Why it did not succeed, of the first phase that failed in CodePipeline's words; or nothing."""
        failed = (p for p in self.phases if p.status not in (None, "SUCCEEDED"))
        return next((f"Phase: {p.name}, Code: {p.code}, Message: {p.message}" for p in failed), "")

    def _retries(self) -> dict[str, Any] | None:
        if not self.retry_up_to and not self.previous:
            return None
        told = {"autoRetryLimit": self.retry_up_to, "autoRetryNumber": self.retried}
        around = {"nextAutoRetry": self.next, "previousAutoRetry": self.previous}
        return told | {name: arn for name, arn in around.items() if arn}

    def describe(self) -> dict[str, Any]:
        """Return botocore's shape Build; while something of it runs, the status is IN_PROGRESS whatever failed."""
        project, ended = self.project, self.ended  # `ended` first: the rest is there by then
        environment = dict(project["environment"])
        environment["environmentVariables"] = self.declared
        described = {
            "id": self.id,
            "arn": self.arn,
            "buildNumber": self.number,
            "startTime": self.started,
            "endTime": ended,
            "currentPhase": self.phases[-1].name if self.phases else "SUBMITTED",
            "buildStatus": self.status if ended else "IN_PROGRESS",
            "sourceVersion": self.source_version or None,
            "resolvedSourceVersion": self.resolved_version,
            "projectName": project["name"],
            "phases": [phase.describe() for phase in self.phases],
            "source": project["source"],
            "artifacts": self.artifacts or None,
            "secondaryArtifacts": self.secondary_artifacts or None,
            "reportArns": self.reports or None,
            "autoRetryConfig": self._retries(),
            "cache": project.get("cache"),
            "environment": environment,
            "serviceRole": project["serviceRole"],
            "vpcConfig": project.get("vpcConfig"),
            "logs": {
                "groupName": self.group,
                "streamName": self.stream,
                "deepLink": self.log.as_uri(),
                "cloudWatchLogsArn": self.scope.arn("logs", f"log-group:{self.group}:log-stream:{self.stream}"),
            },
            "timeoutInMinutes": project["timeoutInMinutes"],
            "queuedTimeoutInMinutes": project["queuedTimeoutInMinutes"],
            "buildComplete": ended is not None,
            "initiator": self.initiator,
            "encryptionKey": project.get("encryptionKey"),
            "exportedEnvironmentVariables": [{"name": n, "value": v} for n, v in self.exported.items()],
        }
        return {name: value for name, value in described.items() if value is not None}


@dataclass
class State:
    """What one account and region has."""

    projects: dict[str, Project] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


state: context.Scoped[State] = context.Scoped(State)
lock = threading.Lock()
"""Held for changes to `state`, never while calling anything that may wait."""


def under_way() -> list[Build]:
    """Return the builds of all accounts and regions that have not ended."""
    every = [build for _, here in state.everywhere() for build in list(here.builds.values())]
    return [build for build in every if not build.finished.is_set()]
