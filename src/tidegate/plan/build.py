"""From what is asked for and what is live to a plan: pure functions, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.alarms import AlarmSpec, rollback_alarms
from tidegate.alarms.firing import firing
from tidegate.guardrails import (
    Guardrails,
    Rolling,
    Step,
    ignored_because,
    of_release,
    peak_instances,
    rollback_peak_instances,
    timeline,
    waits,
)
from tidegate.plan.changes import LEFT_TO_SAGEMAKER, Change, asked_settings, compare
from tidegate.plan.cost import Cost, cost_of_update
from tidegate.plan.model import AlarmVerdict, Fleet, Kind, Plan, TimeBudget, Version
from tidegate.plan.price import PriceFound
from tidegate.plan.remarks import Known, remarks
from tidegate.plan.situation import Situation, serving_variant
from tidegate.plan.trial import plan_test
from tidegate.plan.vision import detect, total_failure
from tidegate.registry import LiveVariant
from tidegate.render import champion_of
from tidegate.stage import Repo, Stage


@dataclass(frozen=True, slots=True)
class Asked:
    """The version that a stage releases, with the id of the release where it is known.

    Without a version `unread` says why nobody told one.
    """

    version: Version | None = None
    release_id: str | None = None
    unread: str = ""


def plan_release(
    repo: Repo, stage: Stage, asked: Asked, situation: Situation, price: PriceFound, *, now: datetime, offline: bool
) -> Plan:
    """Return what a release of the stage will do.

    Raises GuardrailsError where the strategy does not fit the fleet.
    """
    endpoint_name = repo.endpoint_name(stage)
    specs = rollback_alarms(stage.release.rollback_on, endpoint_name=endpoint_name, variant=repo.variant)
    wanted = of_release(stage.release, (spec.name for spec in specs))
    serving = serving_variant(situation.live, repo.variant) if situation.live else None
    kind = _kind(situation, asked, serving)
    after = _count_after(stage, serving)
    before = 0 if kind is Kind.FIRST else serving.instance_count if serving else after
    ignored = _ignored(wanted, repo.variant, stage, serving) if kind in {Kind.UPDATE, Kind.SAME} else None
    guardrails = wanted if ignored is None else Guardrails()
    steps = _beside(timeline(guardrails, after), before or after, after)
    fleet = _fleet(kind, stage, guardrails, before, after)
    verdicts = () if ignored else _verdicts(specs, guardrails, after, stage)
    expect = stage.expect
    detection = None if expect is None or ignored else detect(verdicts, guardrails, after, steps, stage)
    changes = _changes(repo.variant, stage, wanted, specs, situation, kind)
    budget = TimeBudget(
        shortest=int(steps[-1].until),
        waits=waits(guardrails, after),
        timeout=int(stage.release.maximum_execution_timeout.total_seconds()),
    )
    plan = Plan(
        stage=stage.name,
        endpoint_name=endpoint_name,
        account=stage.account,
        region=stage.region,
        made_at=now,
        offline=offline,
        kind=kind,
        release_id=asked.release_id,
        before=None if serving is None else Version(serving.version, serving.model_package_arn),
        after=asked.version,
        changes=changes,
        guardrails=guardrails,
        guarded=kind is not Kind.FIRST and ignored is None,
        fleet=fleet,
        steps=steps,
        cost=_cost(kind, steps, fleet, budget, price),
        time=budget,
        alarms=verdicts,
        total_failure=total_failure(verdicts, steps, expect.requests_per_minute if expect else None),
        detection=detection,
        test=plan_test(repo, stage, asked.version, situation, price.price),
        approval="none" if kind is Kind.SAME else stage.approval.value,
        remarks=(),
    )
    return replace(plan, remarks=tuple(remarks(plan, Known(repo, stage, asked.unread, situation, ignored))))


def _kind(situation: Situation, asked: Asked, serving: LiveVariant | None) -> Kind:
    if situation.unread:
        return Kind.UNKNOWN
    if situation.live is None or serving is None or not situation.live.serves:
        return Kind.FIRST
    # Beside a test, its champion is what serves once the test is away.
    same = asked.release_id is not None and asked.release_id == champion_of(situation.live.release_id)
    return Kind.SAME if same else Kind.UPDATE


def _count_after(stage: Stage, serving: LiveVariant | None) -> int:
    """Return how many instances the new fleet has: with autoscaling an update keeps the count that serves."""
    if stage.autoscaling and serving and serving.instance_count:
        return serving.instance_count
    return stage.instances.count


def _ignored(guardrails: Guardrails, variant: str, stage: Stage, serving: LiveVariant | None) -> str | None:
    # A test's variants are taken away by an update of its own before the release, so the one that serves counts.
    if serving is None:
        return None
    return ignored_because(
        guardrails,
        [serving.name],
        [variant],
        instance_types=[kind for kind in (serving.instance_type, stage.instances.type) if kind],
        serverless=not serving.instance_type,
    )


def _beside(steps: tuple[Step, ...], before: int, after: int) -> tuple[Step, ...]:
    """Return the steps with an old fleet that is not as large as the new one."""
    if before == after:
        return steps
    return tuple(replace(step, blue_instances=-(-step.blue_instances * before // after)) for step in steps)


def _fleet(kind: Kind, stage: Stage, guardrails: Guardrails, before: int, after: int) -> Fleet:
    if kind is Kind.FIRST:
        return Fleet(stage.instances.type, 0, after, (after, after), after)
    more = max(before, after) - after if isinstance(guardrails.strategy, Rolling) else before - after
    least, most = peak_instances(guardrails, after)
    return Fleet(
        instance_type=stage.instances.type,
        before=before,
        after=after,
        peak=(least + more, most + more),
        rollback_peak=rollback_peak_instances(guardrails, after) + more,
    )


def _cost(kind: Kind, steps: tuple[Step, ...], fleet: Fleet, budget: TimeBudget, price: PriceFound) -> Cost:
    if kind is Kind.FIRST:
        return Cost(0, 0, 0, price)
    return cost_of_update(
        steps, staying_instances=fleet.before, peak_instances=fleet.peak[1], timeout=budget.timeout, price=price
    )


def _verdicts(
    specs: Iterable[AlarmSpec], guardrails: Guardrails, instance_count: int, stage: Stage
) -> tuple[AlarmVerdict, ...]:
    expect = stage.expect
    return tuple(
        AlarmVerdict(
            spec,
            firing(
                spec,
                guardrails,
                instance_count,
                requests_per_minute=expect.requests_per_minute if expect else None,
                error_rate=expect.error_rate.fraction if expect else 0.0,
            ),
        )
        for spec in specs
    )


def _changes(
    variant: str, stage: Stage, wanted: Guardrails, specs: Iterable[AlarmSpec], situation: Situation, kind: Kind
) -> tuple[Change, ...] | None:
    if kind is Kind.FIRST or situation.settings is None:
        return None
    asked = asked_settings(stage, wanted, specs, variant)
    not_compared = set(LEFT_TO_SAGEMAKER)
    if situation.live is not None and situation.live.last_deployment_config is None:
        # No update has been asked for yet, so there are no guardrails to compare with.
        asked = {name: text for name, text in asked.items() if not name.startswith("release.")}
    if stage.autoscaling:
        asked.pop("instances.count")
        not_compared.add("instances.count")
    return compare(situation.settings, asked, only_given=not_compared)
