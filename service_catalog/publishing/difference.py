"""What a template changes in a stack, resource by resource, told before anything is done."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

SIGN = {"added": "+", "changed": "~", "removed": "-"}


@dataclass(frozen=True)
class Change:
    """A resource that is added, changed or removed; of one that is changed, the `lines` that differ."""

    verb: Literal["added", "changed", "removed"]
    logical_id: str
    type: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as people read it: a line for the resource, and one for each line that differs."""
        return "\n".join(
            [f"{SIGN[self.verb]} {self.logical_id} ({self.type})", *(f"    {each}" for each in self.lines)]
        )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what a stack of the template `before` (empty: there is none) changes to become one of `after`."""
    old, new = before.get("Resources", {}), after.get("Resources", {})
    return [
        *(Change("added", name, new[name]["Type"]) for name in new if name not in old),
        *(
            Change("changed", name, new[name]["Type"], tuple(_lines(old[name], new[name])))
            for name in new
            if name in old and _plain(old[name]) != _plain(new[name])
        ),
        *(Change("removed", name, old[name]["Type"]) for name in old if name not in new),
    ]


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
