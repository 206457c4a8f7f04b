"""Removing what releases have left behind and nothing needs: neither live, nor the last good one, nor the stack's."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tidegate.aws import aws_errors, is_missing
from tidegate.errors import TidegateError
from tidegate.outcome import Outcome
from tidegate.registry import PROJECT_TAG
from tidegate.retained.inventory import Retained, RetainedConfig, short_name, tags_or_none


@dataclass(frozen=True, slots=True)
class Kept:
    """A config that stays, and why."""

    config: RetainedConfig
    why: str


@dataclass(frozen=True, slots=True)
class Prunable:
    """What stays and what may go."""

    kept: tuple[Kept, ...]
    removed: tuple[RetainedConfig, ...]


def plan_pruning(retained: Retained, *, keep: int = 1, also: Collection[str] = ()) -> Prunable:
    """Say which configs may go, keeping `keep` good ones beside the live one; `also` are known to be good.

    A config is good that was verified to have served, without a test in it. Looking back from the newest, until there
    are enough good ones, everything else stays as well, but what was verified to have been rolled back, and tests: a
    config that nothing is known of could be the one that served last.

    Raises TidegateError while an update is on its way, or where the endpoint is in no state to go back.
    """
    status = retained.endpoint["EndpointStatus"]
    if status != "InService" or retained.pending:
        raise TidegateError(
            f"{retained.endpoint['EndpointName']} is {status}; prune once its update has ended and it is InService"
        )
    if keep < 1:
        raise TidegateError("at least 1 config beside the live one is kept, to go back to")
    kept, removed, good = [Kept(retained.live, "serves")], [], 0
    for config in retained.others:
        held = short_name(config.name) in retained.held
        known_good = config.is_good or (config.name in also and not config.holds_test)
        if known_good and good < keep:
            good += 1
            kept.append(Kept(config, "served before" if good == 1 else "served before that"))
        elif held:
            kept.append(Kept(config, "is what the stack holds"))
        elif good < keep and config.outcome is not Outcome.ROLLED_BACK and not config.holds_test:
            kept.append(Kept(config, "may have served: nothing tells what became of it"))
        else:
            removed.append(config)
    return Prunable(tuple(kept), tuple(removed))


def prune(sagemaker: Any, retained: Retained, *, keep: int = 1, also: Collection[str] = ()) -> Iterator[str]:
    """Remove what `plan_pruning` says may go, each config before its models; yield a line for each that went.

    A model goes only if no config that stays uses it, the stack does not hold it, and it has the project's tag. What
    is gone already is passed over.
    """
    plan = plan_pruning(retained, keep=keep, also=also)
    if not plan.removed:
        return
    models = {config.name: _models(sagemaker, config) for config in retained.configs}
    needed = {model for each in plan.kept for model in models[each.config.name]}
    for config in plan.removed:
        if _gone(sagemaker.delete_endpoint_config, EndpointConfigName=config.name):
            continue
        yield f"removed endpoint config {config.name} of release {config.release_id}"
        for model in sorted(models[config.name] - needed):
            if short_name(model) not in retained.held and _is_the_projects(sagemaker, model, retained.project):
                _gone(sagemaker.delete_model, ModelName=model)
                yield f"removed model {model}"


def _models(sagemaker: Any, config: RetainedConfig) -> set[str]:
    try:
        described = sagemaker.describe_endpoint_config(EndpointConfigName=config.name)
    except aws_errors() as error:
        if is_missing(error):
            return set()
        raise
    kinds = ("ProductionVariants", "ShadowProductionVariants")
    return {variant["ModelName"] for kind in kinds for variant in described.get(kind) or [] if "ModelName" in variant}


def _is_the_projects(sagemaker: Any, model: str, project: str) -> bool:
    try:
        arn = sagemaker.describe_model(ModelName=model)["ModelArn"]
    except aws_errors() as error:
        if is_missing(error):
            return False
        raise
    return (tags_or_none(sagemaker, arn) or {}).get(PROJECT_TAG) == project


def _gone(delete: Any, **named: str) -> bool:
    """Delete it; return whether it was gone already."""
    try:
        delete(**named)
    except aws_errors() as error:
        if is_missing(error):
            return True
        raise
    return False
