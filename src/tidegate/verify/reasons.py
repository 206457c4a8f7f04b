"""Why a release ended as it did, in the words of whoever gave the reason, and what else a person should know."""

import re
from collections.abc import Iterator
from typing import Final

from tidegate.outcome import Outcome
from tidegate.verify.evidence import Evidence

# What SageMaker and EC2 say where instances cannot be had; their wordings are not documented.
_CAPACITY: Final = re.compile(r"capacity|ResourceLimitExceeded|service limit|account-level|quota", re.IGNORECASE)


def is_want_of_capacity(reason: str) -> bool:
    """Whether the reason speaks of instances that could not be had, which says nothing about a version."""
    return bool(_CAPACITY.search(reason))


def rollback_reason(evidence: Evidence) -> str:
    """Say why the endpoint went back: the first alarm that fired, else what SageMaker says, else the stack."""
    fired = sorted((at, alarm.name, reason) for alarm in evidence.alarms for at, reason in alarm.fired)
    if fired:
        at, alarm, reason = fired[0]
        return f"alarm {alarm} went into ALARM at {at:%H:%M:%S}{f' ({reason})' if reason else ''}"
    if evidence.endpoint and evidence.endpoint.failure_reason:
        return evidence.endpoint.failure_reason
    taken, limit = evidence.seconds_taken, evidence.asked.maximum_execution_timeout
    if taken is not None and taken >= limit:
        return f"it took {taken:.0f} s, and its maximum_execution_timeout is {limit} s"
    return stack_reason(evidence)


def stack_reason(evidence: Evidence) -> str:
    """Say what the deployment itself gives as its reason."""
    stack, action = evidence.stack, evidence.action
    if stack and stack.failures:
        return stack.failures[0]
    if stack and stack.reason:
        return f"the stack is {stack.status}: {stack.reason}"
    if action and action.summary:
        return action.summary
    if stack:
        return f"no reason was given, and the stack is {stack.status}"
    return f"there is no stack {evidence.asked.stack_name}"


def notes_on(evidence: Evidence, outcome: Outcome) -> Iterator[str]:
    """Yield what the sentence does not say."""
    stack = evidence.stack
    if outcome is Outcome.PROMOTED:
        if evidence.created:
            yield "this release created the endpoint, so nothing guarded it: guardrails act on updates only"
        elif not evidence.attempted:
            yield "the endpoint was not touched: it served this release already"
        if stack and stack.status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            yield f"the stack {evidence.asked.stack_name} is {stack.status} although the release serves"
    if outcome is Outcome.ROLLED_BACK and evidence.deployed:
        yield "CloudFormation recorded the deployment as a success, and does not know of the rollback"
    if stack and stack.status == "UPDATE_ROLLBACK_FAILED":
        yield f"the stack takes no update as it is; see: tidegate recover {evidence.asked.stage}"
    for alarm in evidence.alarms:
        if alarm.state == "MISSING":
            yield f"alarm {alarm.name} is not there, so whether it fired cannot be told"
        elif alarm.state == "INSUFFICIENT_DATA" and not alarm.fired:
            yield f"alarm {alarm.name} has no data, so it says nothing about this release"
    for what in evidence.unread:
        yield f"could not be read: {what}"
