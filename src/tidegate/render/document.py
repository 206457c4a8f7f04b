"""A rendered template read back: that it is YAML, and that it keeps what verify relies on."""

from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tidegate.errors import TidegateError
from tidegate.registry import RELEASE_TAG

ENDPOINT: Final = "AWS::SageMaker::Endpoint"
ENDPOINT_CONFIG: Final = "AWS::SageMaker::EndpointConfig"
MODEL: Final = "AWS::SageMaker::Model"


class BrokenTemplateError(TidegateError):
    """A template whose output is not what a release needs."""


class _Constructor(SafeConstructor):
    """Reads CloudFormation's short forms (`!Ref x`) as their long ones (`{Ref: x}`)."""


def _function(constructor: SafeConstructor, suffix: str, node: Node) -> dict[str, Any]:
    argument: Any
    match node:
        case ScalarNode():
            argument = constructor.construct_scalar(node)
        case SequenceNode():
            argument = constructor.construct_sequence(node, deep=True)
        case MappingNode():
            argument = constructor.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(argument, str):
        argument = argument.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": argument}


_Constructor.add_multi_constructor("!", _function)


def parse(text: str, template: str) -> dict[str, Any]:
    """Return what the template `template` became, with CloudFormation's functions in their long forms.

    Raises BrokenTemplateError with the line of the output that is not YAML, or holds a key twice.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        document = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        found = text.splitlines()[line - 1 : line]
        shown = f": {found[0].strip()!r}" if found else ""
        raise BrokenTemplateError(
            f"{template} gives no YAML: line {line} of its output{shown}: {error.problem or error.context}"
        ) from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise BrokenTemplateError(f"{template} gives no CloudFormation template: it has no Resources")
    return document


def resources(document: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of one type, by logical id."""
    return {
        logical_id: resource.get("Properties") or {}
        for logical_id, resource in document["Resources"].items()
        if isinstance(resource, dict) and resource.get("Type") == kind
    }


def check(document: Mapping[str, Any], template: str, *, endpoint_name: str, release_id: str, alarms: set[str]) -> None:
    """Refuse a template after whose release nobody could tell what happened.

    It must have the one endpoint, an endpoint config that carries the release's tag, and every rollback alarm, named in
    the endpoint's DeploymentConfig.

    Raises BrokenTemplateError.
    """
    endpoints = list(resources(document, ENDPOINT).values())
    if [endpoint.get("EndpointName") for endpoint in endpoints] != [endpoint_name]:
        raise BrokenTemplateError(f"{template} must make one {ENDPOINT}, named `{{{{ endpoint_name }}}}`")
    release_tag = {"Key": RELEASE_TAG, "Value": release_id}
    if not any(release_tag in (config.get("Tags") or []) for config in resources(document, ENDPOINT_CONFIG).values()):
        raise BrokenTemplateError(
            f"{template} must give its {ENDPOINT_CONFIG} the tag {RELEASE_TAG} with `{{{{ release_id }}}}`: "
            "that is how verify recognises a release"
        )
    rollback = (endpoints[0].get("DeploymentConfig") or {}).get("AutoRollbackConfiguration") or {}
    watched = {_name(alarm.get("AlarmName"), document) for alarm in rollback.get("Alarms") or []}
    if missing := sorted(alarms - watched):
        raise BrokenTemplateError(
            f"{template} leaves rollback alarms out of the endpoint's DeploymentConfig: {', '.join(missing)}"
        )


def _name(alarm: Any, document: Mapping[str, Any]) -> str:
    """Return the name of an alarm that is given by `!Ref` or as it is."""
    if isinstance(alarm, dict):
        referred = resources(document, "AWS::CloudWatch::Alarm").get(str(alarm.get("Ref")), {})
        return str(referred.get("AlarmName"))
    return str(alarm)
