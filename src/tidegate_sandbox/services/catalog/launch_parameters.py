"""Checks what a product is launched with against the Parameters and Rules of its CloudFormation template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

import re
from collections.abc import Mapping
from typing import Any

from tidegate_sandbox.errors import AwsError


def problems(template: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """Return a sentence for each parameter that the template would not take; of its rules only if it takes them all."""
    declared = template.get("Parameters", {})
    if found := _unfit(declared, given):
        return found
    values = {name: str(each.get("Default", "")) for name, each in declared.items()} | dict(given)
    return [
        f"Rule {name}: {assertion.get('AssertDescription', 'an assertion does not hold')}"
        for name, rule in template.get("Rules", {}).items()
        if "RuleCondition" not in rule or _holds(rule["RuleCondition"], values)
        for assertion in rule["Assertions"]
        if not _holds(assertion["Assert"], values)
    ]


def _holds(expression: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    ((function, arguments),) = expression.items()
    match function:
        case "Fn::And":
            return all(_holds(each, values) for each in arguments)
        case "Fn::Or":
            return any(_holds(each, values) for each in arguments)
        case "Fn::Not":
            return not _holds(arguments[0], values)
        case "Fn::Equals":
            one, other = (values[each["Ref"]] if isinstance(each, dict) else str(each) for each in arguments)
            return bool(one == other)
    raise AwsError("NotImplemented", f"{function} in a rule of a template is not in the local simulation", 501)


def _unfit(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> list[str]:
    unknown = [name for name in given if name not in declared]
    missing = [name for name in declared if name not in given and "Default" not in declared[name]]
    found = []
    if unknown:
        found.append(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing:
        found.append(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in given.items():
        if name in declared and (reason := _reason(declared[name], value)):
            reason = declared[name].get("ConstraintDescription") or reason
            found.append(f"Parameter {name!r} failed to satisfy constraint: {reason}")
    return found


def _reason(declaration: Mapping[str, Any], value: str) -> str | None:
    """Return why `value` is refused, or None."""
    if declaration["Type"] == "Number" and (reason := _number(declaration, value)):
        return reason
    allowed = [str(one) for one in declaration.get("AllowedValues", ())]
    if declaration["Type"].startswith("List<") or declaration["Type"] == "CommaDelimitedList":
        values = [item.strip() for item in value.split(",")]
    else:
        values = [value]
        if len(value) < int(declaration.get("MinLength", 0)):
            return f"must contain at least {declaration['MinLength']} characters"
        if "MaxLength" in declaration and len(value) > int(declaration["MaxLength"]):
            return f"must contain at most {declaration['MaxLength']} characters"
    pattern = declaration.get("AllowedPattern")
    if pattern and not all(re.fullmatch(pattern, one) for one in values):
        return f"must match pattern {pattern}"
    if allowed and not all(one in allowed for one in values):
        return f"must be one of AllowedValues [{', '.join(allowed)}]"
    return None


def _number(declaration: Mapping[str, Any], value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "must be a number"
    if "MinValue" in declaration and number < float(declaration["MinValue"]):
        return f"must be a number not less than {declaration['MinValue']}"
    if "MaxValue" in declaration and number > float(declaration["MaxValue"]):
        return f"must be a number not greater than {declaration['MaxValue']}"
    return None
