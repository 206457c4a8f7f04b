"""The manual approval: waits until somebody approves or rejects it, or its time is up."""

import uuid

from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome, Task

TIMEOUT_MINUTES = 7 * 24 * 60
"""CodePipeline user guide, "Quotas": an approval that nobody answers fails after seven days."""


def run(task: Task) -> Outcome:
    """Wait for PutApprovalResult, which sets the run's status and summary and takes its token away."""
    task.run.external_url = task.configuration.get("ExternalEntityLink", "")
    # Last: who finds the token can answer, and finds what to look at before.
    task.run.token = str(uuid.uuid4())
    task.announce()
    minutes = task.run.action.timeout_minutes or TIMEOUT_MINUTES
    answered = task.wait(lambda: task.run.approval is not None, minutes * 60.0)
    task.run.token = None
    if not answered or task.run.approval is None:
        raise ActionFailedError(f"Nobody answered within {minutes} minutes", "TimeoutError")
    if task.run.approval == "Rejected":
        raise ActionFailedError(task.run.summary or "Rejected", "Rejected")
    return Outcome()
