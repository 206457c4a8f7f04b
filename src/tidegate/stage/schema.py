"""The JSON Schemas (draft 2020-12) of `endpoint.yml` and of a stage's file, made from the model, for editors.

A file may leave out what the other one gives, so no key is required that merges key by key. The schemas take everything
that `tidegate validate` takes, and more: limits of durations and rules across fields cannot be said in JSON Schema.
"""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from tidegate.stage.document import plain
from tidegate.stage.documented import fields_of
from tidegate.stage.model import Shared, Stage
from tidegate.stage.quantities import as_written
from tidegate.stage.reading import parse_document
from tidegate.stage.written import Schema, Written

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def stage_schema() -> dict[str, Any]:
    """Return the schema of `stages/NAME.yml`."""
    return _file("A stage of a Tidegate deploy repository", "Laid over endpoint.yml, key by key.", _stage_keys())


def endpoint_schema() -> dict[str, Any]:
    """Return the schema of `endpoint.yml`: what only it says, and the defaults of all stages."""
    title, said = "What the stages of a Tidegate deploy repository share", "Each file in stages/ is laid over this one."
    project = _field(Shared, "project", merges=False)
    return _file(title, said, {"project": project, "variant": _field(Shared, "variant"), **_stage_keys()}) | {
        "required": ["project"]
    }


def _file(title: str, description: str, properties: Schema) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": title,
        "description": description,
        "type": ["object", "null"],  # a file that says nothing yet is right
        "additionalProperties": False,
        "properties": dict(properties),
    }


def _stage_keys() -> dict[str, Any]:
    return {name: _field(Stage, name) for name in Stage.model_fields if name != "name"}


def _field(model: type[BaseModel], name: str, *, merges: bool = True) -> dict[str, Any]:
    """Return the schema of a field: what it takes, what it is, what it is where nobody says, and examples."""
    field = model.model_fields[name]
    schema = _schema(field.annotation, field.metadata, merges=merges)
    bounds = schema.get("description")  # of a value, such as `0s to 1h`; a section's own words are in its fields
    schema["description"] = fields_of(model)[name].description + (f" From {bounds}." if bounds else "")
    if field.examples:
        schema["examples"] = [_example(each) for each in field.examples]
    given = not field.is_required() and field.default_factory is None
    if given and field.default is not None and not isinstance(field.default, BaseModel | tuple):
        schema["default"] = as_written(field.default)
    return schema


def _schema(annotation: Any, metadata: Any, *, merges: bool) -> dict[str, Any]:
    written = next((each for each in metadata if isinstance(each, Written)), None)
    if written:
        return dict(written.schema)
    arguments = get_args(annotation)
    match get_origin(annotation):
        case kind if kind is Annotated:
            return _schema(arguments[0], arguments[1:], merges=merges)
        case kind if kind in {Union, UnionType}:
            (given,) = (each for each in arguments if each is not NoneType)
            return _or_null(_schema(given, (), merges=merges))
        case kind if kind is tuple:
            # A list is replaced whole, so what is in it is complete.
            return {"type": "array", "items": _schema(arguments[0], (), merges=False)}
        case kind if isinstance(kind, type) and issubclass(kind, Mapping):
            names, values = (_schema(each, (), merges=merges) for each in arguments)
            return {"type": "object", "propertyNames": names, "additionalProperties": values}
    assert issubclass(annotation, BaseModel), annotation
    return _object(annotation, merges=merges)


def _object(model: type[BaseModel], *, merges: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _field(model, name, merges=merges) for name in model.model_fields},
    }
    if not merges:
        schema["required"] = [name for name, field in model.model_fields.items() if field.is_required()]
    return schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}


def _example(example: Any) -> Any:
    """Return an example as YAML reads it: examples are kept as a person would write them."""
    root = parse_document("example", f"example: {example}".encode()).root
    assert root is not None
    return plain(root)["example"]
