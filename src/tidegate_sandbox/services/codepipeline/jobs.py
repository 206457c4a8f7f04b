"""What functions answer that actions and rules have called: PutJobSuccessResult and PutJobFailureResult."""

from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.execution import JobResult
from tidegate_sandbox.services.codepipeline.pipelines import codepipeline, everywhere

LARGEST_VARIABLES = 122_880
"""Bytes of an action's output variables (user guide, "Quotas")."""


@codepipeline.operation("PutJobSuccessResult")
def _succeeded(p: dict[str, Any]) -> None:
    token, variables = p.get("continuationToken", ""), p.get("outputVariables", {})
    if token and variables:
        raise AwsError("ValidationException", "outputVariables are given only where there is no continuationToken")
    if sum(len(text.encode()) for pair in variables.items() for text in pair) > LARGEST_VARIABLES:
        raise AwsError(
            "OutputVariablesSizeExceededException", f"outputVariables have more than {LARGEST_VARIABLES} bytes"
        )
    details = p.get("executionDetails", {})
    result = JobResult(
        message=details.get("summary", ""),
        external_id=details.get("externalExecutionId", ""),
        variables=variables,
        continuation=token,
    )
    _answer(p["jobId"], result)


@codepipeline.operation("PutJobFailureResult")
def _failed(p: dict[str, Any]) -> None:
    details = p["failureDetails"]
    external = details.get("externalExecutionId", "")
    _answer(p["jobId"], JobResult(details["type"], details["message"], external))


def _answer(job_id: str, result: JobResult) -> None:
    here = context.scope()
    for scope, kept in everywhere():
        if (scope.account, scope.region) != (here.account, here.region):
            continue
        with kept.line.changed:
            for execution in kept.line.executions.values():
                for run in (*execution.actions, *execution.rules):
                    if run.job is None or run.job.id != job_id:
                        continue
                    if run.is_done or run.job.result is not None:
                        raise AwsError("InvalidJobStateException", f"job {job_id} is not in progress any more")
                    run.job.result = result
                    kept.line.changed.notify_all()
                    return
    raise AwsError("JobNotFoundException", f"there is no job {job_id}")
