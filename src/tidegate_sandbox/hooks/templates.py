"""The names of ministack by which CloudFormation takes a template, its parameters and each resource's properties.

A part of `hooks`, whose `check` asserts these too. ministack itself passes over undefined references, over parameters
that a template does not have and over properties that a type does not have, and leaves out some that a type has.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from ministack.core import responses as _responses
from ministack.services import cloudformation as _cloudformation
from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import engine as _engine
from ministack.services.cloudformation import handlers as _handlers
from ministack.services.cloudformation import helpers as _helpers
from ministack.services.cloudformation import provisioners as _provisioners
from ministack.services.cloudformation import stacks as _stacks

from tidegate_sandbox import cloudformation
from tidegate_sandbox.cloudformation import properties, references
from tidegate_sandbox.cloudformation.addresses import s3_object
from tidegate_sandbox.hooks import managed
from tidegate_sandbox.unheeded import properties as unheeded

RELIED_ON: list[tuple[Any, str]] = [
    (_changesets, "_resolve_parameters"),
    (_changesets, "validate_template_support"),
    (_cloudformation, "_exports"),
    (_engine, "_evaluate_conditions"),
    (_engine, "_resolve_parameters"),
    (_engine, "validate_template_support"),
    (_handlers, "_resolve_parameters"),
    (_helpers, "_p"),
    (_helpers, "_resolve_document"),
    (_handlers, "validate_template_support"),
    (_provisioners, "_RESOURCE_HANDLERS"),
    (_provisioners, "_delete_resource"),
    (_provisioners, "_provision_resource"),
    (_provisioners, "_update_resource"),
    (_provisioners, "_zip_inline"),
    (_responses, "get_account_id"),
    (_responses, "get_region"),
    (_stacks, "_add_event"),
    (_stacks, "_provision_resource"),
    (_stacks, "_resolve_stack_outputs"),
    (_stacks, "_update_resource"),
]

_stock_validate = _engine.validate_template_support
_stock_parameters = _engine._resolve_parameters
_stock_conditions = _engine._evaluate_conditions
_stock_provision = _provisioners._provision_resource
_stock_update = _provisioners._update_resource


# ---------------------------------------------------------------- the template
_stock_document = _helpers._resolve_document


def _document(params: Mapping[str, Any], body_key: str, url_key: str, label: str) -> Any:
    # ministack takes the first part of the path for the bucket, which with most of S3's addresses is in the host.
    if (given := _helpers._p(params, url_key)) and (where := s3_object(given)):
        params = {**params, url_key: [f"https://s3.amazonaws.com/{where[0]}/{where[1]}"]}
    return _stock_document(params, body_key, url_key, label)


_helpers._resolve_document = _document


def _validate(template: dict[str, Any], conditions: dict[str, bool], params: Any = None) -> None:
    # Without parameters, from ValidateTemplate, nobody knows which conditions hold.
    if found := references.problem(template, conditions if params is not None else None):
        raise ValueError(found)
    _stock_validate(template, conditions, params=params)


def _parameters(template: dict[str, Any], given: list[dict[str, Any]], before: Any = None) -> dict[str, Any]:
    names = {each["Key"]: None for each in given if "Key" in each}
    if found := references.unknown_parameters(template, names) or references.missing_parameters(template, names):
        raise ValueError(found)
    declared = {name: _as_text(each) for name, each in (template.get("Parameters") or {}).items()}
    resolved: dict[str, Any] = _stock_parameters({**template, "Parameters": declared}, given, before)
    return resolved


def _as_text(parameter: Mapping[str, Any]) -> dict[str, Any]:
    # A boolean that is written as one is the text "true" or "false" to CloudFormation, and "True" to Python.
    def text(value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value

    known = {key: text(value) for key, value in parameter.items()}
    if isinstance(allowed := known.get("AllowedValues"), list):
        known["AllowedValues"] = [text(value) for value in allowed]
    return known


def _conditions_of_nested(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
    # The template of a nested stack is looked at by nobody else.
    found: dict[str, bool] = _stock_conditions(template, params)
    _validate(template, found, params)
    return found


for _module in (_handlers, _changesets):
    _module.validate_template_support = _validate
    _module._resolve_parameters = _parameters
# A nested stack imports both from the engine when it is made.
_engine._resolve_parameters = _parameters
_engine._evaluate_conditions = _conditions_of_nested


_stock_outputs = _stacks._resolve_stack_outputs


def _outputs(*given: Any, **named: Any) -> Any:
    # ministack lets a stack take the name of an export away from another.
    outputs, exports = _stock_outputs(*given, **named)
    for name, export in exports.items():
        other = (_cloudformation._exports.get(name) or export)["StackId"]
        if other != export["StackId"]:
            stack = other.rpartition(":stack/")[2].partition("/")[0]
            raise ValueError(f"Export with name {name} is already exported by stack {stack}.")
    return outputs, exports


_stacks._resolve_stack_outputs = _outputs


# ---------------------------------------------------------------- its resources
def _provision(kind: str, logical_id: str, given: dict[str, Any], stack: str) -> Any:
    _hold_to_schema(kind, logical_id, given)
    managed.hold_to_policies(kind, given)
    _told[_place(stack, logical_id)] = unheeded.of_resource(kind, given)
    made = _stock_provision(kind, logical_id, given, stack)
    managed.bound(kind, str(made[0]), given)
    return made


def _update(
    kind: str, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, *rest: Any, **named: Any
) -> Any:
    if old != new:
        logical_id = str(rest[0] if rest else named.get("logical_id") or physical_id)
        _hold_to_schema(kind, logical_id, new)
        managed.hold_to_policies(kind, new)
        _told[_place(stack, logical_id)] = unheeded.of_resource(kind, new)
    changed = _stock_update(kind, physical_id, old, new, stack, *rest, **named)
    if old != new:
        managed.bound(kind, str(changed[0]), new)
    return changed


_told: dict[tuple[str, str, str, str], str] = {}
"""What the event says that a resource is made or changed with: what of it has no effect."""


def _place(stack: str, logical_id: str) -> tuple[str, str, str, str]:
    return _responses.get_account_id(), _responses.get_region(), stack, logical_id


_stock_event = _stacks._add_event


def _event(
    stack_id: str, stack: str, logical_id: str, kind: str, status: str, reason: str = "", *rest: Any, **named: Any
) -> None:
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") and logical_id != stack:
        reason = reason or _told.pop(_place(stack, logical_id), "")
    _stock_event(stack_id, stack, logical_id, kind, status, reason, *rest, **named)


_stacks._add_event = _event


def _hold_to_schema(kind: str, logical_id: str, given: Mapping[str, Any]) -> None:
    if found := properties.problems(kind, given):
        raise ValueError(f"Properties validation failed for resource {logical_id} with message: [{', '.join(found)}]")


for _module in (_provisioners, _stacks):
    _module._provision_resource = _provision
    _module._update_resource = _update


# ---------------------------------------------------------------- functions whose code is in a template
_stock_zip_inline = _provisioners._zip_inline


def _zip_inline(source: str | None, handler: str, runtime: str = "python3.12") -> bytes | None:
    # AWS lays its module for answering CloudFormation beside such code, and beside no other.
    archive: bytes | None = _stock_zip_inline(source, handler, runtime)
    if archive is None or not runtime.startswith("python"):
        return archive
    with_module = io.BytesIO(archive)
    with zipfile.ZipFile(with_module, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("cfnresponse.py", (files(cloudformation) / "inline" / "cfnresponse.py").read_text("utf-8"))
    return with_module.getvalue()


_provisioners._zip_inline = _zip_inline


def stock_types() -> Iterator[str]:
    """Yield the name of each resource type that can be in a stack, but for custom resources."""
    yield from sorted(_provisioners._RESOURCE_HANDLERS)
