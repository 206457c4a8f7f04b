"""CloudWatch alarms on a clock: every alarm is looked at each minute, data or no data."""

import logging
import math
import threading
from datetime import UTC, datetime

from tidegate.alarms.evaluation import COMPARISONS, Datapoint, Missing, Rule, State, evaluate
from tidegate_sandbox import context, hooks

_log = logging.getLogger(__name__)

METRICS_KEPT = 6 * 3600
"""Seconds of the sandbox's time for which values are kept, so that a long-running sandbox stays small."""

_MINUTE = 60


def install() -> None:
    """Put the clock into CloudWatch and begin to evaluate."""
    clock = context.sandbox().clock
    hooks.keep_metrics(lambda: clock.now().timestamp(), METRICS_KEPT)
    hooks.replace_alarm_evaluation(refusal, look_at)
    threading.Thread(target=_look_for_ever, name="alarms", daemon=True).start()


def refusal(parameters: hooks.Alarm) -> str | None:
    """Return why the sandbox cannot evaluate an alarm of these parameters, None if it can."""
    for name in ("Metrics", "ThresholdMetricId", "EvaluationCriteria"):
        if parameters.get(name):
            return f"{name}: alarms on expressions are not in the local simulation; name one metric"
    if parameters.get("EvaluateLowSampleCountPercentile") == "ignore":
        return "EvaluateLowSampleCountPercentile ignore is not in the local simulation"
    comparison = parameters.get("ComparisonOperator")
    if comparison not in COMPARISONS:
        return f"ComparisonOperator {comparison} is not in the local simulation, which has {', '.join(COMPARISONS)}"
    extended = parameters.get("ExtendedStatistic")
    if extended and not _is_percentile(extended):
        return f"ExtendedStatistic {extended} is not in the local simulation, which has percentiles such as p99"
    return None


def look_at(alarm: hooks.Alarm) -> None:
    """Evaluate `alarm`, of the scope that is being served, by the periods that have ended."""
    if alarm.get("ExtendedStatistic"):
        alarm.pop("Statistic", None)  # an alarm has one or the other
    now = context.sandbox().clock.now()
    rule, statistic = _rule(alarm), alarm.get("ExtendedStatistic") or alarm["Statistic"]
    current = State(alarm["StateValue"])
    verdict = evaluate(rule, _datapoints(alarm, rule, statistic, now), current)
    if verdict.state is not current:
        data = verdict.reason_data(rule, statistic, now)
        hooks.set_alarm_state(alarm, verdict.state, verdict.reason, data, now.timestamp())


def _rule(alarm: hooks.Alarm) -> Rule:
    periods = int(alarm["EvaluationPeriods"])
    return Rule(
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        period=int(alarm["Period"]),
        evaluation_periods=periods,
        datapoints_to_alarm=int(alarm.get("DatapointsToAlarm") or periods),
        missing=Missing(alarm.get("TreatMissingData") or "missing"),
    )


def _datapoints(alarm: hooks.Alarm, rule: Rule, statistic: str, now: datetime) -> list[Datapoint | None]:
    """Return the statistic of the periods that have ended by `now`, newest first."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions") or ()}
    unit = alarm.get("Unit")
    latest = rule.latest(now.timestamp())
    by_age: dict[int, list[hooks.MetricPoint]] = {}
    for point in hooks.metric_points(alarm["Namespace"], alarm["MetricName"], dimensions):
        if point["Timestamp"] < latest and (unit is None or point["Unit"] == unit):
            by_age.setdefault(math.ceil((latest - point["Timestamp"]) / rule.period), []).append(point)
    datapoints: list[Datapoint | None] = []
    for age in range(1, rule.range + 1):
        value, samples = hooks.statistic(by_age.get(age, []), statistic)
        at = datetime.fromtimestamp(latest - age * rule.period, UTC)
        datapoints.append(None if value is None else Datapoint(at, value, samples))
    return datapoints


def _is_percentile(name: str) -> bool:
    return name.startswith("p") and name[1:].replace(".", "", 1).isdigit()


def _look_for_ever() -> None:
    clock = context.sandbox().clock
    looked = clock.now().timestamp()
    while True:
        now = clock.now().timestamp()
        every = {_MINUTE, *(_every(alarm) for _, _, alarm in hooks.metric_alarms())}
        clock.sleep(min(_next_end(now, seconds) for seconds in every) - now)
        now = clock.now().timestamp()
        for account, region, alarm in hooks.metric_alarms():
            if _next_end(looked, _every(alarm)) <= now:
                try:
                    with hooks.acting_in(account, region):
                        look_at(alarm)
                except Exception:  # one alarm must not end the evaluation of the others
                    _log.exception("the alarm %s could not be evaluated", alarm["AlarmName"])
        looked = now


def _every(alarm: hooks.Alarm) -> int:
    return _rule(alarm).evaluated_every


def _next_end(after: float, seconds: int) -> float:
    return (math.floor(after / seconds) + 1) * seconds
