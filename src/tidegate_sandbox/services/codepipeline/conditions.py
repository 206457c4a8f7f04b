"""The conditions of a stage, at its entry, its success and its failure: typed, validated and evaluated.

Sources: CodePipeline user guide, "How do stage conditions work?", "Configure conditions for a stage" and
"Rule structure reference".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline import windows
from tidegate_sandbox.services.codepipeline.kinds import (
    RULES,
    wrong_build,
    wrong_commands,
    wrong_configuration,
    wrong_number,
)
from tidegate_sandbox.services.codepipeline.variables import REFERENCE, UnknownVariableError, resolve

Result = Literal["FAIL", "SKIP", "ROLLBACK"]
When = Literal["BEFORE_ENTRY", "ON_SUCCESS", "ON_FAILURE"]
RESULTS: Mapping[When, tuple[Result, ...]] = {
    "BEFORE_ENTRY": ("FAIL", "SKIP"),
    "ON_SUCCESS": ("FAIL", "ROLLBACK"),
    "ON_FAILURE": ("ROLLBACK",),
}
_WORDS: Mapping[When, str] = {"BEFORE_ENTRY": "before entry", "ON_SUCCESS": "on success", "ON_FAILURE": "on failure"}
OPERATORS: Mapping[str, tuple[str, Callable[[str, str], bool]]] = {
    "EQ": ("equals", lambda found, wanted: found == wanted),
    "NE": ("does not equal", lambda found, wanted: found != wanted),
    "CONTAINS": ("contains", lambda found, wanted: wanted in found),
    # AWS takes Java's regular expressions.
    "MATCHES": ("matches", lambda found, wanted: re.fullmatch(wanted, found) is not None),
}
ALARM_STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
_MAY_SKIP = ("LambdaInvoke", "VariableCheck")
"""The rules of a condition whose result is SKIP."""


@dataclass(frozen=True)
class Rule:
    """A rule by its provider; `role_arn` is whom it acts as, None for the pipeline's own role.

    After `timeout_minutes` it has failed, after its provider's time where it says none.
    """

    name: str
    configuration: Mapping[str, str]
    provider: str = "VariableCheck"
    role_arn: str | None = None
    inputs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    timeout_minutes: int | None = None


@dataclass(frozen=True)
class Condition:
    """All of `rules` must pass; where one does not, or where there are none, `result` becomes of the stage."""

    result: Result
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Checked:
    """What became of a rule: its configuration resolved, and a sentence."""

    passed: bool
    configuration: Mapping[str, str]
    summary: str
    error_code: str = ""


def read(declared: Mapping[str, Any], stage: str, region: str, when: When = "BEFORE_ENTRY") -> Condition:
    """Read the conditions of a stage (botocore's BeforeEntryConditions and its like); AwsError where they are wrong."""
    [condition] = declared["conditions"]
    result, allowed = condition.get("result"), RESULTS[when]
    if result not in allowed:
        raise _error(f"stage {stage}: the result of a condition {_WORDS[when]} is {' or '.join(allowed)}, not {result}")
    rules = tuple(_rule(rule, stage, region) for rule in condition.get("rules", []))
    if len({rule.name for rule in rules}) != len(rules) or not rules:
        raise _error(f"stage {stage}: a condition needs at least one rule, each of a name of its own")
    if result == "SKIP" and (others := [rule.provider for rule in rules if rule.provider not in _MAY_SKIP]):
        said = f"the rules of a condition whose result is SKIP are {' and '.join(_MAY_SKIP)}, not {others[0]}"
        raise _error(f"stage {stage}: {said}")
    return Condition(result, rules)


def check(rule: Rule, variables: Mapping[str, Mapping[str, str]]) -> Checked:
    """Hold a VariableCheck against the variables of an execution."""
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


def state_of_alarm(
    rule: Rule, variables: Mapping[str, Mapping[str, str]], look: Callable[[str], str | None]
) -> Checked:
    """Hold a CloudWatchAlarm rule against the state of its alarm, which `look` gives, None where there is no alarm."""
    try:
        given = {key: resolve(text, variables) for key, text in rule.configuration.items()}
    except UnknownVariableError as error:
        return Checked(False, rule.configuration, str(error), "ConfigurationError")
    state = look(given["AlarmName"])
    if state is None:
        return Checked(False, given, f"there is no alarm {given['AlarmName']}", "ConfigurationError")
    return Checked(state not in refused_states(given), given, f"the alarm {given['AlarmName']} is in state {state}")


def refused_states(configuration: Mapping[str, str]) -> tuple[str, ...]:
    """Return the states of its alarm in which a CloudWatchAlarm rule fails: ALARM, unless it says others."""
    return tuple(one.strip() for one in configuration.get("AlarmStates", "ALARM").split(","))


def _rule(declared: Mapping[str, Any], stage: str, region: str) -> Rule:
    where, kind = f"stage {stage}, rule {declared['name']}", declared["ruleTypeId"]
    provider = kind["provider"]
    if kind.get("owner", "AWS") != "AWS" or provider not in RULES:
        raise _error(f"{where}: {provider} is not in the local simulation, which has {', '.join(RULES)}")
    if declared.get("region", region) != region:
        raise _error(f"{where} is in {declared['region']}; rules in other regions are not simulated")
    configuration = dict(declared.get("configuration", {}))
    commands = tuple(declared.get("commands", ()))
    inputs = tuple(one["name"] for one in declared.get("inputArtifacts", []))
    wrong = wrong_configuration(provider, RULES[provider], configuration)
    wrong = wrong or wrong_number("input", provider, len(inputs), RULES[provider].inputs)
    wrong = wrong or wrong_commands(provider, commands)
    if not wrong and provider == "CodeBuild":
        wrong = wrong_build(configuration, inputs)
    if wrong:
        raise _error(f"{where}: {wrong}")
    if provider == "DeploymentWindow" and not REFERENCE.search(" ".join(configuration.values())):
        try:
            windows.read(configuration["Cron"], configuration.get("TimeZone", "UTC"))
        except ValueError as error:
            raise _error(f"{where}: {error}") from None
    if configuration.get("Operator", "EQ") not in OPERATORS:
        raise _error(f"{where}: Operator is {configuration['Operator']}; it must be one of {', '.join(OPERATORS)}")
    if unknown := [one for one in refused_states(configuration) if one not in ALARM_STATES]:
        raise _error(f"{where}: AlarmStates has {unknown[0]}; it must be of {', '.join(ALARM_STATES)}")
    if not configuration.get("WaitTime", "0").isdigit():
        raise _error(f"{where}: WaitTime is {configuration['WaitTime']}; it must be a number of minutes")
    role, timeout = declared.get("roleArn"), declared.get("timeoutInMinutes")
    return Rule(declared["name"], configuration, provider, role, inputs, commands, timeout)


def _error(sentence: str) -> AwsError:
    return AwsError("InvalidStageDeclarationException", sentence)
