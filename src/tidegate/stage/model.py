"""The typed stage file: frozen values, each of which SageMaker would accept on its own.

Rules that span several fields are in `tidegate.stage.rules`; `load_repo` applies both.
"""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tidegate.errors import TidegateError
from tidegate.stage import limits
from tidegate.stage.quantities import (
    Latency,
    Periods,
    Size,
    duration_within,
    parse_periods,
    parse_size,
    parse_whole_percent,
)
from tidegate.stage.values import (
    Account,
    Bucket,
    Environment,
    InstanceCount,
    InstanceType,
    KmsKeyArn,
    ProjectId,
    ProjectName,
    Region,
    ResourceName,
    RoleArn,
    StageName,
    Statistic,
    Tags,
    Threshold,
    one_of,
)

Wait = Annotated[timedelta, BeforeValidator(duration_within(timedelta(0), limits.WAIT_MAX))]
ExecutionTimeout = Annotated[
    timedelta, BeforeValidator(duration_within(limits.EXECUTION_TIMEOUT_MIN, limits.EXECUTION_TIMEOUT_MAX))
]


class Strategy(StrEnum):
    """How traffic moves to the new fleet."""

    ALL_AT_ONCE = "all_at_once"
    CANARY = "canary"


class Metric(StrEnum):
    """The metrics of `AWS/SageMaker` that endpoints publish and that get worse by growing."""

    INVOCATION_4XX_ERRORS = "Invocation4XXErrors"
    INVOCATION_5XX_ERRORS = "Invocation5XXErrors"
    INVOCATION_MODEL_ERRORS = "InvocationModelErrors"
    MODEL_LATENCY = "ModelLatency"
    OVERHEAD_LATENCY = "OverheadLatency"

    @property
    def is_latency(self) -> bool:
        """Whether the metric is in microseconds; the others are 0 or 1 a request."""
        return self in {Metric.MODEL_LATENCY, Metric.OVERHEAD_LATENCY}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Project(_Frozen):
    """The SageMaker project that the repository belongs to."""

    name: ProjectName = Field(examples=["bikeshare"])
    id: ProjectId = Field(examples=["p-abc123def456"])
    account: Account = Field(examples=['"111122223333"'])
    region: Region = Field(examples=["eu-west-1"])

    @property
    def prefix(self) -> str:
        """What the names of the project's resources start with."""
        return f"{self.name}-{self.id}"


class Instances(_Frozen):
    """The fleet that serves the stage."""

    type: InstanceType = Field(examples=["ml.m5.large"])
    count: InstanceCount = Field(examples=[4])


class Capture(_Frozen):
    """Data capture of requests and answers."""

    sampling: Annotated[int, BeforeValidator(parse_whole_percent)] = Field(examples=["100%"])
    """In percent, 0 to 100."""


class RollbackRule(_Frozen):
    """One reason to roll back: the metric's statistic is above the threshold in so many minutes."""

    metric: Annotated[Metric, one_of(Metric, "a metric that endpoints publish")] = Field(
        examples=["Invocation5XXErrors"]
    )
    statistic: Statistic = Field(default_factory=lambda rule: "p99" if rule["metric"].is_latency else "Average")
    above: Threshold = Field(examples=["1%", "250ms"])
    periods: Annotated[Periods, BeforeValidator(parse_periods)] = Periods(1, 1)

    @property
    def threshold(self) -> float:
        """The threshold in the metric's own unit: 0..1 for errors, microseconds for latencies."""
        return float(self.above.microseconds) if isinstance(self.above, Latency) else self.above.fraction


class Release(_Frozen):
    """How a new version takes over, and what makes it give way.

    A canary bakes for `wait_interval`; with all traffic on the new fleet it is `termination_wait` that bakes, whatever
    the strategy (developer guide, endpoint deployment state change: "Baking for X seconds (TerminationWaitInSeconds)").
    """

    strategy: Annotated[Strategy, one_of(Strategy, "a strategy")] = Field(examples=["canary"])
    canary_size: Annotated[Size, BeforeValidator(parse_size)] | None = None
    wait_interval: Wait = timedelta(0)
    termination_wait: Wait = limits.DEFAULT_TERMINATION_WAIT
    maximum_execution_timeout: ExecutionTimeout = limits.DEFAULT_EXECUTION_TIMEOUT
    rollback_on: tuple[RollbackRule, ...] = ()


class Stage(_Frozen):
    """One stage: `stages/NAME.yml` over what `endpoint.yml` says for all of them."""

    name: StageName
    account: Account = Field(examples=['"111122223333"'])
    region: Region = Field(examples=["eu-west-1"])
    instances: Instances
    capture: Capture | None = None
    environment: Environment = Field(default_factory=dict)
    tags: Tags = Field(default_factory=dict)
    release: Release


class Shared(_Frozen):
    """What only `endpoint.yml` says; its other keys are defaults for the stages."""

    project: Project
    model_package_group: ResourceName = Field(examples=["bikeshare-p-abc123def456"])
    execution_role: RoleArn = Field(examples=["arn:aws:iam::111122223333:role/name"])
    bucket: Bucket = Field(examples=["sagemaker-project-p-abc123def456"])
    kms_key: KmsKeyArn = Field(examples=["arn:aws:kms:eu-west-1:111122223333:key/id"])
    variant: ResourceName = limits.DEFAULT_VARIANT


class Repo(Shared):
    """A deploy repository: what its stages share, and the stages in the order of their file names."""

    root: Path
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """Return the stage of that name, or say which there are."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.stages)
        raise TidegateError(f"there is no stage `{name}` in {self.root / 'stages'}; it has {known}")

    def endpoint_name(self, stage: Stage) -> str:
        """`{project}-{id}-{stage}`, at most 63 characters by the limits of its parts."""
        return f"{self.project.prefix}-{stage.name}"

    def stack_name(self, stage: Stage) -> str:
        """Name the CloudFormation stack of the stage's endpoint."""
        return f"sagemaker-{self.project.id}-{stage.name}"
