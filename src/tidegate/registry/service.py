"""The registry's calls to SageMaker."""

from collections.abc import Iterator
from typing import Any, Final, Protocol

from tidegate.registry.package import ROLLED_BACK, ModelPackage, choose

DESCRIPTION_MAX: Final = 1024
"""Characters of `ModelLifeCycle.StageDescription` (botocore), which may hold no line break."""


class RegistryClient(Protocol):
    """The part of boto3's SageMaker client that the registry needs."""

    def get_paginator(self, operation_name: str, /) -> Any:
        """Return a paginator of `list_model_packages`."""
        ...

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        """Describe a package by its ARN."""
        ...

    def update_model_package(self, **kwargs: Any) -> dict[str, Any]:
        """Change a package's life cycle."""
        ...


def list_versions(client: RegistryClient, group: str) -> Iterator[ModelPackage]:
    """Yield every version of the group through all pages, the last one created first."""
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group,
        ModelPackageType="Versioned",
        SortBy="CreationTime",
        SortOrder="Descending",
    )
    for page in pages:
        yield from map(ModelPackage.from_api, page["ModelPackageSummaryList"])


def describe(client: RegistryClient, arn: str) -> ModelPackage:
    """Return the package as it stands now."""
    return ModelPackage.from_api(client.describe_model_package(ModelPackageName=arn))


def resolve(client: RegistryClient, group: str) -> ModelPackage:
    """Return the version of the group to release; see `choose`.

    Approved versions are described one by one, as far as needed: whether the list carries their life cycle is not
    verified.
    """
    newest_first = sorted(list_versions(client, group), key=lambda package: package.version, reverse=True)
    return choose(group, (describe(client, v.arn) if v.is_approved else v for v in newest_first))


def stamp_rolled_back(client: RegistryClient, arn: str, stage: str, reason: str) -> bool:
    """Write on the package that a release of it to `stage` was rolled back, and why.

    Returns whether anything was written: a package that says so already is left alone, since each edit of a package
    sends an event.
    """
    package = describe(client, arn)
    if package.was_rolled_back and package.stage == stage:
        return False
    description = " ".join(reason.split())[:DESCRIPTION_MAX]
    client.update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={"Stage": stage, "StageStatus": ROLLED_BACK, "StageDescription": description},
    )
    return True
