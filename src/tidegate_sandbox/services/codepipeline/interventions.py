"""What people do to a pipeline amid its executions: roll a stage back, override a condition, close a transition."""

from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.execution import Disabled
from tidegate_sandbox.services.codepipeline.executions import entered, execution_of, stage_of
from tidegate_sandbox.services.codepipeline.pipelines import Kept, codepipeline, find, whoever
from tidegate_sandbox.services.codepipeline.structure import Stage


@codepipeline.operation("RollbackStage")
def _roll_back(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    stage = stage_of(kept, p["stageName"])
    target = execution_of(kept, p["targetPipelineExecutionId"])
    if target.pipeline is not kept.pipeline:
        raise AwsError("PipelineExecutionOutdatedException", "the pipeline was changed since this execution started")
    with kept.line.changed:
        refused = ""
        if kept.pipeline.mode == "PARALLEL":
            refused = "in execution mode PARALLEL no stage can be rolled back"
        elif stage is kept.pipeline.stages[0]:
            refused = "a source stage cannot be rolled back"
        elif target.rolls_back_to is not None or target.stages.get(stage.name) != "Succeeded":
            refused = f"{stage.name} has not succeeded in {target.id}, or that is a rollback itself"
        elif any(one.stages.get(stage.name) == "InProgress" for one in kept.line.executions.values()):
            refused = f"{stage.name} is in progress"
    if refused:
        raise AwsError("UnableToRollbackStageException", refused)
    started = kept.line.roll_back(target, stage, "ManualRollback", whoever())
    return {"pipelineExecutionId": started.id}


@codepipeline.operation("OverrideStageCondition")
def _override(p: dict[str, Any]) -> None:
    kept = find(p["pipelineName"])
    stage = stage_of(kept, p["stageName"])
    execution = execution_of(kept, p["pipelineExecutionId"])
    with kept.line.changed:
        been = [one for one in kept.line.executions.values() if stage.name in one.stages]
        latest = max(been, key=lambda one: entered(one, stage), default=None)
    if execution is not latest and kept.pipeline.mode != "PARALLEL":
        raise AwsError("NotLatestPipelineExecutionException", f"{execution.id} is not the latest in {stage.name}")
    kept.line.override(execution, stage, p["conditionType"])


@codepipeline.operation("DisableStageTransition")
def _disable(p: dict[str, Any]) -> None:
    kept = find(p["pipelineName"])
    disabled = Disabled(p["reason"], whoever(), context.sandbox().clock.now())
    kept.line.set_transition(_behind(kept, p), disabled)


@codepipeline.operation("EnableStageTransition")
def _enable(p: dict[str, Any]) -> None:
    kept = find(p["pipelineName"])
    kept.line.set_transition(_behind(kept, p), None)


def _behind(kept: Kept, p: dict[str, Any]) -> Stage:
    """Return the stage that a transition leads to: of a stage's outbound one, which is between two, the next."""
    stage = stage_of(kept, p["stageName"])
    if p["transitionType"] == "Inbound":
        return stage
    following = kept.pipeline.stages[kept.pipeline.stages.index(stage) + 1 :]
    if not following:
        raise AwsError("ValidationException", f"stage {stage.name} is the last, so no transition leads out of it")
    return following[0]
