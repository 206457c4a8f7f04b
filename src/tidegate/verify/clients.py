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
    """Return clients of the account and the regions that a release is in; pipeline and registry are the project's."""
    region, role = group_region(asked.model_package_arn, asked.region), asked.look_role
    sagemaker = client("sagemaker", asked.region, role)
    return Clients(
        sagemaker=sagemaker,
        cloudformation=client("cloudformation", asked.region, role),
        cloudwatch=client("cloudwatch", asked.region, role),
        codepipeline=client("codepipeline", asked.region),
        registry=sagemaker if region == asked.region and role is None else client("sagemaker", region),
    )
