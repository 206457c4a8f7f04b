"""Where there is more than the page shows, it says so, and what somebody asks for by its id is shown all the same."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tidegate_sandbox.page.views import builds, codepipelines, pipelines, registry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-west-1:111122223333"


@dataclass
class Full:
    """Answers as a sandbox would in which there are thirty of everything, numbered, the newest first."""

    lists: dict[str, list[Any]]
    answers: dict[str, Any] = field(default_factory=dict)

    def every(self, _service: str, operation: str, _member: str, **_: Any) -> list[Any]:
        return self.lists.get(operation, [])

    def ask(self, _service: str, operation: str, **_: Any) -> Any:
        return self.answers[operation]


def numbers() -> range:
    return range(30, 0, -1)


def test_a_pipeline_has_its_newest_executions_and_the_one_that_was_asked_for() -> None:
    execution = {"status": "Succeeded", "startTime": NOW, "lastUpdateTime": NOW}
    full = Full(
        {"list_pipeline_executions": [{**execution, "pipelineExecutionId": f"e{each}"} for each in numbers()]},
        {"get_pipeline": {"pipeline": {"stages": []}}, "get_pipeline_state": {"stageStates": []}},
    )
    shown = codepipelines.one(full, "any", {"execution": "e2"})
    assert [shown["executions"][at]["id"] for at in (0, 19, 20)] == ["e30", "e11", "e2"]
    assert (len(shown["executions"]), shown["chosen"], shown["left_out"]) == (21, "e2", 9)


def test_a_model_pipeline_has_them_too() -> None:
    execution = {"PipelineExecutionStatus": "Succeeded", "StartTime": NOW}
    listed = [{**execution, "PipelineExecutionArn": f"{ARN}:pipeline/any/execution/e{each}"} for each in numbers()]
    full = Full(
        {"list_pipeline_executions": listed},
        {
            "describe_pipeline": {"PipelineName": "any", "PipelineDefinition": "{}"},
            "describe_pipeline_definition_for_execution": {},
        },
    )
    shown = pipelines.one(full, "any", {"execution": "e2"})
    assert (len(shown["executions"]), shown["executions"][-1]["id"], shown["left_out"]) == (21, "e2", 9)


def test_a_group_says_how_many_versions_it_has_before_those_that_are_shown() -> None:
    version = {"ModelPackageArn": f"{ARN}:model-package/any/1", "ModelPackageVersion": 1}
    described = {"CreationTime": NOW, "ModelPackageStatus": "Completed", "ModelApprovalStatus": "Approved"}
    full = Full(
        {"list_model_packages": [{**version, "ModelPackageVersion": each} for each in numbers()]},
        {
            "describe_model_package_group": {"ModelPackageGroupName": "any"},
            "describe_model_package": version | described,
        },
    )
    shown = registry.one(full, "any", {})
    assert (len(shown["versions"]), shown["left_out"]) == (20, 10)


def test_so_do_the_builds() -> None:
    build = {"projectName": "any", "buildStatus": "SUCCEEDED", "startTime": NOW}
    full = Full({"list_builds": ["any:1"] * 45}, {"batch_get_builds": {"builds": [{**build, "id": "any:1"}]}})
    assert builds.every(full)["left_out"] == 5
