"""How problems of files are said: lines for people, annotations for GitHub, a document for programs.

What a file says is hostile until it was judged, and its text goes into logs and terminals here: nothing of it may end a
line, move a cursor or be taken for a command of the runner that reads the log.
"""

import os
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import typer

from tidegate.stage import Problem, StageFileError

_EXCERPT_WIDTH: Final = 100
_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def default_format() -> Format:
    """Return what is read where this runs: GitHub's runners say so in GITHUB_ACTIONS."""
    return Format.GITHUB if os.environ.get("GITHUB_ACTIONS") == "true" else Format.TEXT


def complain_of_files(error: StageFileError, wanted: Format | None = None) -> None:
    """Print every problem to stderr, then how many there are."""
    in_github = (wanted or default_format()) is Format.GITHUB
    for problem in error.problems:
        for line in [_annotation(problem)] if in_github else _lines(problem, error.line_of(problem)):
            typer.echo(line, err=True)
    files = len({problem.position.file for problem in error.problems})
    typer.echo(f"{_count(len(error.problems), 'problem')} in {_count(files, 'file')}; nothing was done", err=True)


def problems_document(error: StageFileError) -> dict[str, Any]:
    """Return all problems for `--json`."""
    return {
        "ok": False,
        "problems": [
            {
                **problem.position._asdict(),
                "wrong": problem.wrong,
                "right": problem.right,
                "rule": problem.rule or None,
                "text": error.line_of(problem),
            }
            for problem in error.problems
        ],
    }


def _lines(problem: Problem, line: str | None) -> Iterator[str]:
    """Yield the sentence, then the line of the file with a mark under the place."""
    yield _printable(str(problem))
    if line is None:
        return
    column = problem.position.column - 1
    start = max(0, min(column - _EXCERPT_WIDTH // 2, len(line) - _EXCERPT_WIDTH))
    before, after = _printable(line[start:column]), _printable(line[column : start + _EXCERPT_WIDTH])
    number = f"{problem.position.line:>6}"
    yield f"{number} | {before}{after}".rstrip()
    yield f"{' ' * len(number)} | {' ' * sum(map(_cells, before))}^"


def _annotation(problem: Problem) -> str:
    """Return the workflow command that shows a problem beside its line in a pull request.

    GitHub docs, workflow commands: `::error file=…,line=…,col=…::message`; its toolkit escapes as `_escaped` does.
    """
    file, line, column = problem.position
    title = f",title={_escaped(problem.rule, ':,')}" if problem.rule else ""
    return (
        f"::error file={_escaped(_in_workspace(file), ':,')},line={line},col={column}{title}::{_escaped(str(problem))}"
    )


def _in_workspace(file: str) -> str:
    """Return the path from the root of the checkout, which is where GitHub looks for it."""
    path, workspace = Path(file).absolute(), os.environ.get("GITHUB_WORKSPACE")
    return path.relative_to(workspace).as_posix() if workspace and path.is_relative_to(workspace) else file


def _escaped(text: str, also: str = "") -> str:
    escaped = "".join(each if each.isprintable() or each in "\r\n" else _UNPRINTABLE for each in text)
    for each in f"%\r\n{also}":
        escaped = escaped.replace(each, f"%{ord(each):02X}")
    return escaped


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else _UNPRINTABLE for each in text.replace("\t", " "))


def _cells(character: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
