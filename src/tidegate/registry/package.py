"""Model packages as values, and the choice among them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.errors import TidegateError

ROLLED_BACK: Final = "RolledBack"
"""`ModelLifeCycle.StageStatus` of a version that a release took back."""

APPROVED: Final = "Approved"
REJECTED: Final = "Rejected"
PENDING: Final = "PendingManualApproval"

_SHOWN: Final = 5
_IN_WORDS: Final = {APPROVED: "approved", PENDING: "pending", REJECTED: "rejected"}


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
    approval_description: str = ""

    @classmethod
    def from_api(cls, described: Mapping[str, Any]) -> "ModelPackage":
        """Read what DescribeModelPackage returns, or an entry of ListModelPackages."""
        life_cycle = described.get("ModelLifeCycle") or {}
        return cls(
            arn=described["ModelPackageArn"],
            version=described["ModelPackageVersion"],
            status=described["ModelPackageStatus"],
            approval=described.get("ModelApprovalStatus", PENDING),
            stage=life_cycle.get("Stage", ""),
            stage_status=life_cycle.get("StageStatus", ""),
            stage_description=life_cycle.get("StageDescription", ""),
            approval_description=described.get("ApprovalDescription", ""),
        )

    @property
    def is_approved(self) -> bool:
        """Whether it may be released: approved and complete; one that failed its validation cannot be deployed.

        A rollback takes the approval back, so a version that was rolled back and is approved was approved anew.
        """
        return self.approval == APPROVED and self.status == "Completed"

    @property
    def was_rolled_back(self) -> bool:
        """Whether the last thing that became of a release of it is that it was rolled back."""
        return self.stage_status == ROLLED_BACK

    @property
    def standing(self) -> str:
        """Why it may not be released, such as "rejected: predicts too few rides", or that it is approved."""
        if self.approval != REJECTED and self.was_rolled_back and not self.is_approved:
            return f"rolled back in {self.stage}: {self.stage_description or 'no reason given'}"
        if self.status != "Completed":
            return f"{_IN_WORDS[self.approval]}, but its package is {self.status}"
        why = self.approval_description if self.approval == REJECTED else ""
        return f"{_IN_WORDS[self.approval]}{f': {why}' if why else ''}"


def version_in(arn: str) -> int | None:
    """Return the version that the ARN of a model package ends in, None where it has none."""
    number = arn.rpartition("/")[2]
    return int(number) if number.isdecimal() else None


def choose(group: str, newest_first: Iterable[ModelPackage]) -> ModelPackage:
    """Return the newest version that is approved.

    A version that was rolled back in one stage has lost its approval for all: the life cycle of a package holds one
    stage only, so a stamp per stage would be lost to the next, and a version that failed in staging must not reach
    production. `newest_first` is read no further than the choice.

    Raises NoApprovedVersionError, saying what there is instead.
    """
    refused = []
    for package in newest_first:
        if package.is_approved:
            return package
        refused.append(package)
    raise NoApprovedVersionError(_nothing_to_release(group, refused))


def _nothing_to_release(group: str, versions: list[ModelPackage]) -> str:
    if not versions:
        return f"model package group {group} has no versions yet; run the model build pipeline first"
    rolled_back = [package for package in versions if package.was_rolled_back and package.approval == PENDING]
    counts = Counter(
        "rolled back" if v in rolled_back else "failed" if v.status == "Failed" else _IN_WORDS[v.approval]
        for v in versions
    )
    there_is = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    told = "; ".join(f"version {package.version} was {package.standing}" for package in rolled_back[:_SHOWN])
    more = f"; and {len(rolled_back) - _SHOWN} more" if len(rolled_back) > _SHOWN else ""
    return (
        f"model package group {group} has no approved version ({there_is}); approve one in the model registry"
        f"{f'. {told}{more}' if told else ''}"
    )
