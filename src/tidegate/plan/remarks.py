"""What somebody should know of a release before it starts, each in a sentence.

A warning is something that can be put right or should be thought about; `plan --strict` takes it for an error. A note
is what the plan rests on, or what could not be found out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from tidegate.alarms.firing import Verdict
from tidegate.guardrails import Rolling
from tidegate.plan import words
from tidegate.plan.model import Kind, Level, Plan, Remark
from tidegate.plan.situation import Situation
from tidegate.stage import Repo, Stage, limits

_BUSY: Final = frozenset({"Updating", "SystemUpdating", "RollingBack", "Creating", "Deleting"})


@dataclass(frozen=True, slots=True)
class Known:
    """What remarks rest on beside the plan itself."""

    repo: Repo
    stage: Stage
    version_unread: str
    situation: Situation
    ignored: str | None


def remarks(plan: Plan, known: Known) -> Iterator[Remark]:
    """Yield the remarks on a plan, warnings among notes, in the order in which a release meets their causes."""
    yield from _live(plan, known)
    yield from _test(plan, known)
    if known.ignored:
        return
    yield from _fleet(plan, known)
    yield from _time(plan, known.stage)
    yield from _alarms(plan)
    yield from _detection(plan)


def _live(plan: Plan, known: Known) -> Iterator[Remark]:
    if known.version_unread:
        yield _note("version-unread", f"The version to release is not known: {known.version_unread}.")
    if known.situation.unread:
        yield Remark(
            "live-unread",
            Level.IMPORTANT,
            f"What is live is not known: {known.situation.unread}. The plan reckons with an update of a fleet as large "
            "as the new one.",
        )
    if known.situation.settings_unread:
        yield _note("settings-unread", f"What changes is not known in full: {known.situation.settings_unread}.")
    live = known.situation.live
    if live is not None and live.status in _BUSY:
        yield _warning(
            "endpoint-busy",
            f"The endpoint is {live.status}: SageMaker refuses an update until that has ended.",
        )
    elif live is not None and not live.serves:
        yield _warning(
            "endpoint-failed",
            f"The endpoint is {live.status} and serves nothing: delete it or its stack before the release, which "
            "makes it anew.",
        )
    elif live is not None and live.status == "UpdateRollbackFailed":
        yield _warning(
            "mixed-fleet", "The endpoint is UpdateRollbackFailed: old and new instances serve beside each other."
        )
    if plan.kind is Kind.SAME:
        yield Remark(
            "nothing-new",
            Level.IMPORTANT,
            "The release that is asked for is the one that serves, so there is nothing to deploy. What follows is what "
            "releasing it would be like.",
        )
    if plan.kind is Kind.FIRST:
        yield Remark(
            "first-release",
            Level.IMPORTANT,
            "This is the first release of the endpoint: there is no old fleet to keep, so nothing guards it, and "
            "nothing is rolled back. What is said of traffic, alarms and regressions holds from the next release on.",
        )
    if known.ignored:
        yield _warning(
            "guardrails-ignored",
            f"SageMaker will ignore the guardrails, and say nothing of it: {known.ignored}. All traffic moves to the "
            "new version at once, no alarm is watched, and nothing is rolled back.",
        )


def _test(plan: Plan, known: Known) -> Iterator[Remark]:
    live = known.situation.live
    others = [each.name for each in live.variants if each.name != known.repo.variant] if live else []
    if live is not None and live.production(known.repo.variant) is not None and others:
        yield _note(
            "test-in-place",
            f"A test is on the endpoint ({', '.join(others)}). An update without guardrails takes it away before the "
            "release.",
        )
    if plan.test is not None and plan.test.due:
        yield _note(
            "test-unguarded",
            "Putting the test in place and taking it away are updates without guardrails, because the endpoint's "
            "variants change; the production variant keeps serving the champion all the while.",
        )


def _fleet(plan: Plan, known: Known) -> Iterator[Remark]:
    fleet, stage = plan.fleet, known.stage
    if plan.kind is not Kind.FIRST and fleet.before != fleet.after:
        yield _note(
            "fleet-size-changes",
            f"The fleet changes from {fleet.before} to {words.count(fleet.after, 'instance')}. Shares of traffic are "
            f"reckoned with {fleet.after}; what SageMaker makes of two sizes is not documented.",
        )
    if stage.autoscaling and plan.kind is Kind.UPDATE and fleet.after != stage.instances.count:
        yield _note(
            "autoscaling",
            f"Autoscaling is on, so the update keeps the {words.count(fleet.after, 'instance')} that serve now instead "
            f"of the {stage.instances.count} of the stage file.",
        )
    rounding = next((step for step in plan.steps if step.green_share_bounds[0] != step.green_share_bounds[1]), None)
    if rounding is not None:
        yield _note(
            "rounding",
            f"The first part comes to {words.shares(rounding.green_share_bounds)} of the traffic, because SageMaker "
            "moves whole instances and does not say how it rounds. The plan reckons with "
            f"{words.share(rounding.green_share)}.",
        )
    if fleet.rollback_peak > fleet.peak[1]:
        yield _note(
            "rollback-peak",
            f"A rollback can take up to {fleet.rollback_peak} instances at once, more than the way forward: the "
            "account's quota must allow them, or `rollback_maximum_batch_size` be smaller.",
        )


def _time(plan: Plan, stage: Stage) -> Iterator[Remark]:
    batches = sum(step.watched for step in plan.steps) if isinstance(plan.guardrails.strategy, Rolling) else 1
    starting = stage.timeouts.model_download, stage.timeouts.container_startup
    allowed = sum(int(each.total_seconds()) for each in starting if each is not None) * batches
    if allowed > plan.time.spare:
        times = f" in each of {batches} batches" if batches > 1 else ""
        yield _warning(
            "timeout-short",
            f"`timeouts` lets an instance take {words.duration(allowed / batches)} to start{times}, but the waits "
            f"leave only {words.duration(plan.time.spare)} of maximum_execution_timeout: a slow start would be taken "
            "back as a release that ran out of time.",
        )


def _alarms(plan: Plan) -> Iterator[Remark]:
    if not plan.alarms:
        yield _warning("nothing-rolls-back", "Nothing rolls this release back: `rollback_on` has no rule.")
        return
    for rule, pair in groupby(plan.alarms, key=lambda each: each.rule):
        verdicts = tuple(pair)
        best = [each for each in verdicts if each.spec.new_fleet_only]
        if all(each.firing.verdict is Verdict.CANNOT_FIRE for each in best):
            yield _warning("alarm-cannot-fire", f"Rule {rule} {best[0].firing.sentence}.")
        for each in verdicts:
            if each.firing.verdict is Verdict.ALWAYS_FIRES:
                yield _warning("alarm-always-fires", f"Rule {rule} {each.firing.sentence}.")
    for each in plan.alarms:
        scope = "new fleet" if each.spec.new_fleet_only else "whole variant"
        for note in each.firing.notes:
            yield _warning("false-alarm", f"Rule {each.rule} on the {scope}: {note}.")
    if plan.total_failure.by_new_fleet.within is None:
        yield _warning(
            "total-failure-unseen",
            "No alarm is sure to roll back a version that fails every request: watch Invocation5XXErrors, with a "
            "bake that its periods fit in.",
        )


def _detection(plan: Plan) -> Iterator[Remark]:
    detection = plan.detection
    if detection is None:
        yield _note(
            "expect-missing",
            "`expect` is missing, so the plan cannot tell how many requests a bad version would fail, nor how small a "
            "regression the release can see: give `requests_per_minute`, and `error_rate` and `notice` if you can.",
        )
        return
    if detection.notice is None:
        yield _note(
            "notice-missing",
            "`expect.notice` is missing: give the error rate that a release should not let through, and the plan says "
            "whether this one notices it.",
        )
        return
    notice = words.share(detection.notice)
    if detection.notice <= detection.error_rate:
        yield _warning(
            "notice-below-error-rate",
            f"`expect.notice` is {notice}, which is not above `expect.error_rate` of "
            f"{words.share(detection.error_rate)}: there is no regression in it to notice.",
        )
        return
    if detection.requests_tell is None or detection.requests_tell > detection.notice:
        advice = " or ".join(f"`{each}`" for each in detection.suggestions)
        longest = f"no A/B test of less than {limits.METRIC_RETENTION.days} days"
        right = f"It would take {advice}." if advice else f"No bake would be enough, and {longest}."
        yield _warning(
            "too-few-requests",
            f"The requests of the bake are too few to tell an error rate of {notice}. {right}",
        )
    if detection.alarms_see is not None and detection.alarms_see > detection.notice:
        yield _warning(
            "alarms-too-high",
            f"The alarms let an error rate of {notice} through: they are sure to fire above "
            f"{words.share(detection.alarms_see)} only. Lower `above` in `rollback_on`.",
        )


def _warning(name: str, sentence: str) -> Remark:
    return Remark(name, Level.WARNING, sentence)


def _note(name: str, sentence: str) -> Remark:
    return Remark(name, Level.NOTE, sentence)
