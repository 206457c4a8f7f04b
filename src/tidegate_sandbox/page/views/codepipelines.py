"""CodePipeline's pipelines: stages, actions, approvals that wait for a person, and why an action failed."""

from collections.abc import Mapping
from typing import Any

from tidegate_sandbox.page import documents
from tidegate_sandbox.page.reading import Reader, Told, named, newest_executions

_MOST_EXECUTIONS = 20


def every(reader: Reader) -> list[Told]:
    """Return all pipelines, each with its last execution and the approvals that wait."""
    shown = []
    for each in reader.every("codepipeline", "list_pipelines", "pipelines"):
        executions = _executions(reader, each["name"])
        state = reader.ask("codepipeline", "get_pipeline_state", name=each["name"])["stageStates"]
        shown.append(
            {
                "name": each["name"],
                "mode": each.get("executionMode", ""),
                "executions": executions[:1],
                "waiting": [stage for stage, _, _ in _waiting(state)],
            }
        )
    return shown


def one(reader: Reader, name: str, query: Mapping[str, str]) -> Told:
    """Return a pipeline with its executions; the stages are those of the one that `query` names, else of the newest."""
    pipeline = reader.ask("codepipeline", "get_pipeline", name=name)["pipeline"]
    executions = _executions(reader, name)
    chosen = query.get("execution") or (executions[0]["id"] if executions else "")
    one_chosen = {"pipelineName": name, "filter": {"pipelineExecutionId": chosen}}
    known = bool(named(executions, "id", chosen))
    actions = (
        reader.every("codepipeline", "list_action_executions", "actionExecutionDetails", **one_chosen) if known else []
    )
    rules = reader.every("codepipeline", "list_rule_executions", "ruleExecutionDetails", **one_chosen) if known else []
    state = reader.ask("codepipeline", "get_pipeline_state", name=name)["stageStates"]
    return {
        "name": name,
        "mode": pipeline.get("executionMode", ""),
        **newest_executions(executions, _MOST_EXECUTIONS, chosen),
        "chosen": chosen if known else "",
        "stages": [
            _stage(stage, chosen, actions, rules, named(state, "stageName", stage["name"]))
            for stage in pipeline["stages"]
        ],
    }


def _executions(reader: Reader, name: str) -> list[Told]:
    listed = reader.every("codepipeline", "list_pipeline_executions", "pipelineExecutionSummaries", pipelineName=name)
    return [
        {
            "id": each["pipelineExecutionId"],
            "status": each["status"],
            "summary": each.get("statusSummary", ""),
            "started": each["startTime"],
            "updated": each["lastUpdateTime"],
            "trigger": each.get("trigger", {}),
            "revisions": [
                {"id": revision.get("revisionId", ""), "summary": revision.get("revisionSummary", "")}
                for revision in each.get("sourceRevisions", [])
            ],
        }
        for each in listed
    ]


def _stage(stage: Told, execution: str, actions: list[Told], rules: list[Told], state: Told) -> Told:
    """Return a stage as it went in an execution; `state` is how it stands now, in whichever execution came last."""
    name = stage["name"]
    current = state.get("latestExecution", {}).get("pipelineExecutionId") == execution
    runs = [each for each in actions if each["stageName"] == name]
    checked = [each for each in rules if each["stageName"] == name]
    return {
        "name": name,
        "status": _status(runs, checked, state.get("latestExecution", {}).get("status", "") if current else ""),
        "waiting": any(each["pipelineExecutionId"] == execution for each in state.get("inboundExecutions", [])),
        "entry": [
            {
                "name": each["ruleName"],
                "status": each["status"],
                "summary": each["output"].get("executionResult", {}).get("externalExecutionSummary", ""),
            }
            for each in checked
        ],
        "actions": [
            _action(each, [run for run in runs if run["actionName"] == each["name"]], state if current else {})
            for each in sorted(stage["actions"], key=lambda each: each.get("runOrder", 1))
        ],
    }


def _status(runs: list[Told], checked: list[Told], now: str) -> str:
    if now:
        return now
    if not runs:
        return "Skipped" if any(each["status"] == "Failed" for each in checked) else ""
    newest = {each["actionName"]: each["status"] for each in sorted(runs, key=lambda each: each["startTime"])}
    for status in ("InProgress", "Failed", "Abandoned"):
        if status in newest.values():
            return status
    return "Succeeded"


def _action(action: Told, runs: list[Told], state: Told) -> Told:
    provider = action["actionTypeId"]["provider"]
    shown: Told = {
        "name": action["name"],
        "provider": provider,
        "order": action.get("runOrder", 1),
        "status": "",
        "configuration": {key: str(value) for key, value in action.get("configuration", {}).items()},
    }
    if not runs:
        return shown
    run = max(runs, key=lambda each: each["startTime"])
    result: Mapping[str, Any] = run["output"].get("executionResult", {})
    link = result.get("externalExecutionUrl", "")
    shown |= {
        "status": run["status"],
        "started": run["startTime"],
        "updated": run["lastUpdateTime"],
        "runs": len(runs),
        "summary": result.get("externalExecutionSummary", ""),
        "error": result.get("errorDetails", {}).get("message", ""),
        "external": result.get("externalExecutionId", ""),
        "variables": run["output"].get("outputVariables", {}),
    }
    if provider == "Manual":
        latest = named(state.get("actionStates", []), "actionName", action["name"]).get("latestExecution", {})
        resolved = run["input"].get("resolvedConfiguration", {})
        shown |= {
            "token": latest.get("token", "") if run["status"] == "InProgress" else "",
            "asks": resolved.get("CustomData", ""),
            "evidence": resolved.get("ExternalEntityLink", "") or link,
            "document": documents.in_console_link(resolved.get("ExternalEntityLink", "") or link),
        }
    return shown


def _waiting(state: list[Told]) -> list[tuple[str, str, str]]:
    return [
        (stage["stageName"], action["actionName"], action["latestExecution"]["token"])
        for stage in state
        for action in stage["actionStates"]
        if action.get("latestExecution", {}).get("token")
    ]
