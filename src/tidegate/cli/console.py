"""How things are said: sentences for people, one JSON document for programs."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, assert_never

import typer

from tidegate.stage import RollbackRule, Stage, Strategy, format_duration, limits

if TYPE_CHECKING:
    from tidegate.verify import Verdict


def say(text: str = "") -> None:
    """Print one line of the answer."""
    typer.echo(text)


def complain(text: str) -> None:
    """Print a sentence about what is wrong."""
    typer.echo(text, err=True)


def say_json(document: Any) -> None:
    """Print the whole answer as one JSON document."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def release_in_words(stage: Stage) -> Iterable[str]:
    """Yield what a release of the stage will do, a line each."""
    release = stage.release
    bake, keep = format_duration(release.wait_interval), format_duration(release.termination_wait)
    fleet = f"{stage.instances.count} x {stage.instances.type}"
    match release.strategy:
        case Strategy.ALL_AT_ONCE:
            yield f"{stage.name}: {fleet}, all traffic at once"
        case Strategy.CANARY:
            yield f"{stage.name}: {fleet}, a canary of {release.canary_size} for {bake}, then all traffic"
        case Strategy.LINEAR:
            yield f"{stage.name}: {fleet}, traffic in steps of {release.linear_step_size}, {bake} after each"
        case Strategy.ROLLING:
            yield f"{stage.name}: {fleet}, replaced in batches of {release.maximum_batch_size}, {bake} after each"
        case _:
            assert_never(release.strategy)
    limit = format_duration(release.maximum_execution_timeout)
    if release.strategy is not Strategy.ROLLING:
        yield f"  the old fleet stays for {keep} after that"
    yield f"  the release may take {limit}"
    for rule in release.rollback_on:
        yield f"  rolled back when {rule.metric} ({rule.statistic}) is above {rule.above} in {_periods(rule)}"
    if not release.rollback_on:
        yield "  never rolled back: no rollback_on"


def say_verdict(verdict: "Verdict") -> None:
    """Print how a release ended and what that rests on; the outcome comes last, where a log is read first."""
    evidence = verdict.evidence
    say(f"asked for: version {evidence.asked.model_package_version}, release {evidence.asked.release_id}")
    if evidence.endpoint:
        live = evidence.endpoint.live
        say(f"live: {live.label}, release {live.release_id or 'unknown'}, endpoint {evidence.endpoint.status}")
    for alarm in evidence.alarms:
        fired = "".join(f", fired at {moment:%H:%M:%S}" for moment, _ in alarm.fired)
        say(f"alarm {alarm.name}: {alarm.state}{fired}")
    for note in verdict.notes:
        say(f"note: {note}")
    say(f"{verdict.outcome}: {verdict.sentence}")


def aws_sentence(error: Exception) -> str | None:
    """Return what to say of an error that boto3 raised, None for any other."""
    exceptions = sys.modules.get("botocore.exceptions")  # not imported: then boto3 was not either
    if exceptions and isinstance(error, exceptions.BotoCoreError | exceptions.ClientError):
        return f"AWS did not do what was asked: {error}"
    return None


def _periods(rule: RollbackRule) -> str:
    if rule.period == limits.METRIC_PERIOD:
        return f"{rule.periods} minutes"
    return f"{rule.periods} periods of {format_duration(rule.period)}"
