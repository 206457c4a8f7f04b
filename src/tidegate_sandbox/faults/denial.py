"""Actions that are denied, as though no policy allowed them."""

from fnmatch import fnmatchcase
from typing import ClassVar, Literal

from pydantic import field_validator

from tidegate.stage.quantities import show
from tidegate_sandbox.faults.fault import Fault, Pattern, named
from tidegate_sandbox.faults.subjects import Permission, Subject


class Denial(Fault):
    """An action is denied: to a role by its name, or to everybody, an account's own keys included."""

    WHAT: ClassVar[str] = "an action is denied, to a role or to everybody"

    kind: Literal["denied"] = "denied"
    action: Pattern
    role: Pattern | None = None

    @field_validator("action")
    @classmethod
    def _has_service(cls, value: str) -> str:
        if ":" not in value:
            raise ValueError(f"{show(value)} is no action; write it as IAM does, such as sagemaker:CreateModel")
        return value

    @property
    def effect(self) -> str:
        """What it does."""
        whom = named("role", self.role) if self.role else "everybody"
        return f"{self.action} is denied to {whom}{self.mostly}"

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` asks for the action, and is the role that is named where one is."""
        if not isinstance(subject, Permission) or not fnmatchcase(subject.action.lower(), self.action.lower()):
            return False
        if self.role is None:
            return True
        names = (subject.role, subject.role.rpartition("/")[2]) if subject.role else ()
        return any(fnmatchcase(name, self.role) for name in names)
