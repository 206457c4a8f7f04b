"""Which endpoint configs a stage's releases have left behind, and which of them something uses.

CloudFormation names them, so they are known by their tags: those of the config that serves, for the project and the
stage, and a release. Configs that others made, or other stages, are never among them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.aws import aws_errors, is_denied, is_missing
from tidegate.errors import TidegateError
from tidegate.outcome import Outcome
from tidegate.registry import OUTCOME_TAG, PROJECT_TAG, RELEASE_TAG, STAGE_TAG, LiveVariant, Served, parse_outcome
from tidegate.registry.live import describe_endpoint, model_package_of, read_tags, variants_of
from tidegate.render import is_trial
from tidegate.stacks import ENDPOINT_CONFIG, MODEL, stack_resources


class NotRetainedError(TidegateError):
    """What the stage's releases left behind cannot be told from what others made."""


@dataclass(frozen=True, slots=True)
class RetainedConfig:
    """An endpoint config that a release of the stage made.

    `outcome` is what verify found became of the release, None where it kept nothing; `outcome_at` when the endpoint
    came to rest with it.
    """

    name: str
    arn: str
    created_at: datetime
    release_id: str
    outcome: Outcome | None = None
    outcome_at: datetime | None = None
    before: tuple[Served, ...] = ()
    """What had served when it began to, the newest first."""

    @property
    def served(self) -> bool:
        """Whether verify saw it serve."""
        return self.outcome is not None and self.outcome.served

    @property
    def holds_test(self) -> bool:
        """Whether a version is tested in it beside the one that serves: then nobody wants to go back to it."""
        return is_trial(self.release_id)

    @property
    def is_good(self) -> bool:
        """Whether it is one to go back to: it is known to have served, and without a test."""
        return self.served and not self.holds_test


@dataclass(frozen=True, slots=True)
class Retained:
    """The endpoint of a stage and the configs of its releases, the newest first, the live one among them.

    `held` are the names, in lower case, of configs and models that the stack's resources are; `pending` is the config
    on its way to the endpoint, "" if none is.
    """

    endpoint: Mapping[str, Any]
    project: str
    live: RetainedConfig
    configs: tuple[RetainedConfig, ...]
    held: frozenset[str]
    pending: str = ""

    @property
    def others(self) -> tuple[RetainedConfig, ...]:
        """All but the live one."""
        return tuple(each for each in self.configs if each.name != self.live.name)


def find_retained(sagemaker: Any, cloudformation: Any, endpoint_name: str, stack_name: str) -> Retained:
    """Return what the releases of the endpoint have left behind.

    Raises NotRetainedError where there is no endpoint, or its live config does not have the tags of a release.
    """
    endpoint = describe_endpoint(sagemaker, endpoint_name)
    if endpoint is None:
        raise NotRetainedError(f"there is no endpoint {endpoint_name}, so it cannot be told what its releases left")
    name = endpoint["EndpointConfigName"]
    described = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    tags = read_tags(sagemaker, described["EndpointConfigArn"])
    missing = [tag for tag in (PROJECT_TAG, STAGE_TAG, RELEASE_TAG) if not tags.get(tag)]
    if missing:
        raise NotRetainedError(
            f"{endpoint_name} serves {name}, which no release made: it lacks the tag {' and '.join(missing)}"
        )
    live = _retained(described, tags)
    others = (each for each in _configs(sagemaker) if each["EndpointConfigName"] != name)
    found = [live]
    for each in others:
        its = tags_or_none(sagemaker, each["EndpointConfigArn"])
        if its and its.get(RELEASE_TAG) and all(its.get(tag) == tags[tag] for tag in (PROJECT_TAG, STAGE_TAG)):
            found.append(_retained(each, its))
    pending = endpoint.get("PendingDeploymentSummary") or {}
    return Retained(
        endpoint=endpoint,
        project=tags[PROJECT_TAG],
        live=live,
        configs=tuple(sorted(found, key=lambda config: config.created_at, reverse=True)),
        held=frozenset(_held(cloudformation, stack_name)),
        pending=pending.get("EndpointConfigName", ""),
    )


def describe_variants(
    sagemaker: Any, config: RetainedConfig, endpoint: Mapping[str, Any] | None = None
) -> tuple[LiveVariant, ...]:
    """Return the variants of a config, with the instances of now where it is the one that `endpoint` serves.

    A model that is not there any more tells no model package.
    """

    def package_of(model: str) -> str:
        try:
            return model_package_of(sagemaker, model)
        except aws_errors() as error:
            if is_missing(error):
                return ""
            raise

    described = sagemaker.describe_endpoint_config(EndpointConfigName=config.name)
    return tuple(variants_of(described, package_of, endpoint))


def short_name(physical_id: str) -> str:
    """Return the name in a physical id, which is a name or an ARN, in lower case as SageMaker's ARNs are."""
    return physical_id.rpartition("/")[2].lower()


def tags_or_none(sagemaker: Any, arn: str) -> dict[str, str] | None:
    """Return the tags, None of what is gone meanwhile, or is another project's: then they are refused."""
    try:
        return read_tags(sagemaker, arn)
    except aws_errors() as error:
        if is_missing(error) or is_denied(error):
            return None
        raise


def _retained(described: Mapping[str, Any], tags: Mapping[str, str]) -> RetainedConfig:
    tag = parse_outcome(tags.get(OUTCOME_TAG, ""))
    return RetainedConfig(
        name=described["EndpointConfigName"],
        arn=described["EndpointConfigArn"],
        created_at=described["CreationTime"],
        release_id=tags[RELEASE_TAG],
        outcome=tag.outcome if tag else None,
        outcome_at=tag.at if tag else None,
        before=tag.before if tag else (),
    )


def _configs(sagemaker: Any) -> Iterator[dict[str, Any]]:
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(
        SortBy="CreationTime", SortOrder="Descending", MaxResults=100
    )
    for page in pages:
        yield from page["EndpointConfigs"]


def _held(cloudformation: Any, stack_name: str) -> Iterator[str]:
    for resource in stack_resources(cloudformation, stack_name):
        if resource["ResourceType"] in {ENDPOINT_CONFIG, MODEL} and resource.get("PhysicalResourceId"):
            yield short_name(resource["PhysicalResourceId"])
