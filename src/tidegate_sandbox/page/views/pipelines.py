"""SageMaker pipelines: executions, the graph of their steps, what each step ran and printed."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tidegate_sandbox.page.reading import Reader, Told, last_part, named, newest_executions
from tidegate_sandbox.page.views.registry import metrics

_MOST_EXECUTIONS = 20
_REFERENCE = re.compile(r"^Steps\.([^.\[]+)")
_JOBS = {"ProcessingJob": "Processing", "TrainingJob": "Training"}


def every(reader: Reader) -> list[Told]:
    """Return all pipelines, each with its last execution."""
    shown = []
    for each in reader.every("sagemaker", "list_pipelines", "PipelineSummaries"):
        executions = _executions(reader, each["PipelineName"])
        shown.append(
            {
                "name": each["PipelineName"],
                "description": each.get("PipelineDescription", ""),
                "executions": executions[:1],
                "count": len(executions),
            }
        )
    return shown


def one(reader: Reader, name: str, query: Mapping[str, str]) -> Told:
    """Return a pipeline with its executions; the steps are those of the one that `query` names, else of the newest."""
    described = reader.ask("sagemaker", "describe_pipeline", PipelineName=name)
    executions = _executions(reader, name)
    chosen = query.get("execution") or (executions[0]["id"] if executions else "")
    arn = named(executions, "id", chosen).get("arn")
    return {
        "name": described["PipelineName"],
        "description": described.get("PipelineDescription", ""),
        **newest_executions(executions, _MOST_EXECUTIONS, chosen),
        "chosen": chosen if arn else "",
        "steps": _steps(reader, arn, json.loads(described["PipelineDefinition"])) if arn else [],
        "parameters": _parameters(reader, arn) if arn else [],
    }


def _executions(reader: Reader, name: str) -> list[Told]:
    listed = reader.every("sagemaker", "list_pipeline_executions", "PipelineExecutionSummaries", PipelineName=name)
    return [
        {
            "id": last_part(each["PipelineExecutionArn"]),
            "arn": each["PipelineExecutionArn"],
            "name": each.get("PipelineExecutionDisplayName", ""),
            "description": each.get("PipelineExecutionDescription", ""),
            "status": each["PipelineExecutionStatus"],
            "started": each["StartTime"],
            "failure": each.get("PipelineExecutionFailureReason", ""),
        }
        for each in listed
    ]


def _parameters(reader: Reader, arn: str) -> list[Told]:
    given = reader.every(
        "sagemaker", "list_pipeline_parameters_for_execution", "PipelineParameters", PipelineExecutionArn=arn
    )
    return [{"name": each["Name"], "value": each["Value"]} for each in given]


def _steps(reader: Reader, arn: str, newest: Told) -> list[Told]:
    """Return the steps of an execution, each after those that it waits for, with what became of it."""
    own = reader.ask("sagemaker", "describe_pipeline_definition_for_execution", PipelineExecutionArn=arn)
    definition = json.loads(own.get("PipelineDefinition") or "{}") or newest
    begun = reader.every(
        "sagemaker", "list_pipeline_execution_steps", "PipelineExecutionSteps", PipelineExecutionArn=arn
    )
    known = list(_declared(definition.get("Steps", [])))
    names = {each["name"] for each in known}
    for step in known:
        step["after"] = [each for each in dict.fromkeys(step["after"]) if each in names and each != step["name"]]
        run = named(begun, "StepName", step["name"])
        step |= {
            "status": run.get("StepStatus", "NotStarted"),
            "started": run.get("StartTime"),
            "ended": run.get("EndTime"),
            "failure": run.get("FailureReason", ""),
            "attempts": run.get("AttemptCount", 0),
            "cached": bool(run.get("CacheHitResult")),
            **_ran(reader, run.get("Metadata", {})),
        }
    return known


def _declared(steps: list[Told], of: tuple[str, str] | None = None) -> Iterator[Told]:
    """Yield each step of a definition, those within conditions after their condition."""
    for step in steps:
        condition = step["Type"] == "Condition"
        arguments = dict(step.get("Arguments", {}))
        branches = {branch: arguments.pop(branch, []) for branch in ("IfSteps", "ElseSteps")} if condition else {}
        yield {
            "name": step["Name"],
            "type": step["Type"],
            "after": [*([of[0]] if of else []), *step.get("DependsOn", []), *_references(arguments)],
            "branch": of[1] if of else "",
        }
        for branch, inner in branches.items():
            yield from _declared(inner, (step["Name"], "if" if branch == "IfSteps" else "else"))


def _references(value: Any) -> Iterator[str]:
    """Yield the names of the steps whose results are asked for anywhere in `value`."""
    if isinstance(value, dict):
        found = _REFERENCE.match(value["Get"]) if isinstance(value.get("Get"), str) else None
        if found:
            yield found[1]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _ran(reader: Reader, metadata: Mapping[str, Any]) -> Told:
    """Return what a step ran: where its log is, what a condition came to, what was registered."""
    for kind, jobs in _JOBS.items():
        if arn := metadata.get(kind, {}).get("Arn"):
            group = f"/aws/sagemaker/{jobs}Jobs"
            return {"job": last_part(arn), "log": {"group": group, "prefix": f"{last_part(arn)}/"}}
    if outcome := metadata.get("Condition", {}).get("Outcome"):
        return {"outcome": outcome}
    if arn := (metadata.get("RegisterModel") or metadata.get("Model") or {}).get("Arn"):
        if ":model-package/" not in arn:
            return {"made": last_part(arn)}
        package = reader.ask("sagemaker", "describe_model_package", ModelPackageName=arn)
        return {
            "group": package["ModelPackageGroupName"],
            "version": package["ModelPackageVersion"],
            "metrics": metrics(reader, package.get("ModelMetrics", {})),
        }
    if message := metadata.get("Fail", {}).get("ErrorMessage"):
        return {"failure": message}
    return {}
