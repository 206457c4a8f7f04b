"""YAML text to a tree of plain values, each of which knows where it stands.

YAML 1.2 by ruamel.yaml's events. What YAML offers beyond values is refused: tags, anchors, aliases,
merge keys, directives, several documents. So a file costs what its length says, and each value has one place.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.nodes import ScalarNode

from tidegate.stage import limits
from tidegate.stage.problems import Position, Problem
from tidegate.stage.quantities import show

# What YAML 1.2 calls printable, less the tabs that people indent with.
_UNPRINTABLE: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INDENTING_TAB: Final = re.compile(r"^ *\t", re.MULTILINE)
_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_TOKEN: Final = re.compile(r"\(('<[^>]*>'),\)")  # how ruamel.yaml prints a token it did not expect
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class ScalarValue:
    """Text, a number, true, false or nothing."""

    value: str | int | float | bool | None
    position: Position


@dataclass(frozen=True, slots=True)
class SequenceValue:
    """A list."""

    items: tuple["Value", ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping and what it holds."""

    position: Position
    value: "Value"


@dataclass(frozen=True, slots=True)
class MappingValue:
    """Keys in the order of the file."""

    entries: dict[str, Entry]
    position: Position


Value = ScalarValue | SequenceValue | MappingValue


@dataclass(frozen=True, slots=True)
class Document:
    """A file as far as it could be read: `root` is None when its text is not a mapping in YAML."""

    file: str
    root: MappingValue | None
    problems: tuple[Problem, ...] = field(default=())


def read_document(path: Path) -> Document:
    """Read a file; whatever is wrong with it is in the document's problems."""
    file = path.as_posix()
    try:
        if not path.is_file():
            return _unreadable(file, "this is not a file", "put a file of YAML here")
        with path.open("rb") as stream:
            content = stream.read(limits.FILE_MAX_BYTES + 1)
    except OSError as error:
        return _unreadable(file, f"the file cannot be read: {error.strerror}", "make it readable")
    return parse_document(file, content)


def parse_document(file: str, content: bytes) -> Document:
    """Read the bytes of a file that is called `file` in problems."""
    if len(content) > limits.FILE_MAX_BYTES:
        return _unreadable(
            file, f"the file is larger than {limits.FILE_MAX_BYTES // 1024} KiB", "keep to what a stage needs"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        return _refused_text(file, before, len(before), "the file is not UTF-8", "save it as UTF-8")
    if match := _UNPRINTABLE.search(text):
        name = f"U+{ord(match[0]):04X}"
        return _refused_text(file, text, match.start(), f"the text holds the control character {name}", "take it out")
    if match := _INDENTING_TAB.search(text):
        return _refused_text(file, text, match.end() - 1, "the line is indented with a tab", "indent with spaces")
    return _Reader(file, text).read()


def plain(value: Value) -> Any:
    """Return the value without its positions."""
    match value:
        case ScalarValue():
            return value.value
        case SequenceValue():
            return [plain(item) for item in value.items]
        case MappingValue():
            return {key: plain(entry.value) for key, entry in value.entries.items()}


def merge(base: Value, over: Value) -> Value:
    """Lay `over` on `base`: mappings key by key, everything else replaced whole."""
    if not (isinstance(base, MappingValue) and isinstance(over, MappingValue)):
        return over
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        below = entries.get(key)
        entries[key] = Entry(entry.position, merge(below.value, entry.value)) if below else entry
    return MappingValue(entries, over.position)


class _Reader:
    """One pass over the events of one file."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._yaml = YAML(typ="safe", pure=True)
        self._events: Iterator[Event] = self._yaml.parse(text)
        self._problems: list[Problem] = []
        self._values = 0

    def read(self) -> Document:
        root: MappingValue | None = None
        try:
            root = self._document()
        except _UnreadableError as error:
            self._problems.append(error.problem)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            wrong = "this is not YAML: " + _TOKEN.sub(r"\1", str(error.problem or error.context))
            right = "look at the indentation, quotes, brackets and colons here and just before"
            self._problems.append(Problem(Position(self._file, line, column), wrong, right))
        return Document(self._file, root, tuple(self._problems))

    def _document(self) -> MappingValue | None:
        next(self._events)  # the start of the stream
        event = next(self._events)
        if isinstance(event, StreamEndEvent):
            return MappingValue({}, Position(self._file, 1, 1))
        assert isinstance(event, DocumentStartEvent)
        if event.version or event.tags:
            self._problem(event, "directives are not used here", "take the line with % out")
        root = self._value(next(self._events), depth=0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, StreamEndEvent):
            self._problem(event, "a second document starts here", "keep one document in a file")
        match root:
            case MappingValue():
                return root
            case ScalarValue(value=None):
                return MappingValue({}, Position(self._file, 1, 1))
            case _:
                wrong = f"the file holds {show(plain(root))}"
                raise _UnreadableError(Problem(root.position, wrong, "write `key: value` lines"))

    def _value(self, event: Event, depth: int) -> Value:
        position = self._position(event)
        if depth > limits.NESTING_MAX:
            wrong = f"the nesting is deeper than {limits.NESTING_MAX} levels"
            raise _UnreadableError(Problem(position, wrong, "a stage file needs four"))
        self._values += 1
        if self._values > limits.VALUES_MAX:
            wrong = f"the file holds more than {limits.VALUES_MAX} keys and values"
            raise _UnreadableError(Problem(position, wrong, "keep to what a stage needs"))
        if isinstance(event, AliasEvent):
            self._problem(event, "aliases are not used here", "write the value out, or put it into endpoint.yml once")
            return ScalarValue(None, position)
        assert isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent)
        if event.anchor:
            self._problem(event, "anchors are not used here", f"take &{event.anchor} out")
        if event.tag not in {None, "!"}:
            self._problem(event, "tags are not used here", "take the word with ! out")
        match event:
            case ScalarEvent():
                return ScalarValue(self._scalar(event), position)
            case SequenceStartEvent():
                return SequenceValue(tuple(self._items(depth)), position)
            case _:
                return MappingValue(self._entries(depth), position)

    def _items(self, depth: int) -> Iterator[Value]:
        while not isinstance(event := next(self._events), SequenceEndEvent):
            yield self._value(event, depth + 1)

    def _entries(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._value(event, depth + 1)
            value = self._value(next(self._events), depth + 1)
            name = plain(key)
            if not isinstance(name, str):
                self._problem(event, f"{show(name)} is not a key", "use a word, in quotes if need be")
            elif name in entries:
                first = entries[name].position.line
                self._problem(
                    event, f"`{name}` is here for the second time", f"keep this one or the one in line {first}"
                )
            else:
                entries[name] = Entry(key.position, value)
        return entries

    def _scalar(self, event: ScalarEvent) -> str | int | float | bool | None:
        text: str = event.value
        tag = self._yaml.resolver.resolve(ScalarNode, text, event.implicit) if event.tag is None else None
        node = ScalarNode(str(tag), text, start_mark=event.start_mark)
        match str(tag).removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return bool(self._yaml.constructor.construct_yaml_bool(node))
            case "int" | "float" if len(text) > limits.NUMBER_MAX_LENGTH:
                self._problem(event, "the number has too many digits", "put it in quotes if it is text")
                return None
            case "int":
                return int(self._yaml.constructor.construct_yaml_int(node))
            case "float":
                return float(self._yaml.constructor.construct_yaml_float(node))
        for character in text:
            if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
                wrong = f"the text holds the control character U+{ord(character):04X}"
                if character == "\n":
                    wrong = "the text has more than one line"
                self._problem(event, wrong, "write it in one line; >- folds longer text")
                break
        return text

    def _position(self, event: Event) -> Position:
        return Position(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _problem(self, event: Event, wrong: str, right: str) -> None:
        self._problems.append(Problem(self._position(event), wrong, right))


class _UnreadableError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _unreadable(file: str, wrong: str, right: str) -> Document:
    return Document(file, None, (Problem(Position(file, 1, 1), wrong, right),))


def _refused_text(file: str, text: str, offset: int, wrong: str, right: str) -> Document:
    line, start = 1, 0
    for end in _LINE_BREAK.finditer(text, 0, offset):
        line, start = line + 1, end.end()
    return Document(file, None, (Problem(Position(file, line, offset - start + 1), wrong, right),))
