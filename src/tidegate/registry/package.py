"""Model packages as values, and the choice among them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.errors import TidegateError

ROLLED_BACK: Final = "RolledBack"
"""`ModelLifeCycle.StageStatus` of a version that a release took back."""

_SHOWN: Final = 5
_IN_WORDS: Final = {"Approved": "approved", "PendingManualApproval": "pending", "Rejected": "rejected"}


class NoApprovedVersionError(TidegateError):
    """No version of the model package group may be released."""


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """One version of a model, in the API's own words."""

    arn: str
    version: int
    status: str
    approval: str
    stage: str = ""
    stage_status: str = ""
    stage_description: str = ""

    @classmethod
    def from_api(cls, described: Mapping[str, Any]) -> "ModelPackage":
        """Read what DescribeModelPackage returns, or an entry of ListModelPackages."""
        life_cycle = described.get("ModelLifeCycle") or {}
        return cls(
            arn=described["ModelPackageArn"],
            version=described["ModelPackageVersion"],
            status=described["ModelPackageStatus"],
            approval=described.get("ModelApprovalStatus", "PendingManualApproval"),
            stage=life_cycle.get("Stage", ""),
            stage_status=life_cycle.get("StageStatus", ""),
            stage_description=life_cycle.get("StageDescription", ""),
        )

    @property
    def is_approved(self) -> bool:
        """Whether it is approved and complete; a package that failed its validation cannot be deployed."""
        return self.approval == "Approved" and self.status == "Completed"

    @property
    def was_rolled_back(self) -> bool:
        """Whether a release of it was rolled back."""
        return self.stage_status == ROLLED_BACK


def choose(group: str, newest_first: Iterable[ModelPackage]) -> ModelPackage:
    """Return the newest version that is approved and was not rolled back.

    A version that was rolled back in one stage is chosen for none: the life cycle of a package holds one stage only, so
    a stamp per stage would be lost to the next, and a version that failed in staging must not reach production.
    `newest_first` is read no further than the choice.

    Raises NoApprovedVersionError, saying what there is instead.
    """
    refused = []
    for package in newest_first:
        if package.is_approved and not package.was_rolled_back:
            return package
        refused.append(package)
    raise NoApprovedVersionError(_nothing_to_release(group, refused))


def _nothing_to_release(group: str, versions: list[ModelPackage]) -> str:
    approved = [package for package in versions if package.is_approved]
    if not versions:
        return f"model package group {group} has no versions yet; run the model build pipeline first"
    if not approved:
        counts = Counter("failed" if v.status == "Failed" else _IN_WORDS[v.approval] for v in versions)
        there_is = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        return f"model package group {group} has no approved version ({there_is}); approve one in the model registry"
    told = "; ".join(
        f"version {package.version} in {package.stage}: {package.stage_description or 'no reason given'}"
        for package in approved[:_SHOWN]
    )
    more = f"; and {len(approved) - _SHOWN} more" if len(approved) > _SHOWN else ""
    return (
        f"every approved version of model package group {group} was rolled back ({told}{more}); "
        "approve another version in the model registry"
    )
