"""Alarms of a running sandbox: evaluated as time passes, by the metric they name and no other."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
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
        if "Metrics" in options:
            given = {
                key: value
                for key, value in given.items()
                if key not in ("Namespace", "MetricName", "Dimensions", "Period")
            }
        elif "ExtendedStatistic" not in options:
            given["Statistic"] = "Average"
        self.cloudwatch.put_metric_alarm(**{**given, **options})
        return name

    def metric(self, id: str, of: str, stat: str = "Average", **options: Any) -> dict[str, Any]:
        dimensions = [{"Name": "Of", "Value": of}]
        metric = {"Namespace": self.namespace, "MetricName": "Value", "Dimensions": dimensions}
        return {"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, "ReturnData": False, **options}

    def answered(self, *queries: dict[str, Any], **options: Any) -> dict[str, tuple[list[datetime], list[float]]]:
        """What GetMetricData says of the last two hours and the next, by the id."""
        now = self.now()
        hours = {"StartTime": now - timedelta(hours=2), "EndTime": now + timedelta(hours=1)}
        answer = self.cloudwatch.get_metric_data(MetricDataQueries=list(queries), **{**hours, **options})
        return {one["Id"]: (one["Timestamps"], one["Values"]) for one in answer["MetricDataResults"]}

    def now(self) -> datetime:
        """The sandbox's time: that at which an alarm was put."""
        name = self.alarm("clock")
        return self.described(name)["AlarmConfigurationUpdatedTimestamp"]

    def composite(self, rule: str, **options: Any) -> str:
        name = f"composite-{uuid.uuid4().hex[:8]}"
        self.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **options)
        return name

    def composed(self, name: str) -> dict[str, Any]:
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
        return dict(alarm)

    def set(self, name: str, state: str) -> None:
        self.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a drill")

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
        ({"TreatMissingData": "forgiving"}, "TreatMissingData forgiving is none of missing, ignore"),
        ({"Statistic": "p99"}, "Statistic p99 is none of SampleCount"),
        ({"Statistic": "Sum", "ExtendedStatistic": "p99"}, "either Statistic or ExtendedStatistic, but not both"),
        ({"Period": 90}, "Period 90 is none that an alarm may have"),
        ({"EvaluationPeriods": 3, "DatapointsToAlarm": 4}, "DatapointsToAlarm 4 is more than EvaluationPeriods 3"),
        ({"EvaluationPeriods": 25, "Period": 3540}, "25 periods of 3540 seconds are more than the 86400"),
        ({"EvaluationPeriods": 8, "Period": 86400}, "8 periods of 86400 seconds are more than the 604800"),
        ({"Metrics": [{"Id": "m", "Expression": "1 + 1"}]}, "over no metric"),
        ({"ThresholdMetricId": "band"}, "ThresholdMetricId"),
        ({"OKActions": ["arn:aws:automate:eu-west-1:ec2:stop"]}, "ec2:stop is not in the local simulation"),
        ({"Metrics": [{"Id": "e", "Expression": "e9"}]}, "no metric or expression with the id e9"),
        ({"Metrics": [{"Id": "a", "Expression": "b"}, {"Id": "b", "Expression": "a"}]}, "in a circle"),
    ],
)
def test_alarms_that_cannot_be_evaluated_here_are_refused(desk: Desk, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        desk.alarm(**options)


def test_an_alarm_watches_an_expression_over_metrics(desk: Desk) -> None:
    rate = {"Id": "rate", "Expression": "100 * errors / FILL(requests, 1)", "Label": "errors in percent"}
    asked = [desk.metric("errors", "errors", "Sum"), desk.metric("requests", "requests", "Sum"), rate]
    name = desk.alarm(Metrics=asked, Threshold=10.0, TreatMissingData="ignore")

    desk.put(3.0, of="errors")
    desk.put(20.0, of="requests")
    fired = desk.becomes(name, "ALARM")

    assert [one["Id"] for one in fired["Metrics"]] == ["errors", "requests", "rate"]
    assert not fired.keys() & {"MetricName", "Namespace", "Statistic", "Period"}
    ((_, _, told),) = [change for change in desk.changes(name) if change[1] == "ALARM"]
    assert told["stateReasonData"]["recentDatapoints"][-1] >= 15.0


def test_older_clients_read_expressions_and_are_told_that_they_cannot_put_alarms_on_them(
    desk: Desk, sandbox: Any
) -> None:
    """They send forms and take XML."""
    desk.put(4.0, of="a")
    asked = {
        "Action": "GetMetricData",
        "StartTime": (desk.now() - timedelta(hours=1)).isoformat(),
        "EndTime": (desk.now() + timedelta(hours=1)).isoformat(),
        "MetricDataQueries.member.1.Id": "m",
        "MetricDataQueries.member.1.ReturnData": "false",
        "MetricDataQueries.member.1.MetricStat.Period": "60",
        "MetricDataQueries.member.1.MetricStat.Stat": "Sum",
        "MetricDataQueries.member.1.MetricStat.Metric.Namespace": desk.namespace,
        "MetricDataQueries.member.1.MetricStat.Metric.MetricName": "Value",
        "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name": "Of",
        "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value": "a",
        "MetricDataQueries.member.2.Id": "e",
        "MetricDataQueries.member.2.Expression": "m * 2",
    }

    def send(form: dict[str, str]) -> str:
        signed = f"AWS4-HMAC-SHA256 Credential={sandbox.account}/20260101/{sandbox.region}/monitoring/aws4_request"
        return str(httpx.post(sandbox.url, data=form, headers={"Authorization": signed}, trust_env=False).text)

    answer = desk.eventually(lambda: "<Values><member>" in (now := send(asked)) and now)
    assert "<Id>e</Id>" in answer
    assert "<Id>m</Id>" not in answer
    assert "<Values><member>8.0</member></Values>" in answer
    alarm = {"Action": "PutMetricAlarm", "AlarmName": "form", "Metrics.member.1.Id": "m"}
    assert "Metrics by the query protocol are not in the local simulation" in send(alarm)
    name = desk.alarm(Threshold=7.0)
    refused = send({"Action": "PutMetricAlarm", "AlarmName": name, "ComparisonOperator": "GreaterThanUpperThreshold"})
    assert "<Code>ValidationError</Code>" in refused
    assert desk.described(name)["Threshold"] == 7.0


def test_data_of_an_expression_is_what_an_alarm_on_it_sees(desk: Desk) -> None:
    asked = [
        {**desk.metric("a", "a", "Sum"), "ReturnData": True},
        desk.metric("b", "b", "p99"),
        {"Id": "both", "Expression": "SUM(METRICS())"},
        {"Id": "next", "Expression": "both + 1", "ReturnData": False},
        {"Id": "much", "Expression": "next > 10"},
    ]
    desk.put(4.0, of="a")
    desk.put(Values=[1.0, 100.0], Counts=[1.0, 99.0], of="b")

    answered = desk.eventually(lambda: len((found := desk.answered(*asked))["a"][1]) and found)

    assert set(answered) == {"a", "both", "much"}
    assert answered["a"][1] == [4.0]
    assert sum(answered["both"][1]) == 104.0
    assert 1.0 in answered["much"][1]


def test_values_come_newest_first_unless_asked_otherwise_and_in_pages(desk: Desk) -> None:
    now = desk.now()
    for minutes in (1, 2, 3):
        desk.put(float(minutes), Timestamp=now - timedelta(minutes=minutes))
    asked = {**desk.metric("m", "one"), "ReturnData": True}
    newest = desk.answered(asked)["m"][1]

    assert newest == [1.0, 2.0, 3.0]
    assert desk.answered(asked, ScanBy="TimestampAscending")["m"][1] == newest[::-1]
    hours = {"StartTime": now - timedelta(hours=1), "EndTime": now}
    pages = desk.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[asked], MaxDatapoints=2, **hours
    )
    assert [page["MetricDataResults"][0]["Values"] for page in pages] == [[1.0, 2.0], [3.0]]


def test_a_metric_without_dimensions_is_a_metric_of_its_own(desk: Desk) -> None:
    desk.put(5.0, of="one")
    bare = {"Namespace": desk.namespace, "MetricName": "Value", "Dimensions": []}

    assert desk.answered({"Id": "m", "MetricStat": {"Metric": bare, "Period": 60, "Stat": "Sum"}})["m"] == ([], [])


def test_statistics_and_percentiles_of_a_metric_are_those_that_alarms_see(desk: Desk) -> None:
    desk.put(Values=[1.0, 100.0], Counts=[97.0, 3.0], Unit="Microseconds")
    now = desk.now()
    asked = {
        "Namespace": desk.namespace,
        "MetricName": "Value",
        "Period": 3600,
        "StartTime": now - timedelta(hours=2),
        "EndTime": now + timedelta(hours=1),
    }
    ends = {"Dimensions": [{"Name": "Of", "Value": "one"}], "Statistics": ["Sum", "SampleCount"]}

    [point] = desk.cloudwatch.get_metric_statistics(**asked, **ends, ExtendedStatistics=["p50", "p99"])["Datapoints"]

    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (397.0, 100.0, "Microseconds")
    assert point["ExtendedStatistics"] == {"p50": 1.0, "p99": 100.0}
    assert desk.cloudwatch.get_metric_statistics(**asked, Statistics=["Sum"])["Datapoints"] == []
    with pytest.raises(ClientError, match=r"exceeds the limit of 1440"):
        desk.cloudwatch.get_metric_statistics(**{**asked, "Period": 1}, Statistics=["Sum"])
    with pytest.raises(ClientError, match="either Statistics or ExtendedStatistics"):
        desk.cloudwatch.get_metric_statistics(**asked)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"Id": "e", "Expression": "SEARCH('{a}', 'Sum')"}, "SEARCH is not in the local simulation"),
        ({"Id": "e", "Expression": "1 + 1"}, "a number is no time series"),
        ({"Id": "E", "Expression": "1"}, "must begin with a small letter"),
        (
            {"Id": "e", "MetricStat": {"Metric": {"Namespace": "a", "MetricName": "b"}, "Period": 60, "Stat": "tm99"}},
            "tm99",
        ),
    ],
)
def test_queries_that_cannot_be_answered_are_refused(desk: Desk, query: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        desk.answered(query)


def test_a_composite_alarm_follows_its_rule_and_says_who_triggered_it(desk: Desk) -> None:
    one, two = desk.alarm("a", Period=3600), desk.alarm("b", Period=3600)
    name = desk.composite(f"ALARM({one}) AND (OK({two}) OR AT_LEAST(2, ALARM, ({one}, {two})))")
    assert desk.composed(name)["StateValue"] == "OK"

    desk.set(one, "ALARM")

    fired = desk.composed(name)
    assert fired["StateValue"] == "ALARM"
    assert one in fired["StateReason"]
    with pytest.raises(ClientError, match=r"composite alarm\(s\) depending on it"):
        desk.cloudwatch.delete_alarms(AlarmNames=[one])


def test_actions_wait_for_the_suppressor_and_are_done_when_it_does_not_come(desk: Desk, sandbox: Any) -> None:
    heard = Listener(sandbox)
    child, quiet = (desk.alarm("nobody", TreatMissingData="ignore", Period=3600) for _ in range(2))
    name = desk.composite(
        f"ALARM({child})",
        ActionsSuppressor=quiet,
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=0,
        AlarmActions=[heard.topic],
    )
    desk.eventually(lambda: "ActionsSuppressedBy" not in desk.composed(name))  # it has come to OK

    desk.set(child, "ALARM")
    waiting = desk.composed(name)
    assert (waiting["StateValue"], waiting["ActionsSuppressedBy"]) == ("ALARM", "WaitPeriod")

    assert [notice["AlarmName"] for notice in desk.eventually(heard.notices)] == [name]
    assert "ActionsSuppressedBy" not in desk.composed(name)
    with pytest.raises(ClientError, match="depending on it"):
        desk.cloudwatch.delete_alarms(AlarmNames=[quiet])


def test_a_suppressor_in_alarm_keeps_the_actions_back_until_it_is_over(desk: Desk, sandbox: Any) -> None:
    heard = Listener(sandbox)
    child = desk.alarm("nobody", TreatMissingData="ignore", Period=3600)
    quiet = desk.alarm("nobody", TreatMissingData="ignore", Period=3600)
    desk.set(quiet, "ALARM")
    name = desk.composite(
        f"ALARM({child})",
        ActionsSuppressor=quiet,
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=60,
        AlarmActions=[heard.topic],
    )

    desk.set(child, "ALARM")
    assert desk.composed(name)["ActionsSuppressedBy"] == "Alarm"
    desk.set(quiet, "OK")

    assert desk.eventually(heard.notices)[0]["NewStateValue"] == "ALARM"


def test_a_change_of_state_is_an_event(desk: Desk, sandbox: Any) -> None:
    heard = Listener(sandbox)
    name = desk.alarm("nobody", TreatMissingData="ignore", Period=3600)
    composite = desk.composite(f"ALARM({name})")
    heard.events(name, composite)

    desk.set(name, "ALARM")

    told = desk.eventually(lambda: len(found := heard.notices()) == 2 and found)
    by_name = {each["detail"]["alarmName"]: each["detail"] for each in told}
    assert by_name[name]["state"]["value"] == "ALARM"
    assert by_name[name]["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert by_name[name]["configuration"]["metrics"][0]["metricStat"]["metric"]["namespace"] == desk.namespace
    assert by_name[composite]["configuration"]["alarmRule"] == f"ALARM({name})"
    assert by_name[composite]["previousState"]["value"] == "OK"


def test_an_alarm_invokes_a_function_with_what_has_changed(desk: Desk, sandbox: Any) -> None:
    heard, name = Listener(sandbox), f"hears-{uuid.uuid4().hex[:8]}"
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        send = f"boto3.client('sns').publish(TopicArn={heard.topic!r}, Message=json.dumps(event))"
        packed.writestr("index.py", f"import boto3, json\n\n\ndef handler(event, context):\n    {send}\n")
    function = sandbox.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role="arn:aws:iam::111122223333:role/any",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]
    alarm = desk.alarm("nobody", TreatMissingData="ignore", Period=3600, AlarmActions=[function])

    desk.set(alarm, "ALARM")

    [event] = desk.eventually(heard.notices)
    assert (event["source"], event["alarmData"]["alarmName"]) == ("aws.cloudwatch", alarm)
    assert event["alarmData"]["state"]["value"] == "ALARM"


TEMPLATE = {
    "Resources": {
        "Rate": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "Threshold": 10,
                "TreatMissingData": "notBreaching",
                "Metrics": [
                    {
                        "Id": "errors",
                        "ReturnData": False,
                        "MetricStat": {
                            "Metric": {"Namespace": "tests/stack", "MetricName": "Errors"},
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                    {"Id": "filled", "Expression": "FILL(errors, 0)"},
                ],
            },
        },
        "Both": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmRule": {"Fn::Sub": "NOT ALARM(${Rate})"}, "ActionsEnabled": False},
        },
    },
    "Outputs": {"Both": {"Value": {"Ref": "Both"}}, "Arn": {"Value": {"Fn::GetAtt": ["Both", "Arn"]}}},
}


def test_a_stack_has_alarms_on_expressions_and_composite_ones(desk: Desk, sandbox: Any) -> None:
    stacks, stack = sandbox.client("cloudformation"), f"alarms-{uuid.uuid4().hex[:8]}"
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps(TEMPLATE))
    described = desk.eventually(
        lambda: (
            (now := stacks.describe_stacks(StackName=stack)["Stacks"][0])["StackStatus"] != "CREATE_IN_PROGRESS" and now
        )
    )
    assert described["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName=stack)["StackEvents"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}

    made = desk.composed(outputs["Both"])
    assert (made["AlarmArn"], made["StateValue"], made["ActionsEnabled"]) == (outputs["Arn"], "ALARM", False)

    stacks.delete_stack(StackName=stack)
    desk.eventually(
        lambda: (
            not desk.cloudwatch.describe_alarms(AlarmNames=[outputs["Both"]], AlarmTypes=["CompositeAlarm"])[
                "CompositeAlarms"
            ]
        )
    )


class Listener:
    """Hears what alarms tell a topic, or what events tell of them, through a queue."""

    def __init__(self, sandbox: Any) -> None:
        self._sandbox, name = sandbox, f"heard-{uuid.uuid4().hex[:8]}"
        self._sqs = sandbox.client("sqs")
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        self._arn = sandbox.arn("sqs", name)
        sns = sandbox.client("sns")
        self.topic = sns.create_topic(Name=name)["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=self._arn, Attributes=raw)
        self._heard: list[dict[str, Any]] = []

    def events(self, *names: str) -> None:
        events, rule = self._sandbox.client("events"), f"heard-{uuid.uuid4().hex[:8]}"
        pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": list(names)}}
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": self._arn}])

    def notices(self) -> list[dict[str, Any]]:
        got = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        self._heard += [json.loads(message["Body"]) for message in got]
        for message in got:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return list(self._heard)
