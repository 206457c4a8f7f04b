"""A topic: what the doctor looks at together, which calls that takes, and how it is judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from service_catalog.doctor.check import Check, Subject
from service_catalog.doctor.looking import Rim
from service_catalog.doctor.question import Question


@dataclass(frozen=True)
class Topic:
    """Facts are gathered at the rim, and judged without it. `calls` are IAM's words for what gathering asks."""

    subject: Subject
    calls: tuple[str, ...]
    gather: Callable[[Rim, Question], Any]
    judge: Callable[[Any, Question], Sequence[Check]]
    wanted: Callable[[Question], bool] = lambda _question: True
    """Whether the question has to do with it."""

    def look(self, rim: Rim, question: Question) -> Sequence[Check]:
        """Gather and judge."""
        return self.judge(self.gather(rim, question), question)
