"""What a verdict needs beside what was seen on the way. What cannot be read is noted, and never stops the verdict."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from tidegate.aws import aws_errors, is_missing, is_passing
from tidegate.clock import Clock
from tidegate.registry import OUTCOME_TAG, RELEASE_TAG
from tidegate.registry.live import model_package_of, read_tags, variants_of
from tidegate.render import ReleaseRecord
from tidegate.verify.clients import Clients
from tidegate.verify.evidence import AlarmSeen, ConfigSeen, EndpointSeen, Evidence, StackSeen
from tidegate.verify.watch import Watched

_T = TypeVar("_T")

FAILURES_MAX: Final = 5

PAUSES: Final = (2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between attempts to read something that a lost connection or a busy service kept back."""


class Reading:
    """Reads one thing after another; what cannot be read in the end is noted in `unread`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.unread: list[str] = []

    def __call__(self, what: str, reading: Callable[[], _T], otherwise: _T) -> _T:
        """Return what `reading` does, or `otherwise`."""
        for pause in (*PAUSES, None):
            try:
                return reading()
            except aws_errors() as error:
                if pause is None or not is_passing(error):
                    self.unread.append(f"{what}: {error}")
                    return otherwise
                self._clock.sleep(pause)
            except (KeyError, LookupError, ValueError) as error:
                self.unread.append(f"{what}: the answer is not as documented: {error!r}")
                return otherwise
        raise AssertionError("the last attempt returns")


def gather(asked: ReleaseRecord, clients: Clients, clock: Clock, watched: Watched) -> Evidence:
    """Return the evidence on a release that has been watched."""
    read = Reading(clock)
    since, described, seen = _began(watched, asked), watched.described, watched.seen
    endpoint, configs = None, {}

    def config(name: str) -> ConfigSeen | None:
        if name and name not in configs:
            configs[name] = read_config(clients.sagemaker, name, asked.variant, read)
        return configs.get(name)

    if described is not None:
        live = read_config(clients.sagemaker, described["EndpointConfigName"], asked.variant, read, described)
        configs[live.name] = live
        endpoint = EndpointSeen(
            status=described["EndpointStatus"],
            live=live,
            created_at=described["CreationTime"],
            modified_at=described["LastModifiedTime"],
            failure_reason=described.get("FailureReason", ""),
            last_deployment_config=described.get("LastDeploymentConfig"),
        )
    # After a rollback CloudFormation may have updated the endpoint once more, to the config that served before.
    pending = [each.pending_config for each in seen.timeline if each.pending_config not in ("", seen.first_config)]
    stack = watched.stack
    if stack is not None and not _untouched(stack, seen.stack_before):
        stack = read("stack events", partial(with_events, clients.cloudformation, asked.stack_name, stack), stack)
    return Evidence(
        asked=asked,
        endpoint=endpoint,
        ended=watched.ended,
        action=watched.action,
        stack=stack,
        previous=config(seen.first_config) if endpoint else None,
        tried=config(pending[-1]) if endpoint and pending else None,
        seen=seen,
        alarms=read("alarms", lambda: tuple(read_alarms(clients.cloudwatch, asked.alarms, since)), ()),
        unread=tuple(read.unread),
    )


def _began(watched: Watched, asked: ReleaseRecord) -> datetime | None:
    """Return when the release began: the endpoint's update if it was seen, else its deployment, else the earliest."""
    starts = [sighting.update_started_at for sighting in watched.seen.timeline if sighting.update_started_at]
    if starts:
        return min(starts)
    if watched.action and watched.action.started_at:
        return watched.action.started_at
    if watched.described is None:
        return None
    modified: datetime = watched.described["LastModifiedTime"]
    return modified - timedelta(seconds=asked.maximum_execution_timeout)


def read_config(
    sagemaker: Any, name: str, variant: str, read: Reading, endpoint: dict[str, Any] | None = None
) -> ConfigSeen:
    """Return an endpoint config with its release, its variants, and the version behind the production variant."""
    config = read(f"endpoint config {name}", lambda: sagemaker.describe_endpoint_config(EndpointConfigName=name), None)
    if config is None:
        return ConfigSeen(name, tags_read=False)
    tags = read(f"tags of {name}", lambda: read_tags(sagemaker, config["EndpointConfigArn"]), None)

    def package_of(model: str) -> str:
        return read(f"model package of {name}", lambda: model_package_of(sagemaker, model), "")

    variants = tuple(variants_of(config, package_of, endpoint))
    production = [each for each in variants if not each.shadow]
    named = [each for each in production if each.name == variant] or production
    return ConfigSeen(
        name,
        (tags or {}).get(RELEASE_TAG, ""),
        named[0].model_package_arn if named else "",
        tags_read=tags is not None,
        variants=variants,
        outcome=(tags or {}).get(OUTCOME_TAG, ""),
    )


def _untouched(stack: StackSeen, before: StackSeen | None) -> bool:
    """Whether the deployment found nothing to change; then the stack's events are those of an earlier release."""
    return before is not None and before.updated_at == stack.updated_at


def with_events(cloudformation: Any, name: str, stack: StackSeen) -> StackSeen:
    """Return the stack with what its newest update says: what it did to the endpoint, and why it failed.

    Events come newest first. Those of an update end with the stack's own first event of it.
    """
    newest_first = []
    for event in _events(cloudformation, name):
        newest_first.append(event)
        own = event["ResourceType"] == "AWS::CloudFormation::Stack"
        if own and event.get("ResourceStatus") in {"UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS"}:
            break
    touched, updated = False, False
    failures: list[str] = []
    for event in reversed(newest_first):
        status, kind = event.get("ResourceStatus", ""), event["ResourceType"]
        if kind == "AWS::SageMaker::Endpoint":
            touched = True
            updated = updated or (status == "UPDATE_COMPLETE" and not failures)
        if status.endswith("_FAILED") and kind != "AWS::CloudFormation::Stack" and event.get("ResourceStatusReason"):
            failures.append(f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}")
    return replace(stack, endpoint_touched=touched, endpoint_updated=updated, failures=tuple(failures)[:FAILURES_MAX])


def _events(cloudformation: Any, name: str) -> Iterator[dict[str, Any]]:
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
        yield from page.get("StackEvents", [])


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
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending", **window
    )
    try:
        for page in pages:
            for item in page.get("AlarmHistoryItems", []):
                if (state := _new_state(item)) and state.get("stateValue") == "ALARM":
                    yield item["Timestamp"], str(state.get("stateReason", item.get("HistorySummary", "")))
    except aws_errors() as error:
        if not is_missing(error):
            raise


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
