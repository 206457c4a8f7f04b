"""Rules on what a stage file says: each with an id, why it holds, where that is from, and what would be right.

The rules on single values have their place in the types of `tidegate.stage.model`, and ids here for what is said of
them. The rules that span several fields are checks, in files by subject: pure functions from typed values to findings.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from tidegate.stage.rules import (
    expectations,
    fleet,
    live,
    monitoring,
    places,
    reading,
    rollback,
    strategy,
    timeout,
    trial,
)
from tidegate.stage.rules.live import check_against_live
from tidegate.stage.rules.rule import KEY, Applicable, Finding, Path, Rule, Violation

__all__ = ["ALL", "KEY", "Finding", "Path", "Rule", "Violation", "apply", "check_against_live", "of_value"]

_OF_FILES: Final = (reading, strategy, timeout, rollback, trial, monitoring, fleet, places, expectations)

ALL: Final[Mapping[str, Rule]] = {
    rule.id: rule
    for rule in sorted(chain.from_iterable(module.RULES for module in (*_OF_FILES, live)), key=lambda rule: rule.id)
}
"""Every rule by its id, in the order of their ids."""

_CHECKS: Final = Applicable({rule.id: rule for module in _OF_FILES for rule in module.RULES})
_OF_VALUES: Final = {key: rule.id for rule in ALL.values() for key in rule.keys}


def apply(sections: Mapping[str, Any], *, whole: bool = True) -> Iterator[Violation]:
    """Yield what the rules find in the sections of a stage, and in what is right of them where they are not `whole`.

    `sections` holds them by their names in the file, beside `project` and `variant` of `endpoint.yml`. A rule is passed
    over where something that it reads is not there; what a stage may leave out is there as its default.
    """
    return _CHECKS.apply(sections, whole=whole)


def of_value(path: Path) -> str:
    """Return the id of the rule that a wrong value at a path breaks."""
    return _OF_VALUES.get(".".join(part for part in path if isinstance(part, str)), reading.wrong_value.id)
