"""What CloudFormation makes of an update whose endpoint was rolled back."""

from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from tidegate_sandbox.faults.fault import Fault, Pattern
from tidegate_sandbox.faults.subjects import RolledBack, Subject


class AfterRollback(Fault):
    """The stack's update is made to fail, or to succeed, whatever the sandbox was started with."""

    WHAT: ClassVar[str] = "a stack whose endpoint was rolled back fails, or succeeds"

    kind: Literal["after-rollback"] = "after-rollback"
    outcome: Literal["fail", "succeed"]
    endpoint: Pattern = "*"

    @property
    def sentence(self) -> str:
        """What it does."""
        whose = "an endpoint" if self.endpoint == "*" else f"the endpoint {self.endpoint}"
        return f"a stack that updates {whose} is made to {self.outcome} after a rollback"

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` is an update of the endpoint."""
        return isinstance(subject, RolledBack) and fnmatchcase(subject.endpoint, self.endpoint)
