"""A product's template as CloudFormation takes it for one launch: conditions decided, what they leave out gone."""

from collections.abc import Mapping
from typing import Any

Template = dict[str, Any]

HOME = "111111111111"
_NOTHING = object()


def answers(template: Template, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each parameter of the template in a launch that is given these."""
    return {name: each.get("Default", "") for name, each in template.get("Parameters", {}).items()} | dict(parameters)


def launched(template: Template, **parameters: str) -> Template:
    """Return the template of a launch in account HOME with these parameters; others have their defaults."""
    given = {"AWS::AccountId": HOME, **answers(template, parameters)}
    conditions = template.get("Conditions", {})

    def met(expression: Any) -> bool:
        ((function, arguments),) = expression.items()
        match function:
            case "Condition":
                return met(conditions[arguments])
            case "Fn::Not":
                return not met(arguments[0])
            case "Fn::And":
                return all(map(met, arguments))
            case "Fn::Or":
                return any(map(met, arguments))
        one, other = (given[each["Ref"]] if isinstance(each, dict) else each for each in arguments)
        return bool(one == other)

    def decided(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"Fn::If"}:
                condition, then, otherwise = value["Fn::If"]
                return decided(then if met(conditions[condition]) else otherwise)
            if value == {"Ref": "AWS::NoValue"}:
                return _NOTHING
            read = {key: decided(each) for key, each in value.items()}
            return {key: each for key, each in read.items() if each is not _NOTHING}
        if isinstance(value, list):
            return [each for each in map(decided, value) if each is not _NOTHING]
        return value

    resources = {
        name: decided({key: each for key, each in resource.items() if key != "Condition"})
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or met(conditions[resource["Condition"]])
    }
    return {**template, "Resources": resources}


def text(value: Any, **known: str) -> Any:
    """Return a value with its `Ref` and `Fn::Sub` filled in from `known`; what is not known stays as it is."""
    if isinstance(value, dict) and value.keys() == {"Ref"}:
        return known.get(value["Ref"].replace("::", "_"), value)
    if isinstance(value, dict) and value.keys() == {"Fn::Sub"}:
        filled = value["Fn::Sub"]
        for name, each in known.items():
            filled = filled.replace("${" + name.replace("_", "::") + "}", each)
        return filled
    if isinstance(value, dict):
        return {key: text(each, **known) for key, each in value.items()}
    return [text(each, **known) for each in value] if isinstance(value, list) else value
