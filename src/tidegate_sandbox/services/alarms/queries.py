"""Metric data queries, of an alarm or of GetMetricData: read once, and answered over any window of periods.

Alarms and GetMetricData take the same queries (botocore's shape MetricDataQuery) and get the same answers from here.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.services.alarms import metric_math
from tidegate_sandbox.services.alarms.metric_math import Expression, Frame, MathError, Series, Value

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")


class QueryError(ValueError):
    """A query that CloudWatch refuses, or that the sandbox cannot answer; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A statistic of one metric, over periods of `period` seconds."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    period: int
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A query: a metric, or an expression over other queries. `period` is what an expression was given, if any."""

    id: str
    what: Metric | Expression
    label: str
    returned: bool
    period: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Periods of `period` seconds, one after another, of which the last ends at `end` (epoch seconds)."""

    end: int
    period: int
    count: int

    @property
    def moments(self) -> list[int]:
        """The beginnings of the periods, oldest first."""
        return [self.end - age * self.period for age in range(self.count, 0, -1)]


def is_statistic(name: str) -> bool:
    """Whether the sandbox can work out a statistic of this name."""
    return name in STATISTICS or is_percentile(name)


def is_percentile(name: str) -> bool:
    """Whether `name` is a percentile, such as p99 or p99.9."""
    found = re.fullmatch(r"p(\d{1,3}(?:\.\d+)?)", name)
    return found is not None and float(found[1]) <= 100


def read(declared: Sequence[Mapping[str, Any]]) -> tuple[Query, ...]:
    """Read botocore's shape MetricDataQueries; QueryError where it is wrong or not simulated."""
    queries = tuple(_query(one) for one in declared)
    known: set[str] = set()
    for query in queries:
        if query.id in known:
            raise QueryError(f"The metrics list has the id {query.id} twice")
        known.add(query.id)
    for query in queries:
        if not isinstance(query.what, Metric):
            for name in sorted(metric_math.references(query.what) - known):
                raise QueryError(
                    f"Error in expression '{query.id}': there is no metric or expression with the id {name}"
                )
    _in_order(queries)
    return queries


def _query(one: Mapping[str, Any]) -> Query:
    name = one["Id"]
    if not _ID.fullmatch(name):
        raise QueryError(f"The id {name} must begin with a small letter and have letters, digits and _ only")
    if ("MetricStat" in one) == ("Expression" in one):
        raise QueryError(f"The query {name} must have either MetricStat or Expression")
    if one.get("AccountId", account := hooks.current_account_and_region()[0]) != account:
        raise QueryError(f"The query {name}: metrics of another account are not in the local simulation")
    if "Expression" in one:
        try:
            parsed = metric_math.parse(one["Expression"])
        except MathError as error:
            raise QueryError(f"Error in expression '{name}': {error}") from None
        period = one.get("Period")
        label = one.get("Label") or name
        return Query(name, parsed, label, one.get("ReturnData", True), int(period) if period else None)
    metric = _metric(name, one["MetricStat"])
    return Query(name, metric, one.get("Label") or metric.name, one.get("ReturnData", True))


def _metric(name: str, stat: Mapping[str, Any]) -> Metric:
    if not is_statistic(stat["Stat"]):
        raise QueryError(
            f"The query {name}: the statistic {stat['Stat']} is not in the local simulation, which has "
            f"{', '.join(STATISTICS)} and percentiles such as p99"
        )
    period, metric = int(stat["Period"]), stat["Metric"]
    if period not in (1, 5, 10, 20, 30) and period % 60:
        raise QueryError(f"The query {name}: the period must be 1, 5, 10, 20, 30 or a multiple of 60, not {period}")
    if not metric.get("Namespace") or not metric.get("MetricName"):
        raise QueryError(f"The query {name}: a metric has Namespace and MetricName")
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or ()}
    return Metric(metric["Namespace"], metric["MetricName"], dimensions, stat["Stat"], period, stat.get("Unit"))


def _in_order(queries: Sequence[Query]) -> list[Query]:
    """Return the queries so that each comes after those that it refers to; QueryError for a circle."""
    ordered: list[Query] = []
    left = list(queries)
    while left:
        done = {query.id for query in ordered}
        ready = [
            query for query in left if isinstance(query.what, Metric) or metric_math.references(query.what) <= done
        ]
        if not ready:
            raise QueryError(f"The expressions {', '.join(query.id for query in left)} refer to each other in a circle")
        ordered += ready
        left = [query for query in left if query not in ready]
    return ordered


def needed(queries: Sequence[Query], wanted: Query) -> tuple[Query, ...]:
    """Return `wanted` and all that it depends on, each after what it refers to."""
    by_id = {query.id: query for query in queries}
    found: set[str] = set()
    ahead = [wanted]
    while ahead:
        query = ahead.pop()
        if query.id in found:
            continue
        found.add(query.id)
        if not isinstance(query.what, Metric):
            ahead += [by_id[name] for name in metric_math.references(query.what)]
            if metric_math.uses_all_metrics(query.what):
                ahead += [one for one in queries if isinstance(one.what, Metric)]
    return tuple(query for query in _in_order(queries) if query.id in found)


def period_of(queries: Sequence[Query], wanted: Query) -> int:
    """Return the period of what `wanted` answers; QueryError where metrics of different periods meet in it."""
    periods = {query.what.period for query in needed(queries, wanted) if isinstance(query.what, Metric)}
    if len(periods) > 1:
        found = ", ".join(str(period) for period in sorted(periods))
        raise QueryError(f"Error in expression '{wanted.id}': it is over metrics of different periods: {found}")
    return periods.pop() if periods else wanted.period or 60


def answer(queries: Sequence[Query], wanted: Query, window: Window) -> Value:
    """Return what `wanted` is over `window`, by the values that are stored in the current scope."""
    values: dict[str, Value] = {}
    chosen = needed(queries, wanted)
    # METRICS() has them in the order in which they were asked for.
    metrics = [query.id for query in queries if isinstance(query.what, Metric) and query in chosen]
    for query in chosen:
        if isinstance(query.what, Metric):
            found = stored(query.what, window)
            values[query.id] = Series({at: value for at, (value, _) in found.items()}, window.period)
        else:
            try:
                values[query.id] = metric_math.evaluate(
                    query.what, Frame(window.moments, window.period, values, metrics)
                )
            except MathError as error:
                raise QueryError(f"Error in expression '{query.id}': {error}") from None
    return values[wanted.id]


def stored(metric: Metric, window: Window) -> dict[int, tuple[float, float]]:
    """Return the metric's value and its number of samples by the beginning of the period, where there is data."""
    by_age: dict[int, list[hooks.MetricPoint]] = {}
    for point in hooks.metric_points(metric.namespace, metric.name, metric.dimensions):
        # A period has its beginning and not its end.
        age = math.ceil((window.end - point["Timestamp"]) / window.period)
        if 1 <= age <= window.count and metric.unit in (None, point["Unit"]):
            by_age.setdefault(age, []).append(point)
    found: dict[int, tuple[float, float]] = {}
    for age in sorted(by_age, reverse=True):
        value, samples = hooks.statistic(by_age[age], metric.statistic)
        if value is not None:
            found[window.end - age * window.period] = value, samples
    return found


def unit_of(metric: Metric) -> str:
    """Return the unit that the metric's values came with, None (as CloudWatch spells it) where it has none."""
    points = hooks.metric_points(metric.namespace, metric.name, metric.dimensions)
    return points[-1]["Unit"] if points else "None"
