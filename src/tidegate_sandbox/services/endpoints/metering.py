"""Meters requests into CloudWatch's AWS/SageMaker metrics and into a ledger that accounts for each of them.

Metrics and their units: SageMaker developer guide, "SageMaker AI endpoint invocation metrics". Values are counted up
in the store of CloudWatch itself, one point a minute and value (latencies: a point a class of a sixteenth of an
octave, which holds their mean), so memory grows with time and not with traffic.
"""

import math
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from tidegate_sandbox import hooks
from tidegate_sandbox.context import Scope

NAMESPACE = "AWS/SageMaker"

_MINUTE = 60
_CLASSES_AN_OCTAVE = 16


class Meter:
    """Meters one variant of a fleet. Call it on the server's event loop only."""

    def __init__(self, scope: Scope, endpoint: str, variant: str, config: str) -> None:
        self._scope = scope
        blended = {"EndpointName": endpoint, "VariantName": variant}
        # The second set isolates a new fleet from the old one while both serve the same variant.
        self._dimension_sets = (blended, {**blended, "EndpointConfigName": config})
        self._minute = 0
        self._points: dict[tuple[str, float], list[hooks.MetricPoint]] = {}

    def record(
        self, at: datetime, status: int | None, model_latency: float, overhead: float, instances: int = 1
    ) -> None:
        """Count a request that ended `at` with the model's `status` (None: no answer); latencies in microseconds.

        `instances` are those of the variant at that time: what one of them got is InvocationsPerInstance.
        """
        minute = int(at.timestamp() // _MINUTE) * _MINUTE
        if minute != self._minute:
            self._minute = minute
            self._points.clear()
            with hooks.acting_in(self._scope.account, self._scope.region):
                hooks.forget_old_metrics()
        self._count("Invocations", 1.0, "None", 1.0)
        self._count("InvocationsPerInstance", 1.0 / instances, "None", instances)
        for name, counts in (
            ("Invocation4XXErrors", status is not None and 400 <= status < 500),
            ("Invocation5XXErrors", status is None or 500 <= status < 600),
            ("InvocationModelErrors", status is None or not 200 <= status < 300),
        ):
            self._count(name, float(counts), "None", float(counts))
        for name, latency in (("ModelLatency", model_latency), ("OverheadLatency", overhead)):
            self._count(name, latency, "Microseconds", round(math.log2(max(latency, 1.0)) * _CLASSES_AN_OCTAVE))

    def _count(self, name: str, value: float, unit: str, of_class: float) -> None:
        points = self._points.get((name, of_class))
        if points is None:
            points = self._points[name, of_class] = self._new_points(name, unit)
        for point in points:
            point["Value"] += (value - point["Value"]) / (point["Count"] + 1)
            point["Count"] += 1

    def _new_points(self, name: str, unit: str) -> list[hooks.MetricPoint]:
        points: list[hooks.MetricPoint] = [
            {"Timestamp": float(self._minute), "Value": 0.0, "Count": 0.0, "Unit": unit, "Dimensions": dimensions}
            for dimensions in self._dimension_sets
        ]
        with hooks.acting_in(self._scope.account, self._scope.region):
            for point in points:
                hooks.add_metric_point(NAMESPACE, name, point)
        return points


class Account(NamedTuple):
    """Who answered, how, and whom: `app` is the application id that the client's User-Agent names, if it does."""

    endpoint_config: str
    variant: str
    model: str
    model_package: str
    status_code: int
    app: str


class Ledger:
    """How many requests an endpoint answered since it was created, by who answered and how."""

    def __init__(self) -> None:
        self._counts: Counter[Account] = Counter()

    def add(self, account: Account) -> None:
        """Count one request."""
        self._counts[account] += 1

    def entries(self) -> list[dict[str, Any]]:
        """Return the counts, in the order in which each kind was first seen."""
        return [{**account._asdict(), "count": count} for account, count in list(self._counts.items())]
