"""Instances that are not to be had."""

from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from tidegate.stage.quantities import show
from tidegate_sandbox.faults.fault import Fault, Pattern, named
from tidegate_sandbox.faults.subjects import Provision, Subject

OF_AN_ENDPOINT = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
OF_A_JOB = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
"""What FailureReason says, as people report it who got it from SageMaker."""


def _of_sagemaker(value: str) -> str:
    if not value.startswith(("ml.", "*", "?")):
        raise ValueError(f"{show(value)} is no instance type of SageMaker; write one such as ml.m5.large, or 'ml.g5.*'")
    return value


class NoCapacity(Fault):
    """There is no capacity for an instance type, for endpoints and jobs that get instances from now on."""

    WHAT: ClassVar[str] = "there are no instances of a type for endpoints and jobs"

    kind: Literal["capacity"] = "capacity"
    instance_type: Annotated[Pattern, AfterValidator(_of_sagemaker)]
    name: Pattern = "*"

    @property
    def effect(self) -> str:
        """What it does."""
        whom = "" if self.name == "*" else f" for {named('endpoint or job', self.name)}"
        kind = "any type" if self.instance_type == "*" else f"type {self.instance_type}"
        return f"there are no instances of {kind}{whom}{self.mostly}"

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` needs instances of that type."""
        return (
            isinstance(subject, Provision)
            and fnmatchcase(subject.instance_type, self.instance_type)
            and fnmatchcase(subject.name, self.name)
        )
