"""Puts what a container printed into CloudWatch Logs, where SageMaker puts it."""

import logging
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_sandbox import context

_log = logging.getLogger(__name__)

_EVENTS_A_CALL = 1000
_EVENT_LENGTH = 64_000


def publish(scope: context.Scope, kind: str, job: str, lines: Sequence[str]) -> None:
    """Put `lines` into the log group of the kind of job, in a stream that begins with the job's name.

    A failure is logged and changes nothing for the job: its output is in a file too.
    """
    logs = scope.client("logs")
    at = int(context.sandbox().clock.now().timestamp() * 1000)
    stream = {"logGroupName": f"/aws/sagemaker/{kind}Jobs", "logStreamName": f"{job}/algo-1-{at // 1000}"}
    try:
        try:
            logs.create_log_stream(**stream)
        except logs.exceptions.ResourceNotFoundException:
            logs.create_log_group(logGroupName=stream["logGroupName"])
            logs.create_log_stream(**stream)
        for start in range(0, len(lines), _EVENTS_A_CALL):
            part = lines[start : start + _EVENTS_A_CALL]
            events = [{"timestamp": at, "message": line[:_EVENT_LENGTH] or " "} for line in part]
            logs.put_log_events(**stream, logEvents=events)
    except (ClientError, BotoCoreError) as error:
        _log.warning("the output of %s is not in CloudWatch Logs: %s", job, error)
