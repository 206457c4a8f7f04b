"""The typed stage file: frozen values, each of which SageMaker would accept on its own.

Rules that span several fields are in `tidegate.stage.rules`; `load_repo` applies both.
"""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from tidegate.errors import TidegateError
from tidegate.stage import limits
from tidegate.stage.fleet import Autoscaling, Capture, Instances, Network, Timeouts
from tidegate.stage.frozen import Frozen
from tidegate.stage.monitoring import Monitoring
from tidegate.stage.problems import InvalidValueError
from tidegate.stage.quantities import WRITTEN_RATE, Rate
from tidegate.stage.release import Release
from tidegate.stage.trial import Trial
from tidegate.stage.values import (
    Account,
    Bucket,
    Environment,
    KmsKeyArn,
    ModelPackageGroup,
    ProjectId,
    ProjectName,
    Region,
    ResourceName,
    RoleArn,
    StageName,
    Tags,
    TopicArn,
    VersionWord,
    number_above_zero,
    one_of,
)


class Place(Frozen):
    """An account that the launch wired the pipeline's part for one stage to, with the project's roles there."""

    stage: StageName = Field(examples=["prod"])
    """The stage that is there."""
    account: Account = Field(examples=['"222222222222"'])
    """Its 12 digits, in quotes."""
    region: Region = Field(examples=["eu-west-1"])
    """The project's own region: the pipeline deploys to no other."""
    execution_role: RoleArn = Field(examples=["arn:aws:iam::222222222222:role/name"])
    """The role that the endpoint's containers have there."""
    look_role: RoleArn = Field(examples=["arn:aws:iam::222222222222:role/name"])
    """The role with which render, verify and their like look at the endpoint there."""


def _one_a_stage(places: tuple[Place, ...]) -> tuple[Place, ...]:
    stages = [place.stage for place in places]
    twice = next((stage for stage in stages if stages.count(stage) > 1), None)
    if twice is not None:
        raise InvalidValueError(f"stage {twice} has two places", "leave one: a stage is in one account")
    return places


class Project(Frozen):
    """The SageMaker project that the repository belongs to."""

    name: ProjectName = Field(examples=["bikeshare"])
    """The project's name in SageMaker."""
    id: ProjectId = Field(examples=["p-abc123def456"])
    """The project's id in SageMaker."""
    account: Account = Field(examples=['"111122223333"'])
    """The account that the project is in: 12 digits, in quotes."""
    region: Region = Field(examples=["eu-west-1"])
    """The region that the project is in."""
    places: Annotated[tuple[Place, ...], AfterValidator(_one_a_stage)] = ()
    """The stages that the launch put into other accounts. Any other is in the project's own."""

    @property
    def prefix(self) -> str:
        """What the names of the project's resources start with."""
        return f"{self.name}-{self.id}"

    def place(self, stage: str) -> Place | None:
        """Return where the launch put the stage of that name, None where it is in the project's own account."""
        return next((place for place in self.places if place.stage == stage), None)


class Expect(Frozen):
    """What `plan` reckons with; nothing else does."""

    requests_per_minute: Annotated[float, number_above_zero()] = Field(examples=[600])
    """How many requests the endpoint gets."""
    error_rate: Annotated[Rate, WRITTEN_RATE] = Rate(Decimal(0))
    """The share of requests that fails at the version that serves."""
    notice: Annotated[Rate, WRITTEN_RATE] | None = None
    """The error rate of a new version that a release should not let through."""


class Notifications(Frozen):
    """Who is told when an alarm of the endpoint fires."""

    topic: TopicArn = Field(examples=["arn:aws:sns:eu-west-1:111122223333:releases"])
    """The SNS topic that alarms are sent to."""


class Approval(StrEnum):
    """Whether a person is asked before the pipeline goes into a stage."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class Stage(Frozen):
    """One stage: `stages/NAME.yml` over what `endpoint.yml` says for all of them."""

    name: StageName
    """What its file is called."""
    account: Account = Field(examples=['"111122223333"'])
    """The account that the stage is deployed to, 12 digits in quotes; left out, the one that the launch chose."""
    region: Region = Field(examples=["eu-west-1"])
    """The region that the stage is deployed to; left out, the project's."""
    model_package_group: ModelPackageGroup = Field(examples=["bikeshare-p-abc123def456"])
    """The group of the registry that versions are taken from: its name, or its ARN where another account has it."""
    version: VersionWord = limits.DEFAULT_VERSION
    """What is released: `approved`, the newest version that is approved and was not rolled back, or a number."""
    execution_role: RoleArn = Field(examples=["arn:aws:iam::111122223333:role/name"])
    """The role that the endpoint's containers have."""
    bucket: Bucket = Field(examples=["sagemaker-p-abc123def456-111122223333-eu-west-1"])
    """Where captured data goes: a bucket's name, without s3://."""
    kms_key: KmsKeyArn = Field(examples=["arn:aws:kms:eu-west-1:111122223333:key/id"])
    """What volumes and captured data are encrypted with."""
    instances: Instances
    """The fleet that serves the stage."""
    autoscaling: Autoscaling | None = None
    """Instances follow the traffic; left out, their number is fixed."""
    capture: Capture | None = None
    """Requests and answers are kept; left out, none are."""
    environment: Environment = Field(default_factory=dict)
    """Environment variables of the container; numbers and truths in quotes."""
    timeouts: Timeouts = Timeouts.model_construct()
    """How long an instance may take before it serves."""
    network: Network = Network.model_construct()
    """The VPC that the containers are in; left out, none of yours."""
    tags: Tags = Field(default_factory=dict)
    """Tags of the stack and what is in it."""
    expect: Expect | None = None
    """What `tidegate plan` reckons with; nothing else does."""
    test: Trial | None = None
    """A test in production before each release; left out, none."""
    release: Release
    """How a new version takes over, and what makes it give way."""
    monitoring: Monitoring = Monitoring.model_construct()
    """What Model Monitor looks at; left out, nothing."""
    notifications: Notifications | None = None
    """Who is told when an alarm fires; left out, nobody."""
    approval: Annotated[Approval, one_of(Approval, "an approval")] = Approval.MANUAL
    """Whether a person is asked before the pipeline goes into the stage."""


class Shared(Frozen):
    """What only `endpoint.yml` says; its other keys are defaults for the stages."""

    project: Project
    """The SageMaker project that the repository belongs to; the launch wrote it."""
    variant: ResourceName = limits.DEFAULT_VARIANT
    """The production variant's name. Guardrails act only while it stays the same."""


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

    def look_role(self, stage: Stage) -> str | None:
        """Return the ARN of the role to look at the stage's endpoint with, None in the project's own account."""
        place = self.project.place(stage.name)
        return place.look_role if place else None

    def stack_name(self, stage: Stage) -> str:
        """Name the CloudFormation stack of the stage's endpoint."""
        return f"sagemaker-{self.project.id}-{stage.name}"
