"""CodePipeline's executions as the API tells of them: listing, stopping, approving, retrying."""

from collections.abc import Mapping
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.conditions import When
from tidegate_sandbox.services.codepipeline.execution import (
    ActionExecution,
    Execution,
    Location,
    RuleExecution,
    Run,
)
from tidegate_sandbox.services.codepipeline.pipelines import Kept, codepipeline, find
from tidegate_sandbox.services.codepipeline.structure import Action, Stage


def execution_of(kept: Kept, identifier: str) -> Execution:
    """Return an execution; AwsError where there is none."""
    found = kept.line.executions.get(identifier)
    if found is None:
        raise AwsError(
            "PipelineExecutionNotFoundException", f"{kept.pipeline.name} has no execution with the id {identifier}"
        )
    return found


def stage_of(kept: Kept, name: str) -> Stage:
    """Return a stage of the pipeline as it is now; AwsError where there is none."""
    for stage in kept.pipeline.stages:
        if stage.name == name:
            return stage
    raise AwsError("StageNotFoundException", f"{kept.pipeline.name} has no stage {name}")


def _newest_first(kept: Kept) -> list[Execution]:
    return list(kept.line.executions.values())[::-1]


def _page(items: list[dict[str, Any]], p: dict[str, Any], name: str) -> dict[str, Any]:
    try:
        start = int(p.get("nextToken", "0"))
    except ValueError:
        raise AwsError("InvalidNextTokenException", f"{p['nextToken']!r} is no token that a call before gave") from None
    end = start + p.get("maxResults", 100)
    return {name: items[start:end]} | ({"nextToken": str(end)} if end < len(items) else {})


@codepipeline.operation("GetPipelineExecution")
def _get(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    with kept.line.changed:
        return {"pipelineExecution": _described(kept, execution_of(kept, p["pipelineExecutionId"]))}


def _described(kept: Kept, execution: Execution) -> dict[str, Any]:
    described = {
        "pipelineName": kept.pipeline.name,
        "pipelineVersion": execution.version,
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "artifactRevisions": [
            {
                "name": revision.artifact,
                "revisionId": revision.id,
                "revisionSummary": revision.summary,
                "revisionUrl": revision.url,
            }
            for revision in execution.revisions.values()
        ],
        "variables": [{"name": name, "resolvedValue": value} for name, value in execution.given_variables.items()],
        "trigger": execution.trigger,
        "executionMode": execution.pipeline.mode,
        **_type(execution),
    }
    if execution.summary or execution.stop_reason:
        described["statusSummary"] = execution.summary or execution.stop_reason
    return described


def _type(execution: Execution) -> dict[str, Any]:
    if execution.rolls_back_to is None:
        return {"executionType": "STANDARD"}
    target = {"rollbackTargetPipelineExecutionId": execution.rolls_back_to}
    return {"executionType": "ROLLBACK", "rollbackMetadata": target}


@codepipeline.operation("ListPipelineExecutions")
def _list(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    stage = p.get("filter", {}).get("succeededInStage", {}).get("stageName")
    with kept.line.changed:
        chosen = [one for one in _newest_first(kept) if stage is None or one.stages.get(stage) == "Succeeded"]
        summaries = [_summary(one) for one in chosen]
    return _page(summaries, p, "pipelineExecutionSummaries")


def _summary(execution: Execution) -> dict[str, Any]:
    summary = {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "startTime": execution.started,
        "lastUpdateTime": execution.updated,
        "sourceRevisions": [
            {
                "actionName": revision.action,
                "revisionId": revision.id,
                "revisionSummary": revision.summary,
                "revisionUrl": revision.url,
            }
            for revision in execution.revisions.values()
        ],
        "trigger": execution.trigger,
        "executionMode": execution.pipeline.mode,
        **_type(execution),
    }
    if execution.summary:
        summary["statusSummary"] = execution.summary
    if execution.stop_reason is not None:
        summary["stopTrigger"] = {"reason": execution.stop_reason}
    return summary


@codepipeline.operation("ListActionExecutions")
def _list_actions(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    executions, latest = _chosen(kept, p)
    with kept.line.changed:
        details = [
            _detail(one, run)
            for one in executions
            for run in one.actions[::-1]
            if not latest or run is one.latest(run.stage.name, run.action.name)
        ]
    return _page(details, p, "actionExecutionDetails")


def _chosen(kept: Kept, p: dict[str, Any]) -> tuple[list[Execution], bool]:
    """Return the executions that `filter` asks for, and whether it asks for what is latest in them."""
    filters = p.get("filter", {})
    latest = filters.get("latestInPipelineExecution")
    chosen = latest["pipelineExecutionId"] if latest else filters.get("pipelineExecutionId")
    return [execution_of(kept, chosen)] if chosen else _newest_first(kept), bool(latest)


def _detail(execution: Execution, run: ActionExecution) -> dict[str, Any]:
    result, action = _result(run), run.action
    given = _filled(roleArn=action.role_arn, namespace=action.namespace)
    return {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": run.id,
        "pipelineVersion": execution.version,
        "stageName": run.stage.name,
        "actionName": action.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": {
            "actionTypeId": {
                "category": action.category,
                "owner": "AWS",
                "provider": action.provider,
                "version": "1",
            },
            "configuration": dict(action.configuration),
            "resolvedConfiguration": dict(run.configuration),
            "region": execution.scope.region,
            "inputArtifacts": _artifacts(run.inputs),
            **given,
        },
        "output": {
            "outputArtifacts": _artifacts(run.outputs if run.status == "Succeeded" else {}),
            "executionResult": result,
            "outputVariables": dict(run.variables),
        },
    }


def _result(run: Run) -> dict[str, Any]:
    told = _filled(
        externalExecutionId=run.external_id,
        externalExecutionSummary=run.summary,
        externalExecutionUrl=run.external_url,
    )
    return told | _error(run)


def _error(run: Run) -> dict[str, Any]:
    return {"errorDetails": {"code": run.error_code, "message": run.summary}} if run.error_code else {}


def _artifacts(locations: Any) -> list[dict[str, Any]]:
    found: dict[str, Location] = dict(locations)
    return [{"name": name, "s3location": {"bucket": at.bucket, "key": at.key}} for name, at in found.items()]


def _filled(**fields: str | None) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


@codepipeline.operation("ListRuleExecutions")
def _list_rules(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    executions, latest = _chosen(kept, p)
    with kept.line.changed:
        details = [
            _rule_detail(one, run)
            for one in executions
            for run in one.rules[::-1]
            if not latest or run in one.judged(run.stage, run.when)
        ]
    return _page(details, p, "ruleExecutionDetails")


def _rule_detail(execution: Execution, run: RuleExecution) -> dict[str, Any]:
    result = _result(run)
    return {
        "pipelineExecutionId": execution.id,
        "ruleExecutionId": run.id,
        "pipelineVersion": execution.version,
        "stageName": run.stage.name,
        "ruleName": run.rule.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": {
            "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": run.rule.provider, "version": "1"},
            "configuration": dict(run.rule.configuration),
            "resolvedConfiguration": dict(run.configuration),
            "region": execution.scope.region,
            "inputArtifacts": _artifacts(run.inputs),
            **_filled(roleArn=run.rule.role_arn),
        },
        "output": {"executionResult": result},
    }


def _condition_state(runs: list[RuleExecution], overridden: bool) -> dict[str, Any]:
    """Return botocore's shape StageConditionState of a stage whose condition was evaluated by `runs`."""
    failed = [run.summary for run in runs if run.status == "Failed"]
    latest = _filled(status="Overridden" if overridden else _condition_status(runs), summary="; ".join(failed))
    rules = [
        {
            "ruleName": run.rule.name,
            "latestExecution": {
                "ruleExecutionId": run.id,
                "status": run.status,
                "summary": run.summary,
                "lastStatusChange": run.updated,
                **_filled(externalExecutionId=run.external_id, externalExecutionUrl=run.external_url),
                **_error(run),
            },
        }
        for run in runs
    ]
    condition = {
        "latestExecution": latest | {"lastStatusChange": max(run.updated for run in runs)},
        "ruleStates": rules,
    }
    return {"latestExecution": latest, "conditionStates": [condition]}


def _condition_status(runs: list[RuleExecution]) -> str:
    found = {run.status for run in runs}
    if "InProgress" in found or "Abandoned" in found:
        return "InProgress" if "InProgress" in found else "Abandoned"
    return "Errored" if any(run.is_errored for run in runs) else "Failed" if "Failed" in found else "Succeeded"


@codepipeline.operation("GetPipelineState")
def _state(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["name"])
    with kept.line.changed:
        states = [_stage_state(kept, stage) for stage in kept.pipeline.stages]
    return {
        "pipelineName": kept.pipeline.name,
        "pipelineVersion": kept.version,
        "stageStates": states,
        "created": kept.created,
        "updated": kept.updated,
    }


def _stage_state(kept: Kept, stage: Stage) -> dict[str, Any]:
    been = [one for one in kept.line.executions.values() if stage.name in one.stages or one.judged(stage)]
    current = max(been, key=lambda one: entered(one, stage), default=None)
    state: dict[str, Any] = {
        "stageName": stage.name,
        "inboundTransitionState": _transition(kept, stage),
        "actionStates": [_action_state(current, stage, action) for action in stage.actions],
    }
    if current is not None:
        state["latestExecution"] = {
            "pipelineExecutionId": current.id,
            "status": current.stages.get(stage.name, "InProgress"),
        }
        for when, name in _CONDITION_STATES.items():
            if runs := current.judged(stage, when):
                state[name] = _condition_state(runs, (stage.name, when) in current.overridden)
    turn = kept.line.turns.get(stage.name)
    if turn is not None and turn.waiting:
        inbound = [{"pipelineExecutionId": one, "status": "InProgress"} for one in turn.waiting]
        state |= {"inboundExecution": inbound[0], "inboundExecutions": inbound}
    return state


_CONDITION_STATES: Mapping[When, str] = {
    "BEFORE_ENTRY": "beforeEntryConditionState",
    "ON_SUCCESS": "onSuccessConditionState",
    "ON_FAILURE": "onFailureConditionState",
}


def _transition(kept: Kept, stage: Stage) -> dict[str, Any]:
    disabled = kept.line.disabled.get(stage.name)
    if disabled is None:
        return {"enabled": True}
    told = {"lastChangedBy": disabled.by, "lastChangedAt": disabled.at, "disabledReason": disabled.reason}
    return {"enabled": False, **told}


def entered(execution: Execution, stage: Stage) -> Any:
    """Return when the execution was last in the stage."""
    actions = [run.started for run in execution.actions if run.stage.name == stage.name]
    return max([*actions, *(run.started for run in execution.judged(stage))], default=execution.started)


def _action_state(execution: Execution | None, stage: Stage, action: Action) -> dict[str, Any]:
    state: dict[str, Any] = {"actionName": action.name}
    run = execution.latest(stage.name, action.name) if execution is not None else None
    if run is None or execution is None:
        return state
    state["latestExecution"] = {
        "actionExecutionId": run.id,
        "status": run.status,
        "lastStatusChange": run.updated,
        **_filled(
            summary=run.summary,
            token=run.token,
            externalExecutionId=run.external_id,
            externalExecutionUrl=run.external_url,
        ),
    }
    state["latestExecution"] |= _error(run)
    revision = next((one for one in execution.revisions.values() if one.action == action.name), None)
    if revision is not None and action.category == "Source":
        change = {"revisionId": revision.id, "revisionChangeId": revision.id, "created": run.updated}
        state |= {"currentRevision": change, "entityUrl": revision.url}
    return state


@codepipeline.operation("StopPipelineExecution")
def _stop(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    execution = execution_of(kept, p["pipelineExecutionId"])
    kept.line.stop(execution, p.get("abandon", False), p.get("reason", ""))
    return {"pipelineExecutionId": execution.id}


@codepipeline.operation("PutApprovalResult")
def _approve(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    stage = stage_of(kept, p["stageName"])
    if not any(action.name == p["actionName"] and action.provider == "Manual" for action in stage.actions):
        raise AwsError("ActionNotFoundException", f"stage {stage.name} has no approval named {p['actionName']}")
    now = context.sandbox().clock.now()
    with kept.line.changed:
        runs = [
            run
            for execution in kept.line.executions.values()
            for run in execution.actions
            if (run.stage.name, run.action.name) == (stage.name, p["actionName"])
        ]
        asked = next((run for run in runs if run.token == p["token"]), None)
        if asked is None:
            raise AwsError(
                "InvalidApprovalTokenException", "this is not the token of an approval that waits; see GetPipelineState"
            )
        if asked.approval is not None or asked.is_done:
            raise AwsError("ApprovalAlreadyCompletedException", "this approval has been answered already")
        asked.approval, asked.summary = p["result"]["status"], p["result"]["summary"]
        kept.line.changed.notify_all()
    return {"approvedAt": now}


@codepipeline.operation("RetryStageExecution")
def _retry(p: dict[str, Any]) -> dict[str, Any]:
    kept = find(p["pipelineName"])
    stage = stage_of(kept, p["stageName"])
    execution = execution_of(kept, p["pipelineExecutionId"])
    if execution.pipeline is not kept.pipeline:
        raise AwsError("StageNotRetryableException", "the pipeline was changed since this execution started")
    kept.line.retry(execution, stage, p["retryMode"] == "FAILED_ACTIONS")
    return {"pipelineExecutionId": execution.id}
