"""Where each value of a stage comes from: a line of a file, a default with its source, or what is made of others."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel

from tidegate.stage.document import MappingValue, SequenceValue, Value, plain
from tidegate.stage.documented import fields_of, limit_sources
from tidegate.stage.load import RepoFiles
from tidegate.stage.model import Repo, Stage
from tidegate.stage.problems import Position
from tidegate.stage.quantities import as_written
from tidegate.stage.scalars import resolve

Path = tuple[str | int, ...]

_COMMENTS_START: Final = 44
_COMMENTS_START_MAX: Final = 60
# Words that need no quotes in any place of a block, no indicator in front, no `: `, no ` #`; and quantities.
_PLAIN: Final = re.compile(r"[A-Za-z/$]([A-Za-z0-9/.$_+=@%:-]*[A-Za-z0-9/.$_+=@%-])?( [A-Za-z0-9/._-]+)*")
_QUANTITY: Final = re.compile(r"[0-9]+(\.[0-9]+)?( ?%|[a-z]{1,2}| [A-Z]{3}| of [0-9]+)")
_TRUTHS_OF_YAML_1_1: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
_PROJECTS: Final = {"account": ("project", "account"), "region": ("project", "region")}


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value of a stage as a file would hold it, and where it comes from."""

    path: Path
    value: Any
    origin: str


def values_of(repo: Repo, stage: Stage, files: RepoFiles) -> tuple[ShownValue, ...]:
    """Return every value that a stage has, in the order of the model; what is left out and has no default is not there.

    Mappings and lists are there by what is in them, empty ones as themselves.
    """
    merged = files.merged(stage.name)
    assert merged is not None  # or there were no stage
    here = _Places(repo.root.as_posix())
    values = [
        ShownValue(("name",), stage.name, "computed: what the file is called"),
        ShownValue(("endpoint",), repo.endpoint_name(stage), "computed: project.name, project.id and the stage's name"),
        ShownValue(("stack",), repo.stack_name(stage), "computed: project.id and the stage's name"),
    ]
    for model, typed in ((Repo, repo), (Stage, stage)):
        for name in model.model_fields:
            if name not in {"root", "stages", "name"}:
                values += _field(typed, name, merged, (), here)
    return tuple(values)


def shown_json(values: Sequence[ShownValue]) -> dict[str, Any]:
    """Return the values for `--json`: a flat list, each with its path."""
    return {"values": [{"path": list(each.path), "value": each.value, "from": each.origin} for each in values]}


def merged_json(values: Sequence[ShownValue]) -> dict[str, Any]:
    """Return the stage that the values make, each as a file would hold it."""
    merged: dict[str, Any] = {}
    for each in values:
        place: Any = merged
        for part, following in pairwise(each.path):
            inner: Any = [] if isinstance(following, int) else {}
            if isinstance(place, dict):
                place = place.setdefault(part, inner)
            else:
                if part == len(place):
                    place.append(inner)
                place = place[part]
        last = each.path[-1]
        if isinstance(place, dict):
            place[last] = each.value
        else:
            place.append(each.value)
    return merged


def shown_yaml(values: Sequence[ShownValue]) -> str:
    """Write the values as YAML in blocks, with their origins as comments in one column."""
    lines = list(_lines(values))
    width = min(max((len(text) for text, _ in lines), default=0), _COMMENTS_START_MAX)
    column = max(width, _COMMENTS_START)
    return "\n".join(f"{text:<{column}}  # {origin}" if origin else text for text, origin in lines)


@dataclass(frozen=True, slots=True)
class _Places:
    root: str

    def say(self, position: Position) -> str:
        file = position.file if self.root == "." else position.file.removeprefix(f"{self.root.rstrip('/')}/")
        return f"{file}:{position.line}"


def _field(typed: BaseModel, name: str, written: MappingValue, path: Path, here: _Places) -> Iterator[ShownValue]:
    value, here_path = getattr(typed, name), (*path, name)
    entry = written.entries.get(name)
    if entry is not None:
        yield from _written(value, entry.value, here_path, here)
    elif name in _PROJECTS and isinstance(typed, Stage):
        yield ShownValue(here_path, value, f"computed: {'.'.join(_PROJECTS[name])}")
    elif isinstance(value, BaseModel):
        nothing = MappingValue({}, written.position)
        for field in type(value).model_fields:
            yield from _field(value, field, nothing, here_path, here)
    elif value not in (None, (), {}):
        yield ShownValue(here_path, as_written(value), _default(type(typed), name))


def _written(typed: Any, value: Value, path: Path, here: _Places) -> Iterator[ShownValue]:
    """Yield what a file says, and for sections the defaults of what it does not say."""
    match value:
        case MappingValue() if isinstance(typed, BaseModel):
            for name in type(typed).model_fields:
                yield from _field(typed, name, value, path, here)
        case MappingValue() if value.entries:
            for key, entry in value.entries.items():
                yield from _written(None, entry.value, (*path, key), here)
        case SequenceValue() if value.items:
            for index, item in enumerate(value.items):
                yield from _written(typed[index], item, (*path, index), here)
        case _:
            yield ShownValue(path, plain(value), here.say(value.position))


def _default(model: type[BaseModel], name: str) -> str:
    limit = fields_of(model)[name].default_limit
    source = limit_sources().get(limit, "")
    return f"default (limits: {source})" if source else "default"


def _lines(values: Sequence[ShownValue]) -> Iterator[tuple[str, str]]:
    """Yield each line and its comment: a line for each part of a path that the line before does not share."""
    before: Path = ()
    for each in values:
        shared = next((index for index, (a, b) in enumerate(zip(before, each.path, strict=False)) if a != b), None)
        start = len(before) if shared is None else shared
        text = ""
        for depth, part in enumerate(each.path[start:], start):
            last = depth == len(each.path) - 1
            if isinstance(part, int):
                text = f"{'  ' * depth}- "
                if last:
                    yield text + scalar(each.value), each.origin
                continue
            lead = text or "  " * depth
            text = ""
            yield (
                (f"{lead}{scalar(part)}: {scalar(each.value)}", each.origin) if last else (f"{lead}{scalar(part)}:", "")
            )
        before = each.path


def scalar(value: Any) -> str:
    """Write a scalar, an empty mapping or an empty list so that YAML 1.1 and 1.2 read it back."""
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.lower() not in _TRUTHS_OF_YAML_1_1
        if (is_plain or _QUANTITY.fullmatch(value)) and resolve(value) == value:
            return value
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return json.dumps(value)
