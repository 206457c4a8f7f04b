"""CloudWatch alarms on a clock: every alarm is looked at each minute, data or no data."""

import logging
import math
import threading
from datetime import UTC, datetime

from tidegate.alarms.evaluation import COMPARISONS, Datapoint, Missing, Rule, State, evaluate
from tidegate_sandbox import context, hooks
from tidegate_sandbox.hooks import metrics as metric_hooks
from tidegate_sandbox.services.alarms import actions, composite, queries, reading
from tidegate_sandbox.services.alarms.metric_math import Series
from tidegate_sandbox.services.alarms.queries import Metric, Query, QueryError, Window
from tidegate_sandbox.state import changing

_log = logging.getLogger(__name__)

METRICS_KEPT = 6 * 3600
"""Seconds of the sandbox's time for which values are kept, so that a long-running sandbox stays small."""

_SHORT, _MINUTE, _HOUR = (10, 20, 30), 60, 3600
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY


def install() -> None:
    """Put the clock into CloudWatch and begin to evaluate."""
    clock = context.sandbox().clock
    hooks.keep_metrics(lambda: clock.now().timestamp(), METRICS_KEPT)
    metric_hooks.replace_alarm_evaluation(refusal_of_request, refusal, look_at)
    metric_hooks.replace_metric_data(reading.get_metric_data)
    metric_hooks.replace_metric_statistics(reading.get_metric_statistics)
    composite.install()
    threading.Thread(target=_look_for_ever, name="alarms", daemon=True).start()


def refusal(parameters: hooks.Alarm) -> str | None:
    """Return why the sandbox cannot evaluate an alarm of these parameters, None if it can."""
    for name in ("ThresholdMetricId", "EvaluationCriteria", "EvaluationWindow", "WarmUpConfiguration"):
        if parameters.get(name):
            return f"{name} is not in the local simulation"
    if parameters.get("EvaluateLowSampleCountPercentile") == "ignore":
        return "EvaluateLowSampleCountPercentile ignore is not in the local simulation"
    comparison = parameters.get("ComparisonOperator")
    if comparison not in COMPARISONS:
        return f"ComparisonOperator {comparison} is not in the local simulation, which has {', '.join(COMPARISONS)}"
    extended = parameters.get("ExtendedStatistic")
    if extended and not queries.is_percentile(extended):
        return f"ExtendedStatistic {extended} is not in the local simulation, which has percentiles such as p99"
    if refused := actions.refusal(parameters):
        return refused
    if parameters.get("Metrics"):
        try:
            _watched(parameters)
        except QueryError as error:
            return str(error)
    return _wrong_value(parameters) or _wrong_span(parameters)


def refusal_of_request(parameters: hooks.Alarm) -> str | None:
    """Return why PutMetricAlarm refuses a request that has these parameters and no others, None if it does not."""
    if sentence := refusal(parameters):
        return sentence
    needed = ["Threshold"] if parameters.get("Metrics") else ["MetricName", "Namespace", "Period", "Threshold"]
    if missing := [name for name in needed if parameters.get(name) is None]:
        return f"An alarm on a static threshold needs {' and '.join(missing)}"
    given = [name for name in ("Statistic", "ExtendedStatistic") if parameters.get(name)]
    if not parameters.get("Metrics") and len(given) != 1:
        return "You must specify either Statistic or ExtendedStatistic, but not both"
    return None


def _wrong_value(parameters: hooks.Alarm) -> str | None:
    allowed = {
        "Statistic": queries.STATISTICS,
        "TreatMissingData": tuple(Missing),
        "EvaluateLowSampleCountPercentile": ("evaluate",),
    }
    for name, values in allowed.items():
        if parameters.get(name) and parameters[name] not in values:
            return f"{name} {parameters[name]} is none of {', '.join(values)}"
    return None


def _wrong_span(parameters: hooks.Alarm) -> str | None:
    """Return why periods are none that an alarm may have (botocore, PutMetricAlarmInput.Period), None if they are."""
    period = _period(parameters)
    periods = int(parameters.get("EvaluationPeriods") or 1)
    datapoints = int(parameters.get("DatapointsToAlarm") or periods)
    longest = _WEEK if period >= _HOUR else _DAY
    if period not in _SHORT and (period < _MINUTE or period % _MINUTE):
        return f"Period {period} is none that an alarm may have: write 10, 20, 30, or a multiple of 60"
    if datapoints > periods:
        return f"DatapointsToAlarm {datapoints} is more than EvaluationPeriods {periods}"
    if period * periods > longest:
        return f"{periods} periods of {period} seconds are more than the {longest} seconds that an alarm may look at"
    return None


def _watched(alarm: hooks.Alarm) -> tuple[tuple[Query, ...], Query, int]:
    """Return the queries of an alarm on Metrics, the one that it watches, and its period; QueryError where wrong."""
    for name in ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic"):
        if alarm.get(name):
            raise QueryError(f"{name} belongs to an alarm on one metric and Metrics to one on several: give either")
    read = queries.read(alarm["Metrics"])
    returned = [query for query in read if query.returned]
    if len(returned) != 1:
        raise QueryError(f"Exactly one element of the metrics list should return data, and {len(returned)} do")
    [watched] = returned
    if not any(isinstance(query.what, Metric) for query in queries.needed(read, watched)):
        raise QueryError(f"Error in expression '{watched.id}': it is over no metric")
    period = queries.period_of(read, watched)
    # Over no data at all it shows already what comes out.
    if not isinstance(queries.answer(read, watched, Window(0, period, 1)), Series):
        raise QueryError(f"Error in expression '{watched.id}': an alarm watches one time series")
    return read, watched, period


def look_at(alarm: hooks.Alarm) -> None:
    """Evaluate `alarm`, of the scope that is being served, by the periods that have ended."""
    if alarm.get("ExtendedStatistic"):
        alarm.pop("Statistic", None)  # an alarm has one or the other
    now = context.sandbox().clock.now()
    rule = _rule(alarm)
    current = State(alarm["StateValue"])
    verdict = evaluate(rule, _datapoints(alarm, rule, now), current)
    if verdict.state is not current:
        data = verdict.reason_data(rule, _statistic(alarm), now)
        if alarm.get("Metrics"):
            del data["statistic"]  # an expression has none
        hooks.set_alarm_state(alarm, verdict.state, verdict.reason, data, now.timestamp())


def _statistic(alarm: hooks.Alarm) -> str:
    return str(alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "")


def _rule(alarm: hooks.Alarm) -> Rule:
    periods = int(alarm["EvaluationPeriods"])
    return Rule(
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        period=_period(alarm),
        evaluation_periods=periods,
        datapoints_to_alarm=int(alarm.get("DatapointsToAlarm") or periods),
        missing=Missing(alarm.get("TreatMissingData") or "missing"),
    )


def _period(alarm: hooks.Alarm) -> int:
    return _watched(alarm)[2] if alarm.get("Metrics") else int(alarm.get("Period") or _MINUTE)


def _datapoints(alarm: hooks.Alarm, rule: Rule, now: datetime) -> list[Datapoint | None]:
    """Return the value of the periods that have ended by `now`, newest first."""
    window = Window(rule.latest(now.timestamp()), rule.period, rule.range)
    if alarm.get("Metrics"):
        read, watched, _ = _watched(alarm)
        series = queries.answer(read, watched, window)
        assert isinstance(series, Series)
        found = {at: (value, 1.0) for at, value in series.points.items()}
    else:
        dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or ()}
        metric = Metric(
            alarm["Namespace"],
            alarm["MetricName"],
            dimensions,
            _statistic(alarm),
            rule.period,
            alarm.get("Unit"),
        )
        found = queries.stored(metric, window)
    return [
        Datapoint(datetime.fromtimestamp(at, UTC), *found[at]) if at in found else None
        for at in reversed(window.moments)
    ]


def _look_for_ever() -> None:
    clock = context.sandbox().clock
    looked = clock.now().timestamp()
    while True:
        now = clock.now().timestamp()
        every = {_MINUTE, *(_every(alarm) for _, _, alarm in hooks.metric_alarms())}
        clock.sleep(min(*(_next_end(now, seconds) for seconds in every), composite.next_end(now)) - now)
        now = clock.now().timestamp()
        for account, region, alarm in hooks.metric_alarms():
            if _next_end(looked, _every(alarm)) <= now:
                try:
                    with hooks.acting_in(account, region), changing():
                        look_at(alarm)
                except Exception:  # one alarm must not end the evaluation of the others
                    _log.exception("the alarm %s could not be evaluated", alarm["AlarmName"])
        composite.end_suppressions(now)
        looked = now


def _every(alarm: hooks.Alarm) -> int:
    try:
        return _rule(alarm).evaluated_every
    except Exception:  # whoever looks at it is told what is wrong with it
        return _MINUTE


def _next_end(after: float, seconds: int) -> float:
    return (math.floor(after / seconds) + 1) * seconds
