"""Finds what a template refers to and does not have, and what has no place in it.

The sentences are CloudFormation's where public reports quote them; docs/sandbox-fidelity.md says which are not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

SECTIONS = {
    "AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs", "Parameters",
    "Resources", "Rules", "Transform",
}  # fmt: skip
ATTRIBUTES = {
    "Type", "Properties", "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "UpdatePolicy",
    "UpdateReplacePolicy",
}  # fmt: skip
PSEUDO_PARAMETERS = {
    "AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId",
    "AWS::StackName", "AWS::URLSuffix",
}  # fmt: skip
FUNCTIONS = {
    "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::Equals",
    "Fn::FindInMap", "Fn::ForEach", "Fn::GetAZs", "Fn::GetAtt", "Fn::GetStackOutput", "Fn::If", "Fn::ImportValue",
    "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::RefAll", "Fn::Select", "Fn::Split", "Fn::Sub",
    "Fn::ToJsonString", "Fn::Transform", "Fn::ValueOf", "Fn::ValueOfAll",
}  # fmt: skip
VERSION = "2010-09-09"
TRANSFORMS = {"AWS::Include", "AWS::LanguageExtensions"}
POLICIES = {
    "DeletionPolicy": {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"},
    "UpdateReplacePolicy": {"Delete", "Retain", "Snapshot"},
}
PARAMETER_TYPE = re.compile(r"String|Number|CommaDelimitedList|List<(Number|String|AWS::[\w:]+)>|AWS::[\w:]+(<.+>)?")
VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Reference:
    """What a Ref, an Fn::GetAtt (then with an `attribute`) or a variable of Fn::Sub names."""

    name: str
    attribute: str | None
    function: str


def problem(template: Mapping[str, Any], conditions: Mapping[str, bool] | None = None) -> str | None:
    """Return why CloudFormation would not take `template`, None where it would.

    With `conditions`, each with its value, what is used has also to be there under these: a resource whose condition
    is false is not.
    """
    if found := _out_of_place(template) or _unknown_function(template) or _unknown_condition(template):
        return found
    resources = template.get("Resources") or {}
    if (found := _unresolved(template, set(resources), None)) or conditions is None:
        return found
    there = {name: each for name, each in resources.items() if _applies(each, conditions)}
    return _unresolved(template, set(there), conditions) or _circular(there, conditions)


def unknown_parameters(template: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """Return why the parameters that are `given`, by name, are not the template's own, None where they are."""
    declared = template.get("Parameters") or {}
    if unknown := sorted(set(given) - set(declared)):
        return f"Parameters: [{', '.join(unknown)}] do not exist in the template"
    return None


def missing_parameters(template: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """Return which parameters of the template have neither a value that is `given` nor a default, None if all have."""
    declared = template.get("Parameters") or {}
    if missing := [name for name, each in declared.items() if name not in given and "Default" not in each]:
        return f"Parameters: [{', '.join(missing)}] must have values"
    return None


def _circular(resources: Mapping[str, Any], conditions: Mapping[str, bool]) -> str | None:
    needs = {
        name: {each.name for each in references(_values("Resources", {name: resource}, True), conditions)}
        for name, resource in resources.items()
    }
    try:
        TopologicalSorter({name: each & needs.keys() for name, each in needs.items()}).prepare()
    except CycleError as error:
        return f"Circular dependency between resources: [{', '.join(sorted(set(error.args[1])))}]"
    return None


def _out_of_place(template: Mapping[str, Any]) -> str | None:
    if unknown := sorted(set(map(str, template)) - SECTIONS):
        return f"Template format error: Invalid template property or properties [{', '.join(unknown)}]"
    if str(template.get("AWSTemplateFormatVersion", VERSION)) != VERSION:
        return "Template format error: unsupported value for AWSTemplateFormatVersion."
    declared = template.get("Transform") or []
    for each in declared if isinstance(declared, list) else [declared]:
        name = str(each.get("Name") if isinstance(each, Mapping) else each)
        if name not in TRANSFORMS:
            known = name.startswith("AWS::")
            return f"Transform {name} is not in the local simulation" if known else f"No transform named {name} found."
    if not template.get("Resources"):
        return "Template format error: At least one Resources member must be defined."
    for name, resource in template["Resources"].items():
        if not isinstance(resource, Mapping) or "Type" not in resource:
            return f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        if unknown := sorted(set(map(str, resource)) - ATTRIBUTES):
            return f"Invalid template resource property '{unknown[0]}'"
        for policy, words in POLICIES.items():
            asked = resource.get(policy)
            if isinstance(asked, str) and asked not in words:
                return f"Template error: Unrecognized {policy} {asked} for resource {name}"
    for name, parameter in (template.get("Parameters") or {}).items():
        if not isinstance(parameter, Mapping) or "Type" not in parameter:
            return f"Template format error: [/Parameters/{name}] Every Parameters object must contain a Type member."
        if not PARAMETER_TYPE.fullmatch(str(parameter["Type"])):
            return f"Template format error: Unrecognized parameter type: {parameter['Type']}"
    return None


def _unknown_function(template: Mapping[str, Any]) -> str | None:
    for section in ("Resources", "Outputs", "Conditions"):
        for key in _keys(template.get(section)):
            if key.startswith("Fn::") and key not in FUNCTIONS and not key.startswith("Fn::ForEach::"):
                return f"Template error: Encountered unsupported function: {key}"
    return None


def _unknown_condition(template: Mapping[str, Any]) -> str | None:
    known = set(template.get("Conditions") or {})
    for section in ("Resources", "Outputs"):
        for each in (template.get(section) or {}).values():
            used = each.get("Condition") if isinstance(each, Mapping) else None
            if isinstance(used, str) and used not in known:
                block = f"the {section} block of the template"
                return f"Template format error: Unresolved condition dependency {used} in {block}"
        for used in _choices(template.get(section)):
            if used not in known:
                return f"Template error: unresolved condition dependency {used} in Fn::If"
    return None


def _unresolved(template: Mapping[str, Any], resources: set[str], conditions: Mapping[str, bool] | None) -> str | None:
    parameters = set(template.get("Parameters") or {}) | PSEUDO_PARAMETERS
    of_conditions = _names_of_unknown(template.get("Conditions"), parameters, None)
    if of_conditions:
        names = ", ".join(each.name for each in of_conditions)
        return (
            f"Template format error: Unresolved dependencies [{names}]. "
            "Cannot reference resources in the Conditions block of the template"
        )
    for section in ("Resources", "Outputs"):
        used = {
            name: each
            for name, each in (template.get(section) or {}).items()
            if isinstance(each, Mapping) and (conditions is None or _applies(each, conditions))
        }
        unknown = _names_of_unknown(_values(section, used, conditions is None), resources | parameters, conditions)
        for each in unknown:
            if each.function == "Fn::GetAtt":
                return f"Template error: instance of Fn::GetAtt references undefined resource {each.name}"
            if each.attribute is not None:
                what = f"{each.name}.{each.attribute}"
                return f"Template error: instance of Fn::Sub references invalid resource attribute {what}"
        if unknown:
            names = ", ".join(dict.fromkeys(each.name for each in unknown))
            block = f"the {section} block of the template"
            return f"Template format error: Unresolved resource dependencies [{names}] in {block}"
    return None


def _values(section: str, used: Mapping[str, Any], with_order: bool) -> list[Any]:
    """Return what of resources or outputs may refer to something; DependsOn, where it counts, as references."""
    if section == "Outputs":
        return [{key: item for key, item in each.items() if key != "Condition"} for each in used.values()]
    found: list[Any] = [each.get("Properties") for each in used.values()]
    if with_order:
        named = [each.get("DependsOn", []) for each in used.values()]
        found += [{"Ref": name} for names in named for name in ([names] if isinstance(names, str) else names)]
    return found


def _applies(definition: Any, conditions: Mapping[str, bool] | None) -> bool:
    needed = definition.get("Condition") if isinstance(definition, Mapping) else None
    return not needed or conditions is None or conditions.get(needed, True)


def _names_of_unknown(value: Any, known: set[str], conditions: Mapping[str, bool] | None) -> list[Reference]:
    return [each for each in references(value, conditions) if each.name not in known]


def references(value: Any, conditions: Mapping[str, bool] | None = None) -> Iterator[Reference]:
    """Yield every reference in `value`; with `conditions`, only of the branch of an Fn::If that they choose."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, conditions)
        return
    if not isinstance(value, Mapping):
        return
    for key, argument in value.items():
        if key == "Ref" and isinstance(argument, str) and len(value) == 1:
            yield Reference(argument, None, "Ref")
        elif key == "Fn::GetAtt":
            parts = argument.split(".", 1) if isinstance(argument, str) else argument
            if isinstance(parts, list) and parts and isinstance(parts[0], str):
                yield Reference(parts[0], str(parts[1]) if len(parts) > 1 else "", "Fn::GetAtt")
                yield from references(parts[1:], conditions)
        elif key == "Fn::Sub":
            yield from _of_text(argument, conditions)
        elif key == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
            chosen = argument[1:]
            if conditions is not None and isinstance(argument[0], str):
                chosen = [argument[1] if conditions.get(argument[0], True) else argument[2]]
            yield from references(chosen, conditions)
        else:
            yield from references(argument, conditions)


def _of_text(argument: Any, conditions: Mapping[str, bool] | None) -> Iterator[Reference]:
    parts = argument if isinstance(argument, list) else [argument]
    text = parts[0] if parts else ""
    own: Mapping[str, Any] = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
    for variable in VARIABLE.findall(str(text)):
        if variable.strip() not in own:
            name, dot, attribute = variable.strip().partition(".")
            yield Reference(name, attribute if dot else None, "Fn::Sub")
    yield from references(list(own.values()), conditions)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def _choices(value: Any) -> Iterator[str]:
    """Yield the condition of each Fn::If in `value`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Fn::If" and isinstance(item, list) and item and isinstance(item[0], str):
                yield item[0]
            yield from _choices(item)
    elif isinstance(value, list):
        for item in value:
            yield from _choices(item)
