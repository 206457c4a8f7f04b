"""Alarms of a running sandbox: evaluated as time passes, by the metric they name and no other."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError


class Desk:
    """Puts metrics and alarms into a namespace of its own, at the sandbox's time."""

    def __init__(self, sandbox: Any, eventually: Callable[..., Any]) -> None:
        self.cloudwatch = sandbox.client("cloudwatch")
        self.namespace = f"tests/{uuid.uuid4().hex}"
        self.speed = sandbox.speed
        self.eventually = eventually

    def put(self, value: float | None = None, of: str = "one", **options: Any) -> None:
        datum = {"MetricName": "Value", "Dimensions": [{"Name": "Of", "Value": of}], **options}
        if value is not None:
            datum["Value"] = value
        self.cloudwatch.put_metric_data(Namespace=self.namespace, MetricData=[datum])

    def alarm(self, of: str = "one", **options: Any) -> str:
        name = f"alarm-{uuid.uuid4().hex[:8]}"
        given = {
            "AlarmName": name,
            "Namespace": self.namespace,
            "MetricName": "Value",
            "Dimensions": [{"Name": "Of", "Value": of}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        if not options.keys() & {"ExtendedStatistic", "Metrics"}:
            given["Statistic"] = "Average"
        self.cloudwatch.put_metric_alarm(**{**given, **options})
        return name

    def described(self, name: str) -> dict[str, Any]:
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return dict(alarm)

    def changes(self, name: str) -> list[tuple[datetime, str, dict[str, Any]]]:
        """When the alarm came to which state, and why; oldest first."""
        items = self.cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")["AlarmHistoryItems"]
        states = [(item["Timestamp"], json.loads(item["HistoryData"])) for item in items]
        return [
            (at, data["newState"]["stateValue"], data["newState"])
            for at, data in states
            if data["newState"]["stateValue"] != data["oldState"]["stateValue"]
        ]

    def becomes(self, name: str, state: str) -> dict[str, Any]:
        alarm: dict[str, Any] = self.eventually(lambda: (now := self.described(name))["StateValue"] == state and now)
        return alarm


@pytest.fixture
def desk(sandbox: Any, eventually: Callable[..., Any]) -> Desk:
    return Desk(sandbox, eventually)


def test_an_alarm_fires_when_its_period_has_ended_and_recovers_by_itself(desk: Desk) -> None:
    name = desk.alarm()

    def fires() -> bool:
        desk.put(1.0)  # again and again: on a slow machine a single minute may pass unseen
        return desk.described(name)["StateValue"] == "ALARM"

    desk.eventually(fires)
    desk.becomes(name, "OK")

    (_, first, _), fired, recovered = desk.changes(name)[:3]
    assert (first, fired[1], recovered[1]) == ("OK", "ALARM", "OK")
    assert "1 out of the last 1 datapoint [1.0" in fired[2]["stateReason"]
    assert fired[2]["stateReasonData"]["recentDatapoints"] == [1.0]
    assert recovered[0] > fired[0]


def test_a_period_ends_with_a_minute_that_has_passed_and_not_with_its_own_hour(desk: Desk) -> None:
    name = desk.alarm(Period=3600)
    for _ in range(3):
        desk.put(1.0)
    desk.becomes(name, "ALARM")

    ((_, _, fired),) = [change for change in desk.changes(name) if change[1] == "ALARM"]
    data = fired["stateReasonData"]
    looked, begin = (datetime.strptime(data[key], "%Y-%m-%dT%H:%M:%S.%f%z") for key in ("queryDate", "startDate"))
    assert (begin.second, begin.microsecond) == (0, 0)
    assert timedelta(0) <= looked - begin - timedelta(hours=1) < timedelta(minutes=1)


def test_values_of_other_dimensions_do_not_count(desk: Desk) -> None:
    mine, other = (desk.alarm(of, TreatMissingData="ignore") for of in ("one", "two"))
    desk.put(1.0, of="two")

    desk.becomes(other, "ALARM")

    assert desk.changes(mine) == []


def test_a_percentile_is_judged_by_all_values_of_the_period(desk: Desk) -> None:
    high, middle = (
        desk.alarm(ExtendedStatistic=percentile, Threshold=90.0, TreatMissingData="ignore")
        for percentile in ("p99", "p50")
    )
    desk.put(Values=[1.0, 100.0], Counts=[97.0, 3.0])

    assert desk.becomes(high, "ALARM")["ExtendedStatistic"] == "p99"
    assert desk.becomes(middle, "OK")


@pytest.mark.parametrize(
    ("treatment", "state"), [("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM"), ("notBreaching", "OK")]
)
def test_silence_is_treated_as_the_alarm_says(desk: Desk, treatment: str, state: str) -> None:
    name = desk.alarm("nobody", TreatMissingData=treatment)

    assert desk.becomes(name, state)["TreatMissingData"] == treatment


def test_every_change_is_in_the_history_at_the_sandboxs_time(desk: Desk) -> None:
    name = desk.alarm(TreatMissingData="ignore")
    desk.put(1.0)
    fired = desk.becomes(name, "ALARM")

    ((at, state, _),) = desk.changes(name)

    assert state == "ALARM"
    assert abs(at - fired["StateUpdatedTimestamp"]) <= timedelta(seconds=5)


def test_a_state_that_was_set_by_hand_lasts_until_the_next_look(desk: Desk) -> None:
    name = desk.alarm()

    desk.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")

    assert desk.becomes(name, "OK")


def test_an_alarm_that_was_changed_is_looked_at_at_once_and_keeps_its_history(desk: Desk) -> None:
    name = desk.alarm("nobody", TreatMissingData="breaching", Period=3600)
    assert desk.described(name)["StateValue"] == "ALARM"

    desk.cloudwatch.put_metric_alarm(
        **{
            key: value
            for key, value in desk.described(name).items()
            if key in ("AlarmName", "Namespace", "MetricName", "Dimensions", "Statistic", "Period")
        },
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )

    assert desk.described(name)["StateValue"] == "OK"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "GreaterThanUpperThreshold"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "EvaluateLowSampleCountPercentile"),
        ({"Metrics": [{"Id": "m", "Expression": "1 + 1"}]}, "alarms on expressions"),
    ],
)
def test_alarms_that_cannot_be_evaluated_here_are_refused(desk: Desk, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        desk.alarm(**options)
