"""A pipeline's structure, typed and validated as CodePipeline does; what would be ignored is refused.

Source of the rules: CodePipeline user guide, "CodePipeline pipeline structure reference".
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline import conditions, triggers
from tidegate_sandbox.services.codepipeline.conditions import Condition
from tidegate_sandbox.services.codepipeline.kinds import (
    KINDS,
    wrong_build,
    wrong_commands,
    wrong_configuration,
    wrong_number,
)
from tidegate_sandbox.services.codepipeline.triggers import Trigger
from tidegate_sandbox.services.codepipeline.variables import REFERENCE

Mode = Literal["QUEUED", "SUPERSEDED", "PARALLEL"]
Retry = Literal["ALL_ACTIONS", "FAILED_ACTIONS"]


_OF_MODE: Mapping[str, frozenset[str]] = {
    "CREATE_UPDATE": frozenset({"RoleArn", "TemplatePath"}),
    "REPLACE_ON_FAILURE": frozenset({"RoleArn", "TemplatePath"}),
    "DELETE_ONLY": frozenset({"RoleArn"}),
    "CHANGE_SET_REPLACE": frozenset({"ChangeSetName", "RoleArn", "TemplatePath"}),
    "CHANGE_SET_EXECUTE": frozenset({"ChangeSetName"}),
}
"""What a deploy by CloudFormation has to be told in each mode."""
_REFUSED_OF_STAGE = ("blockers",)
_CONDITIONS = ("beforeEntry", "onSuccess", "onFailure")
_OF_COMMANDS = ("outputVariables", "environmentVariables")
"""What only an action by Commands has."""


@dataclass(frozen=True)
class Action:
    """An action. `timeout_minutes` is of an approval only."""

    name: str
    category: str
    provider: str
    run_order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    namespace: str | None
    role_arn: str | None
    timeout_minutes: int | None
    commands: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()
    """The variables that its commands hand on."""
    environment: tuple[Mapping[str, str], ...] = ()
    """botocore's shapes EnvironmentVariable."""
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What goes into an output artefact of its commands, by the artefact's name."""


@dataclass(frozen=True)
class Stage:
    """A stage and its actions, as declared.

    `entry` is the condition under which it is entered, `success` that under which its success counts, and `failure`
    says what a failure leads to; `retry` is how it is run once more after a failure. None for no such condition, and
    for no such run.
    """

    name: str
    actions: tuple[Action, ...]
    entry: Condition | None = None
    retry: Retry | None = None
    success: Condition | None = None
    failure: Condition | None = None

    def conditions(self) -> Iterator[Condition]:
        """Return what conditions it has."""
        yield from (one for one in (self.entry, self.success, self.failure) if one is not None)

    def groups(self) -> list[tuple[Action, ...]]:
        """Return the actions that run at the same time, in the order of their RunOrder."""
        orders = sorted({action.run_order for action in self.actions})
        return [tuple(action for action in self.actions if action.run_order == order) for order in orders]


@dataclass(frozen=True)
class Pipeline:
    """A whole pipeline. `bucket` holds its artefacts; `variables` are the defaults, None where one must be given."""

    name: str
    role_arn: str
    mode: Mode
    bucket: str
    stages: tuple[Stage, ...]
    variables: Mapping[str, str | None]
    triggers: tuple[Trigger, ...] = ()

    def actions(self) -> Iterator[tuple[Stage, Action]]:
        """Return every action with its stage, in the order in which they run."""
        for stage in self.stages:
            for group in stage.groups():
                for action in group:
                    yield stage, action

    def handed(self) -> set[str]:
        """Return the roles that actions and rules have of their own, which the pipeline's own role assumes."""
        actions = {action.role_arn for stage in self.stages for action in stage.actions}
        rules = {rule.role_arn for stage in self.stages for one in stage.conditions() for rule in one.rules}
        return {role for role in actions | rules if role is not None}


def structure(declaration: Mapping[str, Any], region: str) -> Pipeline:
    """Read botocore's shape PipelineDeclaration; AwsError, as AWS names it, where it is wrong or not simulated."""
    mode = declaration.get("executionMode", "SUPERSEDED")
    is_v2 = declaration.get("pipelineType", "V1") == "V2"
    if (mode in ("QUEUED", "PARALLEL") or declaration.get("variables") or declaration.get("triggers")) and not is_v2:
        raise _structure_error(
            "execution modes QUEUED and PARALLEL, pipeline variables and triggers need a pipeline of type V2"
        )
    if not is_v2 and any(
        one["actionTypeId"]["provider"] == "Commands" for s in declaration["stages"] for one in s["actions"]
    ):
        raise _structure_error("actions by Commands need a pipeline of type V2")
    if not is_v2 and any(stage.get(one) for stage in declaration["stages"] for one in _CONDITIONS):
        raise _structure_error("conditions of stages need a pipeline of type V2")
    if "artifactStore" not in declaration or "artifactStores" in declaration:
        raise _structure_error("a pipeline needs artifactStore, one; artifactStores is not in the local simulation")
    pipeline = Pipeline(
        name=declaration["name"],
        role_arn=declaration["roleArn"],
        mode=mode,
        bucket=declaration["artifactStore"]["location"],
        stages=tuple(_stage(stage, region) for stage in declaration["stages"]),
        variables={one["name"]: one.get("defaultValue") for one in declaration.get("variables", [])},
        triggers=_triggers(declaration),
    )
    _check_stages(pipeline)
    _check_triggers(pipeline)
    _check_artifacts(pipeline)
    _check_references(pipeline)
    _check_rollbacks(pipeline)
    return pipeline


def _check_rollbacks(pipeline: Pipeline) -> None:
    """Raise AwsError where a stage is to be rolled back that cannot be ("Considerations for rollbacks")."""
    for number, stage in enumerate(pipeline.stages):
        if any(condition.result == "ROLLBACK" for condition in stage.conditions()):
            if pipeline.mode == "PARALLEL":
                raise _stage_error(f"stage {stage.name}: in execution mode PARALLEL no stage can be rolled back")
            if number == 0:
                raise _stage_error(f"stage {stage.name}: a source stage cannot be rolled back")


def _stage(declared: Mapping[str, Any], region: str) -> Stage:
    for name in _REFUSED_OF_STAGE:
        if declared.get(name):
            raise _stage_error(f"stage {declared['name']}: {name} is not in the local simulation")
    name, entry, success = declared["name"], declared.get("beforeEntry"), declared.get("onSuccess")
    return Stage(
        name,
        tuple(_action(action, name, region) for action in declared["actions"]),
        conditions.read(entry, name, region) if entry else None,
        _retry(declared.get("onFailure")),
        conditions.read(success, name, region, "ON_SUCCESS") if success else None,
        _failure(declared.get("onFailure"), name, region),
    )


def _retry(declared: Mapping[str, Any] | None) -> Retry | None:
    if not declared or declared.get("result") != "RETRY":
        return None
    # CodePipeline user guide, "Configure a stage for automatic retry on failure".
    mode: Retry = declared.get("retryConfiguration", {}).get("retryMode", "ALL_ACTIONS")
    return mode


def _failure(declared: Mapping[str, Any] | None, stage: str, region: str) -> Condition | None:
    if not declared:
        return None
    result = declared.get("result")
    if declared.get("conditions"):
        if result is not None:
            raise _stage_error(f"stage {stage}: onFailure has a result or conditions, and not both")
        return conditions.read(declared, stage, region, "ON_FAILURE")
    if result not in ("RETRY", "ROLLBACK"):
        raise _stage_error(f"stage {stage}: the result of onFailure is RETRY or ROLLBACK in the local simulation")
    return Condition("ROLLBACK", ()) if result == "ROLLBACK" else None


def _action(declared: Mapping[str, Any], stage: str, region: str) -> Action:
    name, kind = f"{stage}/{declared['name']}", declared["actionTypeId"]
    for refused in _OF_COMMANDS:
        if declared.get(refused) and kind["provider"] != "Commands":
            raise _action_error(f"action {name}: {refused} is not in the local simulation but of Commands")
    outputs = declared.get("outputArtifacts", [])
    if kind["provider"] != "Commands" and any(one.get("files") for one in outputs):
        raise _action_error(f"action {name}: only Commands has files of an output artifact")
    if declared.get("region", region) != region:
        raise _action_error(f"action {name} is in {declared['region']}; actions in other regions are not simulated")
    if declared.get("timeoutInMinutes") and kind["category"] != "Approval":
        raise _action_error(f"action {name}: timeoutInMinutes is simulated of approvals only")
    action = Action(
        name=declared["name"],
        category=kind["category"],
        provider=kind["provider"],
        run_order=declared.get("runOrder", 1),
        configuration=dict(declared.get("configuration", {})),
        inputs=tuple(one["name"] for one in declared.get("inputArtifacts", [])),
        outputs=tuple(one["name"] for one in outputs),
        namespace=declared.get("namespace"),
        role_arn=declared.get("roleArn"),
        timeout_minutes=declared.get("timeoutInMinutes"),
        commands=tuple(declared.get("commands", ())),
        exported=tuple(declared.get("outputVariables", ())),
        environment=tuple(declared.get("environmentVariables", ())),
        files={one["name"]: tuple(one["files"]) for one in outputs if one.get("files")},
    )
    if kind["owner"] != "AWS" or (action.category, action.provider) not in KINDS:
        simulated = ", ".join(f"{category} by {provider}" for category, provider in KINDS)
        raise _action_error(
            f"action {name}: {action.category} by {kind['owner']} {action.provider} is not in the local simulation, "
            f"which has {simulated}"
        )
    _check_action(action, name)
    return action


def _check_action(action: Action, name: str) -> None:
    kind = KINDS[action.category, action.provider]
    for what, given, allowed in (("input", action.inputs, kind.inputs), ("output", action.outputs, kind.outputs)):
        if wrong := wrong_number(what, action.provider, len(given), allowed):
            raise _action_error(f"action {name} {wrong}")
    if action.provider == "CloudFormation" and (mode := action.configuration.get("ActionMode")):
        if mode not in _OF_MODE:
            raise _action_error(f"action {name}: ActionMode must be one of {', '.join(_OF_MODE)}")
        kind = replace(kind, required=kind.required | _OF_MODE[mode])
    wrong = wrong_configuration(action.provider, kind, action.configuration)
    wrong = wrong or wrong_commands(action.provider, action.commands)
    if not wrong and action.provider == "CodeBuild":
        wrong = wrong_build(action.configuration, action.inputs)
    if wrong:
        raise _action_error(f"action {name}: {wrong}")
    for key in ("TemplatePath", "TemplateConfiguration"):
        artifact, separator, _ = action.configuration.get(key, "").partition("::")
        if key in action.configuration and (not separator or artifact not in action.inputs):
            raise _action_error(f"action {name}: {key} must be ARTIFACT::FILE, of one of its input artifacts")


def _check_stages(pipeline: Pipeline) -> None:
    if len(pipeline.stages) < 2:
        raise _structure_error(f"pipeline {pipeline.name} has 1 stage; a pipeline has at least 2")
    _refuse_twice((stage.name for stage in pipeline.stages), "stage")
    for number, stage in enumerate(pipeline.stages):
        _refuse_twice((action.name for action in stage.actions), f"stage {stage.name}: action")
        if not stage.actions:
            raise _stage_error(f"stage {stage.name} has no actions")
        for action in stage.actions:
            if (action.category == "Source") != (number == 0):
                raise _stage_error(
                    f"stage {stage.name}, action {action.name}: the first stage has source actions only, "
                    "and no other stage has any"
                )
    _refuse_twice((action.namespace for _, action in pipeline.actions() if action.namespace), "variable namespace")


def _triggers(declaration: Mapping[str, Any]) -> tuple[Trigger, ...]:
    try:
        return triggers.read(declaration.get("triggers", []))
    except ValueError as error:
        raise _structure_error(str(error)) from None


def _check_triggers(pipeline: Pipeline) -> None:
    _refuse_twice((trigger.source for trigger in pipeline.triggers), "trigger of source action")
    connected = {action.name for action in pipeline.stages[0].actions if action.provider == triggers.PROVIDER}
    for trigger in pipeline.triggers:
        if trigger.source not in connected:
            raise _structure_error(f"a trigger names {trigger.source}, which is no source action of a connection")


def _check_artifacts(pipeline: Pipeline) -> None:
    _refuse_twice((name for _, action in pipeline.actions() for name in action.outputs), "output artifact")
    made: set[str] = set()
    absent = "is no output of an action that runs before it"
    for stage in pipeline.stages:
        _check_inputs(made, stage, [stage.entry], absent)
        for group in stage.groups():
            for action in group:
                for name in set(action.inputs) - made:
                    raise _action_error(f"action {stage.name}/{action.name}: input artifact {name} {absent}")
            made.update(name for action in group for name in action.outputs)
        _check_inputs(made, stage, [stage.success, stage.failure], absent)


def _check_inputs(made: set[str], stage: Stage, which: list[Condition | None], absent: str) -> None:
    for condition in which:
        for rule in condition.rules if condition else ():
            for name in set(rule.inputs) - made:
                raise _stage_error(f"stage {stage.name}, rule {rule.name}: input artifact {name} {absent}")


def _check_references(pipeline: Pipeline) -> None:
    known = {"codepipeline", "variables"}
    for stage in pipeline.stages:
        _check_rules(pipeline, known, stage, [stage.entry])
        for group in stage.groups():
            for action in group:
                if wrong := _wrong_reference(pipeline, known, action.configuration):
                    raise _action_error(f"action {stage.name}/{action.name}: {wrong}")
            known.update(action.namespace for action in group if action.namespace)
        _check_rules(pipeline, known, stage, [stage.success, stage.failure])
        names = [rule.name for condition in stage.conditions() for rule in condition.rules]
        _refuse_twice(iter(names), f"stage {stage.name}: rule")


def _check_rules(pipeline: Pipeline, known: set[str], stage: Stage, which: list[Condition | None]) -> None:
    for condition in which:
        for rule in condition.rules if condition else ():
            if wrong := _wrong_reference(pipeline, known, rule.configuration):
                raise _stage_error(f"stage {stage.name}, rule {rule.name}: {wrong}")


def _wrong_reference(pipeline: Pipeline, known: set[str], configuration: Mapping[str, str]) -> str:
    """Say what is wrong with the first wrong reference in `configuration`; nothing, where all are right."""
    for namespace, variable in REFERENCE.findall(json.dumps(dict(configuration))):
        reference = f"#{{{namespace}.{variable}}}"
        if namespace == "variables" and variable not in pipeline.variables:
            return f"{reference} is no variable of the pipeline"
        if namespace == "codepipeline" and variable != "PipelineExecutionId":
            return f"{reference} is not known; codepipeline has PipelineExecutionId"
        if namespace not in known:
            return f"{reference} is of no namespace of an action that runs before it"
    return ""


def _refuse_twice(names: Iterator[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _structure_error(f"{what} {name} is there twice; each needs a name of its own")
        seen.add(name)


def _structure_error(sentence: str) -> AwsError:
    return AwsError("InvalidStructureException", sentence)


def _stage_error(sentence: str) -> AwsError:
    return AwsError("InvalidStageDeclarationException", sentence)


def _action_error(sentence: str) -> AwsError:
    return AwsError("InvalidActionDeclarationException", sentence)
