"""The events of CodePipeline (user guide, "Monitoring CodePipeline events"): executions, stages and actions."""

from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.services.codepipeline.execution import ActionExecution, Execution
from tidegate_sandbox.services.codepipeline.structure import Stage


def execution_changed(execution: Execution, state: str) -> None:
    """Send `CodePipeline Pipeline Execution State Change`."""
    _send("Pipeline", execution, {"state": "CANCELED" if state == "CANCELLED" else state})


def stage_changed(execution: Execution, stage: Stage, state: str) -> None:
    """Send `CodePipeline Stage Execution State Change`."""
    _send("Stage", execution, {"stage": stage.name, "state": state})


def action_changed(execution: Execution, run: ActionExecution, state: str) -> None:
    """Send `CodePipeline Action Execution State Change`."""
    detail: dict[str, Any] = {
        "stage": run.stage.name,
        "action": run.action.name,
        "action-execution-id": run.id,
        "region": execution.scope.region,
        "type": {
            "owner": "AWS",
            "provider": run.action.provider,
            "category": run.action.category,
            "version": "1",
        },
        "state": state,
    }
    if run.is_done and run.external_id:
        detail["execution-result"] = {
            "external-execution-id": run.external_id,
            "external-execution-summary": run.summary,
            "external-execution-url": run.external_url,
            "error-code": run.error_code or None,
        }
    _send("Action", execution, detail)


def _send(what: str, execution: Execution, detail: dict[str, Any]) -> None:
    name = execution.pipeline.name
    common = {
        "pipeline": name,
        "execution-id": execution.id,
        "version": float(execution.version),
        "execution-trigger": {
            "trigger-type": execution.trigger["triggerType"],
            "trigger-detail": execution.trigger["triggerDetail"],
        },
    }
    hooks.emit_event(
        "aws.codepipeline",
        f"CodePipeline {what} Execution State Change",
        common | detail,
        [execution.scope.arn("codepipeline", name)],
    )
