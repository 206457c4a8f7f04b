"""A file as a tree of plain values, each of which knows where it stands, and how one tree is laid over another."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tidegate.stage.problems import Position, Problem


class ScalarValue(NamedTuple):
    """Text, a number, true, false or nothing."""

    value: str | int | float | bool | None
    position: Position


class SequenceValue(NamedTuple):
    """A list."""

    items: tuple["Value", ...]
    position: Position


class Entry(NamedTuple):
    """A key of a mapping and what it holds."""

    position: Position
    value: "Value"


class MappingValue(NamedTuple):
    """Keys in the order of the file."""

    entries: dict[str, Entry]
    position: Position


Value = ScalarValue | SequenceValue | MappingValue


@dataclass(frozen=True, slots=True)
class Document:
    """A file as far as it could be read: `root` is None when its text is not a mapping in YAML."""

    file: str
    root: MappingValue | None
    problems: tuple[Problem, ...] = ()
    text: str = field(default="", repr=False)
    """What the file says, for those who show the place of a problem; empty where it is not text."""


def plain(value: Value) -> Any:
    """Return the value without its positions."""
    if isinstance(value, ScalarValue):
        return value.value
    if isinstance(value, MappingValue):
        return {key: plain(entry.value) for key, entry in value.entries.items()}
    return [plain(item) for item in value.items]


def merge(base: Value, over: Value) -> Value:
    """Lay `over` on `base`: mappings key by key, everything else replaced whole."""
    if not (isinstance(base, MappingValue) and isinstance(over, MappingValue)):
        return over
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        below = entries.get(key)
        entries[key] = Entry(entry.position, merge(below.value, entry.value)) if below else entry
    return MappingValue(entries, over.position)
