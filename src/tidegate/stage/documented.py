"""What the model's own source says of its fields and limits: the one place where both are explained.

Read only for people and editors (`validate --show`, `validate --schema`); nothing is judged by it.
"""

import ast
import inspect
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel

from tidegate.stage import limits


@dataclass(frozen=True, slots=True)
class FieldDocument:
    """What a field is, in the words below it, and the limit that its default is, empty where it has none."""

    description: str = ""
    default_limit: str = ""


@cache
def fields_of(model: type[BaseModel]) -> dict[str, FieldDocument]:
    """Return what is said of each field of a model, those of the models that it extends included."""
    found: dict[str, FieldDocument] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found.update(_fields(each))
    return found


@cache
def limit_sources() -> dict[str, str]:
    """Return the source of each limit: the comment beside its name in `limits`."""
    text = inspect.getsource(limits)
    comments = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(iter(text.splitlines(keepends=True)).__next__)
        if token.type == tokenize.COMMENT and not token.line.lstrip().startswith("#")
    }
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            found[node.target.id] = " ".join(comments[line] for line in lines if line in comments)
    return found


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldDocument]]:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(node, ast.ClassDef)
    for index, statement in enumerate(node.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            below = node.body[index + 1] if index + 1 < len(node.body) else None
            yield statement.target.id, FieldDocument(_text(below), _limit(statement.value))


def _text(node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
    return ""


def _limit(node: ast.expr | None) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id="limits"), attr=name):
            return name
        case ast.Call(keywords=keywords):
            return next((_limit(each.value) for each in keywords if each.arg == "default"), "")
    return ""
