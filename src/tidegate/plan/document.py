"""The plan as JSON: keys that stay, units in their names, null for what is not known. Documented in docs/plan.md."""

import math
from datetime import UTC
from typing import Any, Final

from tidegate.guardrails import Step
from tidegate.plan.cost import rounded
from tidegate.plan.model import AlarmVerdict, Detection, Plan, Rescue, TestPlan, Version
from tidegate.stage import Price

FORMAT: Final = 1
"""The version of the form: keys are added within it, and none is renamed or taken away."""


def document(plan: Plan) -> dict[str, Any]:
    """Return the plan as values that JSON can hold."""
    return {
        "format": FORMAT,
        "stage": plan.stage,
        "endpoint_name": plan.endpoint_name,
        "account": plan.account,
        "region": plan.region,
        "made_at": plan.made_at.astimezone(UTC).isoformat(timespec="seconds"),
        "offline": plan.offline,
        "kind": plan.kind.value,
        "release_id": plan.release_id,
        "approval": plan.approval,
        "guarded": plan.guarded,
        "model": {"before": _version(plan.before), "after": _version(plan.after)},
        "changes": None
        if plan.changes is None
        else [{"setting": each.setting, "before": each.before, "after": each.after} for each in plan.changes],
        "test": plan.test and _test(plan.test),
        "timeline": [_step(step) for step in plan.steps],
        "instances": {
            "type": plan.fleet.instance_type,
            "before": plan.fleet.before,
            "after": plan.fleet.after,
            "peak_least": plan.fleet.peak[0],
            "peak_most": plan.fleet.peak[1],
            "rollback_peak": plan.fleet.rollback_peak,
        },
        "cost": _cost(plan),
        "time": {
            "shortest_seconds": plan.time.shortest,
            "waits_seconds": plan.time.waits,
            "timeout_seconds": plan.time.timeout,
            "spare_seconds": plan.time.spare,
        },
        "alarms": [_alarm(each) for each in plan.alarms],
        "total_failure": {
            "by_new_fleet": _rescue(plan.total_failure.by_new_fleet),
            "by_variant": _rescue(plan.total_failure.by_variant),
        },
        "detection": plan.detection and _detection(plan.detection),
        "remarks": [{"name": each.name, "level": each.level.value, "sentence": each.sentence} for each in plan.remarks],
    }


def _version(version: Version | None) -> dict[str, Any] | None:
    return None if version is None else {"version": version.number, "arn": version.arn or None}


def _test(test: TestPlan) -> dict[str, Any]:
    return {
        "kind": test.kind,
        "due": test.due,
        "because": test.because,
        "variant": test.variant,
        "champion": _version(test.champion),
        "challenger": _version(test.challenger),
        "percent": test.percent,
        "duration_seconds": test.duration,
        "instances": test.instance_count,
        "instance_hours": _hours(test.instance_count * test.duration),
        "cost": _money(test.cost),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "at_seconds": step.at,
        "until_seconds": step.until,
        "phase": step.phase.value,
        "new_share": step.green_share,
        "new_share_least": step.green_share_bounds[0],
        "new_share_most": step.green_share_bounds[1],
        "old_instances": step.blue_instances,
        "new_instances": step.green_instances,
        "alarms_watched": step.watched,
    }


def _cost(plan: Plan) -> dict[str, Any]:
    cost = plan.cost
    of = {
        "staying": cost.staying,
        "both_fleets": cost.both_fleets,
        "extra": cost.extra,
        "most_extra": cost.most_extra,
    }
    found = cost.price
    return {
        "price_per_instance_hour": None
        if found.price is None
        else {"amount": str(found.price.amount), "currency": found.price.currency},
        "price_source": found.source,
        "price_missing": found.missing,
        "instance_hours": {name: _hours(seconds) for name, seconds in of.items()},
        "money": None if found.price is None else {name: _money(cost.money(seconds)) for name, seconds in of.items()},
    }


def _alarm(verdict: AlarmVerdict) -> dict[str, Any]:
    spec, firing = verdict.spec, verdict.firing
    return {
        "name": spec.name,
        "metric": spec.metric,
        "statistic": spec.statistic,
        "new_fleet_only": spec.new_fleet_only,
        "verdict": firing.verdict.value,
        "within_seconds": firing.within,
        "above": firing.above,
        "sentence": firing.sentence,
        "notes": list(firing.notes),
    }


def _rescue(rescue: Rescue) -> dict[str, Any]:
    return {"within_seconds": rescue.within, "harmed_requests": rescue.harmed}


def _detection(detection: Detection) -> dict[str, Any]:
    exposure = detection.exposure
    return {
        "requests_per_minute": detection.requests_per_minute,
        "error_rate": detection.error_rate,
        "notice": detection.notice,
        "alarms_see_above": detection.alarms_see,
        "alarms_see_above_by_variant": detection.alarms_see_blended,
        "requests_tell": detection.requests_tell,
        "bake_seconds": detection.bake,
        "new_fleet_requests": exposure.new,
        "old_fleet_requests": None if math.isinf(exposure.old) else exposure.old,
        "suggestions": [
            {
                "settings": dict(each.settings),
                "smallest_error_rate": each.smallest_error_rate,
                "test_hours": each.hours,
            }
            for each in detection.suggestions
        ],
    }


def _hours(instance_seconds: int) -> float:
    return round(instance_seconds / 3600, 6)


def _money(price: Price | None) -> dict[str, Any] | None:
    """Amounts are text, because a float would not be what is owed."""
    if price is None:
        return None
    shown = rounded(price)
    return {"amount": str(shown.amount), "currency": shown.currency}
