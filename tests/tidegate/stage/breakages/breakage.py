"""What a breakage is: one way to break a rule that spans several fields, on valid stages that it means something to.

A breakage changes what a valid stage holds and returns the path that is named for it, which ends with KEY where the key
is meant.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.tidegate.stage.written import Path

File = dict[str, Any]


class Breakage(NamedTuple):
    """A rule, which stages it can be broken on (as `stage_files` takes it), and how."""

    rule: str
    on: dict[str, Any]
    change: Callable[[File, File], Path]


BREAKAGES: list[Breakage] = []


def breaks(rule: str, *strategies: str, **on: Any) -> Callable[[Callable[[File, File], Path]], Callable[..., Path]]:
    """Note how a rule is broken, on stages of these strategies or of any."""

    def note(change: Callable[[File, File], Path]) -> Callable[[File, File], Path]:
        for strategy in strategies or (None,):
            BREAKAGES.append(Breakage(rule, on | ({"strategy": strategy} if strategy else {}), change))
        return change

    return note
