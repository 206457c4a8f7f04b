"""GetMetricData and GetMetricStatistics: metrics and expressions over them, by the same queries as alarms."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services.alarms import queries
from tidegate_sandbox.services.alarms.metric_math import Series, Value
from tidegate_sandbox.services.alarms.queries import Metric, Query, QueryError, Window
from tidegate_sandbox.services.properties import as_parameters

MOST_DATAPOINTS = 100_800
"""The values that one answer has at most (botocore's text of MaxDatapoints)."""
MOST_STATISTICS = 1440
"""The data points that GetMetricStatistics gives at most (botocore's text)."""


def get_metric_data(given: dict[str, Any]) -> dict[str, Any]:
    """Answer GetMetricData; AwsError where a query is refused."""
    p = _parameters("GetMetricData", given)
    start, end = p["StartTime"].timestamp(), p["EndTime"].timestamp()
    try:
        read = queries.read(p["MetricDataQueries"])
        results = [
            result for query in read if query.returned for result in _results(read, query, start, end, p.get("ScanBy"))
        ]
    except QueryError as error:
        raise AwsError("ValidationError", str(error)) from None
    return _page(results, p.get("NextToken"), p.get("MaxDatapoints", MOST_DATAPOINTS))


def get_metric_statistics(given: dict[str, Any]) -> dict[str, Any]:
    """Answer GetMetricStatistics; AwsError where it is refused."""
    p = _parameters("GetMetricStatistics", given)
    wanted = [*p.get("Statistics", []), *p.get("ExtendedStatistics", [])]
    if not wanted:
        raise AwsError("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics")
    for name in p.get("ExtendedStatistics", []):
        if not queries.is_percentile(name):
            raise AwsError("InvalidParameterValue", f"The statistic {name} is not in the local simulation: percentiles")
    window = _window(p["StartTime"].timestamp(), p["EndTime"].timestamp(), p["Period"])
    if window.count > MOST_STATISTICS:
        sentence = f"You have requested up to {window.count} datapoints, which exceeds the limit of {MOST_STATISTICS}"
        raise AwsError("InvalidParameterCombination", sentence)
    dimensions = {each["Name"]: each["Value"] for each in p.get("Dimensions", [])}
    metric = Metric(p["Namespace"], p["MetricName"], dimensions, "", p["Period"], p.get("Unit"))
    found = {name: queries.stored(replace(metric, statistic=name), window) for name in wanted}
    unit = p.get("Unit") or queries.unit_of(metric)
    points: dict[int, dict[str, Any]] = {}
    for name, values in found.items():
        for at, (value, _) in values.items():
            point = points.setdefault(at, {"Timestamp": at, "Unit": unit})
            (point.setdefault("ExtendedStatistics", {}) if queries.is_percentile(name) else point)[name] = value
    return {"Label": metric.name, "Datapoints": [points[at] for at in sorted(points)]}


def _parameters(operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what a request says, typed, whichever of CloudWatch's protocols brought it; AwsError where it is wrong."""
    try:
        times = {name: _moment(name, given[name]) for name in ("StartTime", "EndTime") if name in given}
        others = {name: value for name, value in given.items() if name not in times}
        p = check_parameters("cloudwatch", operation, as_parameters("cloudwatch", operation, others) | times)
    except ValueError as error:
        raise AwsError("ValidationError", str(error)) from None
    if p["StartTime"] >= p["EndTime"]:
        raise AwsError("ValidationError", "The parameter StartTime must be less than the parameter EndTime")
    return p


def _window(start: float, end: float, period: int) -> Window:
    first, last = math.floor(start / period) * period, math.ceil(end / period) * period
    return Window(last, period, (last - first) // period)


def _moment(name: str, given: Any) -> datetime:
    """Return a time as any of CloudWatch's three protocols brings it: an instant, epoch seconds, or text."""
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=UTC)
    try:
        return datetime.fromtimestamp(float(given), UTC)
    except ValueError:
        pass
    try:
        read = datetime.fromisoformat(given)
    except ValueError:
        raise ValueError(f"{name} is {given!r}, which is no time") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _results(read: Sequence[Query], query: Query, start: float, end: float, order: str | None) -> list[dict[str, Any]]:
    period = queries.period_of(read, query)
    window = _window(start, end, period)
    if window.count > MOST_DATAPOINTS:
        raise QueryError(f"The query {query.id} would have more than {MOST_DATAPOINTS} values: take a longer period")
    value = queries.answer(read, query, window)
    return [_result(query, label, series, order) for label, series in _labelled(query, value)]


def _labelled(query: Query, value: Value) -> list[tuple[str, Series]]:
    if isinstance(value, Series):
        return [(query.label, value)]
    if isinstance(value, tuple):
        return [(f"{query.label} {number}", series) for number, series in enumerate(value, start=1)]
    raise QueryError(f"Error in expression '{query.id}': a number is no time series; TIME_SERIES makes one of it")


def _result(query: Query, label: str, series: Series, order: str | None) -> dict[str, Any]:
    # Newest first, unless the caller asks for another order.
    moments = sorted(series.points, reverse=order != "TimestampAscending")
    return {
        "Id": query.id,
        "Label": label,
        "Timestamps": moments,
        "Values": [series.points[at] for at in moments],
        "StatusCode": "Complete",
    }


def _page(results: list[dict[str, Any]], token: str | None, most: int) -> dict[str, Any]:
    """Return at most `most` values, and a token for what follows; the token counts the values that were given."""
    try:
        skipped = int(token or 0)
    except ValueError:
        raise AwsError("InvalidNextToken", f"{token} is no token that a call before gave") from None
    seen, given, left = 0, [], most
    for result in results:
        length = len(result["Values"])
        begin = min(max(skipped - seen, 0), length)
        end = min(begin + left, length)
        if begin < end or (length == 0 and seen >= skipped):
            part = {name: result[name][begin:end] for name in ("Timestamps", "Values")}
            given.append({**result, **part, "StatusCode": "Complete" if end == length else "PartialData"})
        seen, left = seen + length, left - (end - begin)
        if left == 0:
            break
    total = sum(len(result["Values"]) for result in results)
    answer: dict[str, Any] = {"MetricDataResults": given}
    if skipped + most < total:
        answer["NextToken"] = str(skipped + most)
    return answer
