"""Alarms, each with the data that it looks at."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from tidegate.alarms.evaluation import COMPARISONS
from tidegate_sandbox import context
from tidegate_sandbox.page.reading import NotFoundError, Reader, Told
from tidegate_sandbox.page.views.metrics import Query, read

_SHOWN_PERIODS = 40


def every(reader: Reader) -> list[Told]:
    """Return all alarms, those in ALARM first."""
    told = reader.every("cloudwatch", "describe_alarms", "MetricAlarms", AlarmTypes=["MetricAlarm"])
    return sorted(_with_data(reader, told), key=lambda each: (each["state"] != "ALARM", each["name"]))


def one(reader: Reader, name: str, _query: Mapping[str, str]) -> Told:
    """Return an alarm, with its history."""
    found = of_names(reader, [name])
    if not found:
        raise NotFoundError(f"There is no alarm {name} here.")
    history = reader.every(
        "cloudwatch", "describe_alarm_history", "AlarmHistoryItems", AlarmName=name, HistoryItemType="StateUpdate"
    )
    return found[0] | {
        "history": [{"at": each["Timestamp"], "summary": each["HistorySummary"]} for each in history[:20]]
    }


def of_names(reader: Reader, names: Iterable[str]) -> list[Told]:
    """Return the metric alarms of those names, in their order; those that are not there are left out."""
    wanted = list(names)
    if not wanted:
        return []
    told = reader.every("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=wanted, AlarmTypes=["MetricAlarm"])
    return sorted(_with_data(reader, told), key=lambda each: wanted.index(each["name"]))


def _with_data(reader: Reader, told: list[Told]) -> list[Told]:
    now = context.sandbox().clock.now()
    queries = [
        Query(
            alarm["Namespace"],
            alarm["MetricName"],
            {each["Name"]: each["Value"] for each in alarm.get("Dimensions", ())},
            alarm.get("ExtendedStatistic") or alarm["Statistic"],
            alarm["Period"],
        )
        for alarm in told
    ]
    longest = max((alarm["Period"] for alarm in told), default=0)
    data = read(reader, queries, now - timedelta(seconds=longest * _SHOWN_PERIODS), now) if told else []
    return [_shown(alarm, query, values) for alarm, query, values in zip(told, queries, data, strict=True)]


def _shown(alarm: Told, query: Query, values: Mapping[float, float]) -> Told:
    breaches = COMPARISONS[alarm["ComparisonOperator"]].breaches
    points = sorted(values.items())[-_SHOWN_PERIODS:]
    shown: dict[str, Any] = {
        "name": alarm["AlarmName"],
        "description": alarm.get("AlarmDescription", ""),
        "state": alarm["StateValue"],
        "reason": alarm.get("StateReason", ""),
        "since": alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"],
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
    return shown
