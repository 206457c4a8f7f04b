"""The registry's calls to SageMaker. A group is named by its name, or by its ARN where another account has it."""

from collections.abc import Iterator
from typing import Any, Final, Protocol

from tidegate.errors import TidegateError
from tidegate.registry.live import LiveVariant
from tidegate.registry.package import APPROVED, PENDING, REJECTED, ROLLED_BACK, ModelPackage, choose

DESCRIPTION_MAX: Final = 1024
"""Characters of `StageDescription` and of `ApprovalDescription` (botocore), which may hold no line break."""

_PAGE: Final = 100


class RegistryClient(Protocol):
    """The part of SageMaker's client that the registry needs."""

    def get_paginator(self, operation_name: str, /) -> Any:
        """Return a paginator of `list_model_packages`."""
        ...

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        """Describe a package by its ARN."""
        ...

    def update_model_package(self, **kwargs: Any) -> dict[str, Any]:
        """Change a package's approval or life cycle."""
        ...


def group_region(group: str, otherwise: str) -> str:
    """Return the region whose registry has the group: that of its ARN, or `otherwise` where it is a name."""
    return group.split(":")[3] if group.startswith("arn:") else otherwise


def list_versions(client: RegistryClient, group: str, **only: str) -> Iterator[ModelPackage]:
    """Yield the versions of the group through all pages, the last one created first.

    `only` narrows the list as ListModelPackages does: `ModelApprovalStatus="Approved"`.
    """
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group,
        ModelPackageType="Versioned",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=_PAGE,
        **only,
    )
    for page in pages:
        yield from map(ModelPackage.from_api, page["ModelPackageSummaryList"])


def newest_first(client: RegistryClient, group: str, **only: str) -> list[ModelPackage]:
    """Return the versions of the group by number, whatever order the pages came in."""
    return sorted(list_versions(client, group, **only), key=lambda package: package.version, reverse=True)


def describe(client: RegistryClient, arn: str) -> ModelPackage:
    """Return the package as it stands now."""
    return ModelPackage.from_api(client.describe_model_package(ModelPackageName=arn))


def pick(client: RegistryClient, group: str, word: str, live: LiveVariant | None = None) -> ModelPackage:
    """Return the version of the group that `word` means: `approved`, `live`, a number, or a package's ARN.

    `client` is one of the group's region, see `group_region`. `live` is the production variant that serves, None where
    nothing does. `approved` is the newest approved version. One that is named must be approved too; the live one need
    not be, since it serves.

    Raises TidegateError with a sentence where there is no such version, or it may not be released.
    """
    if word == "approved":
        return _newest_approved(client, group, live)
    if word == "live":
        if live is None or not live.model_package_arn:
            raise TidegateError(
                f"no version of model package group {group} is live: "
                + ("the endpoint is not there yet" if live is None else "what serves came from no model package")
            )
        return describe(client, live.model_package_arn)
    found = _named(client, group, word)
    if not found.is_approved:
        raise TidegateError(
            f"version {found.version} of model package group {group} is {found.standing}; "
            "approve it in the model registry, or name another version"
        )
    return found


def _newest_approved(client: RegistryClient, group: str, live: LiveVariant | None) -> ModelPackage:
    # What is released is described: a list may be behind, and one version that has just been rejected must not go out.
    listed = newest_first(client, group, ModelApprovalStatus=APPROVED)
    candidates = (describe(client, each.arn) for each in listed)
    chosen = next((each for each in candidates if each.is_approved), None)
    if chosen is not None:
        return chosen
    try:
        return choose(group, (describe(client, each.arn) for each in newest_first(client, group)))
    except TidegateError as error:
        if live is None or not live.model_package_arn:
            raise
        serving = describe(client, live.model_package_arn)
        raise type(error)(
            f"{error}. Version {serving.version}, which is {serving.standing}, serves until then; "
            "there is nothing to roll back to"
        ) from None


def _named(client: RegistryClient, group: str, word: str) -> ModelPackage:
    if word.startswith("arn:"):
        return describe(client, word)
    if not word.isdecimal():
        raise TidegateError(
            f"`{word}` names no version; write `approved`, `live`, a number such as 3, or a model package's ARN"
        )
    number = int(word)
    found = next((each for each in list_versions(client, group) if each.version == number), None)
    if found is None:
        raise TidegateError(f"model package group {group} has no version {word}")
    return describe(client, found.arn)


def stamp_rolled_back(client: RegistryClient, arn: str, stage: str, reason: str) -> bool:
    """Write on the package that a release of it to `stage` was rolled back, and why, and take its approval back.

    Both go in one call, so a version that has the stamp and is approved was approved after it. The approval becomes
    `PendingManualApproval`, which starts no release, and not `Rejected`, which would. A package that a person has
    rejected meanwhile stays so.

    Returns whether anything was written: a package that says so already is left alone, since each edit of a package
    sends an event.
    """
    package = describe(client, arn)
    approved = package.approval == APPROVED
    if package.was_rolled_back and package.stage == stage and not approved:
        return False
    withdrawn = {"ModelApprovalStatus": PENDING} if approved else {}
    client.update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={"Stage": stage, "StageStatus": ROLLED_BACK, "StageDescription": _line(reason)},
        **withdrawn,
    )
    return True


def reject(client: RegistryClient, arn: str, reason: str) -> bool:
    """Reject the version, with the reason. Return whether anything was written: a rejected one is left alone."""
    if describe(client, arn).approval == REJECTED:
        return False
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=REJECTED, ApprovalDescription=_line(reason))
    return True


def _line(text: str) -> str:
    return " ".join(text.split())[:DESCRIPTION_MAX]
