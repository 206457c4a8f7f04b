"""Holds the properties of a resource to the schema of its type.

schemas.json has, a type a line, what CloudFormation's resource schemas say of names: which properties there are, which
of them a template can give, and which it has to (tests/tidegate_sandbox/test_stack_templates.py says how it is made).
Values are left to the service, and text stands for numbers and booleans, as CloudFormation takes it.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Schema = Mapping[str, Any]


def problems(kind: str, properties: Mapping[str, Any]) -> list[str]:
    """Return what of `properties`, resolved ones, does not fit the schema of `kind`, in CloudFormation's words.

    A type without a schema, a custom resource, takes any.
    """
    schema = schemas().get(kind)
    return list(_misfits(schema, schema.get("definitions", {}), properties, "#")) if schema else []


@cache
def schemas() -> Mapping[str, Schema]:
    """Return the schemas by the name of their type."""
    found: dict[str, Schema] = json.loads((files(__package__) / "schemas.json").read_text("utf-8"))
    return found


def _misfits(schema: Schema, definitions: Mapping[str, Schema], value: Any, path: str) -> Iterator[str]:
    if named := schema.get("$ref"):
        schema = definitions[named]
        if "$ref" in schema:
            yield from _misfits(schema, definitions, value, path)
            return
    if "properties" in schema:
        if not isinstance(value, Mapping):
            yield f"{path}: expected type: JSONObject, found: {_kind(value)}"
            return
        yield from _misfits_of_object(schema, definitions, value, path)
    elif "items" in schema:
        if not isinstance(value, list):
            yield f"{path}: expected type: JSONArray, found: {_kind(value)}"
            return
        for index, item in enumerate(value):
            yield from _misfits(schema["items"], definitions, item, f"{path}/{index}")


def _misfits_of_object(
    schema: Schema, definitions: Mapping[str, Schema], value: Mapping[str, Any], path: str
) -> Iterator[str]:
    known = schema["properties"]
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}: required key [{name}] not found"
    for name, item in value.items():
        if name in known:
            yield from _misfits(known[name], definitions, item, f"{path}/{name}")
        elif not schema.get("open"):
            yield f"{path}: extraneous key [{name}] is not permitted"


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "JSONObject"
    if isinstance(value, list):
        return "JSONArray"
    return {bool: "Boolean", int: "Integer", float: "BigDecimal"}.get(type(value), "String")
