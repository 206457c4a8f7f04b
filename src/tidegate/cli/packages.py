"""The version of the model that a stage releases, or that a person names on the command line."""

from tidegate.aws import client
from tidegate.registry import LiveVariant, ModelPackage, group_region, pick
from tidegate.stage import Stage


def find_package(stage: Stage, wanted: str | None = None, live: LiveVariant | None = None) -> ModelPackage:
    """Return the version that `wanted` names, by its number or ARN, or without it the one that the stage file does.

    Raises TidegateError where there is no such version, or it is not approved.
    """
    group = stage.model_package_group
    sagemaker = client("sagemaker", group_region(group, stage.region))
    return pick(sagemaker, group, wanted or stage.version, live)
