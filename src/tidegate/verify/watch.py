"""Following a release to its end: the pipeline's Deploy action, the stack and the endpoint, look by look."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tidegate.aws import aws_errors, is_passing
from tidegate.clock import Clock
from tidegate.errors import TidegateError
from tidegate.registry.live import describe_endpoint
from tidegate.render import ReleaseRecord
from tidegate.stacks import describe_stack
from tidegate.verify.clients import Clients
from tidegate.verify.evidence import ActionSeen, Deployment, Seen, Sighting, StackSeen
from tidegate.verify.judge import SETTLED

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 15.0
LONGEST_PAUSE_AFTER_ERRORS: Final = 60.0
GROWTH: Final = 1.25
GROWTH_AFTER_ERRORS: Final = 2.0

MARGIN: Final = timedelta(minutes=40)
"""What a deployment may take beyond the endpoint's own time limit: models, alarms, a first endpoint, a rollback."""

APPEARS_WITHIN: Final = timedelta(minutes=5)
"""How long the Deploy action, which starts beside this, may take to show in the pipeline's history."""

Progress = Callable[[str], None]
Spread = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen on the way, and the last look. `described` is None if there is no endpoint."""

    ended: bool
    action: ActionSeen | None
    stack: StackSeen | None
    described: dict[str, Any] | None
    seen: Seen


@dataclass(slots=True)
class _Look:
    """The newest state of everything, and what came before it."""

    seen: Seen
    action: ActionSeen | None = None
    stack: StackSeen | None = None
    described: dict[str, Any] | None = None
    said: str = ""


def spread(pause: float) -> float:
    """Return the pause, give or take a tenth, so that several who watch do not keep in step."""
    return pause * random.uniform(0.9, 1.1)  # noqa: S311 - nothing secret


def watch(
    asked: ReleaseRecord,
    clients: Clients,
    clock: Clock,
    deployment: Deployment | None,
    progress: Progress,
    *,
    seen: Seen | None = None,
    keep: Callable[[Seen], None] | None = None,
    spread: Spread = spread,
) -> Watched:
    """Look until the deployment has ended and the endpoint is at rest, or the time of both is over.

    Pauses grow from 1 s to 15 s and start again with every change; a look describes everything once. A connection that
    is lost, or a service that is busy, is said and asked again, after pauses that double up to a minute. `seen` is what
    an interrupted watch of the same deployment saw; `keep` is given what has been seen whenever that is more.

    Raises TidegateError where AWS refuses to answer.
    """
    began = clock.now()
    give_up_at = began + timedelta(seconds=asked.maximum_execution_timeout) + MARGIN
    look, pause = _Look(seen or Seen()), FIRST_PAUSE
    while True:
        before, failed, changed = look.seen, False, False
        try:
            changed = _look(look, asked, clients, deployment, progress)
            if _at_rest(look, deployment, waited=clock.now() - began):
                return Watched(True, look.action, look.stack, look.described, look.seen)
            if look.stack and look.stack.ended and not (look.action and look.action.ended):
                look.seen = replace(look.seen, stack_before=look.seen.stack_before or look.stack)
        except aws_errors() as error:
            if not is_passing(error):
                raise TidegateError(f"the release of {asked.endpoint_name} cannot be followed: {error}") from error
            progress(f"no answer from AWS, trying again: {error}")
            failed = True
        finally:
            if keep and look.seen != before:
                keep(look.seen)
        if clock.now() >= give_up_at:
            return Watched(False, look.action, look.stack, look.described, look.seen)
        pause = _next_pause(pause, changed=changed, failed=failed)
        clock.sleep(spread(pause))


def _next_pause(pause: float, *, changed: bool, failed: bool) -> float:
    if failed:
        return min(pause * GROWTH_AFTER_ERRORS, LONGEST_PAUSE_AFTER_ERRORS)
    return FIRST_PAUSE if changed else min(pause * GROWTH, LONGEST_PAUSE)


def _look(
    look: _Look, asked: ReleaseRecord, clients: Clients, deployment: Deployment | None, progress: Progress
) -> bool:
    """Look at everything once; report and return whether anything has changed."""
    # The action is looked at first: what the endpoint shows after it has ended is the end.
    look.action = find_action(clients.codepipeline, deployment, asked.stack_name) if deployment else None
    look.stack = see_stack(clients.cloudformation, asked.stack_name)
    look.described = describe_endpoint(clients.sagemaker, asked.endpoint_name)
    if look.described is not None:
        seen, sighting = look.seen, _sighting(look.described, asked.variant)
        again = seen.timeline and seen.timeline[-1] == sighting
        look.seen = replace(
            seen,
            first_config=seen.first_config or sighting.config_name,
            timeline=seen.timeline if again else (*seen.timeline, sighting),
        )
    line = _line(look, deployment)
    changed = line != look.said
    if changed:
        progress(line)
        look.said = line
    return changed


def _at_rest(look: _Look, deployment: Deployment | None, waited: timedelta) -> bool:
    endpoint_rests = look.described is None or look.described["EndpointStatus"] in SETTLED
    stack_rests = look.stack is None or look.stack.ended
    if deployment is None:
        return endpoint_rests and stack_rests
    if look.action is None:
        return waited >= APPEARS_WITHIN and endpoint_rests and stack_rests
    return look.action.ended and endpoint_rests


def find_action(codepipeline: Any, deployment: Deployment, stack_name: str) -> ActionSeen | None:
    """Return the newest run of the action that deploys `stack_name` in the execution; several stages have one each."""
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=deployment.pipeline, filter={"pipelineExecutionId": deployment.execution}
    )
    runs = [
        detail
        for page in pages
        for detail in page.get("actionExecutionDetails", [])
        if detail["actionName"] == deployment.action and _deploys(detail, stack_name)
    ]
    if not runs:
        return None
    found = max(runs, key=_started)
    result = (found.get("output") or {}).get("executionResult") or {}
    problem = (result.get("errorDetails") or {}).get("message")
    return ActionSeen(
        status=found["status"],
        started_at=found.get("startTime"),
        updated_at=found.get("lastUpdateTime"),
        summary=problem or result.get("externalExecutionSummary") or "",
    )


def _deploys(detail: dict[str, Any], stack_name: str) -> bool:
    given = detail.get("input") or {}
    configuration = given.get("resolvedConfiguration") or given.get("configuration") or {}
    return str(configuration.get("StackName", stack_name)) == stack_name


def _started(detail: dict[str, Any]) -> float:
    started: datetime | None = detail.get("startTime")
    return started.timestamp() if started else 0.0


def see_stack(cloudformation: Any, name: str) -> StackSeen | None:
    """Return the stack's status, None if there is none."""
    stack = describe_stack(cloudformation, name)
    if stack is None:
        return None
    return StackSeen(
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        updated_at=stack.get("LastUpdatedTime", stack["CreationTime"]),
    )


def _sighting(described: dict[str, Any], variant: str) -> Sighting:
    pending = described.get("PendingDeploymentSummary") or {}
    variants = pending.get("ProductionVariants") or described.get("ProductionVariants") or []
    statuses = next((v.get("VariantStatus") for v in variants if v["VariantName"] == variant), None) or [{}]
    newest = statuses[-1]
    return Sighting(
        endpoint_status=described["EndpointStatus"],
        config_name=described.get("EndpointConfigName", ""),
        pending_config=pending.get("EndpointConfigName", ""),
        variant_status=newest.get("Status", ""),
        message=newest.get("StatusMessage", ""),
        since=newest.get("StartTime"),
        update_started_at=pending.get("StartTime"),
    )


def _line(look: _Look, deployment: Deployment | None) -> str:
    parts = []
    if deployment:
        parts.append(f"{deployment.action} {look.action.status if look.action else 'not started'}")
    parts.append(f"stack {look.stack.status if look.stack else 'not there'}")
    if look.described is None:
        parts.append("endpoint not there")
    else:
        seen = look.seen.timeline[-1]
        parts.append(f"endpoint {seen.endpoint_status}")
        if seen.variant_status:
            parts.append(f"{seen.variant_status}{f' ({seen.message})' if seen.message else ''}")
    return ", ".join(parts)
