"""Checks an operation's parameters against botocore's shapes, beyond what a client checks, in AWS's words.

A client checks types and required members; the service checks lengths, ranges, patterns and enumerations too, and
names every violation in one message. botocore's models carry those traits for most shapes.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any


def as_python(shape: Any, value: Any) -> Any:
    """Return a decoded JSON `value` with its timestamps as aware datetimes and its blobs as bytes.

    What does not fit the shape is returned as it is: `violations` and botocore's validator say so.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {
            name: as_python(shape.members[name], each) if name in shape.members else each
            for name, each in value.items()
        }
    if kind == "list" and isinstance(value, list):
        return [as_python(shape.member, each) for each in value]
    if kind == "map" and isinstance(value, dict):
        return {name: as_python(shape.value, each) for name, each in value.items()}
    if kind == "timestamp" and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    if kind == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            return value
    return value


_PYTHON: Mapping[str, tuple[type, ...]] = {
    "blob": (bytes,),
    "boolean": (bool,),
    "double": (float, int),
    "float": (float, int),
    "integer": (int,),
    "list": (list, tuple),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (datetime,),
}


def misfits(shape: Any, value: Any, at: str = "it") -> list[str]:
    """Return what of `value` is not as `shape` says: unknown and missing members, types, enumerations."""
    kind = shape.type_name
    if not _is(kind, value):
        return [f"{at} is no {kind}, but {value!r:.80}"]
    if kind == "structure":
        if shape.is_document_type:
            return []
        unknown = [f"{at} has no member {name}" for name in value if name not in shape.members]
        missing = [f"{at} lacks {name}" for name in shape.required_members if name not in value]
        known = [(shape.members[name], value[name], f"{at}.{name}") for name in value if name in shape.members]
        return unknown + missing + _of_each(known)
    if kind == "list":
        return _of_each([(shape.member, each, f"{at}[{number}]") for number, each in enumerate(value)])
    if kind == "map":
        return _of_each([(shape.value, each, f"{at}.{name}") for name, each in value.items()])
    if kind == "string" and shape.enum and value not in shape.enum:
        return [f"{at} is {value!r}, which is none of {', '.join(shape.enum)}"]
    return []


def _is(kind: str, value: Any) -> bool:
    # Python takes its booleans for numbers; JSON does not.
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _of_each(members: list[tuple[Any, Any, str]]) -> list[str]:
    return [sentence for shape, value, at in members for sentence in misfits(shape, value, at)]


def violations(shape: Any, value: Any) -> list[str]:
    """Return a sentence for each member of `value` whose length, range, pattern or enumeration is violated."""
    return [
        f"Value {_shown(each)} at '{'.'.join(path)}' failed to satisfy constraint: {constraint}"
        for path, each, constraint in _violations(shape, value, ())
    ]


Violation = tuple[tuple[str, ...], Any, str]


def _violations(shape: Any, value: Any, path: tuple[str, ...]) -> Iterator[Violation]:
    kind = shape.type_name
    if kind == "structure":
        for name, each in value.items():
            yield from _violations(shape.members[name], each, (*path, name[0].lower() + name[1:]))
    elif kind == "list":
        yield from _of_length(shape, len(value), value, path)
        for number, each in enumerate(value, start=1):
            yield from _violations(shape.member, each, (*path, str(number), "member"))
    elif kind == "map":
        for name, each in value.items():
            yield from _violations(shape.value, each, (*path, str(name), "member"))
    elif kind == "string":
        yield from _of_length(shape, len(value), value, path)
        yield from _of_text(shape, value, path)
    elif kind in ("integer", "long", "float", "double"):
        traits = shape.metadata
        if "min" in traits and value < traits["min"]:
            yield path, value, f"Member must have value greater than or equal to {traits['min']}"
        if "max" in traits and value > traits["max"]:
            yield path, value, f"Member must have value less than or equal to {traits['max']}"


def _of_length(shape: Any, length: int, value: Any, path: tuple[str, ...]) -> Iterator[Violation]:
    traits = shape.metadata
    if "min" in traits and length < traits["min"]:
        yield path, value, f"Member must have length greater than or equal to {traits['min']}"
    if "max" in traits and length > traits["max"]:
        yield path, value, f"Member must have length less than or equal to {traits['max']}"


def _of_text(shape: Any, value: str, path: tuple[str, ...]) -> Iterator[Violation]:
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        yield path, value, f"Member must satisfy enum value set: [{', '.join(allowed)}]"
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern and not pattern.fullmatch(value):
        yield path, value, f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a model's pattern, or None where it is none that Python's `re` has: Unicode classes, slips of the pen."""
    if not pattern or "\\p{" in pattern:
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _shown(value: Any) -> str:
    text = str(value)
    return f"'{text if len(text) <= 200 else text[:200] + '…'}'"
