"""A rendered template read back: that it is YAML, and that it keeps what verify relies on.

Only what a repository has replaced is read back: what is shipped is held to all of this by its tests.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, NoReturn

import yaml

from tidegate.registry import RELEASE_TAG
from tidegate.render.environment import BrokenTemplateError
from tidegate.stacks import ENDPOINT, ENDPOINT_CONFIG, MODEL

ALARM: Final = "AWS::CloudWatch::Alarm"
RETAINED: Final = (MODEL, ENDPOINT_CONFIG)

_IN_TEXT: Final = re.compile(r"\$\{([^!}][^.}]*)")  # what Fn::Sub replaces, but for `${!Literal}`

Place = Callable[[int], str]
"""Tells where the line of that number, counted from 1, comes from."""

_TEXT: Final = "tag:yaml.org,2002:str"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CloudFormationLoader(_Loader):  # type: ignore[misc]
    """Reads CloudFormation's short forms (`!Ref x`) as their long ones (`{Ref: x}`), and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
                key.tag = _TEXT  # CloudFormation's keys are text as it is written, also where it looks like a number
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _function(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    argument: Any
    match node:
        case yaml.ScalarNode():
            argument = loader.construct_scalar(node)
        case yaml.SequenceNode():
            argument = loader.construct_sequence(node, deep=True)
        case _:
            argument = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(argument, str):
        argument = argument.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": argument}


_CloudFormationLoader.add_multi_constructor("!", _function)


def parse(text: str, place: Place) -> dict[str, Any]:
    """Return the CloudFormation template that `text` is, with CloudFormation's functions in their long forms.

    Raises BrokenTemplateError with the place of what is not YAML, or holds a key twice, and if it holds itself.
    """
    try:
        document = yaml.load(text, _CloudFormationLoader)  # noqa: S506 it is a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        found = text.splitlines()[line - 1 : line]
        shown = f" ({found[0].strip()[:80]!r})" if found else ""
        why = ", ".join(part for part in (error.context, error.problem) if part)
        raise BrokenTemplateError(f"{place(line)}: the output is no YAML{shown}: {why}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise BrokenTemplateError(f"{place(1)}: the output is no YAML: {error}") from None
    try:
        json.dumps(document, default=str)
    except ValueError:
        raise BrokenTemplateError(f"{place(1)}: the output has a YAML alias inside of what it stands for") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise BrokenTemplateError(f"{place(1)}: the output is no CloudFormation template: it has no Resources")
    return document


def resources(document: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    """Return the properties of the resources of one type, by logical id."""
    return {
        logical_id: _mapping(resource.get("Properties"))
        for logical_id, resource in document["Resources"].items()
        if isinstance(resource, dict) and resource.get("Type") == kind
    }


def made_of(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return what models and endpoint configs are made of, but for tags, which replace neither."""
    return {
        kind: [
            {name: value for name, value in properties.items() if name != "Tags"}
            for properties in resources(document, kind).values()
        ]
        for kind in RETAINED
    }


def check(
    document: Mapping[str, Any],
    text: str,
    place: Place,
    *,
    endpoint_name: str,
    variant: str,
    release_id: str,
    guarded: bool,
    alarms: Collection[str],
) -> None:
    """Refuse a template after whose release nobody could tell what happened, or that would delete what serves.

    It must make the one endpoint; an endpoint config that carries the release's tag and has the production variant, by
    whose name the guardrails know it; keep models and endpoint configs; and, where the update is guarded, name every
    rollback alarm in the endpoint's DeploymentConfig, which an update that is not guarded must do without. What it
    refers to must be there: replacing one part can leave another without.

    Raises BrokenTemplateError.
    """

    def refuse(what: str, kind: str) -> NoReturn:
        logical_id = next(iter(resources(document, kind)), "Resources")
        raise BrokenTemplateError(f"{place(_line_of(text, str(logical_id)))}: {what}")

    endpoints = list(resources(document, ENDPOINT).values())
    if [endpoint.get("EndpointName") for endpoint in endpoints] != [endpoint_name]:
        refuse(f"the template must make one {ENDPOINT}, named `{{{{ endpoint_name }}}}`", ENDPOINT)
    configs = resources(document, ENDPOINT_CONFIG).values()
    release_tag = {"Key": RELEASE_TAG, "Value": release_id}
    if not any(release_tag in _list(config.get("Tags")) for config in configs):
        refuse(
            f"the {ENDPOINT_CONFIG} must have the tag {RELEASE_TAG} with `{{{{ release_id }}}}`: "
            "that is how verify recognises a release",
            ENDPOINT_CONFIG,
        )
    variants = (each for config in configs for each in _list(config.get("ProductionVariants")))
    if not any(_mapping(each).get("VariantName") == variant for each in variants):
        refuse(f"the {ENDPOINT_CONFIG} must have the production variant `{{{{ variant }}}}`", ENDPOINT_CONFIG)
    for logical_id, resource in document["Resources"].items():
        if isinstance(resource, dict) and resource.get("Type") in RETAINED:
            policies = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
            if policies != ("Retain", "Retain"):
                raise BrokenTemplateError(
                    f"{place(_line_of(text, str(logical_id)))}: {logical_id} must have `DeletionPolicy: Retain` and "
                    "`UpdateReplacePolicy: Retain`: after a rollback it may be what serves"
                )
    config = endpoints[0].get("DeploymentConfig")
    if config and not guarded:
        refuse("the endpoint must have no DeploymentConfig in a test or at its end: its variants change", ENDPOINT)
    rollback = _mapping(_mapping(config).get("AutoRollbackConfiguration"))
    watched = {_name(_mapping(alarm).get("AlarmName"), document) for alarm in _list(rollback.get("Alarms"))}
    if guarded and (missing := sorted(set(alarms) - watched)):
        refuse(f"the endpoint's DeploymentConfig leaves rollback alarms out: {', '.join(missing)}", ENDPOINT)
    for section, name, referred in _dangling(document):
        line = _line_of(text, name, section)
        raise BrokenTemplateError(f"{place(line)}: {name} refers to {referred}, which is not there")


def _dangling(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the section and name of each resource or output that refers to what is not there, and to what."""
    if "Transform" in document:  # which may make more than can be seen
        return
    there = {*document["Resources"], *_mapping(document.get("Parameters"))}
    for section in ("Resources", "Outputs"):
        for name, entry in _mapping(document.get(section)).items():
            for referred in _referred(entry):
                if referred not in there and not referred.startswith("AWS::"):
                    yield section, str(name), referred


def _referred(value: Any) -> Iterator[str]:
    """Yield the logical ids, parameters and pseudo parameters that a part of a template refers to."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            yield name
        case {"Fn::GetAtt": [str(name), *_]} if len(value) == 1:
            yield name
        case {"Fn::Sub": str(text)} if len(value) == 1:
            yield from _IN_TEXT.findall(text)
        case {"Fn::Sub": [str(text), {**own}]} if len(value) == 1:
            yield from (name for name in _IN_TEXT.findall(text) if name not in own)
            yield from _referred(own)
        case {"Type": str(), "DependsOn": str(name), **rest}:
            yield name
            yield from _referred(rest)
        case {"Type": str(), "DependsOn": [*names], **rest}:
            yield from map(str, names)
            yield from _referred(rest)
        case {**entries}:
            for entry in entries.values():
                yield from _referred(entry)
        case [*items]:
            for item in items:
                yield from _referred(item)


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and anything else as an empty one: a template can say whatever its author typed."""
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(alarm: Any, document: Mapping[str, Any]) -> str:
    """Return the name of an alarm that is given by `!Ref` or as it is."""
    if isinstance(alarm, dict):
        referred = resources(document, ALARM).get(str(alarm.get("Ref")), {})
        return str(referred.get("AlarmName"))
    return str(alarm)


def _line_of(text: str, logical_id: str, section: str = "Resources") -> int:
    """Return the line, from 1, on which an entry of a section begins, or the section itself."""
    root = yaml.compose(text, _CloudFormationLoader)
    for key, value in getattr(root, "value", ()):
        if key.value == section:
            for name, _ in value.value if isinstance(value, yaml.MappingNode) else ():
                if name.value == logical_id:
                    return int(name.start_mark.line) + 1
            return int(key.start_mark.line) + 1
    return 1
