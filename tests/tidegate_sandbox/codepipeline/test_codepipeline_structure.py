"""What CodePipeline takes for a pipeline, what it refuses and with what sentence."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.structure import structure
from tidegate_sandbox.services.codepipeline.variables import UnknownVariableError, resolve

REGION = "eu-west-1"
Declaration = dict[str, Any]


def action(name: str, category: str, provider: str, **rest: Any) -> Declaration:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **rest}


SOURCE = action(
    "Source",
    "Source",
    "CodeCommit",
    namespace="Source",
    configuration={"RepositoryName": "demo", "BranchName": "main", "PollForSourceChanges": "false"},
    outputArtifacts=[{"name": "Source"}],
)
RENDER = action(
    "Render",
    "Build",
    "CodeBuild",
    configuration={"ProjectName": "render"},
    inputArtifacts=[{"name": "Source"}],
    outputArtifacts=[{"name": "Rendered"}],
)
DEPLOY = action(
    "Deploy",
    "Deploy",
    "CloudFormation",
    configuration={
        "ActionMode": "CREATE_UPDATE",
        "StackName": "demo",
        "RoleArn": "arn:aws:iam::111122223333:role/deploy",
        "TemplatePath": "Rendered::staging.template.yaml",
        "TemplateConfiguration": "Rendered::staging.config.json",
    },
    inputArtifacts=[{"name": "Rendered"}],
)
VERIFY = action(
    "Verify",
    "Test",
    "CodeBuild",
    configuration={
        "ProjectName": "verify",
        "PrimarySource": "Source",
        "EnvironmentVariables": '[{"name": "EXECUTION", "value": "#{codepipeline.PipelineExecutionId}"}]',
    },
    inputArtifacts=[{"name": "Source"}, {"name": "Rendered"}],
)
APPROVE = action("Approve", "Approval", "Manual", runOrder=2, configuration={"CustomData": "#{Source.CommitId}"})
TRIGGER = {
    "providerType": "CodeStarSourceConnection",
    "gitConfiguration": {"sourceActionName": "Source", "push": [{"branches": {"includes": ["main"]}}]},
}
VALID: Declaration = {
    "name": "demo",
    "roleArn": "arn:aws:iam::111122223333:role/pipeline",
    "pipelineType": "V2",
    "executionMode": "QUEUED",
    "artifactStore": {"type": "S3", "location": "bucket"},
    "stages": [
        {"name": "Source", "actions": [SOURCE]},
        {"name": "Render", "actions": [RENDER]},
        {"name": "Staging", "actions": [APPROVE, DEPLOY, VERIFY]},
    ],
}


def test_a_valid_structure_is_read_with_its_groups_in_order() -> None:
    pipeline = structure(VALID, REGION)

    assert (pipeline.name, pipeline.mode, pipeline.bucket) == ("demo", "QUEUED", "bucket")
    groups = [[one.name for one in group] for group in pipeline.stages[2].groups()]
    assert groups == [["Deploy", "Verify"], ["Approve"]], "equal RunOrders run side by side"
    assert pipeline.stages[2].actions[2].inputs == ("Source", "Rendered")


def _action(declaration: Declaration, stage: int, number: int) -> Declaration:
    found: Declaration = declaration["stages"][stage]["actions"][number]
    return found


def _drop(container: Any, key: Any) -> None:
    del container[key]


REFUSED: dict[str, tuple[Callable[[Declaration], Any], str, str]] = {
    "one stage": (
        lambda d: d.update(stages=d["stages"][:1]),
        "InvalidStructureException",
        "has 1 stage; a pipeline has at least 2",
    ),
    "no artifact store": (lambda d: _drop(d, "artifactStore"), "InvalidStructureException", "needs artifactStore"),
    "queued in V1": (lambda d: d.update(pipelineType="V1"), "InvalidStructureException", "need a pipeline of type V2"),
    "a rollback where executions go side by side": (
        lambda d: (d.update(executionMode="PARALLEL"), d["stages"][1].update(onFailure={"result": "ROLLBACK"})),
        "InvalidStageDeclarationException",
        "stage Render: in execution mode PARALLEL no stage can be rolled back",
    ),
    "a rollback of sources": (
        lambda d: d["stages"][0].update(onFailure={"result": "ROLLBACK"}),
        "InvalidStageDeclarationException",
        "stage Source: a source stage cannot be rolled back",
    ),
    "a trigger of what is no connection": (
        lambda d: d.update(triggers=[TRIGGER]),
        "InvalidStructureException",
        "a trigger names Source, which is no source action of a connection",
    ),
    "a trigger in V1": (
        lambda d: d.update(triggers=[TRIGGER], pipelineType="V1", executionMode="SUPERSEDED"),
        "InvalidStructureException",
        "triggers need a pipeline of type V2",
    ),
    "a stage twice": (
        lambda d: d["stages"][1].update(name="Source"),
        "InvalidStructureException",
        "stage Source is there twice",
    ),
    "an action twice": (
        lambda d: _action(d, 2, 1).update(name="Verify"),
        "InvalidStructureException",
        "stage Staging: action Verify is there twice",
    ),
    "an output twice": (
        lambda d: _action(d, 1, 0).update(outputArtifacts=[{"name": "Source"}]),
        "InvalidStructureException",
        "output artifact Source is there twice",
    ),
    "an empty stage": (
        lambda d: d["stages"][1].update(actions=[]),
        "InvalidStageDeclarationException",
        "stage Render has no actions",
    ),
    "a source later": (
        lambda d: d["stages"][1]["actions"].append(
            {**deepcopy(SOURCE), "outputArtifacts": [{"name": "Second"}], "namespace": "B"}
        ),
        "InvalidStageDeclarationException",
        "the first stage has source actions only",
    ),
    "a build first": (
        lambda d: d["stages"].reverse(),
        "InvalidStageDeclarationException",
        "the first stage has source actions only",
    ),
    "conditions": (
        lambda d: d["stages"][1].update(onFailure={"result": "SKIP"}),
        "InvalidStageDeclarationException",
        "stage Render: the result of onFailure is RETRY or ROLLBACK",
    ),
    "an input from nowhere": (
        lambda d: _action(d, 1, 0).update(inputArtifacts=[{"name": "Absent"}]),
        "InvalidActionDeclarationException",
        "Render/Render: input artifact Absent is no output of an action that runs before it",
    ),
    "an input of the same group": (
        lambda d: (
            d["stages"][2]["actions"].append(
                action(
                    "Late", "Build", "CodeBuild", configuration={"ProjectName": "x"}, inputArtifacts=[{"name": "Made"}]
                )
            )
            or _action(d, 2, 2).update(outputArtifacts=[{"name": "Made"}])
        ),
        "InvalidActionDeclarationException",
        "Staging/Late: input artifact Made is no output",
    ),
    "an unknown provider": (
        lambda d: _action(d, 1, 0)["actionTypeId"].update(provider="Jenkins"),
        "InvalidActionDeclarationException",
        "Build by AWS Jenkins is not in the local simulation",
    ),
    "a custom owner": (
        lambda d: _action(d, 1, 0)["actionTypeId"].update(owner="Custom"),
        "InvalidActionDeclarationException",
        "Build by Custom CodeBuild is not",
    ),
    "polling": (
        lambda d: _drop(_action(d, 0, 0)["configuration"], "PollForSourceChanges"),
        "InvalidActionDeclarationException",
        "PollForSourceChanges must be false",
    ),
    "a full clone": (
        lambda d: _action(d, 0, 0)["configuration"].update(OutputArtifactFormat="CODEBUILD_CLONE_REF"),
        "InvalidActionDeclarationException",
        "OutputArtifactFormat must be CODE_ZIP",
    ),
    "a missing key": (
        lambda d: _drop(_action(d, 0, 0)["configuration"], "BranchName"),
        "InvalidActionDeclarationException",
        "configuration lacks BranchName",
    ),
    "an unknown key": (
        lambda d: _action(d, 1, 0)["configuration"].update(Colour="red"),
        "InvalidActionDeclarationException",
        "configuration Colour is not in the local simulation",
    ),
    "a mode that is none": (
        lambda d: _action(d, 2, 1)["configuration"].update(ActionMode="CREATE"),
        "InvalidActionDeclarationException",
        "ActionMode must be one of CREATE_UPDATE, REPLACE_ON_FAILURE, DELETE_ONLY, CHANGE_SET_REPLACE, CHANGE_SET_EX",
    ),
    "a change set without a name": (
        lambda d: _action(d, 2, 1)["configuration"].update(ActionMode="CHANGE_SET_REPLACE"),
        "InvalidActionDeclarationException",
        "configuration lacks ChangeSetName",
    ),
    "a template of no artifact": (
        lambda d: _action(d, 2, 1)["configuration"].update(TemplatePath="Source::a.yaml"),
        "InvalidActionDeclarationException",
        "TemplatePath must be ARTIFACT::FILE",
    ),
    "no primary source": (
        lambda d: _drop(_action(d, 2, 2)["configuration"], "PrimarySource"),
        "InvalidActionDeclarationException",
        "PrimarySource must name one of them",
    ),
    "variables that are no list": (
        lambda d: _action(d, 1, 0)["configuration"].update(EnvironmentVariables='{"A": "b"}'),
        "InvalidActionDeclarationException",
        "EnvironmentVariables must be a JSON list",
    ),
    "two sources of one action": (
        lambda d: _action(d, 0, 0).update(outputArtifacts=[{"name": "A"}, {"name": "B"}]),
        "InvalidActionDeclarationException",
        "has 2 output artifacts; CodeCommit takes 1 to 1",
    ),
    "another region": (
        lambda d: _action(d, 1, 0).update(region="us-east-1"),
        "InvalidActionDeclarationException",
        "actions in other regions are not simulated",
    ),
    "an unknown namespace": (
        lambda d: _action(d, 2, 0)["configuration"].update(CustomData="#{Elsewhere.X}"),
        "InvalidActionDeclarationException",
        "#{Elsewhere.X} is of no namespace of an action that runs before it",
    ),
    "an unknown pipeline variable": (
        lambda d: _action(d, 2, 0)["configuration"].update(CustomData="#{variables.X}"),
        "InvalidActionDeclarationException",
        "#{variables.X} is no variable of the pipeline",
    ),
    "a deploy with a timeout": (
        lambda d: _action(d, 2, 1).update(timeoutInMinutes=10),
        "InvalidActionDeclarationException",
        "timeoutInMinutes is simulated of approvals only",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_structure_is_refused_with_aws_s_code_and_a_sentence(case: str) -> None:
    spoil, code, sentence = REFUSED[case]
    declaration = deepcopy(VALID)
    spoil(declaration)

    with pytest.raises(AwsError) as refused:
        structure(declaration, REGION)

    assert refused.value.code == code
    assert sentence in refused.value.message


def test_references_are_replaced_wherever_they_stand() -> None:
    variables = {"codepipeline": {"PipelineExecutionId": "id"}, "Source": {"CommitId": "abc", "Empty": ""}}

    assert resolve("#{Source.CommitId}-#{codepipeline.PipelineExecutionId}#{Source.Empty}.", variables) == "abc-id."
    assert resolve("no #{reference} $(here) #{}", variables) == "no #{reference} $(here) #{}"
    with pytest.raises(UnknownVariableError, match=r"#\{Source.Absent\} has no value"):
        resolve("#{Source.Absent}", variables)
