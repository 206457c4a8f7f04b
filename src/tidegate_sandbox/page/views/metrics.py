"""Metrics by the minute, as GetMetricData answers them: what charts are drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidegate_sandbox.page.reading import Reader, Told

_QUERIES_A_CALL = 500  # GetMetricData, botocore
MINUTE = 60


@dataclass(frozen=True)
class Query:
    """One statistic of one metric; `period` in seconds."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    period: int = MINUTE


def read(reader: Reader, queries: Sequence[Query], since: datetime, until: datetime) -> list[dict[float, float]]:
    """Return the values of each query by the start of their period, in epoch seconds; none where there is no data."""
    found: dict[str, dict[float, float]] = {}
    for start in range(0, len(queries), _QUERIES_A_CALL):
        asked = [_asked(f"q{start + at}", query) for at, query in enumerate(queries[start : start + _QUERIES_A_CALL])]
        results: list[Told] = reader.every(
            "cloudwatch",
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=asked,
            StartTime=since,
            EndTime=until,
            ScanBy="TimestampAscending",
        )
        for result in results:
            points = zip(result["Timestamps"], result["Values"], strict=True)
            found.setdefault(result["Id"], {}).update({at.timestamp(): value for at, value in points})
    return [found.get(f"q{at}", {}) for at in range(len(queries))]


def _asked(query_id: str, query: Query) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in query.dimensions.items()]
    metric = {"Namespace": query.namespace, "MetricName": query.metric, "Dimensions": dimensions}
    return {"Id": query_id, "MetricStat": {"Metric": metric, "Period": query.period, "Stat": query.statistic}}


def window(now: datetime, minutes: int) -> tuple[datetime, datetime]:
    """Return the last `minutes` whole minutes and the one that runs, from its first moment to its last."""
    end = datetime.fromtimestamp((now.timestamp() // MINUTE + 1) * MINUTE, now.tzinfo)
    return end - timedelta(minutes=minutes + 1), end


def by_minute(values: Mapping[float, float], since: datetime, until: datetime) -> list[float | None]:
    """Return one value a minute from `since` to before `until`, None where there is none."""
    minutes = int((until - since).total_seconds()) // MINUTE
    return [values.get(since.timestamp() + at * MINUTE) for at in range(minutes)]
