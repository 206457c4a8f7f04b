"""Following a release to its end: the pipeline's Deploy action, the stack and the endpoint, look by look."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tidegate.aws import aws_errors, is_missing, is_passing
from tidegate.clock import Clock
from tidegate.errors import TidegateError
from tidegate.registry.live import describe_endpoint
from tidegate.render import ReleaseRecord
from tidegate.verify.clients import Clients
from tidegate.verify.evidence import ActionSeen, Sighting, StackSeen
from tidegate.verify.judge import SETTLED

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 15.0
GROWTH: Final = 1.25

MARGIN: Final = timedelta(minutes=20)
"""What a deployment may take beyond the endpoint's own time limit: creating models and alarms, a first endpoint."""

APPEARS_WITHIN: Final = timedelta(minutes=5)
"""How long the Deploy action, which starts beside this, may take to show in the pipeline's history."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deployment:
    """The pipeline action that deploys the release."""

    pipeline: str
    execution: str
    action: str = "Deploy"


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen on the way.

    `stack_before` is the stack as it rested before the deployment, None if it was not seen so. `described` is the last
    DescribeEndpoint, None if there is no endpoint.
    """

    ended: bool
    action: ActionSeen | None
    stack: StackSeen | None
    stack_before: StackSeen | None
    described: dict[str, Any] | None
    first_config: str
    timeline: tuple[Sighting, ...]


@dataclass(slots=True)
class _Look:
    """The newest state of everything, and what came before it."""

    action: ActionSeen | None = None
    stack: StackSeen | None = None
    stack_before: StackSeen | None = None
    described: dict[str, Any] | None = None
    first_config: str = ""
    timeline: list[Sighting] = field(default_factory=list)
    said: str = ""


def watch(
    asked: ReleaseRecord, clients: Clients, clock: Clock, deployment: Deployment | None, progress: Progress
) -> Watched:
    """Look until the deployment has ended and the endpoint is at rest, or the time of both is over.

    Pauses grow from 1 s to 15 s and start again with every change. A connection that is lost is said and tried again.

    Raises TidegateError where AWS refuses to answer.
    """
    began = clock.now()
    give_up_at = began + timedelta(seconds=asked.maximum_execution_timeout) + MARGIN
    look, pause = _Look(), FIRST_PAUSE
    while True:
        try:
            changed = _look(look, asked, clients, deployment, progress)
            if _at_rest(look, deployment, waited=clock.now() - began):
                return _watched(look, ended=True)
            if look.stack and look.stack.ended and not (look.action and look.action.ended):
                look.stack_before = look.stack_before or look.stack
        except aws_errors() as error:
            if not is_passing(error):
                raise _refused(error, asked) from error
            progress(f"no answer from AWS, trying again: {error}")
            changed = False
        if clock.now() >= give_up_at:
            return _watched(look, ended=False)
        pause = FIRST_PAUSE if changed else min(pause * GROWTH, LONGEST_PAUSE)
        clock.sleep(pause)


def _look(
    look: _Look, asked: ReleaseRecord, clients: Clients, deployment: Deployment | None, progress: Progress
) -> bool:
    """Look at everything once; report and return whether anything has changed."""
    # The action is looked at first: what the endpoint shows after it has ended is the end.
    look.action = find_action(clients.codepipeline, deployment, asked.stack_name) if deployment else None
    look.stack = describe_stack(clients.cloudformation, asked.stack_name)
    look.described = describe_endpoint(clients.sagemaker, asked.endpoint_name)
    if look.described is not None:
        sighting = _sighting(look.described, asked.variant)
        look.first_config = look.first_config or sighting.config_name
        if not look.timeline or look.timeline[-1] != sighting:
            look.timeline.append(sighting)
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


def _watched(look: _Look, *, ended: bool) -> Watched:
    return Watched(
        ended=ended,
        action=look.action,
        stack=look.stack,
        stack_before=look.stack_before,
        described=look.described,
        first_config=look.first_config,
        timeline=tuple(look.timeline),
    )


def find_action(codepipeline: Any, deployment: Deployment, stack_name: str) -> ActionSeen | None:
    """Return the newest run of the action that deploys `stack_name` in the execution; several stages have one each."""
    found: dict[str, Any] | None = None
    token: dict[str, str] = {}
    while True:
        page = codepipeline.list_action_executions(
            pipelineName=deployment.pipeline, filter={"pipelineExecutionId": deployment.execution}, **token
        )
        for detail in page.get("actionExecutionDetails", []):
            if detail["actionName"] == deployment.action and _deploys(detail, stack_name):
                newer = found is None or _started(detail) > _started(found)
                found = detail if newer else found
        if not page.get("nextToken"):
            break
        token = {"nextToken": page["nextToken"]}
    if found is None:
        return None
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


def describe_stack(cloudformation: Any, name: str) -> StackSeen | None:
    """Return the stack's status, None if there is none."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except aws_errors() as error:
        if is_missing(error):
            return None
        raise
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
        seen = look.timeline[-1]
        parts.append(f"endpoint {seen.endpoint_status}")
        if seen.variant_status:
            parts.append(f"{seen.variant_status}{f' ({seen.message})' if seen.message else ''}")
    return ", ".join(parts)


def _refused(error: Exception, asked: ReleaseRecord) -> TidegateError:
    return TidegateError(f"the release of {asked.endpoint_name} cannot be followed: {error}")
