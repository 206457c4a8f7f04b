"""What a verdict needs beside what was seen on the way. What cannot be read is noted, and never stops the verdict."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from tidegate.aws import aws_errors, is_missing
from tidegate.registry import RELEASE_TAG
from tidegate.registry.live import model_package_of, read_tags
from tidegate.render import ReleaseRecord
from tidegate.verify.clients import Clients
from tidegate.verify.evidence import AlarmSeen, ConfigSeen, EndpointSeen, Evidence, StackSeen
from tidegate.verify.watch import Watched

_T = TypeVar("_T")

FAILURES_MAX: Final = 5


def gather(asked: ReleaseRecord, clients: Clients, watched: Watched) -> Evidence:
    """Return the evidence on a release that has been watched."""
    unread: list[str] = []

    def read(what: str, reading: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return reading()
        except Exception as error:
            unread.append(f"{what}: {error}")
            return otherwise

    since = _began(watched, asked)
    described = watched.described
    endpoint = previous = None
    if described is not None:
        live = read_config(clients.sagemaker, described["EndpointConfigName"], read)
        endpoint = EndpointSeen(
            status=described["EndpointStatus"],
            live=live,
            created_at=described["CreationTime"],
            modified_at=described["LastModifiedTime"],
            failure_reason=described.get("FailureReason", ""),
            last_deployment_config=described.get("LastDeploymentConfig"),
        )
        known = {live.name: live}
        if watched.first_config:
            previous = known.get(watched.first_config) or read_config(clients.sagemaker, watched.first_config, read)
    stack = watched.stack
    if stack is not None and not _untouched(stack, watched.stack_before):
        stack = read("stack events", partial(with_events, clients.cloudformation, asked.stack_name, stack), stack)
    return Evidence(
        asked=asked,
        endpoint=endpoint,
        ended=watched.ended,
        action=watched.action,
        stack=stack,
        previous=previous,
        timeline=watched.timeline,
        alarms=read("alarms", lambda: tuple(read_alarms(clients.cloudwatch, asked.alarms, since)), ()),
        unread=tuple(unread),
    )


def _began(watched: Watched, asked: ReleaseRecord) -> datetime | None:
    """Return when the release began: the endpoint's update if it was seen, else its deployment, else the earliest."""
    starts = [sighting.update_started_at for sighting in watched.timeline if sighting.update_started_at]
    if starts:
        return min(starts)
    if watched.action and watched.action.started_at:
        return watched.action.started_at
    if watched.described is None:
        return None
    modified: datetime = watched.described["LastModifiedTime"]
    return modified - timedelta(seconds=asked.maximum_execution_timeout)


Reader = Callable[[str, Callable[[], Any], Any], Any]


def read_config(sagemaker: Any, name: str, read: Reader) -> ConfigSeen:
    """Return an endpoint config with the release that its tag tells and the model package that it serves."""
    config = read(f"endpoint config {name}", lambda: sagemaker.describe_endpoint_config(EndpointConfigName=name), None)
    if config is None:
        return ConfigSeen(name, tags_read=False)
    tags = read(f"tags of {name}", lambda: read_tags(sagemaker, config["EndpointConfigArn"]), None)
    package = read(f"model package of {name}", lambda: _package_of(sagemaker, config), "")
    return ConfigSeen(name, (tags or {}).get(RELEASE_TAG, ""), package, tags_read=tags is not None)


def _package_of(sagemaker: Any, config: dict[str, Any]) -> str:
    name = config["ProductionVariants"][0].get("ModelName")
    return model_package_of(sagemaker, name) if name else ""


def _untouched(stack: StackSeen, before: StackSeen | None) -> bool:
    """Whether the deployment found nothing to change; then the stack's events are those of an earlier release."""
    return before is not None and before.updated_at == stack.updated_at


def with_events(cloudformation: Any, name: str, stack: StackSeen) -> StackSeen:
    """Return the stack with what its newest update says: whether it touched the endpoint, and why it failed.

    Events come newest first. Those of an update end with the stack's own first event of it.
    """
    touched, failures = False, []
    for event in _events(cloudformation, name):
        own = event["ResourceType"] == "AWS::CloudFormation::Stack"
        status = event.get("ResourceStatus", "")
        if event["ResourceType"] == "AWS::SageMaker::Endpoint":
            touched = True
        if status.endswith("_FAILED") and not own and event.get("ResourceStatusReason"):
            failures.append(f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}")
        if own and status in {"UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS"}:
            break
    return replace(stack, endpoint_touched=touched, failures=tuple(reversed(failures))[:FAILURES_MAX])


def _events(cloudformation: Any, name: str) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = cloudformation.describe_stack_events(StackName=name, **token)
        yield from page.get("StackEvents", [])
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def read_alarms(cloudwatch: Any, names: tuple[str, ...], since: datetime | None) -> Iterator[AlarmSeen]:
    """Yield the alarms by name, each with its falls into ALARM since the release began."""
    if not names:
        return
    found = {alarm["AlarmName"]: alarm for alarm in _alarms(cloudwatch, names)}
    for name in names:
        alarm = found.get(name)
        if alarm is None:
            yield AlarmSeen(name, "MISSING", "there is no such alarm")
        else:
            fired = tuple(_fired(cloudwatch, name, since))
            yield AlarmSeen(name, alarm["StateValue"], alarm.get("StateReason", ""), fired)


def _alarms(cloudwatch: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    # At most ten alarms guard an endpoint, and a page holds fifty.
    alarms: list[dict[str, Any]] = cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    return alarms


def _fired(cloudwatch: Any, name: str, since: datetime | None) -> Iterator[tuple[datetime, str]]:
    window = {} if since is None else {"StartDate": since}
    token: dict[str, str] = {}
    while True:
        try:
            page = cloudwatch.describe_alarm_history(
                AlarmName=name,
                HistoryItemType="StateUpdate",
                ScanBy="TimestampAscending",
                **window,
                **token,
            )
        except aws_errors() as error:
            if is_missing(error):
                return
            raise
        for item in page.get("AlarmHistoryItems", []):
            if (state := _new_state(item)) and state.get("stateValue") == "ALARM":
                yield item["Timestamp"], str(state.get("stateReason", item.get("HistorySummary", "")))
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _new_state(item: dict[str, Any]) -> dict[str, Any] | None:
    """Return the state that a history item tells of, from its data or else from its summary."""
    try:
        data = json.loads(item.get("HistoryData") or "{}")
    except ValueError:
        data = {}
    if isinstance(data.get("newState"), dict):
        new_state: dict[str, Any] = data["newState"]
        return new_state
    summary = str(item.get("HistorySummary", ""))
    return {"stateValue": "ALARM", "stateReason": summary} if summary.endswith("to ALARM") else None
