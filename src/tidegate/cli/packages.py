"""The version of the model that a person names on the command line."""

from tidegate.aws import client
from tidegate.errors import TidegateError
from tidegate.registry import ModelPackage, describe, list_versions, resolve
from tidegate.stage import Stage


def find_package(stage: Stage, wanted: str | None) -> ModelPackage:
    """Return the version that `wanted` names by its ARN or number, or without it the newest that may be released.

    A version that was rolled back can be named: whoever names it wants it again.

    Raises TidegateError where there is no such version, or it is not approved.
    """
    sagemaker, group = client("sagemaker", stage.region), stage.model_package_group
    if wanted is None:
        return resolve(sagemaker, group)
    if wanted.isdecimal():
        found = next((each for each in list_versions(sagemaker, group) if str(each.version) == wanted), None)
        if found is None:
            raise TidegateError(f"model package group {group} has no version {wanted}")
    elif wanted.startswith("arn:"):
        found = describe(sagemaker, wanted)
    else:
        raise TidegateError(f"`{wanted}` names no version; give its number, such as 3, or its ARN")
    if not found.is_approved:
        raise TidegateError(
            f"version {found.version} is {found.approval} and its package {found.status}; "
            "approve it in the model registry"
        )
    return found
