"""The AWS clients that verify needs."""

from dataclasses import dataclass
from typing import Any

from tidegate.aws import client
from tidegate.registry import group_region
from tidegate.render import ReleaseRecord


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of AWS, or what answers like them. `registry` is SageMaker where the model package group is."""

    sagemaker: Any
    cloudformation: Any
    cloudwatch: Any
    codepipeline: Any
    registry: Any


def aws_clients(asked: ReleaseRecord) -> Clients:
    """Return clients of the regions that a release is in."""
    region, sagemaker = group_region(asked.model_package_arn, asked.region), client("sagemaker", asked.region)
    return Clients(
        sagemaker=sagemaker,
        cloudformation=client("cloudformation", asked.region),
        cloudwatch=client("cloudwatch", asked.region),
        codepipeline=client("codepipeline", asked.region),
        registry=sagemaker if region == asked.region else client("sagemaker", region),
    )
