"""What a template changes in a stack, told before anything is done: its resources, parameters and outputs."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

SIGN = {"added": "+", "changed": "~", "removed": "-"}
# What of a template can change a stack, and what one of it is called if it has no type.
SECTIONS = {"Resources": "resource", "Parameters": "parameter", "Outputs": "output"}


@dataclass(frozen=True)
class Change:
    """A part of a template that is added, changed or removed; of one that is changed, the `lines` that differ."""

    verb: Literal["added", "changed", "removed"]
    logical_id: str
    kind: str
    lines: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """What is changed, without how."""
        return f"{SIGN[self.verb]} {self.logical_id} ({self.kind})"

    def __str__(self) -> str:
        """Return it as people read it: a line for what is changed, and one for each line that differs."""
        return "\n".join([self.headline, *(f"    {each}" for each in self.lines)])


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what a stack of the template `before` (empty: there is none) changes to become one of `after`."""
    found = (_section(name, before.get(name, {}), after.get(name, {})) for name in SECTIONS)
    return [change for changes in found for change in changes]


def _section(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    def kind(part: Mapping[str, Any]) -> str:
        return str(part["Type"]) if name == "Resources" else SECTIONS[name]

    for added in (each for each in new if each not in old):
        yield Change("added", added, kind(new[added]))
    for changed in (each for each in new if each in old and _plain(old[each]) != _plain(new[each])):
        yield Change("changed", changed, kind(new[changed]), tuple(_lines(old[changed], new[changed])))
    for removed in (each for each in old if each not in new):
        yield Change("removed", removed, kind(old[removed]))


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that differ, each with its sign, and under the names of what they are in."""
    old, new = (yaml.safe_dump(_plain(each), sort_keys=True, width=110).splitlines() for each in (before, after))
    for line in difflib.unified_diff(old, new, n=1, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield line


def _plain(value: Any) -> Any:
    """Return the value without the mapping types of whoever parsed it."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
