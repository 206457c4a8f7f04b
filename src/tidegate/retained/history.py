"""Who was live when, as far as AWS still tells.

Three witnesses, none of whom saw everything: endpoint configs, with the tag in which verify kept what became of them
and what had served before, which outlives the removal of those; the events of the endpoint's stack, which tell what
CloudFormation believes, and for how long they are kept is not documented; and the endpoint, which tells what serves
now. A config that was created, and an update that CloudFormation recorded as a success, do not prove that it served:
after a rollback by SageMaker they say the same.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tidegate.aws import aws_errors, is_missing
from tidegate.outcome import Outcome
from tidegate.registry import RELEASE_TAG, ModelPackage, Served, version_in
from tidegate.registry.live import package_in
from tidegate.retained.inventory import Retained, describe_variants, short_name
from tidegate.stacks import ENDPOINT, ENDPOINT_CONFIG, MODEL, STACK, stack_events

Describe = Callable[[str], ModelPackage]


class Standing(StrEnum):
    """What is known of an update of the endpoint, the surest first."""

    SERVES = "serves"
    """The endpoint names its config now."""
    SERVED = "served"
    """Verify saw it serve."""
    ROLLED_BACK = "rolled back"
    """Verify saw that it was taken back, on the config's tag or in the registry."""
    FAILED = "failed"
    """CloudFormation recorded that the endpoint did not take it."""
    DEPLOYED = "deployed"
    """CloudFormation recorded it as done, which does not prove that it served."""
    CREATED = "created"
    """There is such a config, and nothing tells what became of it."""


@dataclass(frozen=True, slots=True)
class Update:
    """One endpoint config that was meant to serve. `at` is when it came into its standing, as far as is known."""

    config_name: str
    at: datetime
    standing: Standing
    release_id: str = ""
    model_package_arn: str = ""
    reason: str = ""
    remembered: int | None = None
    """The version, where only a later config's tag still tells it."""

    @property
    def version(self) -> int | None:
        """The version of the model behind its production variant, None where nothing tells."""
        version = version_in(self.model_package_arn)
        return self.remembered if version is None else version


@dataclass(frozen=True, slots=True)
class History:
    """The updates of an endpoint, the newest first. Before `goes_back_to`, nothing is known."""

    endpoint_name: str
    updates: tuple[Update, ...]
    goes_back_to: datetime | None


def read_history(
    sagemaker: Any, cloudformation: Any, retained: Retained, stack_name: str, stage: str, describe: Describe
) -> History:
    """Return what is known of who was live when.

    `describe` returns a version of the stage's group by its ARN: the registry remembers the last rollback of each.
    """
    events = list(stack_events(cloudformation, stack_name))
    told = _told_by_stack(events)
    updates = []
    for config in retained.configs:
        production = [each for each in describe_variants(sagemaker, config) if not each.shadow]
        event = told.pop(short_name(config.name), None)
        standing, at, reason = _standing(config.name == retained.live.name, config.outcome, event)
        updates.append(
            Update(
                config_name=config.name,
                at=at or config.outcome_at or config.created_at,
                standing=standing,
                release_id=config.release_id,
                model_package_arn=production[0].model_package_arn if production else "",
                reason=reason,
            )
        )
    removed = _served_and_removed(retained)
    for name, event in told.items():
        remembered = next((each for each in removed if each.is_of(name)), None)
        if remembered is not None:
            removed.remove(remembered)
            updates.append(_remembered(remembered, name, event.release_id, event.model_package_arn))
        elif event.at is not None:
            standing, at, reason = _standing(serves=False, outcome=None, event=event)
            updates.append(Update(name, at or event.at, standing, event.release_id, event.model_package_arn, reason))
    updates += [_remembered(each, f"…{each.config}") for each in removed]
    moments = [event["Timestamp"] for event in events] + [config.created_at for config in retained.configs]
    moments += [update.at for update in updates]
    newest_first = sorted(updates, key=lambda update: update.at, reverse=True)
    return History(
        retained.endpoint["EndpointName"],
        tuple(_with_registry(update, stage, describe) for update in newest_first),
        min(moments, default=None),
    )


def history_document(history: History) -> dict[str, Any]:
    """Return the history as JSON's own types, in the form `tidegate.history/1`."""
    return {
        "schema": "tidegate.history/1",
        "endpoint": history.endpoint_name,
        "goes_back_to": history.goes_back_to and history.goes_back_to.isoformat(),
        "updates": [
            {
                "at": update.at.isoformat(),
                "standing": update.standing.value,
                "version": update.version,
                "model_package_arn": update.model_package_arn or None,
                "release_id": update.release_id or None,
                "endpoint_config": update.config_name,
                "reason": update.reason or None,
            }
            for update in history.updates
        ],
    }


@dataclass(slots=True)
class _Told:
    """What the stack's events tell of one config."""

    at: datetime | None = None
    status: str = ""
    reason: str = ""
    release_id: str = ""
    model_package_arn: str = ""


def _standing(serves: bool, outcome: Outcome | None, event: _Told | None) -> tuple[Standing, datetime | None, str]:
    """Return the surest that is known, with its time and reason where the witness gives one."""
    if serves:
        return Standing.SERVES, None, ""
    if outcome is Outcome.ROLLED_BACK:
        return Standing.ROLLED_BACK, None, event.reason if event else ""
    if outcome is not None:
        return Standing.SERVED, None, ""
    if event is None or event.at is None:
        return Standing.CREATED, None, ""
    return (Standing.FAILED if event.status.endswith("_FAILED") else Standing.DEPLOYED), event.at, event.reason


def _served_and_removed(retained: Retained) -> list[Served]:
    """Return what tags of other configs say to have served, of which the config is gone."""
    told = dict.fromkeys(each for config in retained.configs for each in config.before)
    return [each for each in told if not any(each.is_of(config.name) for config in retained.configs)]


def _remembered(served: Served, config_name: str, release_id: str = "", model_package_arn: str = "") -> Update:
    return Update(config_name, served.at, Standing.SERVED, release_id, model_package_arn, remembered=served.version)


def _with_registry(update: Update, stage: str, describe: Describe) -> Update:
    """Take the registry's word for a rollback where nothing surer is known; it remembers one a version."""
    if update.standing in {Standing.SERVES, Standing.SERVED} or not update.model_package_arn:
        return update
    try:
        package = describe(update.model_package_arn)
    except aws_errors() as error:
        if is_missing(error):
            return update
        raise
    if not (package.was_rolled_back and package.stage == stage):
        return update
    return replace(update, standing=Standing.ROLLED_BACK, reason=package.stage_description)


@dataclass(slots=True)
class _Operation:
    """One create or update of the stack, as far as its events have been read."""

    config: str = ""
    packages: dict[str, str] = field(default_factory=dict)


def _told_by_stack(newest_first: Iterable[Mapping[str, Any]]) -> dict[str, _Told]:
    """Return what the events tell of each config, by its name in lower case.

    An operation of the stack makes at most one config, and then updates the endpoint to it. What resources were made of
    is in `ResourceProperties`.
    """
    told: dict[str, _Told] = {}
    now = _Operation()
    for event in reversed(list(newest_first)):
        kind, status = event["ResourceType"], event.get("ResourceStatus", "")
        name, properties = short_name(event.get("PhysicalResourceId") or ""), _properties(event)
        if kind == STACK and status.endswith("_IN_PROGRESS"):
            now = _Operation(packages=now.packages)
        elif kind == MODEL and name:
            now.packages[name] = package_in(properties) or now.packages.get(name, "")
        elif kind == ENDPOINT_CONFIG and name and status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            now.config = name
            one = told.setdefault(name, _Told())
            one.release_id = _release_in(properties) or one.release_id
            one.model_package_arn = _package_of(properties, now.packages) or one.model_package_arn
        elif kind == ENDPOINT and now.config and status.endswith(("_COMPLETE", "_FAILED")):
            one = told[now.config]
            one.at, one.status = event["Timestamp"], status
            one.reason = event.get("ResourceStatusReason", "") if status.endswith("_FAILED") else ""
    return told


def _properties(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        properties = json.loads(event.get("ResourceProperties") or "{}")
    except ValueError:
        return {}
    return properties if isinstance(properties, dict) else {}


def _package_of(config: Mapping[str, Any], packages: Mapping[str, str]) -> str:
    models = [short_name(str(variant.get("ModelName", ""))) for variant in config.get("ProductionVariants") or []]
    return next((packages[model] for model in models if packages.get(model)), "")


def _release_in(config: Mapping[str, Any]) -> str:
    return next((str(tag["Value"]) for tag in config.get("Tags") or [] if tag.get("Key") == RELEASE_TAG), "")
