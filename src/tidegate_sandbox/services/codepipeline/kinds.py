"""What providers of actions and rules take: numbers of artefacts, and configuration keys."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tidegate_sandbox.services.codepipeline import triggers


@dataclass(frozen=True)
class Kind:
    """What a provider takes."""

    inputs: range
    outputs: range
    required: frozenset[str]
    optional: frozenset[str] = frozenset()


_CODEBUILD = Kind(
    inputs=range(1, 6),
    outputs=range(6),
    required=frozenset({"ProjectName"}),
    optional=frozenset({"PrimarySource", "EnvironmentVariables", "BatchEnabled"}),
)
_LAMBDA = Kind(
    inputs=range(6),
    outputs=range(6),
    required=frozenset({"FunctionName"}),
    optional=frozenset({"UserParameters"}),
)
_COMMANDS = Kind(inputs=range(1, 11), outputs=range(2), required=frozenset())
KINDS: Mapping[tuple[str, str], Kind] = {
    ("Source", "CodeCommit"): Kind(
        inputs=range(1),
        outputs=range(1, 2),
        required=frozenset({"RepositoryName", "BranchName"}),
        optional=frozenset({"PollForSourceChanges", "OutputArtifactFormat"}),
    ),
    ("Source", triggers.PROVIDER): Kind(
        inputs=range(1),
        outputs=range(1, 2),
        required=frozenset({"ConnectionArn", "FullRepositoryId", "BranchName"}),
        optional=frozenset({"DetectChanges", "OutputArtifactFormat"}),
    ),
    ("Build", "CodeBuild"): _CODEBUILD,
    ("Test", "CodeBuild"): _CODEBUILD,
    ("Compute", "Commands"): _COMMANDS,
    ("Invoke", "Lambda"): _LAMBDA,
    ("Deploy", "CloudFormation"): Kind(
        inputs=range(11),
        outputs=range(1),
        required=frozenset({"ActionMode", "StackName"}),
        optional=frozenset(
            {"Capabilities", "ChangeSetName", "ParameterOverrides", "RoleArn", "TemplateConfiguration", "TemplatePath"}
        ),
    ),
    ("Approval", "Manual"): Kind(
        inputs=range(1),
        outputs=range(1),
        required=frozenset(),
        optional=frozenset({"CustomData", "ExternalEntityLink", "NotificationArn"}),
    ),
}
"""Actions by category and provider."""

RULES: Mapping[str, Kind] = {
    "VariableCheck": Kind(range(1), range(1), frozenset({"Variable", "Operator", "Value"})),
    "CloudWatchAlarm": Kind(range(1), range(1), frozenset({"AlarmName"}), frozenset({"AlarmStates", "WaitTime"})),
    "DeploymentWindow": Kind(range(1), range(1), frozenset({"Cron"}), frozenset({"TimeZone"})),
    "LambdaInvoke": Kind(_LAMBDA.inputs, range(1), _LAMBDA.required, _LAMBDA.optional),
    "CodeBuild": Kind(_CODEBUILD.inputs, range(1), _CODEBUILD.required, _CODEBUILD.optional),
    "Commands": Kind(_COMMANDS.inputs, range(1), frozenset()),
}
"""Rules by provider; none has outputs."""

_ONLY = {
    ("CodeCommit", "PollForSourceChanges"): "false",
    ("CodeCommit", "OutputArtifactFormat"): "CODE_ZIP",
    (triggers.PROVIDER, "OutputArtifactFormat"): "CODE_ZIP",
    ("CodeBuild", "BatchEnabled"): "false",
}


def wrong_configuration(provider: str, kind: Kind, configuration: Mapping[str, str]) -> str:
    """Say what of a configuration is wrong or not simulated; nothing, where all is right."""
    if missing := kind.required - set(configuration):
        return f"configuration lacks {', '.join(sorted(missing))}"
    if unknown := set(configuration) - kind.required - kind.optional:
        return f"configuration {', '.join(sorted(unknown))} is not in the local simulation"
    for (of, key), only in _ONLY.items():
        # CodePipeline polls a repository unless it is told not to.
        unset = "true" if key == "PollForSourceChanges" else only
        if provider == of and configuration.get(key, unset).lower() != only.lower():
            return f"{key} must be {only} in the local simulation"
    return ""


def wrong_number(what: str, provider: str, given: int, allowed: range) -> str:
    """Say that a provider takes another number of artefacts; nothing, where it takes that many."""
    if given in allowed:
        return ""
    return f"has {given} {what} artifacts; {provider} takes {allowed.start} to {allowed.stop - 1}"


def wrong_build(configuration: Mapping[str, str], inputs: tuple[str, ...]) -> str:
    """Say what is wrong with the configuration of a build; nothing, where all is right."""
    if len(inputs) > 1 and configuration.get("PrimarySource") not in inputs:
        return "has several input artifacts, so PrimarySource must name one of them"
    try:
        variables = json.loads(configuration.get("EnvironmentVariables", "[]"))
        if not all(isinstance(one["name"], str) and isinstance(one["value"], str) for one in variables):
            raise TypeError
    except (ValueError, TypeError, KeyError):
        return "EnvironmentVariables must be a JSON list of objects with name, value and perhaps type"
    return ""


def wrong_commands(provider: str, commands: tuple[str, ...]) -> str:
    """Say what is wrong with the commands of an action or a rule; nothing, where all is right."""
    if provider != "Commands":
        return f"commands are for Commands, not for {provider}" if commands else ""
    if not commands:
        return "commands are missing"
    if any("\n" in command for command in commands):
        return "a command is one line"
    return ""
