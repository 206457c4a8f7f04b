"""Events that get lost on the way to a target, or come twice."""

from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tidegate_sandbox.faults.fault import ALWAYS, Fault, Pattern
from tidegate_sandbox.faults.subjects import Delivery, Subject


class _OnItsWay(Fault):
    source: Pattern = "*"
    detail_type: Annotated[str, Field(min_length=1, max_length=128)] = "*"
    rule: Pattern = "*"

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` is an event of that source and type, on its way to a target of that rule."""
        return (
            isinstance(subject, Delivery)
            and fnmatchcase(subject.source, self.source)
            and fnmatchcase(subject.detail_type, self.detail_type)
            and fnmatchcase(subject.rule, self.rule)
        )

    @property
    def which(self) -> str:
        """Which events, for a sentence."""
        named = [
            text
            for text, value in (
                (f"from {self.source}", self.source),
                (f"of type {self.detail_type}", self.detail_type),
                (f"for the rule {self.rule}", self.rule),
            )
            if value != "*"
        ]
        part = "every event" if self.share == ALWAYS else f"{self.share} of the events"
        return " ".join((part, *named))


class LostEvents(_OnItsWay):
    """Events do not reach their target."""

    WHAT: ClassVar[str] = "events do not reach their targets"

    kind: Literal["lost-events"] = "lost-events"

    @property
    def sentence(self) -> str:
        """What it does."""
        return f"{self.which} lost"


class DoubledEvents(_OnItsWay):
    """Events reach their target twice: EventBridge promises to deliver at least once."""

    WHAT: ClassVar[str] = "events reach their targets twice"

    kind: Literal["doubled-events"] = "doubled-events"

    @property
    def sentence(self) -> str:
        """What it does."""
        return f"{self.which} delivered twice"
