"""The grammar of metric math: an expression becomes a tree of frozen nodes.

From the loosest to the tightest: OR, AND, == !=, < <= > >=, + -, * /, unary -, ^.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tidegate_sandbox.services.alarms.metric_math.series import MathError

DEEPEST = 64
"""Levels of nesting that are read: what people write has a few, and each level takes Python a dozen calls."""

Operator = Literal["OR", "AND", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "^"]


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """The result of the query with this id: a metric, or another expression."""

    id: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text in quotes, as in METRICS("errors")."""

    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word in capitals that is no call: REPEAT, LINEAR, ASC, DESC, or the function that SORT sorts by."""

    name: str


@dataclass(frozen=True, slots=True)
class Negation:
    """Minus something."""

    of: "Expression"


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands and what is between them; && and || are AND and OR."""

    operator: Operator
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Array:
    """[m1, m2]: time series side by side."""

    items: tuple["Expression", ...]


Expression = Number | Reference | Text | Word | Negation | Operation | Call | Array

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<id>[a-z][A-Za-z0-9_]*)|(?P<word>[A-Z][A-Z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/^<>()\[\],]))"
)
_LEVELS: tuple[dict[str, Operator], ...] = (
    {"OR": "OR", "||": "OR"},
    {"AND": "AND", "&&": "AND"},
    {"==": "==", "!=": "!="},
    {"<": "<", "<=": "<=", ">": ">", ">=": ">="},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/"},
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Expression:
    """Read an expression; MathError, with the place, where it is none."""
    if re.match(r"\s*SELECT\b", text):
        raise MathError("Metrics Insights queries (SELECT) are not in the local simulation")
    return _Parser(text).whole()


def references(expression: Expression) -> frozenset[str]:
    """Return the ids that `expression` refers to; METRICS() refers to none by name."""
    return frozenset(node.id for node in _nodes(expression) if isinstance(node, Reference))


def uses_all_metrics(expression: Expression) -> bool:
    """Whether `expression` calls METRICS()."""
    return any(isinstance(node, Call) and node.function == "METRICS" for node in _nodes(expression))


def _nodes(expression: Expression) -> Iterator[Expression]:
    yield expression
    for part in _parts(expression):
        yield from _nodes(part)


def _parts(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Negation(of):
            return (of,)
        case Operation(_, left, right):
            return left, right
        case Call(_, arguments):
            return arguments
        case Array(items):
            return items
        case _:
            return ()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def whole(self) -> Expression:
        found = self._level(0)
        if self._token.kind != "end":
            raise self._unexpected("an operator or the end")
        return found

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._token
        self._next += 1
        return token

    def _took(self, sign: str) -> bool:
        if self._token.kind == "sign" and self._token.text == sign:
            self._next += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._took(sign):
            raise self._unexpected(sign)

    def _unexpected(self, wanted: str) -> MathError:
        token = self._token
        found = f"'{token.text}'" if token.text else "the end"
        return MathError(f"{found} at character {token.at + 1} is unexpected: {wanted} would fit there")

    def _level(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while (operator := _LEVELS[level].get(self._token.text)) and self._token.kind in ("sign", "word"):
            self._next += 1
            left = Operation(operator, left, self._level(level + 1))
        return left

    def _unary(self) -> Expression:
        if self._took("-"):
            return Negation(self._nested(self._unary))
        base = self._operand()
        if self._took("^"):
            return Operation("^", base, self._nested(self._unary))
        return base

    def _nested(self, read: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise MathError(f"the expression is nested more than {DEEPEST} levels deep")
        found = read()
        self._depth -= 1
        return found

    def _operand(self) -> Expression:
        token = self._take()
        match token.kind:
            case "number":
                return Number(float(token.text))
            case "id":
                return Reference(token.text)
            case "text":
                return Text(token.text[1:-1])
            case "word" if token.text not in ("AND", "OR"):
                return Call(token.text, self._list(")")) if self._took("(") else Word(token.text)
        if token.text == "(" and token.kind == "sign":
            inner = self._nested(lambda: self._level(0))
            self._expect(")")
            return inner
        if token.text == "[" and token.kind == "sign":
            return Array(self._list("]"))
        self._next -= 1
        raise self._unexpected("a number, an id, a function or a parenthesis")

    def _list(self, end: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        if self._took(end):
            return ()
        while True:
            items.append(self._nested(lambda: self._level(0)))
            if not self._took(","):
                self._expect(end)
                return tuple(items)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise MathError(f"'{text[at]}' at character {at + 1} is nothing that an expression has")
        kind = found.lastgroup or ""
        yield _Token(kind, found[kind], found.start(kind))
        at = found.end()
    yield _Token("end", "", len(text))
