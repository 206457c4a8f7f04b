"""A model that answers wrongly on a slice of its requests."""

import json
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from tidegate.stage.quantities import show
from tidegate_sandbox.faults.fault import RequestFault
from tidegate_sandbox.faults.requests import Ask, Asked
from tidegate_sandbox.faults.subjects import Invocation, Subject

if TYPE_CHECKING:
    from tidegate_sandbox.services.endpoints.upstream import Reply

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*([A-Za-z_]\w{0,63}|[1-9]\d{0,3})\s*(==|!=|<=|>=|<|>)\s*([^\s<>=!]{1,64})\s*")
_MOST_CONDITIONS = 8
_ANSWER = re.compile(r"(?P<sign>[=*+-])(?P<number>-?\d{1,12}(\.\d{1,12})?)")
_LISTS = ("instances", "predictions", "inputs", "outputs")
"""Under which names JSON bodies keep their rows and answers."""


class WrongAnswers(RequestFault):
    """Answers to the rows of a slice are changed.

    `where` says which rows: `COLUMN OP VALUE`, joined by `and`. COLUMN counts from 1, or names a member of JSON
    objects. `answer` says what becomes of each number of such a row's answer: `=0`, `+50`, `-50`, `*1.5`, or `flip`
    for 1 minus it. Rows are lines of CSV or JSON lines, or the items of a JSON list.
    """

    WHAT: ClassVar[str] = "answers to the rows of a slice are wrong"

    kind: Literal["wrong"] = "wrong"
    where: Annotated[str, Field(max_length=500)]
    answer: Annotated[str, Field(max_length=40)]

    @field_validator("where")
    @classmethod
    def _is_condition(cls, value: str) -> str:
        _conditions(value)
        return value

    @field_validator("answer")
    @classmethod
    def _is_change(cls, value: str) -> str:
        _change(value)
        return value

    @property
    def effect(self) -> str:
        """What it does."""
        slice_of = " and ".join(
            f"{'column ' if column.isdigit() else ''}{column} {sign} {value}"
            for column, sign, value in _conditions(self.where)
        )
        return f"in {self.requests}, answers to rows where {slice_of} are {_told(self.answer)}"

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` is a request to what is named, with a row of the slice."""
        if not isinstance(subject, Invocation) or not super().fits(subject):
            return False
        try:
            rows = _rows(subject.content_type, subject.body)
        except ValueError:
            return False
        conditions = _conditions(self.where)
        return any(_all_hold(conditions, row) for row in rows)

    async def around(self, asked: Asked, ask: Ask) -> "Reply":
        """Ask, then change the answers of the slice."""
        reply = await ask()
        if not 200 <= reply.status < 300:
            return reply
        kind = reply.headers.get("content-type", "")
        body = changed(self.where, self.answer, (asked.content_type, asked.body), (kind, reply.body))
        return reply if body is None else replace(reply, body=body)


def changed(where: str, answer: str, request: tuple[str, bytes], reply: tuple[str, bytes]) -> bytes | None:
    """Return the body of a reply with the answers of the slice changed, None where there is nothing to change.

    `request` and `reply` are content type and body. What cannot be read as rows, as many as there are answers, stays.
    """
    conditions, change = _conditions(where), _change(answer)
    try:
        rows, read = _rows(*request), _Answers(*reply)
    except ValueError:
        return None
    if len(rows) != len(read.answers) or not any(_all_hold(conditions, row) for row in rows):
        return None
    return read.written(
        [
            _changed(each, change) if _all_hold(conditions, row) else each
            for row, each in zip(rows, read.answers, strict=True)
        ]
    )


def _conditions(where: str) -> list[tuple[str, str, str]]:
    parts = re.split(r"\s+and\s+", where.strip())
    found = [_CONDITION.fullmatch(part) for part in parts]
    if len(parts) > _MOST_CONDITIONS or not all(found):
        raise ValueError(
            f"{show(where)} is no slice; write a column, ==, !=, <, <=, > or >=, and a value, such as 1 >= 17"
        )
    return [(match[1], match[2], match[3]) for match in found if match]


def _change(answer: str) -> Callable[[float], float]:
    if answer == "flip":
        return lambda value: 1 - value
    match = _ANSWER.fullmatch(answer)
    if match is None:
        raise ValueError(f"{show(answer)} changes no answer; write =0, +50, -50, *1.5, or flip for 1 minus the answer")
    number = float(match["number"])
    return {
        "=": lambda _: number,
        "+": lambda value: value + number,
        "-": lambda value: value - number,
        "*": lambda value: value * number,
    }[match["sign"]]


def _told(answer: str) -> str:
    match = _ANSWER.fullmatch(answer)
    if match is None:
        return "1 minus what is right"
    sign, number = match["sign"], match["number"]
    return {
        "=": number,
        "+": f"{number} more than is right",
        "-": f"{number} less than is right",
        "*": f"{number} times what is right",
    }[sign]


def _all_hold(conditions: Sequence[tuple[str, str, str]], row: Any) -> bool:
    return all(_holds(row, *condition) for condition in conditions)


def _holds(row: Any, column: str, sign: str, value: str) -> bool:
    if column.isdigit():
        values = list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else [row]
        if int(column) > len(values):
            return False
        found = values[int(column) - 1]
    elif isinstance(row, dict) and column in row:
        found = row[column]
    else:
        return False
    try:
        return _OPERATORS[sign](float(found), float(value))
    except (TypeError, ValueError):
        return _OPERATORS[sign](str(found).strip(), value)


def _changed(answer: Any, change: Callable[[float], float]) -> Any:
    """Return an answer with every number in it changed; text stays text."""
    if isinstance(answer, dict):
        return {key: _changed(value, change) for key, value in answer.items()}
    if isinstance(answer, list):
        return [_changed(value, change) for value in answer]
    if isinstance(answer, bool) or not isinstance(answer, int | float | str):
        return answer
    try:
        value = change(float(answer))
    except ValueError:
        return answer
    return repr(value) if isinstance(answer, str) else value


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _rows(content_type: str, body: bytes) -> list[Any]:
    kind, text = _media_type(content_type), body.decode()
    if kind == "text/csv":
        return [line.split(",") for line in text.splitlines() if line.strip()]
    if kind == "application/jsonlines":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if kind == "application/json":
        return _list(json.loads(text))[1]
    raise ValueError(f"{kind} has no rows")


def _list(document: Any) -> tuple[str | None, list[Any]]:
    """Return the list that a JSON body is, or has under a name that is returned too."""
    if isinstance(document, list):
        return None, document
    if isinstance(document, dict):
        for name in _LISTS:
            if isinstance(document.get(name), list):
                return name, document[name]
    return None, [document]


class _Answers:
    """The answers in a reply's body, and how to write others in their place."""

    def __init__(self, content_type: str, body: bytes) -> None:
        self._kind, self._text = _media_type(content_type), body.decode()
        self._document: Any = None
        if self._kind == "application/json":
            self._document = json.loads(self._text)
            self._name, self.answers = _list(self._document)
        elif self._kind == "application/jsonlines":
            self.answers = [json.loads(line) for line in self._text.splitlines() if line.strip()]
        elif self._kind == "text/csv":
            self.answers = [line.split(",") for line in self._text.splitlines() if line.strip()]
        else:
            raise ValueError(f"{self._kind} has no answers that can be told apart")

    def written(self, answers: list[Any]) -> bytes:
        """Return the body with `answers` in it."""
        if self._kind == "application/json":
            if self._name is not None:
                text = json.dumps({**self._document, self._name: answers})
            else:
                text = json.dumps(answers if isinstance(self._document, list) else answers[0])
            return text.encode()
        lines = map(",".join if self._kind == "text/csv" else json.dumps, answers)
        return ("\n".join(lines) + ("\n" if self._text.endswith("\n") else "")).encode()
