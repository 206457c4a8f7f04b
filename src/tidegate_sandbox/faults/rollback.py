"""What CloudFormation makes of an update whose endpoint was rolled back."""

from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from tidegate_sandbox.faults.fault import Fault, Pattern, named
from tidegate_sandbox.faults.subjects import RolledBack, Subject


class AfterRollback(Fault):
    """The stack's update is made to fail, or to succeed, whatever the sandbox was started with."""

    WHAT: ClassVar[str] = "a stack whose endpoint was rolled back fails, or succeeds"

    kind: Literal["after-rollback"] = "after-rollback"
    outcome: Literal["fail", "succeed"]
    endpoint: Pattern = "*"

    @property
    def effect(self) -> str:
        """What it does."""
        whose = named("endpoint", self.endpoint)
        return f"the update of a stack is made to {self.outcome} after a rollback of {whose}{self.mostly}"

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` is an update of the endpoint."""
        return isinstance(subject, RolledBack) and fnmatchcase(subject.endpoint, self.endpoint)
