"""The AWS clients that verify needs."""

from dataclasses import dataclass
from typing import Any

from tidegate.aws import client


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3 clients, or what answers like them."""

    sagemaker: Any
    cloudformation: Any
    cloudwatch: Any
    codepipeline: Any


def aws_clients(region: str | None = None) -> Clients:
    """Return clients of the region, None for the environment's own."""
    return Clients(*(client(name, region) for name in ("sagemaker", "cloudformation", "cloudwatch", "codepipeline")))
