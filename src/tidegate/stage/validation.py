"""From positioned values to typed ones: what pydantic and the rules find, said with positions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidegate.stage import rules
from tidegate.stage.document import MappingValue, SequenceValue, Value, plain
from tidegate.stage.model import Project, Shared, Stage
from tidegate.stage.partial import Path, models_in, right_fields
from tidegate.stage.problems import InvalidValueError, Position, Problem
from tidegate.stage.quantities import show
from tidegate.stage.rules.reading import missing_key, unknown_key

_M = TypeVar("_M", bound=BaseModel)

SHARED_KEYS: Final = tuple(Shared.model_fields)
STAGE_KEYS: Final = tuple(name for name in Stage.model_fields if name != "name")
_NEAR: Final = 0.7  # as difflib measures: a slip of the keyboard or two, and no other word
_ANYWHERE: Final = Project.model_construct(name="any", id="any", account="0" * 12, region="us-east-1", places=())
# Keys that people look for and that are not there, by their paths.
_ELSEWHERE: Final[Mapping[tuple[str | int, ...], str]] = {
    ("name",): "a stage is called as its file is",
    ("test", "pass_when"): "take it out: a person decides how a test ends",
}


def validate_shared(root: MappingValue) -> tuple[Shared | None, list[Problem]]:
    """Type what only `endpoint.yml` says."""
    own = MappingValue({key: entry for key, entry in root.entries.items() if key in SHARED_KEYS}, root.position)
    shared, problems, _ = typed(Shared, own, plain(own))
    return shared, problems


def validate_stage(name: str, root: MappingValue, shared: Shared | None) -> tuple[Stage | None, list[Problem]]:
    """Type one stage, after the merge; where `endpoint.yml` is wrong, what needs its project is not judged."""
    own = MappingValue({key: entry for key, entry in root.entries.items() if key in STAGE_KEYS}, root.position)
    written = plain(own)
    place = shared.project if shared else _ANYWHERE
    values = {"name": name, "account": place.account, "region": place.region, **written}
    stage, problems, wrong = typed(Stage, own, values, stage=name)
    sections: dict[str, Any] = dict(stage) if stage else right_fields(Stage, values, wrong)
    if shared:
        sections |= {"project": shared.project, "variant": shared.variant}
    else:
        sections = {key: value for key, value in sections.items() if key not in {"account", "region"} - written.keys()}
    for violation in rules.apply(sections, whole=stage is not None):
        position = locate(own, violation.path)
        wrong_there = violation.wrong + _in_stage(name, own, position)
        problems.append(Problem(position, wrong_there, violation.right, violation.rule))
    return (None if problems else stage), problems


def unknown_keys(root: MappingValue, known: Iterable[str]) -> Iterator[Problem]:
    """Name the keys at the top of a file that nobody reads."""
    known = tuple(known)
    for key, entry in root.entries.items():
        if key in known:
            continue
        if key in SHARED_KEYS:
            wrong, right = f"`{key}` is the same for all stages", "move it to endpoint.yml"
        else:
            wrong, right = f"{show(key)} is not known here", _suggest((key,), known)
        yield Problem(entry.position, wrong, right, unknown_key.id)


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


def typed(
    model: type[_M], root: MappingValue, values: Mapping[str, Any], *, stage: str = ""
) -> tuple[_M | None, list[Problem], list[Path]]:
    """Return `values` as the model, or what is wrong with them and the paths that it is wrong with.

    `root` is where they stand, after a merge into the file of `stage`; rules across fields are not applied.
    """
    try:
        return model.model_validate(values), [], []
    except ValidationError as error:
        details = error.errors(include_url=False)
        told = [each for each in details if each["type"] != "default_factory_not_called"]
        problems = [_problem(model, root, each, stage) for each in told]
        return None, problems, [each["loc"] for each in details]


def _in_stage(name: str, root: MappingValue, position: Position) -> str:
    """Name the stage where `position` is in `endpoint.yml`: a default can be right for one stage and wrong for another.

    `root` is the stage's own, after the merge.
    """
    return "" if position.file == root.position.file else f" (in stage {name})"


def _problem(model: type[BaseModel], root: MappingValue, error: ErrorDetails, stage: str) -> Problem:
    path = error["loc"]
    position, key, value = locate(root, path), path[-1] if path else "", error["input"]
    match error["type"]:
        case "value_error" if isinstance(cause := error["ctx"]["error"], InvalidValueError):
            return Problem(position, cause.wrong, cause.right, rules.of_value(path))
        case "missing":
            in_a_list = any(isinstance(part, int) for part in path)  # which no stage adds to
            where = "" if in_a_list else _in_stage(stage, root, position)
            return Problem(position, f"`{key}` is missing{where}", _example(model, path), missing_key.id)
        case "extra_forbidden":
            wrong, right = f"{show(key)} is not known here", _suggest(path, _model_at(model, path[:-1]).model_fields)
            return Problem(locate(root, (*path, rules.KEY)), wrong, right, unknown_key.id)
        case "model_type" | "mapping_type" | "dict_type":
            wrong, right = f"{show(value)} is not a mapping", "write `key: value` lines, indented"
        case "tuple_type":
            wrong, right = f"{show(value)} is not a list", "write one item a line, each after a hyphen"
        case _:
            wrong, right = f"{show(value)} is refused: {error['msg']}", "see docs/stage-file.md"
    return Problem(position, wrong, right, rules.of_value(path))


def _suggest(path: tuple[str | int, ...], known: Iterable[str]) -> str:
    if path in _ELSEWHERE:
        return _ELSEWHERE[path]
    keys = tuple(known)
    from difflib import get_close_matches  # imported for a mistake only

    near = get_close_matches(str(path[-1]), keys, n=1, cutoff=_NEAR)
    return f"did you mean `{near[0]}`?" if near else f"the keys here are {', '.join(keys)}"


def _example(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    field = _model_at(model, path[:-1]).model_fields[str(path[-1])]
    if field.examples:
        return f"add it, such as `{path[-1]}: {field.examples[0]}`"
    return f"add it, with the keys {', '.join(_model_at(model, path).model_fields)}"


def _model_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel]:
    for part in path:
        if isinstance(part, str):
            model = next(models_in(model.model_fields[part].annotation))
    return model
