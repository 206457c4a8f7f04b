"""What is metered: a point a minute and value, exact counts and sums, and no more memory for more traffic."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox import hooks
from tidegate_sandbox.context import Scope
from tidegate_sandbox.services.endpoints.metering import NAMESPACE, Account, Ledger, Meter

SCOPE = Scope("444455556666", "eu-west-1")
AT = datetime.now(UTC).replace(second=10, microsecond=0)

_numbers = iter(range(1_000_000))


class Reading:
    """A meter of an endpoint of its own, and what CloudWatch holds of it."""

    def __init__(self) -> None:
        self.dimensions = {"EndpointName": f"metered-{next(_numbers)}", "VariantName": "v"}
        self.meter = Meter(SCOPE, self.dimensions["EndpointName"], "v", "c")

    def points(self, name: str, **more: str) -> list[hooks.MetricPoint]:
        with hooks.acting_in(SCOPE.account, SCOPE.region):
            return hooks.metric_points(NAMESPACE, name, {**self.dimensions, **more})

    def statistic(self, name: str, statistic: str) -> float | None:
        return hooks.statistic(self.points(name), statistic)[0]


@pytest.mark.parametrize(
    ("status", "errors"),
    [(200, (0, 0, 0)), (415, (1, 0, 1)), (500, (0, 1, 1)), (None, (0, 1, 1)), (302, (0, 0, 1))],
)
def test_each_request_is_zero_or_one_error_of_each_kind(status: int | None, errors: tuple[int, int, int]) -> None:
    reading = Reading()

    reading.meter.record(AT, status, 1000.0, 100.0)

    kinds = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
    assert tuple(reading.statistic(kind, "Sum") for kind in kinds) == errors
    assert all(reading.statistic(kind, "SampleCount") == 1 for kind in kinds)


def test_the_average_of_errors_is_their_rate() -> None:
    reading = Reading()
    for number in range(10):
        reading.meter.record(AT, 500 if number < 3 else 200, 1000.0, 100.0)

    assert reading.statistic("Invocation5XXErrors", "Average") == pytest.approx(0.3)


def test_a_point_stands_at_the_beginning_of_its_minute() -> None:
    reading = Reading()

    reading.meter.record(AT, 200, 1000.0, 100.0)
    reading.meter.record(AT + timedelta(minutes=1), 200, 1000.0, 100.0)

    begins = AT.replace(second=0).timestamp()
    assert [point["Timestamp"] for point in reading.points("Invocations")] == [begins, begins + 60]


def test_the_same_is_metered_for_the_configuration_alone() -> None:
    reading = Reading()

    reading.meter.record(AT, 200, 1000.0, 100.0)

    assert len(reading.points("Invocations", EndpointConfigName="c")) == 1
    assert reading.points("Invocations", EndpointConfigName="another") == []


@given(st.lists(st.floats(1, 60e6), min_size=1, max_size=300))
def test_latencies_keep_sum_and_count_exactly_and_percentiles_within_a_sixteenth_of_an_octave(
    latencies: list[float],
) -> None:
    reading = Reading()
    for latency in latencies:
        reading.meter.record(AT, 200, latency, 1.0)

    highest = reading.statistic("ModelLatency", "p100")

    assert reading.statistic("ModelLatency", "SampleCount") == len(latencies)
    assert reading.statistic("ModelLatency", "Sum") == pytest.approx(sum(latencies))
    assert highest is not None
    assert max(latencies) * 2 ** (-1 / 16) <= highest <= max(latencies) * (1 + 1e-9)


def test_more_traffic_of_the_same_kind_takes_no_more_points() -> None:
    reading = Reading()
    for _ in range(10_000):
        reading.meter.record(AT, 200, 1234.0, 100.0)

    assert len(reading.points("ModelLatency")) == len(reading.points("Invocations")) == 1


def test_a_ledger_counts_by_who_answered_and_how() -> None:
    ledger = Ledger()
    good, bad = Account("c", "v", "m", "", 200, ""), Account("c", "v", "m", "", 500, "")
    for account in (good, bad, good):
        ledger.add(account)

    assert [(entry["status_code"], entry["count"]) for entry in ledger.entries()] == [(200, 2), (500, 1)]
