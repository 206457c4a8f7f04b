"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

Path = tuple[str | int, ...]

KEY: Final = "[key]"  # ends a path that means the key and not what it holds, as in pydantic's errors


class Finding(NamedTuple):
    """What is wrong at a path within the stage, and what would be right."""

    path: Path
    wrong: str
    right: str


class Violation(NamedTuple):
    """A finding and the id of the rule that found it."""

    rule: str
    path: Path
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.wrong}; {self.right} [{self.rule}]"


Check = Callable[..., Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a stage file must be, with an id that is never given to another rule.

    A rule with a `check` spans several fields. The parameters of its check are what it reads, by the names that the
    stage file has for them (and `project` and `variant` of `endpoint.yml`), so it is applied when all of these are
    right in themselves. A rule with `keys` is broken by a wrong value at one of these paths. One with neither is broken
    while a file is read.
    """

    id: str
    title: str
    why: str
    source: str
    right: str
    check: Check | None = None
    keys: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of what the check is given, in its order."""
        if self.check is None:
            return self.keys
        code = self.check.__code__
        return code.co_varnames[: code.co_argcount]


def rule(id: str, title: str, *, why: str, source: str, right: str) -> Callable[[Check], Rule]:
    """Make a rule of a check, which yields what is wrong."""

    def make(check: Check) -> Rule:
        return Rule(id, title, why, source, right, check)

    return make


class Applicable:
    """Rules made ready to be applied to many stages."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._checks = tuple((each.id, each.check, each.reads) for each in rules.values() if each.check)

    def apply(self, sections: Mapping[str, Any], *, whole: bool = True) -> Iterator[Violation]:
        """Yield what every rule finds whose sections are all there; a section that is not right is left out.

        Where not all sections are whole, a rule goes as far as it does without the parts that are missing.
        """
        for id, check, reads in self._checks:
            try:
                given = [sections[name] for name in reads]
            except KeyError:
                continue
            try:
                for finding in check(*given):
                    yield Violation(id, *finding)
            except AttributeError:
                if whole:
                    raise
