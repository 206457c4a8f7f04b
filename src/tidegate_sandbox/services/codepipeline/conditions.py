"""The condition that a stage is entered under: typed, validated and evaluated as CodePipeline does.

Sources: CodePipeline user guide, "How do stage conditions work?" and the rule reference "VariableCheck".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.variables import UnknownVariableError, resolve

Result = Literal["FAIL", "SKIP"]
OPERATORS: Mapping[str, tuple[str, Callable[[str, str], bool]]] = {
    "EQ": ("equals", lambda found, wanted: found == wanted),
    "NE": ("does not equal", lambda found, wanted: found != wanted),
    "CONTAINS": ("contains", lambda found, wanted: wanted in found),
    # AWS takes Java's regular expressions.
    "MATCHES": ("matches", lambda found, wanted: re.fullmatch(wanted, found) is not None),
}
_KEYS = frozenset({"Variable", "Operator", "Value"})
_REFUSED_OF_RULE = ("commands", "inputArtifacts", "roleArn", "timeoutInMinutes")


@dataclass(frozen=True)
class Rule:
    """A VariableCheck: its configuration has Variable, Operator and Value."""

    name: str
    configuration: Mapping[str, str]


@dataclass(frozen=True)
class Condition:
    """All of `rules` must pass; where one does not, `result` becomes of the stage."""

    result: Result
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Checked:
    """What became of a rule: its configuration resolved, and a sentence."""

    passed: bool
    configuration: Mapping[str, str]
    summary: str
    error_code: str = ""


def read(declared: Mapping[str, Any], stage: str, region: str) -> Condition:
    """Read botocore's shape BeforeEntryConditions; AwsError where it is wrong or not simulated."""
    [condition] = declared["conditions"]
    result = condition.get("result")
    if result not in ("FAIL", "SKIP"):
        raise _error(f"stage {stage}: the result of a condition before entry is FAIL or SKIP, not {result}")
    rules = tuple(_rule(rule, stage, region) for rule in condition.get("rules", []))
    if len({rule.name for rule in rules}) != len(rules) or not rules:
        raise _error(f"stage {stage}: a condition needs at least one rule, each of a name of its own")
    return Condition(result, rules)


def check(rule: Rule, variables: Mapping[str, Mapping[str, str]]) -> Checked:
    """Hold a rule against the variables of an execution."""
    try:
        given = {key: resolve(text, variables) for key, text in rule.configuration.items()}
        verb, holds = OPERATORS[given["Operator"]]
        passed = holds(given["Variable"], given["Value"])
    except UnknownVariableError as error:
        return Checked(False, rule.configuration, str(error), "ConfigurationError")
    except re.error as error:
        sentence = f"{given['Value']} is no regular expression: {error}"
        return Checked(False, given, sentence, "ConfigurationError")
    said = f"{rule.configuration['Variable']} is {given['Variable']}"
    return Checked(passed, given, f"{said}; asked for: {verb} {given['Value']}")


def _rule(declared: Mapping[str, Any], stage: str, region: str) -> Rule:
    where, kind = f"stage {stage}, rule {declared['name']}", declared["ruleTypeId"]
    if (kind.get("owner", "AWS"), kind["provider"]) != ("AWS", "VariableCheck"):
        raise _error(f"{where}: {kind['provider']} is not in the local simulation, which has VariableCheck")
    for name in _REFUSED_OF_RULE:
        if declared.get(name):
            raise _error(f"{where}: {name} is not in the local simulation")
    if declared.get("region", region) != region:
        raise _error(f"{where} is in {declared['region']}; rules in other regions are not simulated")
    configuration = dict(declared.get("configuration", {}))
    if set(configuration) != _KEYS:
        raise _error(f"{where}: the configuration of a VariableCheck is {', '.join(sorted(_KEYS))}, all of it")
    if configuration["Operator"] not in OPERATORS:
        raise _error(f"{where}: Operator is {configuration['Operator']}; it must be one of {', '.join(OPERATORS)}")
    return Rule(declared["name"], configuration)


def _error(sentence: str) -> AwsError:
    return AwsError("InvalidStageDeclarationException", sentence)
