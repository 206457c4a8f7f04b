"""Alarms, each with the data that it looks at; composite ones with their rule."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tidegate.alarms.evaluation import COMPARISONS
from tidegate_sandbox import context
from tidegate_sandbox.page.reading import NotFoundError, Reader, Told
from tidegate_sandbox.page.views.metrics import Query, read

_SHOWN_PERIODS = 40
_KINDS = ["MetricAlarm", "CompositeAlarm"]


def every(reader: Reader) -> list[Told]:
    """Return all alarms, those in ALARM first."""
    return sorted(_described(reader), key=lambda each: (each["state"] != "ALARM", each["name"]))


def one(reader: Reader, name: str, _query: Mapping[str, str]) -> Told:
    """Return an alarm, with its history."""
    found = of_names(reader, [name])
    if not found:
        raise NotFoundError(f"There is no alarm {name} here.")
    asked = {"AlarmName": name, "AlarmTypes": _KINDS, "HistoryItemType": "StateUpdate"}
    history = reader.every("cloudwatch", "describe_alarm_history", "AlarmHistoryItems", **asked)
    return found[0] | {
        "history": [{"at": each["Timestamp"], "summary": each["HistorySummary"]} for each in history[:20]]
    }


def of_names(reader: Reader, names: Iterable[str]) -> list[Told]:
    """Return the alarms of those names, in their order; those that are not there are left out."""
    wanted = list(names)
    return sorted(_described(reader, AlarmNames=wanted), key=lambda each: wanted.index(each["name"])) if wanted else []


def _described(reader: Reader, **asked: Any) -> list[Told]:
    on_metrics, composite = (
        reader.every("cloudwatch", "describe_alarms", f"{kind}s", AlarmTypes=[kind], **asked) for kind in _KINDS
    )
    return _with_data(reader, on_metrics) + [_common(each) | {"rule": each["AlarmRule"]} for each in composite]


def _with_data(reader: Reader, told: list[Told]) -> list[Told]:
    now = context.sandbox().clock.now()
    on_one = [alarm for alarm in told if not alarm.get("Metrics")]
    queries = [_query(alarm) for alarm in on_one]
    longest = max((query.period for query in queries), default=0)
    data = read(reader, queries, now - timedelta(seconds=longest * _SHOWN_PERIODS), now) if queries else []
    shown = [_shown(alarm, query, values) for alarm, query, values in zip(on_one, queries, data, strict=True)]
    return shown + [_on_several(reader, alarm, now) for alarm in told if alarm.get("Metrics")]


def _query(alarm: Told) -> Query:
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions", ())}
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return Query(alarm["Namespace"], alarm["MetricName"], dimensions, statistic, alarm["Period"])


def _on_several(reader: Reader, alarm: Told, now: datetime) -> Told:
    """Return an alarm on an expression: the expression is its metric, and what it is over its dimensions."""
    metrics = {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
    [watched] = [each for each in alarm["Metrics"] if each.get("ReturnData", True)]
    period = next(stat["Period"] for stat in metrics.values())
    since = now - timedelta(seconds=period * _SHOWN_PERIODS)
    asked = {"MetricDataQueries": alarm["Metrics"], "StartTime": since, "EndTime": now}
    [result] = reader.every("cloudwatch", "get_metric_data", "MetricDataResults", **asked)[:1]
    values = {at.timestamp(): value for at, value in zip(result["Timestamps"], result["Values"], strict=True)}
    over = {name: f"{stat['Stat']} of {stat['Metric']['MetricName']}" for name, stat in metrics.items()}
    said = watched.get("Expression") or watched["Id"]
    return _shown(alarm, Query("", said, over, "Value", period), values)


def _shown(alarm: Told, query: Query, values: Mapping[float, float]) -> Told:
    breaches = COMPARISONS[alarm["ComparisonOperator"]].breaches
    points = sorted(values.items())[-_SHOWN_PERIODS:]
    return _common(alarm) | {
        "metric": query.metric,
        "dimensions": query.dimensions,
        "statistic": query.statistic,
        "period": query.period,
        "comparison": alarm["ComparisonOperator"],
        "threshold": alarm["Threshold"],
        "datapoints_to_alarm": alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
        "evaluation_periods": alarm["EvaluationPeriods"],
        "missing": alarm.get("TreatMissingData", "missing"),
        "points": [[at, value, breaches(value, alarm["Threshold"])] for at, value in points],
    }


def _common(alarm: Told) -> Told:
    return {
        "name": alarm["AlarmName"],
        "description": alarm.get("AlarmDescription", ""),
        "state": alarm["StateValue"],
        "reason": alarm.get("StateReason", ""),
        "since": alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"],
    }
