"""What can be wrong with a stage file, and how it is said."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from tidegate.errors import TidegateError

LINE_BREAK: Final = re.compile(r"\r\n|[\n\r]")  # what a file may break its lines with


class Position(NamedTuple):
    """Where something stands in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in one place."""

    position: Position
    wrong: str
    right: str
    rule: str = ""
    """The id of the rule that it breaks; `tidegate explain` says more."""

    def __str__(self) -> str:
        file, line, column = self.position
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{file}:{line}:{column}: {self.wrong}; {self.right}{rule}"


class InvalidValueError(ValueError):
    """A value that a stage file cannot hold; who catches it knows where the value stands."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(f"{wrong}; {right}")
        self.wrong = wrong
        self.right = right


class StageFileError(TidegateError):
    """Everything that is wrong with the files of a repository, in the order of the files."""

    def __init__(self, problems: Iterable[Problem], texts: Mapping[str, str] | None = None) -> None:
        self.problems = tuple(problems)
        self._texts = texts or {}
        super().__init__("\n".join(map(str, self.problems)))

    def line_of(self, problem: Problem) -> str | None:
        """Return the line that a problem is in as the file has it, None where the file has no such line."""
        lines = LINE_BREAK.split(self._texts.get(problem.position.file, ""))
        index = problem.position.line - 1
        return lines[index] if index < len(lines) and lines[index].strip() else None
