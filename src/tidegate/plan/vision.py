"""What a release sees of a bad version: by its alarms, and by the number of requests that its bake has."""

from collections.abc import Sequence

from tidegate.alarms.firing import Firing
from tidegate.guardrails import Guardrails, Step
from tidegate.plan.advice import exposure_of, suggest
from tidegate.plan.detection import smallest_error_rate
from tidegate.plan.model import AlarmVerdict, Detection, Rescue, TotalFailure
from tidegate.stage import Metric, Stage
from tidegate.stage.rules.strategy import fleet_bounds

_FAILURES = frozenset({Metric.INVOCATION_5XX_ERRORS.value, Metric.INVOCATION_MODEL_ERRORS.value})
"""What a version that fails every request shows for certain: 5xx answers, which count as model errors as well."""


def harmed_requests(steps: Sequence[Step], within: float, requests_per_minute: float) -> float:
    """Return the requests that the new fleet has answered by `within` seconds from its first one.

    Where SageMaker may round a part up or down, it is taken to be the larger.
    """
    seconds = sum(
        max(0.0, min(step.until, within) - step.at) * step.green_share_bounds[1] for step in steps if step.at < within
    )
    after = max(0.0, within - steps[-1].until)
    return (seconds + after) * requests_per_minute / 60


def total_failure(
    verdicts: Sequence[AlarmVerdict], steps: Sequence[Step], requests_per_minute: float | None
) -> TotalFailure:
    """Return how soon a version that fails every request is rolled back, and how many requests that costs."""

    def rescue(*, new_fleet_only: bool) -> Rescue:
        times = [
            firing.within for firing in _firings(verdicts, new_fleet_only=new_fleet_only) if firing.within is not None
        ]
        if not times:
            return Rescue(None, None)
        harmed = None if requests_per_minute is None else harmed_requests(steps, min(times), requests_per_minute)
        return Rescue(min(times), harmed)

    return TotalFailure(rescue(new_fleet_only=True), rescue(new_fleet_only=False))


def detect(
    verdicts: Sequence[AlarmVerdict],
    guardrails: Guardrails,
    instance_count: int,
    steps: tuple[Step, ...],
    stage: Stage,
) -> Detection:
    """Return the smallest regression that the release can see, and what would see the one that it should."""
    expect = stage.expect
    assert expect is not None
    error_rate = expect.error_rate.fraction
    notice = None if expect.notice is None else expect.notice.fraction
    exposure, bake = exposure_of(steps, expect.requests_per_minute)
    tells = smallest_error_rate(error_rate, exposure)
    blind = notice is not None and notice > error_rate and (tells is None or tells > notice)
    return Detection(
        requests_per_minute=expect.requests_per_minute,
        error_rate=error_rate,
        notice=notice,
        alarms_see=_seen(verdicts, new_fleet_only=True),
        alarms_see_blended=_seen(verdicts, new_fleet_only=False),
        exposure=exposure,
        bake=bake,
        requests_tell=tells,
        suggestions=suggest(
            guardrails,
            instance_count,
            fleets=_fleets(stage),
            requests_per_minute=expect.requests_per_minute,
            error_rate=error_rate,
            notice=notice,
            test=stage.test,
        )
        if blind and notice is not None
        else (),
    )


def _fleets(stage: Stage) -> range:
    least, most = fleet_bounds(stage.instances, stage.autoscaling)
    return range(least, most + 1)


def _seen(verdicts: Sequence[AlarmVerdict], *, new_fleet_only: bool) -> float | None:
    return min(
        (firing.above for firing in _firings(verdicts, new_fleet_only=new_fleet_only) if firing.above is not None),
        default=None,
    )


def _firings(verdicts: Sequence[AlarmVerdict], *, new_fleet_only: bool) -> list[Firing]:
    return [
        each.firing for each in verdicts if each.spec.new_fleet_only is new_fleet_only and each.spec.metric in _FAILURES
    ]
