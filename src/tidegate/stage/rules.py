"""Rules that span several fields of a stage, as pure functions from typed values to findings."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Final, assert_never

from tidegate.stage import limits
from tidegate.stage.fleet import Instances
from tidegate.stage.model import Project
from tidegate.stage.quantities import CapacityType, Latency, format_duration
from tidegate.stage.release import Release, RollbackRule, Strategy

Path = tuple[str | int, ...]

KEY: Final = "[key]"  # ends a path that means the key and not what it holds, as in pydantic's errors


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a path within the stage, and what would be right."""

    path: Path
    wrong: str
    right: str


def check_place(project: Project, account: object, region: object) -> Iterator[Finding]:
    """Stages live where their project lives. What is no account or region at all is not judged here."""
    written = {"account": (account, project.account, limits.ACCOUNT), "region": (region, project.region, limits.REGION)}
    for key, (own, projects, form) in written.items():
        if isinstance(own, str) and form.fullmatch(own) and own != projects:
            yield Finding(
                (key,),
                f"the stage is in {own}, its project in {projects}",
                f"leave `{key}` out, since a stage is deployed where its project is",
            )


def check_release(release: Release, instances: Instances | None) -> Iterator[Finding]:
    """Everything that SageMaker would refuse, ignore or never reach in a release."""
    yield from _strategy(release, instances)
    yield from _timeout(release)
    yield from _rollback(release)


def _strategy(release: Release, instances: Instances | None) -> Iterator[Finding]:
    match release.strategy:
        case Strategy.ALL_AT_ONCE:
            yield from _all_at_once(release)
        case Strategy.CANARY:
            yield from _canary(release, instances)
        case Strategy.LINEAR | Strategy.ROLLING:
            yield Finding(("release", "strategy"), f"the strategy {release.strategy} is not there yet", "use canary")
        case _:
            assert_never(release.strategy)


def _all_at_once(release: Release) -> Iterator[Finding]:
    rights = {
        "canary_size": "take it out, or use the strategy canary",
        "wait_interval": "take it out, since what bakes here is termination_wait",
    }
    for key, right in rights.items():
        if key in release.model_fields_set:
            yield Finding(("release", key, KEY), f"`{key}` means nothing to the strategy {release.strategy}", right)


def _canary(release: Release, instances: Instances | None) -> Iterator[Finding]:
    size = release.canary_size
    for key, example in {"canary_size": "25%", "wait_interval": "10m"}.items():
        if key not in release.model_fields_set:
            yield Finding(("release", KEY), f"`{key}` is missing", f"add it, such as `{key}: {example}`")
    if instances is not None and instances.count < limits.CANARY_MIN_INSTANCES:
        yield Finding(
            ("instances", "count"),
            "a canary needs at least 2 instances, of which it takes at most half",
            "write 2 or more, or use the strategy all_at_once",
        )
    if size is None:
        return
    if size.kind is CapacityType.CAPACITY_PERCENT:
        if size.value > limits.CANARY_MAX_PERCENT:
            yield Finding(
                ("release", "canary_size"),
                f"a canary of {size} is too large",
                f"SageMaker allows at most {limits.CANARY_MAX_PERCENT}% of the instances",
            )
    elif instances is not None and instances.count >= limits.CANARY_MIN_INSTANCES:
        most = instances.count * limits.CANARY_MAX_PERCENT // 100
        if size.value > most:
            yield Finding(
                ("release", "canary_size"),
                f"a canary of {size} of {instances.count} instances is too large",
                f"SageMaker allows at most {limits.CANARY_MAX_PERCENT}%, which is {most}",
            )


def _timeout(release: Release) -> Iterator[Finding]:
    total = release.wait_interval + release.termination_wait
    if release.maximum_execution_timeout <= total:
        yield Finding(
            ("release", "maximum_execution_timeout"),
            f"{format_duration(release.maximum_execution_timeout)} is not longer than the waits, "
            f"which add up to {format_duration(total)}",
            f"write more than that, up to {format_duration(limits.EXECUTION_TIMEOUT_MAX)}, or wait less",
        )


def _rollback(release: Release) -> Iterator[Finding]:
    rules = release.rollback_on
    if not rules and release.strategy is Strategy.CANARY:
        yield Finding(
            ("release", KEY),
            "`rollback_on` is missing, so nothing would end a bad canary",
            "add 1 to 5 rules, such as `- {metric: Invocation5XXErrors, above: 1%}`",
        )
    if len(rules) > limits.ROLLBACK_RULES_MAX:
        yield Finding(
            ("release", "rollback_on", limits.ROLLBACK_RULES_MAX),
            f"there are {len(rules)} rules",
            f"keep {limits.ROLLBACK_RULES_MAX}: each becomes {limits.ALARMS_PER_RULE} alarms, "
            f"and SageMaker allows {limits.ROLLBACK_ALARMS_MAX}",
        )
    yield from chain.from_iterable(
        _rule(("release", "rollback_on", index), rule, release) for index, rule in enumerate(rules)
    )


def _rule(path: Path, rule: RollbackRule, release: Release) -> Iterator[Finding]:
    if rule.metric.is_latency != isinstance(rule.above, Latency):
        kind, example = ("a latency", "250ms") if rule.metric.is_latency else ("a share of requests", "1%")
        yield Finding(
            (*path, "above"), f"{rule.metric} is {kind}, and {rule.above} is not", f"write one such as {example}"
        )
    elif not rule.metric.is_latency:
        if rule.statistic != "Average":
            yield Finding(
                (*path, "statistic"),
                f"{rule.statistic} of {rule.metric}, which is 0 or 1 a request, is no share of requests",
                "use Average, or leave `statistic` out",
            )
        if rule.threshold >= 1:
            yield Finding((*path, "above"), f"{rule.metric} is never above 100%", "write less, such as 1%")
    bake = "wait_interval" if release.strategy is Strategy.CANARY else "termination_wait"
    length: timedelta = getattr(release, bake)
    needed = rule.periods.datapoints_to_alarm * limits.METRIC_PERIOD
    if needed > length:
        yield Finding(
            (*path, "periods"),
            f"{format_duration(needed)} above the threshold does not fit in the {format_duration(length)} of {bake}, "
            "so the alarm would come too late",
            f"lengthen {bake}, or ask for fewer periods",
        )
