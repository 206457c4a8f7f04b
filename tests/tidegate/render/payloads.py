"""The calls that CloudFormation makes of a template, held to botocore's own model of each API."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator


class CloudFormationLoader(yaml.SafeLoader):
    """YAML 1.1 in Python alone: the version that CloudFormation reads, where `no` is false and 007 is seven."""


CloudFormationLoader.add_multi_constructor("!", lambda loader, suffix, node: {suffix: node.value})

_LOADER = Loader()
_SERVICES: dict[str, ServiceModel] = {}
_UPDATE_ONLY = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties")
_NAME_OF_NEW = {
    "AWS::SageMaker::Model": "ModelName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::DataQualityJobDefinition": "JobDefinitionName",
    "AWS::SageMaker::ModelQualityJobDefinition": "JobDefinitionName",
}


def operation(service: str, name: str) -> OperationModel:
    if service not in _SERVICES:
        _SERVICES[service] = ServiceModel(_LOADER.load_service_model(service, "service-2"), service)
    return _SERVICES[service].operation_model(name)


def faults(service: str, name: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what the API would refuse: unknown, missing, of another type, too long, not matching, not in the enum."""
    shape = operation(service, name).input_shape
    report = ParamValidator().validate(parameters, shape)
    return [*report.generate_report().splitlines(), *(f"{name}{fault}" for fault in _beyond(parameters, shape, ""))]


def _beyond(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Find what botocore leaves to the service: upper bounds, patterns, enumerations."""
    match shape:
        case StructureShape():
            for key, item in value.items():
                if key in shape.members:
                    yield from _beyond(item, shape.members[key], f"{path}.{key}")
        case ListShape():
            yield from _bounds(len(value), shape, path)
            for index, item in enumerate(value):
                yield from _beyond(item, shape.member, f"{path}[{index}]")
        case MapShape():
            yield from _bounds(len(value), shape, path)
            for key, item in value.items():
                yield from _beyond(key, shape.key, f"{path}.{key}")
                yield from _beyond(item, shape.value, f"{path}.{key}")
        case _ if shape.type_name == "string":
            yield from _bounds(len(value), shape, path)
            if shape.enum and value not in shape.enum:
                yield f"{path}: {value!r} is none of {shape.enum}"
            pattern = shape.metadata.get("pattern")
            if pattern and not re.fullmatch(_in_python(pattern), value):
                yield f"{path}: {value!r} does not match {pattern}"
        case _ if shape.type_name in {"integer", "long", "float", "double"}:
            yield from _bounds(value, shape, path)


def _bounds(size: float, shape: Shape, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", size), shape.metadata.get("max", size)
    if not least <= size <= most:
        yield f"{path}: {size} is not within {least} to {most}"


# How Java writes sets of characters, and a surrogate pair.
_JAVA = {
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U00010000-\U0010ffff",
    r"\p{Print}": r"[ -~]",
    r"\p{L}": "a-zA-Z\u00aa-\uffdc",
    r"\p{Z}": " ",
    r"\p{N}": "0-9",
}


def _in_python(pattern: str) -> str:
    for theirs, ours in _JAVA.items():
        pattern = pattern.replace(theirs, ours)
    return pattern


def settled(value: Any, names: Mapping[str, str]) -> Any:
    """Return `value` with CloudFormation's references replaced, as it does before it calls an API."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return names[value["Ref"]]
        if set(value) == {"Fn::GetAtt"}:
            return names[value["Fn::GetAtt"][0]]
        return {key: settled(item, names) for key, item in value.items()}
    return [settled(item, names) for item in value] if isinstance(value, list) else value


def calls(document: Mapping[str, Any], parameters: Mapping[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield service, operation and parameters of every call that makes or updates what a template describes."""
    names = dict(parameters)
    for logical_id, resource in document["Resources"].items():
        properties = resource["Properties"]
        kind = resource["Type"].rpartition("::")[2]
        names[logical_id] = properties.get("AlarmName") or properties.get("EndpointName") or f"{logical_id}-0123456789"
        if kind == "ScalableTarget":
            names[logical_id] = "|".join(
                properties[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")
            )
    for logical_id, resource in document["Resources"].items():
        kind, properties = resource["Type"], settled(resource["Properties"], names)
        short = kind.rpartition("::")[2]
        match kind:
            case "AWS::SageMaker::Endpoint":
                untagged = {name: value for name, value in properties.items() if name != "Tags"}
                made = {name: value for name, value in properties.items() if name not in _UPDATE_ONLY}
                yield "sagemaker", "CreateEndpoint", made
                yield "sagemaker", "UpdateEndpoint", untagged
            case "AWS::CloudWatch::Alarm":
                yield "cloudwatch", "PutMetricAlarm", properties
            case "AWS::CloudWatch::Dashboard":
                yield "cloudwatch", "PutDashboard", properties
            case "AWS::ApplicationAutoScaling::ScalableTarget":
                yield "application-autoscaling", "RegisterScalableTarget", properties
            case "AWS::ApplicationAutoScaling::ScalingPolicy":
                resource_id, dimension, namespace = properties.pop("ScalingTargetId").split("|")
                target = {"ResourceId": resource_id, "ScalableDimension": dimension, "ServiceNamespace": namespace}
                yield "application-autoscaling", "PutScalingPolicy", properties | target
            case _:
                named = {_NAME_OF_NEW[kind]: names[logical_id]} if kind in _NAME_OF_NEW else {}
                yield "sagemaker", f"Create{short}", named | properties


_WIDGETS = {
    "text": {"markdown"},
    "alarm": {"title", "alarms"},
    "metric": {"title", "view", "stacked", "region", "stat", "period", "yAxis", "annotations", "metrics"},
}


def dashboard_faults(body: str) -> list[str]:
    """Return what CloudWatch's reference of a dashboard's body does not have."""
    document = json.loads(body)
    found = [f"{key} is not known" for key in set(document) - {"start", "periodOverride", "widgets"}]
    for index, widget in enumerate(document["widgets"]):
        kind, properties = widget["type"], widget["properties"]
        at = f"widgets[{index}]"
        found += [f"{at}.{key} is not known" for key in set(properties) - _WIDGETS[kind]]
        if not 1 <= widget["width"] <= 24:
            found.append(f"{at}.width is {widget['width']}")
        if kind == "alarm" and not 1 <= len(properties["alarms"]) <= 100:
            found.append(f"{at} has {len(properties['alarms'])} alarms")
        for metric in properties.get("metrics", []):
            parts = metric[:-1] if isinstance(metric[-1], dict) else metric
            # A namespace, a metric, and pairs of a dimension's name and value; or an expression alone.
            if len(parts) % 2 or not all(isinstance(part, str) for part in parts):
                found.append(f"{at} has the metric {metric}")
            if not parts and not metric[-1].get("expression"):
                found.append(f"{at} has a metric without name and expression")
    return found
