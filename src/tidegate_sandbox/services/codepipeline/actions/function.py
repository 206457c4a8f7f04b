"""The invoke action of Lambda, and the rule LambdaInvoke: a function is called, and answers by the id of its job.

CodePipeline user guide, "AWS Lambda invoke action reference" and "Invoke an AWS Lambda function in a pipeline".
"""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context, credentials
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Work
from tidegate_sandbox.services.codepipeline.execution import Job, JobResult, Location
from tidegate_sandbox.state import changing

ANSWERS_WITHIN = timedelta(minutes=20)
"""How long a function may leave a question unanswered (user guide, "Quotas")."""

ENDS_WITHIN = timedelta(hours=24)
"""How long it may go on answering that it goes on (the same)."""

ASKED_AGAIN_AFTER = timedelta(seconds=30)
_CREDENTIALS_LAST = timedelta(hours=1)


def run(work: Work) -> Outcome:
    """Ask the function, again and again while it goes on, until it has an answer; what it gives are the variables."""
    while True:
        result = _asked(work)
        if result.code:
            raise ActionFailedError(result.message, result.code)
        if result.external_id:
            work.run.external_id = result.external_id
        if not result.continuation:
            work.run.summary = result.message
            return Outcome(variables=dict(result.variables))
        work.wait(lambda: False, ASKED_AGAIN_AFTER.total_seconds())


def _asked(work: Work) -> JobResult:
    """Return the answer to a question, one that a sandbox before this one asked if it was not answered."""
    if work.is_abandoned:
        raise ActionFailedError("The execution was abandoned")
    now, job = context.sandbox().clock.now(), work.run.job
    if job is None or (job.result is not None and job.result.continuation):
        job = Job(str(uuid.uuid4()), now, job.result.continuation if job and job.result else "")
        with changing():
            work.run.job = job
    if job.result is None:
        _invoke(work, job, now)
    until = min(job.asked + ANSWERS_WITHIN, work.run.started + ENDS_WITHIN)
    work.wait(lambda: job.result is not None, (until - now).total_seconds())
    if job.result is None:
        name = work.configuration["FunctionName"]
        said = f"The function {name} has answered with neither PutJobSuccessResult nor PutJobFailureResult"
        raise ActionFailedError(said)
    return job.result


def _invoke(work: Work, job: Job, now: datetime) -> None:
    name = work.configuration["FunctionName"]
    try:
        # It answers later, so nobody waits for what it returns.
        context.scope().client("lambda").invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps({"CodePipeline.job": _told(work, job, now)})
        )
    except ClientError as error:
        told = error.response["Error"]
        code = "PermissionError" if "AccessDenied" in told["Code"] else "ConfigurationError"
        raise ActionFailedError(f"The function {name} cannot be called: {told['Message']}", code) from None


def _told(work: Work, job: Job, now: datetime) -> dict[str, Any]:
    """Return what a function is told ("Example JSON event")."""
    run, revisions = work.run, work.execution.revisions
    data = {
        "actionConfiguration": {"configuration": dict(run.configuration)},
        "inputArtifacts": [
            _artifact(name, at, revisions[name].id if name in revisions else None) for name, at in run.inputs.items()
        ],
        "outputArtifacts": [_artifact(name, at, None) for name, at in run.outputs.items()],
    }
    session = credentials.acting()
    if session is not None:
        data["artifactCredentials"] = {
            "accessKeyId": session.access_key_id,
            "secretAccessKey": session.secret_access_key,
            "sessionToken": session.session_token,
            "expirationTime": int((now + _CREDENTIALS_LAST).timestamp() * 1000),
        }
    if job.continuation:
        data["continuationToken"] = job.continuation
    return {"id": job.id, "accountId": context.scope().account, "data": data}


def _artifact(name: str, at: Location, revision: str | None) -> dict[str, Any]:
    location = {"type": "S3", "s3Location": {"bucketName": at.bucket, "objectKey": at.key}}
    return {"name": name, "revision": revision, "location": location}
