"""The manual approval: waits until somebody approves or rejects it, or its time is up."""

import json
import uuid
from datetime import timedelta

from botocore.exceptions import ClientError

from tidegate_sandbox import context
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Task

TIMEOUT_MINUTES = 7 * 24 * 60
"""CodePipeline user guide, "Quotas": an approval that nobody answers fails after seven days."""


def run(task: Task) -> Outcome:
    """Wait for PutApprovalResult, which sets the run's status and summary and takes its token away."""
    task.run.external_url = task.configuration.get("ExternalEntityLink", "")
    minutes = task.run.action.timeout_minutes or TIMEOUT_MINUTES
    if task.run.token is None and task.run.approval is None:
        # Last: who finds the token can answer, and finds what to look at before.
        task.run.token = str(uuid.uuid4())
        task.announce()
        if topic := task.configuration.get("NotificationArn"):
            _notify(task, topic, minutes)
    waited = (context.sandbox().clock.now() - task.run.started).total_seconds()
    answered = task.wait(lambda: task.run.approval is not None, minutes * 60.0 - waited)
    task.run.token = None
    if not answered or task.run.approval is None:
        raise ActionFailedError(f"Nobody answered within {minutes} minutes", "TimeoutError")
    if task.run.approval == "Rejected":
        raise ActionFailedError(task.run.summary or "Rejected", "Rejected")
    return Outcome()


def _notify(task: Task, topic: str, minutes: int) -> None:
    """Publish what CodePipeline does (user guide, "JSON data format for manual approval notifications")."""
    run, scope = task.run, context.scope()
    expires = context.sandbox().clock.now() + timedelta(minutes=minutes)
    pipeline = task.execution.pipeline.name
    view = f"{context.sandbox().url}/_tidegate/#/{scope.account}/{scope.region}/codepipelines/{pipeline}"
    message = {
        "region": scope.region,
        "consoleLink": view,
        "approval": {
            "pipelineName": pipeline,
            "stageName": run.stage.name,
            "actionName": run.action.name,
            "token": run.token,
            "expires": f"{expires:%Y-%m-%dT%H:%MZ}",
            "externalEntityLink": run.external_url or None,
            "approvalReviewLink": view,
            "customData": task.configuration.get("CustomData"),
        },
    }
    subject = f"APPROVAL NEEDED: AWS CodePipeline {pipeline[:30]} for action {run.action.name}"
    try:
        scope.client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(message))
    except ClientError as error:
        raise ActionFailedError(f"The notice could not be published: {error}", "ConfigurationError") from None
