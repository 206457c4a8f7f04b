"""The fleet that serves a stage: instances, scaling, capture, start-up times, network."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from tidegate.stage import limits
from tidegate.stage.frozen import Frozen
from tidegate.stage.quantities import WRITTEN_PRICE, WRITTEN_WHOLE_PERCENT, Price, duration_between
from tidegate.stage.values import InstanceCount, InstanceType, SecurityGroupId, SubnetId, truth, whole_number

Cooldown = Annotated[timedelta, duration_between(timedelta(0), limits.COOLDOWN_MAX)]
StartupTimeout = Annotated[timedelta, duration_between(limits.STARTUP_TIMEOUT_MIN, limits.STARTUP_TIMEOUT_MAX)]
VolumeSize = Annotated[int, whole_number(1, limits.VOLUME_SIZE_MAX)]
PriceOf = Annotated[Price, WRITTEN_PRICE]


class Instances(Frozen):
    """The fleet that serves the stage."""

    type: InstanceType = Field(examples=["ml.m5.large"])
    """An instance type of SageMaker hosting."""
    count: InstanceCount = Field(examples=[4])
    """How many instances serve; with autoscaling, how many an endpoint starts with."""
    volume_size: VolumeSize | None = None
    """Gigabytes of storage an instance, for types that have no disks of their own."""
    price_per_hour: PriceOf | None = Field(default=None, examples=["0.134 USD"])
    """What one instance costs an hour; left out, `plan` asks the Pricing API."""


class Capture(Frozen):
    """Data capture of requests and answers."""

    sampling: Annotated[int, WRITTEN_WHOLE_PERCENT] = Field(examples=["100%"])
    """The share of requests whose input and output are captured, in whole percent."""


class Autoscaling(Frozen):
    """Instances follow the traffic, by target tracking on `SageMakerVariantInvocationsPerInstance`."""

    min: InstanceCount = Field(examples=[2])
    """The fewest instances."""
    max: InstanceCount = Field(examples=[8])
    """The most instances."""
    invocations_per_instance: Annotated[int, whole_number(1, limits.INVOCATIONS_MAX)] = Field(examples=[700])
    """Requests a minute that one instance is to have."""
    scale_in_cooldown: Cooldown = limits.DEFAULT_SCALE_IN_COOLDOWN
    """How long after a change instances are not taken away."""
    scale_out_cooldown: Cooldown = limits.DEFAULT_SCALE_OUT_COOLDOWN
    """How long after a change instances are not added."""


class Timeouts(Frozen):
    """How long an instance may take before it serves."""

    model_download: StartupTimeout | None = None
    """How long the model's data may take to arrive; left out, SageMaker's own."""
    container_startup: StartupTimeout | None = None
    """How long the container may take to pass its health check; left out, SageMaker's own."""


class Network(Frozen):
    """The VPC that the containers are in, and whether they can reach any network at all."""

    subnets: tuple[SubnetId, ...] = ()
    """The subnets of the VPC that the containers are in, with `security_groups`."""
    security_groups: tuple[SecurityGroupId, ...] = ()
    """The security groups of the containers, with `subnets`."""
    isolation: Annotated[bool, truth()] = False
    """Whether the containers can make no calls into any network, not even to AWS."""
