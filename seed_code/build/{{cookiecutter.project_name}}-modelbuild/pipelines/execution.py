"""Follow a pipeline execution to its end, saying each change, and tell how it ended."""

import time
from collections.abc import Callable, Iterable
from typing import Any

RUNNING = {"Executing", "Stopping"}


class ExecutionFailed(Exception):
    """The execution ended otherwise than Succeeded; the message says why, in the pipeline's own words."""


def follow(
    sagemaker: Any, execution: str, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Say each step's change until the execution ends, then what it registered.

    Looks again after a twentieth of the time that has passed, at least 1 s and at most 10 s. Raises ExecutionFailed.
    """
    said: dict[str, str] = {}
    waited = 0.0
    while True:
        # The status first: once it is final, the steps listed after it are final too.
        state = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        steps = _steps(sagemaker, execution)
        for step in steps:
            if said.get(step["StepName"]) != step["StepStatus"]:
                said[step["StepName"]] = step["StepStatus"]
                say(_line(step))
        if state["PipelineExecutionStatus"] not in RUNNING:
            break
        pause = min(10.0, max(1.0, waited / 20))
        sleep(pause)
        waited += pause
    if state["PipelineExecutionStatus"] != "Succeeded":
        why = [f"{step['StepName']}: {reason}" for step in steps if (reason := _reason(step))]
        told = "; ".join(why) or state.get("FailureReason") or "no reason was given"
        raise ExecutionFailed(f"the pipeline execution ended {state['PipelineExecutionStatus']}. {told}")
    for arn in _registered(steps):
        say(f"registered version {arn.rpartition('/')[2]}: {arn}")


def _steps(sagemaker: Any, execution: str) -> list[dict[str, Any]]:
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=execution, SortOrder="Ascending"
    )
    return [step for page in pages for step in page["PipelineExecutionSteps"]]


def _line(step: dict[str, Any]) -> str:
    """Return one line about a step: its name, its status, how long it took, whether it was needed at all."""
    notes = []
    if "EndTime" in step and "StartTime" in step:
        notes.append(f"{(step['EndTime'] - step['StartTime']).total_seconds():.0f} s")
    if "CacheHitResult" in step:
        notes.append("from the cache")
    outcome = step.get("Metadata", {}).get("Condition", {}).get("Outcome")
    if outcome:
        notes.append(f"outcome {outcome}")
    return f"{step['StepName']:<12}{step['StepStatus']}" + (f" ({', '.join(notes)})" if notes else "")


def _reason(step: dict[str, Any]) -> str:
    """Return why a step failed: the Fail step's message, or what the service says of its job."""
    return str(step.get("Metadata", {}).get("Fail", {}).get("ErrorMessage") or step.get("FailureReason") or "")


def _registered(steps: Iterable[dict[str, Any]]) -> list[str]:
    found = (step.get("Metadata", {}).get("RegisterModel", {}).get("Arn") for step in steps)
    return [arn for arn in found if arn]
