"""The records of Model Monitor: job definitions, schedules, and what these executed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tidegate_sandbox.context import Scoped
from tidegate_sandbox.services.jobs.job import Job
from tidegate_sandbox.services.sagemaker import present

Kind = Literal["DataQuality", "ModelQuality"]

KINDS: tuple[Kind, ...] = ("DataQuality", "ModelQuality")

VIOLATIONS = "CompletedWithViolations"


@dataclass(frozen=True)
class JobDefinition:
    """What a monitoring job is: the parameters of Create{kind}JobDefinition."""

    kind: Kind
    name: str
    arn: str
    request: Mapping[str, Any]
    created: datetime

    @property
    def application(self) -> Mapping[str, Any]:
        """The image to run, and how."""
        found: Mapping[str, Any] = self.request[f"{self.kind}AppSpecification"]
        return found

    @property
    def input(self) -> Mapping[str, Any]:
        """Where the data is."""
        found: Mapping[str, Any] = self.request[f"{self.kind}JobInput"]
        return found

    @property
    def endpoint(self) -> str:
        """The name of the endpoint that is monitored."""
        return str(self.input["EndpointInput"]["EndpointName"])

    @property
    def output(self) -> Mapping[str, Any]:
        """Where the reports go."""
        found: Mapping[str, Any] = self.request[f"{self.kind}JobOutputConfig"]
        return found

    @property
    def baseline(self) -> Mapping[str, Any]:
        """What the data is held against."""
        found: Mapping[str, Any] = self.request.get(f"{self.kind}BaselineConfig", {})
        return found


@dataclass(eq=False)
class Execution:
    """A run of a schedule: a processing job, or why there was none."""

    schedule: str
    definition: str
    kind: Kind
    endpoint: str
    scheduled: datetime
    created: datetime
    job: Job | None = None
    why_none: str | None = None

    @property
    def status(self) -> str:
        """MonitoringExecutionStatus, as its processing job stands."""
        if self.job is None:
            return "Failed"
        if self.job.status == "Completed" and (self.job.exit_message or "").startswith(VIOLATIONS):
            return VIOLATIONS
        return self.job.status

    @property
    def modified(self) -> datetime:
        """When it last changed."""
        return self.job.modified if self.job else self.created

    def summary(self) -> dict[str, Any]:
        """Return its MonitoringExecutionSummary."""
        return present(
            MonitoringScheduleName=self.schedule,
            ScheduledTime=self.scheduled,
            CreationTime=self.created,
            LastModifiedTime=self.modified,
            MonitoringExecutionStatus=self.status,
            ProcessingJobArn=self.job.arn if self.job else None,
            EndpointName=self.endpoint,
            FailureReason=self.job.failure_reason if self.job else self.why_none,
            MonitoringJobDefinitionName=self.definition,
            MonitoringType=self.kind,
        )


@dataclass(eq=False)
class Schedule:
    """A monitoring schedule; `due` is when it runs next, None where it is stopped or has run for the last time."""

    name: str
    arn: str
    config: Mapping[str, Any]
    definition: JobDefinition
    created: datetime
    modified: datetime
    status: Literal["Scheduled", "Stopped"] = "Scheduled"
    due: datetime | None = None
    executions: list[Execution] = field(default_factory=list)


definitions: Scoped[dict[tuple[Kind, str], JobDefinition]] = Scoped(dict)
"""By kind and name in lower case."""

schedules: Scoped[dict[str, Schedule]] = Scoped(dict)
"""By name in lower case."""

executions: Scoped[list[Execution]] = Scoped(list)
"""They outlive their schedules."""
