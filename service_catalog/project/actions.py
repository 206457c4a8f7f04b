"""The stages and actions of CodePipeline that the project's pipelines are made of."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline

Action: TypeAlias = codepipeline.CfnPipeline.ActionDeclarationProperty
Stage: TypeAlias = codepipeline.CfnPipeline.StageDeclarationProperty

SOURCE = "Source"


def source_stage(provider: str, configuration: Mapping[str, str | bool]) -> Stage:
    """Return the stage that takes a repository's branch, as `provider` and its `configuration` have it."""
    source = Action(
        name=SOURCE,
        action_type_id=_action_type("Source", provider),
        output_artifacts=_outputs([SOURCE]),
        configuration=configuration,
    )
    return Stage(name="Source", actions=[source])


def build_action(
    name: str,
    build: codebuild.CfnProject,
    inputs: Sequence[str],
    *,
    outputs: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    namespace: str | None = None,
) -> Action:
    """Return an action that runs a CodeBuild project on artefacts, the primary source first."""
    configuration = {"ProjectName": build.ref}
    if len(inputs) > 1:
        configuration["PrimarySource"] = inputs[0]
    if environment:
        variables = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in environment.items()]
        configuration["EnvironmentVariables"] = json.dumps(variables)
    return Action(
        name=name,
        namespace=namespace,
        run_order=1,
        action_type_id=_action_type("Build", "CodeBuild"),
        input_artifacts=_inputs(inputs),
        output_artifacts=_outputs(outputs) if outputs else None,
        configuration=configuration,
    )


def deploy_action(name: str, artifact: str, files: str, *, stack: str, role: str, action_role: str) -> Action:
    """Return an action that creates or updates a stack from `{files}.template.yaml` and `{files}.config.json`.

    The stack acts with `role`; the action with `action_role`, where that is any, in whose account the stack then is.
    """
    return Action(
        name=name,
        run_order=1,
        role_arn=action_role,
        action_type_id=_action_type("Deploy", "CloudFormation"),
        input_artifacts=_inputs([artifact]),
        configuration={
            "ActionMode": "CREATE_UPDATE",
            "StackName": stack,
            "RoleArn": role,
            "TemplatePath": f"{artifact}::{files}.template.yaml",
            "TemplateConfiguration": f"{artifact}::{files}.config.json",
        },
    )


def approval_action(
    name: str, question: str, *, link: str, topic: str, order: int = 1, minutes: int | None = None
) -> Action:
    """Return an action that waits for a person, who is told by `topic` and shown `question` and `link`.

    It fails after `minutes`.
    """
    return Action(
        name=name,
        run_order=order,
        action_type_id=_action_type("Approval", "Manual"),
        configuration={"CustomData": question, "ExternalEntityLink": link, "NotificationArn": topic},
        timeout_in_minutes=minutes,
    )


def entered_only_if(variable: str, value: str) -> codepipeline.CfnPipeline.BeforeEntryConditionsProperty:
    """Return the condition that skips a stage unless `variable`, such as `Render.PROD_TEST`, equals `value`."""
    pipeline = codepipeline.CfnPipeline
    rule = pipeline.RuleDeclarationProperty(
        name=f"only-if-{value}",
        rule_type_id=pipeline.RuleTypeIdProperty(category="Rule", owner="AWS", provider="VariableCheck", version="1"),
        configuration={"Variable": f"#{{{variable}}}", "Operator": "EQ", "Value": value},
    )
    return pipeline.BeforeEntryConditionsProperty(conditions=[pipeline.ConditionProperty(result="SKIP", rules=[rule])])


def tried_again() -> codepipeline.CfnPipeline.FailureConditionsProperty:
    """Return the condition that runs a failed stage once more, by itself.

    Right only where a run that failed has decided and changed nothing that a second run would decide otherwise.
    """
    pipeline = codepipeline.CfnPipeline
    return pipeline.FailureConditionsProperty(
        result="RETRY", retry_configuration=pipeline.RetryConfigurationProperty(retry_mode="FAILED_ACTIONS")
    )


def _action_type(category: str, provider: str) -> codepipeline.CfnPipeline.ActionTypeIdProperty:
    return codepipeline.CfnPipeline.ActionTypeIdProperty(category=category, owner="AWS", provider=provider, version="1")


def _inputs(names: Sequence[str]) -> list[codepipeline.CfnPipeline.InputArtifactProperty]:
    return [codepipeline.CfnPipeline.InputArtifactProperty(name=name) for name in names]


def _outputs(names: Sequence[str]) -> list[codepipeline.CfnPipeline.OutputArtifactProperty]:
    return [codepipeline.CfnPipeline.OutputArtifactProperty(name=name) for name in names]
