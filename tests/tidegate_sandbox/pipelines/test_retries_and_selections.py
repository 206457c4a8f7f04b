"""Given an execution that ended, when it is tried again or some steps are run alone, then what succeeded is kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox.services.pipelines.definition import DefinitionError, parse
from tidegate_sandbox.services.pipelines.selection import select

Request = Callable[..., dict[str, Any]]


def step(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Processing", "Arguments": {}, "DependsOn": list(needs), **more}


def diamond() -> Any:
    """Return a → b → c → d, with e beside c, and a condition after d that begins f, or g and h."""
    condition = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    branches = {"Conditions": [condition], "IfSteps": [step("f")], "ElseSteps": [step("g"), step("h", "g")]}
    gate = {"Name": "gate", "Type": "Condition", "Arguments": branches, "DependsOn": ["d"]}
    steps = [step("a"), step("b", "a"), step("c", "b"), step("e", "b"), step("d", "c", "e"), gate]
    return parse(json.dumps({"Version": "2020-12-01", "Steps": steps}))


@pytest.mark.parametrize(
    ("selected", "reused", "first"),
    [
        (["a"], [], ["a"]),
        (["b", "c"], ["a"], ["b", "c"]),
        (["d"], ["c", "e"], ["d"]),
        (["d", "gate", "f"], ["c", "e"], ["d", "gate"]),
        (["g", "h"], [], ["g", "h"]),
    ],
)
def test_selected_steps_run_on_what_the_others_left(selected: list[str], reused: list[str], first: list[str]) -> None:
    definition = diamond()
    selection = select(definition, selected)
    assert sorted(selection.reused) == reused
    assert [each.name for each in selection.first(definition)] == first


@pytest.mark.parametrize(
    ("selected", "says"),
    [
        (["a", "z"], "has no step z"),
        (["b", "d"], "c, e lies between selected steps"),
        (["a", "c"], "b lies between selected steps"),
        (["c", "e"], "e is not connected"),
    ],
)
def test_steps_that_cannot_run_alone_together_are_refused(selected: list[str], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        select(diamond(), selected)


@pytest.fixture
def half(sandbox: Any, bucket: Any, name: str, processing_request: Request, eventually: Any) -> Any:
    """A pipeline whose second step reads what is not there yet; return how its execution ended."""
    sagemaker = sandbox.client("sagemaker")
    first = {"Name": "First", "Type": "Processing", "Arguments": processing_request("pass")}
    request = processing_request("pass", inputs={"late": bucket.uri("late/")})
    second = {"Name": "Second", "Type": "Processing", "DependsOn": ["First"], "Arguments": request}
    definition = {"Version": "2020-12-01", "Steps": [first, second]}
    role = "arn:aws:iam::111122223333:role/pipeline"
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=role)
    return sagemaker, sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]


def test_an_execution_that_failed_goes_on_where_it_failed_and_its_steps_run_alone_later(
    half: Any, bucket: Any, name: str, eventually: Any, fits: Any
) -> None:
    sagemaker, execution = half

    def ended(arn: str) -> Any:
        found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return found["PipelineExecutionStatus"] not in ("Executing", "Stopping") and found

    def steps(arn: str) -> dict[str, Any]:
        listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
        fits("ListPipelineExecutionSteps", listed)
        return {each["StepName"]: each for each in listed["PipelineExecutionSteps"]}

    assert eventually(lambda: ended(execution))["PipelineExecutionStatus"] == "Failed"
    before = steps(execution)
    assert {each: found["StepStatus"] for each, found in before.items()} == {"First": "Succeeded", "Second": "Failed"}
    bucket.put("late/rows.csv", "1")
    token = {"PipelineExecutionArn": execution, "ClientRequestToken": "a" * 40}
    for _ in range(2):  # the second time by the same token: nothing happens
        sagemaker.retry_pipeline_execution(**token)
    described = eventually(lambda: ended(execution))
    assert (described["PipelineExecutionStatus"], described.get("FailureReason")) == ("Succeeded", None)
    after = steps(execution)
    assert after["First"] == before["First"]
    assert after["Second"]["Metadata"] != before["Second"].get("Metadata")
    with pytest.raises(ClientError, match="only an execution that failed or was stopped") as refused:
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=execution)
    assert refused.value.response["Error"]["Code"] == "ConflictException"

    selection: dict[str, Any] = {"SelectedSteps": [{"StepName": "Second"}]}
    with pytest.raises(ClientError, match="SourcePipelineExecutionArn is needed for First"):
        sagemaker.start_pipeline_execution(PipelineName=name, SelectiveExecutionConfig=selection)
    selection["SourcePipelineExecutionArn"] = execution
    alone = sagemaker.start_pipeline_execution(PipelineName=name, SelectiveExecutionConfig=selection)
    described = eventually(lambda: ended(alone["PipelineExecutionArn"]))
    fits("DescribePipelineExecution", described)
    assert (described["PipelineExecutionStatus"], described["SelectiveExecutionConfig"]) == ("Succeeded", selection)
    ran = steps(alone["PipelineExecutionArn"])
    assert ran["First"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": execution}
    assert ran["First"]["Metadata"] == before["First"]["Metadata"]
    assert ran["Second"]["Metadata"] != after["Second"]["Metadata"]

    sagemaker.update_pipeline_execution(PipelineExecutionArn=execution, PipelineExecutionDescription="mended")
    found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    assert found["PipelineExecutionDescription"] == "mended"
