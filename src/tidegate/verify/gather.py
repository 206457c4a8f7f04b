"""What a verdict needs beside what was seen on the way. What cannot be read is noted, and never stops the verdict."""

import json
import re
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
from tidegate.stacks import ENDPOINT, ENDPOINT_CONFIG, STACK, stack_events, stack_resources
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
            except (LookupError, ValueError) as error:
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
    if stack is not None:
        if _untouched(stack, seen.stack_before):
            made = read("stack resources", partial(held_config, clients.cloudformation, asked.stack_name), "")
        else:
            events = partial(with_events, clients.cloudformation, asked.stack_name, stack)
            stack, made = read("stack events", events, (stack, ""))
        none: dict[str, str] = {}
        tags = read("tags of the stack's endpoint config", partial(_tags_of, clients.sagemaker, made), none)
        release, outcome = tags.get(RELEASE_TAG, ""), tags.get(OUTCOME_TAG, "")
        stack = replace(stack, config=made.rpartition("/")[2], release_id=release, outcome=outcome)
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


def held_config(cloudformation: Any, name: str) -> str:
    """Return the physical id of the endpoint config that is a resource of the stack, "" if none is."""
    configs = (each for each in stack_resources(cloudformation, name) if each["ResourceType"] == ENDPOINT_CONFIG)
    return next((each.get("PhysicalResourceId", "") for each in configs), "")


def _tags_of(sagemaker: Any, config: str) -> dict[str, str]:
    """Return the tags of an endpoint config, by its ARN or its name; none where it is gone, or there is none."""
    if not config:
        return {}
    try:
        if not config.startswith("arn:"):
            config = sagemaker.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]
        return read_tags(sagemaker, config)
    except aws_errors() as error:
        if is_missing(error):
            return {}
        raise


def with_events(cloudformation: Any, name: str, stack: StackSeen) -> tuple[StackSeen, str]:
    """Return the stack with what its newest update says: what it did to the endpoint, and why it failed.

    Beside it the physical id of the endpoint config that this update made, "" if it made none. Events come newest
    first. Those of an update end with the stack's own first event of it.
    """
    newest_first = []
    for event in stack_events(cloudformation, name):
        newest_first.append(event)
        own = event["ResourceType"] == STACK
        if own and event.get("ResourceStatus") in {"UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS"}:
            break
    touched, updated, made = False, False, ""
    failures: list[str] = []
    for event in reversed(newest_first):
        status, kind = event.get("ResourceStatus", ""), event["ResourceType"]
        if kind == ENDPOINT:
            touched = True
            updated = updated or (status == "UPDATE_COMPLETE" and not failures)
        if kind == ENDPOINT_CONFIG and status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            made = made or event.get("PhysicalResourceId", "")
        if status.endswith("_FAILED") and kind != STACK and event.get("ResourceStatusReason"):
            failures.append(f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}")
    told = replace(stack, endpoint_touched=touched, endpoint_updated=updated, failures=tuple(failures)[:FAILURES_MAX])
    return told, made


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
            changes = list(_changes(cloudwatch, name, since))
            fired = tuple((at, reason) for at, _, new, reason in changes if new == "ALARM")
            first = changes[0][1] if changes else alarm["StateValue"]
            yield AlarmSeen(name, alarm["StateValue"], alarm.get("StateReason", ""), fired, first == "ALARM")


def _alarms(cloudwatch: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    # At most ten alarms guard an endpoint, and a page holds fifty.
    alarms: list[dict[str, Any]] = cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    return alarms


def _changes(cloudwatch: Any, name: str, since: datetime | None) -> Iterator[tuple[datetime, str, str, str]]:
    """Yield the changes of an alarm's state, the oldest first: when, from and into which state, and why."""
    window = {} if since is None else {"StartDate": since}
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
        AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending", **window
    )
    try:
        for page in pages:
            for item in page.get("AlarmHistoryItems", []):
                yield (item["Timestamp"], *_change(item))
    except aws_errors() as error:
        if not is_missing(error):
            raise


_SUMMARY: Final = re.compile(r"from (\w+) to (\w+)$")


def _change(item: dict[str, Any]) -> tuple[str, str, str]:
    """Return the old state, the new one, and the reason that a history item tells, from its data or its summary."""
    summary = str(item.get("HistorySummary", ""))
    try:
        data = json.loads(item.get("HistoryData") or "{}")
    except ValueError:
        data = {}
    if isinstance(data.get("newState"), dict):
        old, new = data.get("oldState") or {}, data["newState"]
        return str(old.get("stateValue", "")), str(new.get("stateValue", "")), str(new.get("stateReason", summary))
    told = _SUMMARY.search(summary)
    return (told[1], told[2], summary) if told else ("", "", summary)
