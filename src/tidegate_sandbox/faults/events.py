"""Events that get lost on the way to a target, or come twice."""

from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tidegate_sandbox.faults.fault import Fault, Pattern, named
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

    def events(self, become: str) -> str:
        """Return what becomes of how many of which events."""
        source = "" if self.source == "*" else f" from {self.source}"
        kind = "" if self.detail_type == "*" else f' of type "{self.detail_type}"'
        way = "" if self.rule == "*" else f" on the way to {named('rule', self.rule)}"
        return f"{self.some('event', 'events')}{source}{kind}{way} {self.verb('is', 'are')} {become}"


class LostEvents(_OnItsWay):
    """Events do not reach their target."""

    WHAT: ClassVar[str] = "events do not reach their targets"

    kind: Literal["lost-events"] = "lost-events"

    @property
    def effect(self) -> str:
        """What it does."""
        return self.events("lost")


class DoubledEvents(_OnItsWay):
    """Events reach their target twice: EventBridge promises to deliver at least once."""

    WHAT: ClassVar[str] = "events reach their targets twice"

    kind: Literal["doubled-events"] = "doubled-events"

    @property
    def effect(self) -> str:
        """What it does."""
        return self.events("delivered twice")
