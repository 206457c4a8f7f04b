"""What is right about values of which some are wrong, so that everything else about them can be said at once."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, create_model

from tidegate.stage.frozen import Frozen

Path = tuple[str | int, ...]


def right_fields(model: type[BaseModel], values: Mapping[str, Any], wrong: Sequence[Path]) -> dict[str, Any]:
    """Type the fields of a model that are right, by their names; `wrong` are the paths that are not.

    A section that is wrong in parts is there without those parts: to ask it for one raises AttributeError, as a section
    that is right never does.
    """
    fields: dict[str, Any] = {}
    for name in model.model_fields:
        beneath = [path[1:] for path in wrong if path and path[0] == name]
        try:
            if beneath or name in values:
                fields[name] = _right(model, name, values, beneath)
            elif not model.model_fields[name].is_required():
                fields[name] = model.model_fields[name].get_default(call_default_factory=True, validated_data=fields)
        except (_NothingRightError, KeyError):  # a default can depend on a field that is not right
            continue
    return fields


def is_whole(section: BaseModel) -> bool:
    """Whether nothing about a section is wrong."""
    return section.__dict__.keys() >= type(section).model_fields.keys()


class _NothingRightError(Exception):
    pass


def _right(model: type[BaseModel], name: str, values: Mapping[str, Any], wrong: list[Path]) -> Any:
    if not wrong:
        return getattr(_alone(model, name).model_validate({name: values[name]}), name)
    section = next(models_in(model.model_fields[name].annotation), None)
    value = values.get(name)
    if section is None or () in wrong:
        raise _NothingRightError
    if isinstance(value, dict):
        return _section(section, value, wrong)
    if isinstance(value, list):
        return tuple(
            _section(section, item, [path[1:] for path in wrong if path[0] == index])
            for index, item in enumerate(value)
        )
    raise _NothingRightError


def _section(model: type[BaseModel], value: Any, wrong: list[Path]) -> BaseModel:
    given = value if isinstance(value, dict) else {}
    fields = right_fields(model, given, wrong)
    section = model.__new__(model)
    # As model_construct does, but without defaults in place of what is wrong.
    for slot, content in (
        ("__dict__", fields),
        ("__pydantic_fields_set__", given.keys() & model.model_fields.keys()),
        ("__pydantic_extra__", None),
        ("__pydantic_private__", None),
    ):
        object.__setattr__(section, slot, content)
    return section


@cache
def _alone(model: type[BaseModel], name: str) -> type[Frozen]:
    field = model.model_fields[name]
    alone: type[Frozen] = create_model("Alone", __base__=Frozen, **{name: (field.annotation, field)})  # type: ignore[call-overload]
    return alone


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)
