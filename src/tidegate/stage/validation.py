"""From positioned values to typed ones: what pydantic and the rules find, said with positions."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidegate.stage import rules
from tidegate.stage.document import MappingValue, SequenceValue, Value, plain
from tidegate.stage.fleet import Instances
from tidegate.stage.model import Project, Shared, Stage
from tidegate.stage.problems import InvalidValueError, Position, Problem
from tidegate.stage.quantities import show
from tidegate.stage.release import Release

_M = TypeVar("_M", bound=BaseModel)

SHARED_KEYS: Final = tuple(Shared.model_fields)
STAGE_KEYS: Final = tuple(name for name in Stage.model_fields if name != "name")
_ANYWHERE: Final = Project(name="any", id="any", account="0" * 12, region="us-east-1")


def validate_shared(root: MappingValue) -> tuple[Shared | None, list[Problem]]:
    """Type what only `endpoint.yml` says."""
    own = MappingValue({key: entry for key, entry in root.entries.items() if key in SHARED_KEYS}, root.position)
    return _validate(Shared, own, {})


def validate_stage(name: str, root: MappingValue, project: Project | None) -> tuple[Stage | None, list[Problem]]:
    """Type one stage, after the merge; without a project the stage's account and region are not judged."""
    own = MappingValue({key: entry for key, entry in root.entries.items() if key in STAGE_KEYS}, root.position)
    place = project or _ANYWHERE
    stage, problems = _validate(Stage, own, {"name": name, "account": place.account, "region": place.region})
    for finding in _findings(own, project):
        position = locate(own, finding.path)
        # A default can be right for one stage and wrong for another.
        where = "" if position.file == own.position.file else f" (in stage {name})"
        problems.append(Problem(position, finding.wrong + where, finding.right))
    return (None if problems else stage), problems


def unknown_keys(root: MappingValue, known: Iterable[str]) -> Iterator[Problem]:
    """Name the keys at the top of a file that nobody reads."""
    known = tuple(known)
    for key, entry in root.entries.items():
        if key not in known:
            if key in SHARED_KEYS:
                yield Problem(entry.position, f"`{key}` is the same for all stages", "move it to endpoint.yml")
            elif key == "name":
                yield Problem(entry.position, "`name` is not known here", "a stage is called as its file is")
            else:
                yield Problem(entry.position, f"{show(key)} is not known here", _suggest(key, known))


def locate(root: Value, path: Iterable[str | int]) -> Position:
    """Find where a path stands: its value, or its key where the path ends with `rules.KEY`, or as far as it exists."""
    value, position = root, root.position
    for part in path:
        match value:
            case MappingValue() if part in value.entries:
                entry = value.entries[str(part)]
                value, position = entry.value, entry.position
            case SequenceValue() if isinstance(part, int) and part < len(value.items):
                value = value.items[part]
                position = value.position
            case _:
                return position
    return value.position


def _validate(model: type[_M], root: MappingValue, given: Mapping[str, object]) -> tuple[_M | None, list[Problem]]:
    try:
        return model.model_validate({**given, **plain(root)}), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_problem(model, root, each) for each in details if each["type"] != "default_factory_not_called"]


def _findings(root: MappingValue, project: Project | None) -> Iterator[rules.Finding]:
    """Apply the rules to the sections that are right in themselves, whatever the others are."""
    instances, release = _section(Instances, root, "instances"), _section(Release, root, "release")
    if project:
        values = plain(root)
        yield from rules.check_place(project, values.get("account"), values.get("region"))
    if release:
        yield from rules.check_release(release, instances)


def _section(model: type[_M], root: MappingValue, key: str) -> _M | None:
    entry = root.entries.get(key)
    if entry is None:
        return None
    try:
        return model.model_validate(plain(entry.value))
    except ValidationError:
        return None


def _problem(model: type[BaseModel], root: MappingValue, error: ErrorDetails) -> Problem:
    path = error["loc"]
    position, key, value = locate(root, path), path[-1] if path else "", error["input"]
    match error["type"]:
        case "value_error" if isinstance(cause := error["ctx"]["error"], InvalidValueError):
            return Problem(position, cause.wrong, cause.right)
        case "missing":
            return Problem(position, f"`{key}` is missing", _example(model, path))
        case "extra_forbidden":
            keys = _model_at(model, path[:-1]).model_fields
            return Problem(
                locate(root, (*path, rules.KEY)), f"{show(key)} is not known here", _suggest(str(key), tuple(keys))
            )
        case "model_type" | "mapping_type" | "dict_type":
            return Problem(position, f"{show(value)} is not a mapping", "write `key: value` lines, indented")
        case "tuple_type":
            return Problem(position, f"{show(value)} is not a list", "write one item a line, each after a hyphen")
        case _:
            return Problem(position, f"{show(value)} is refused: {error['msg']}", "see docs/stage-file.md")


def _suggest(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"the keys here are {', '.join(known)}"


def _example(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    field = _model_at(model, path[:-1]).model_fields[str(path[-1])]
    if field.examples:
        return f"add it, such as `{path[-1]}: {field.examples[0]}`"
    return f"add it, with the keys {', '.join(_model_at(model, path).model_fields)}"


def _model_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel]:
    for part in path:
        if isinstance(part, str):
            model = next(_models_in(model.model_fields[part].annotation))
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
