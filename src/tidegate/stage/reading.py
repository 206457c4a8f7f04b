"""YAML text to a tree of plain values, by PyYAML's events.

What YAML offers beyond values is refused: tags, anchors, aliases, merge keys, directives, several documents. So a file
costs what its length says, and each value has one place.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.error import MarkedYAMLError

from tidegate.stage import limits
from tidegate.stage.document import Document, Entry, MappingValue, ScalarValue, SequenceValue, Value, plain
from tidegate.stage.problems import LINE_BREAK, InvalidValueError, Position, Problem
from tidegate.stage.quantities import show
from tidegate.stage.rules.reading import bad_key, bad_text, more_than_values, no_yaml, unreadable
from tidegate.stage.rules.rule import Rule
from tidegate.stage.scalars import resolve

# The parser in C takes a tenth of the time; PyYAML's own in Python, where a platform has no wheel with libyaml, reads
# the same.
try:
    from yaml._yaml import CParser as Parser
except ImportError:
    from yaml import SafeLoader as Parser  # type: ignore[assignment]

# What YAML 1.2 does not call printable, line breaks that only YAML 1.1 knew, and the mark of an encoding
# where there is text already. (Those beyond Latin-1 are looked for one by one: a pattern of them is slow to compile.)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_BEYOND_LATIN: Final = ("\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff")
_INDENTING_TAB: Final = re.compile(r"^ *\t", re.MULTILINE)
_REFUSED_IN_TEXT: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# The one mapping of a file whose values may have several lines: SageMaker takes any text there, a certificate say.
_OF_SEVERAL_LINES: Final = "environment"
_LINE_CHARACTERS: Final = frozenset("\n\t")
_NOT_BLOCKING: Final = getattr(os, "O_NONBLOCK", 0)  # or opening a pipe waits for somebody who writes to it


def read_document(path: Path) -> Document:
    """Read a file; whatever is wrong with it is in the document's problems."""
    file = path.as_posix()
    try:
        content = _content(path)
    except OSError as error:
        right = "make it readable" if isinstance(error, PermissionError) else "put a file of YAML here"
        return _unreadable(file, f"the file cannot be read: {error.strerror}", right)
    if content is None:
        return _unreadable(file, "this is not a file", "put a file of YAML here")
    return parse_document(file, content)


def parse_document(file: str, content: bytes, parser: Any = Parser) -> Document:
    """Read the bytes of a file that is called `file` in problems."""
    if len(content) > limits.FILE_MAX_BYTES:
        return _unreadable(
            file, f"the file is larger than {limits.FILE_MAX_BYTES // 1024} KiB", "keep to what a stage needs"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        return _refused_text(file, before, len(before), unreadable, "the file is not UTF-8", "save it as UTF-8")
    if (offset := _first_control(text)) is not None:
        wrong = f"the text holds the control character U+{ord(text[offset]):04X}"
        return _refused_text(file, text, offset, unreadable, wrong, "take it out")
    if match := _INDENTING_TAB.search(text):
        return _refused_text(
            file, text, match.end() - 1, no_yaml, "the line is indented with a tab", "indent with spaces"
        )
    return _Reader(file, text, parser).read()


def _content(path: Path) -> bytes | None:
    descriptor = os.open(path, os.O_RDONLY | _NOT_BLOCKING)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(limits.FILE_MAX_BYTES + 1)


def _first_control(text: str) -> int | None:
    found = [match.start()] if (match := _CONTROL.search(text)) else []
    if not text.isascii():
        found += [offset for each in _CONTROL_BEYOND_LATIN if (offset := text.find(each)) >= 0]
    return min(found, default=None)


class _Reader:
    """One pass over the events of one file."""

    def __init__(self, file: str, text: str, parser: Any) -> None:
        self._file = file
        self._text = text
        self._next = parser(text).get_event
        self._problems: list[Problem] = []
        self._values = 0
        self._may_have_lines = False

    def read(self) -> Document:
        root: MappingValue | None = None
        try:
            root = self._document()
        except _UnreadableError as error:
            self._problems.append(error.problem)
        except MarkedYAMLError as error:
            wrong = f"this is not YAML: {error.problem or error.context}"
            right = "look at the indentation, quotes, brackets and colons here and just before"
            self._problems.append(Problem(self._broken_at(error), wrong, right, no_yaml.id))
        return Document(self._file, root, tuple(self._problems), self._text)

    def _document(self) -> MappingValue | None:
        self._next()  # the start of the stream
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return MappingValue({}, Position(self._file, 1, 1))
        if event.version or event.tags:
            self._problem(event, more_than_values, "directives are not used here", "take the line with % out")
        root = self._value(self._next(), depth=0)
        self._next()  # the end of the document
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self._problem(event, more_than_values, "a second document starts here", "keep one document in a file")
        if isinstance(root, MappingValue):
            return root
        if isinstance(root, ScalarValue) and root.value is None:
            return MappingValue({}, Position(self._file, 1, 1))
        wrong = f"the file holds {show(plain(root))}"
        raise _UnreadableError(Problem(root.position, wrong, "write `key: value` lines", no_yaml.id))

    def _value(self, event: Any, depth: int) -> Value:
        mark = event.start_mark
        position = Position(self._file, mark.line + 1, mark.column + 1)
        if depth > limits.NESTING_MAX:
            wrong = f"the nesting is deeper than {limits.NESTING_MAX} levels"
            raise _UnreadableError(Problem(position, wrong, "a stage file needs four", unreadable.id))
        self._values += 1
        if self._values > limits.VALUES_MAX:
            wrong = f"the file holds more than {limits.VALUES_MAX} keys and values"
            raise _UnreadableError(Problem(position, wrong, "keep to what a stage needs", unreadable.id))
        kind = type(event)
        if kind is yaml.AliasEvent:
            self._problem(
                event,
                more_than_values,
                "aliases are not used here",
                "write the value out, or put it into endpoint.yml once",
            )
            return ScalarValue(None, position)
        if event.anchor is not None:
            self._problem(event, more_than_values, "anchors are not used here", f"take {show(f'&{event.anchor}')} out")
        if event.tag not in {None, "!"}:
            self._problem(event, more_than_values, "tags are not used here", "take the word with ! out")
        if kind is yaml.ScalarEvent:
            return ScalarValue(self._scalar(event), position)
        if kind is yaml.MappingStartEvent:
            return MappingValue(self._entries(depth + 1), position)
        return SequenceValue(tuple(self._items(depth + 1)), position)

    def _items(self, depth: int) -> Iterator[Value]:
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            yield self._value(event, depth)

    def _entries(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._value(event, depth)
            name = plain(key)
            if depth == 1:
                self._may_have_lines = name == _OF_SEVERAL_LINES
            value = self._value(self._next(), depth)
            if not isinstance(name, str):
                self._problem(event, bad_key, f"{show(name)} is not a key", "use a word, in quotes if need be")
            elif name in entries:
                first = entries[name].position.line
                self._problem(
                    event,
                    bad_key,
                    f"{show(name)} is here for the second time",
                    f"keep this one or the one in line {first}",
                )
            else:
                entries[name] = Entry(key.position, value)
        return entries

    def _scalar(self, event: Any) -> str | int | float | bool | None:
        text: str = event.value
        if event.tag is None and event.implicit[0]:
            try:
                return resolve(text)
            except InvalidValueError as error:
                self._problem(event, bad_text, error.wrong, error.right)
                return None
        if not text.isprintable():
            self._check(event, text)
        return text

    def _check(self, event: Any, text: str) -> None:
        allowed = _LINE_CHARACTERS if self._may_have_lines else frozenset()
        refused = next(
            (each for each in text if unicodedata.category(each) in _REFUSED_IN_TEXT and each not in allowed), None
        )
        if refused is not None:
            wrong = f"the text holds the control character U+{ord(refused):04X}"
            if refused == "\n":
                wrong = "the text has more than one line"
            self._problem(event, bad_text, wrong, "write it in one line; >- folds longer text")

    def _broken_at(self, error: MarkedYAMLError) -> Position:
        mark = error.problem_mark or error.context_mark
        lines = LINE_BREAK.split(self._text.rstrip())
        if mark is None or mark.line >= len(lines):  # what is missing at the end is missing after the last word
            return Position(self._file, len(lines), len(lines[-1]) + 1)
        return Position(self._file, mark.line + 1, mark.column + 1)

    def _problem(self, event: Any, rule: Rule, wrong: str, right: str) -> None:
        mark = event.start_mark
        self._problems.append(Problem(Position(self._file, mark.line + 1, mark.column + 1), wrong, right, rule.id))


class _UnreadableError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _unreadable(file: str, wrong: str, right: str) -> Document:
    return Document(file, None, (Problem(Position(file, 1, 1), wrong, right, unreadable.id),))


def _refused_text(file: str, text: str, offset: int, rule: Rule, wrong: str, right: str) -> Document:
    line, start = 1, 0
    for end in LINE_BREAK.finditer(text, 0, offset):
        line, start = line + 1, end.end()
    return Document(file, None, (Problem(Position(file, line, offset - start + 1), wrong, right, rule.id),), text)
