"""Updates under deployment guardrails, with traffic, real alarms and a clock that runs sixty times the wall."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from workshop import Workshop


@contextmanager
def traffic(workshop: Workshop, pause: float = 0.05) -> Iterator[Counter[str]]:
    """Invoke the endpoint all the while; counts answers by what they say."""
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            try:
                seen[workshop.invoke()] += 1
            except ClientError as error:
                seen[error.response["Error"]["Code"]] += 1
            time.sleep(pause)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield seen
    finally:
        stop.set()
        sender.join()


def further_answers(workshop: Workshop, seen: Counter[str], count: int) -> None:
    wanted = seen["v1:x"] + count
    workshop.eventually(lambda: seen["v1:x"] >= wanted)


def statuses(workshop: Workshop) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the endpoint's states of its update, each with the new fleet's variant, until it is in service."""
    while (described := workshop.describe())["EndpointStatus"] == "Updating":
        pending = described.get("PendingDeploymentSummary")
        if pending is not None:
            (variant,) = pending["ProductionVariants"]
            yield variant["VariantStatus"][0]["Status"], variant
        time.sleep(0.1)


def test_a_healthy_canary_is_promoted_and_loses_no_request(workshop: Workshop) -> None:
    old, new = workshop.config("v1"), workshop.config("v2")
    workshop.endpoint(old)
    alarm = workshop.alarm()

    with traffic(workshop) as seen:
        workshop.update(new, workshop.canary(alarm, wait=120))
        during = [(status, variant["CurrentInstanceCount"]) for status, variant in statuses(workshop)]
        after = workshop.describe()
        time.sleep(0.2)

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", new)
    assert "FailureReason" not in after
    assert "PendingDeploymentSummary" not in after
    assert ("Baking", 1) in during
    assert ("Baking", 4) in during
    assert set(seen) == {"v1:x", "v2:x"}
    assert workshop.invoke() == "v2:x"


def test_the_canary_takes_its_share_of_the_requests(workshop: Workshop, eventually: Callable[..., Any]) -> None:
    old, new = workshop.config("v1"), workshop.config("v2")
    workshop.endpoint(old)
    workshop.update(new, workshop.canary(wait=240, termination=0))
    before = workshop.ledger()["requests"]

    split = eventually(lambda: len(traffic := workshop.ledger()["traffic"]) == 2 and traffic)

    assert before == []
    assert {entry["endpoint_config"]: entry["share"] for entry in split} == {old: 0.75, new: 0.25}
    assert eventually(lambda: workshop.invoke() == "v2:x")


def test_a_broken_canary_fires_its_alarm_and_is_rolled_back(workshop: Workshop) -> None:
    old, new = workshop.config("v1"), workshop.config("v2", environment={"BROKEN_AT": "invocation"})
    workshop.endpoint(old)
    blended, isolated = workshop.alarm(), workshop.alarm(Dimensions=workshop.dimensions(new))

    with traffic(workshop) as seen:
        workshop.update(new, workshop.canary(blended, isolated, wait=1200))
        after = workshop.settled()
        further_answers(workshop, seen, 2)  # what was under way is counted
        before = seen["ModelError"]
        further_answers(workshop, seen, 10)
        errors_afterwards = seen["ModelError"] - before

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", old)
    assert "in ALARM during the canary's bake" in after["FailureReason"]
    assert after["LastDeploymentConfig"] == workshop.canary(blended, isolated, wait=1200)
    assert set(seen) == {"v1:x", "ModelError"}
    assert errors_afterwards == 0
    history = workshop.cloudwatch.describe_alarm_history(AlarmName=isolated)["AlarmHistoryItems"]
    assert any("to ALARM" in item["HistorySummary"] for item in history)


def test_a_fleet_that_cannot_start_leaves_the_old_one_in_service(workshop: Workshop) -> None:
    old, new = workshop.config("v1"), workshop.config("v2", environment={"BROKEN_AT": "start"})
    workshop.endpoint(old)

    with traffic(workshop) as seen:
        workshop.update(new, workshop.canary())
        after = workshop.settled()

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", old)
    assert "did not pass the ping health check" in after["FailureReason"]
    assert set(seen) == {"v1:x"}


def test_requests_in_flight_on_the_old_fleet_are_answered(workshop: Workshop) -> None:
    workshop.endpoint(workshop.config("v1", environment={"SECONDS": "1.5"}))
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(workshop.invoke()))
    slow.start()
    time.sleep(0.2)

    workshop.update(workshop.config("v2"))
    workshop.settled()
    slow.join()

    assert answers == ["v1:x"]
    assert workshop.invoke() == "v2:x"


def test_an_alarm_that_fires_already_rolls_back_at_the_first_bake(workshop: Workshop) -> None:
    old = workshop.config("v1")
    workshop.endpoint(old)
    alarm = workshop.alarm(TreatMissingData="breaching", Dimensions=workshop.dimensions("never-deployed"))

    workshop.update(workshop.config("v2"), workshop.canary(alarm, wait=600))
    after = workshop.settled()

    assert after["EndpointConfigName"] == old
    assert alarm in after["FailureReason"]


def test_other_variant_names_than_before_are_switched_at_once_without_guardrails(workshop: Workshop) -> None:
    old = workshop.config("v1")
    workshop.endpoint(old)
    alarm = workshop.alarm(TreatMissingData="breaching", Dimensions=workshop.dimensions("never-deployed"))
    renamed = workshop.config("v2", variants=[workshop.variant(old, "Renamed")])

    workshop.update(renamed, workshop.all_at_once(alarm))
    after = workshop.settled()

    assert after["EndpointConfigName"] == renamed


def test_an_endpoint_that_is_being_changed_cannot_be_changed_again(workshop: Workshop) -> None:
    workshop.endpoint(workshop.config("v1"))
    new = workshop.config("v2")
    workshop.update(new, workshop.canary(wait=240, termination=0))

    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        workshop.update(new)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        workshop.sagemaker.delete_endpoint(EndpointName=workshop.name)


def test_the_last_deployment_configuration_can_be_retained(workshop: Workshop) -> None:
    workshop.endpoint(workshop.config("v1"))
    workshop.update(workshop.config("v2"), workshop.canary(wait=120, termination=0))
    workshop.settled()

    workshop.update(workshop.config("v3"), RetainDeploymentConfig=True)
    baked = {status for status, _ in statuses(workshop)}

    assert "Baking" in baked
    assert workshop.describe()["LastDeploymentConfig"] == workshop.canary(wait=120, termination=0)


@pytest.mark.parametrize(
    ("options", "instances"),
    [
        ({}, 2),
        ({"RetainAllVariantProperties": True}, 4),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            2,
        ),
    ],
)
def test_variant_properties_are_retained_if_asked(workshop: Workshop, options: dict[str, Any], instances: int) -> None:
    workshop.endpoint(workshop.config("v1", instances=4))

    workshop.update(workshop.config("v2", instances=2), **options)

    assert workshop.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == instances


@pytest.mark.parametrize(
    ("instances", "alarm", "sentence"),
    [
        (1, None, "at most 50 ?%"),
        (4, "no-such-alarm", "no-such-alarm"),
    ],
)
def test_guardrails_that_cannot_work_are_refused(
    workshop: Workshop, instances: int, alarm: str | None, sentence: str
) -> None:
    workshop.endpoint(workshop.config("v1"))
    names = [alarm] if alarm else []

    with pytest.raises(ClientError, match=sentence):
        workshop.update(workshop.config("v2", instances=instances), workshop.canary(*names))

    assert workshop.describe()["EndpointStatus"] == "InService"


def test_events_tell_of_each_change(workshop: Workshop, eventually: Callable[..., Any]) -> None:
    events, sqs = workshop.sandbox.client("events"), workshop.sandbox.client("sqs")
    queue = sqs.create_queue(QueueName=workshop.name)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"EndpointName": [workshop.name]}}
    events.put_rule(Name=workshop.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=workshop.name, Targets=[{"Id": "1", "Arn": queue_arn}])
    workshop.endpoint(workshop.config("v1"))
    workshop.update(workshop.config("v2"), workshop.canary(wait=30, termination=30))
    workshop.settled()

    states: list[str] = []
    deployment: list[str] = []

    def four_states() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            at = datetime.fromisoformat(event["time"])
            assert int(at.timestamp()) >= event["detail"]["LastModifiedTime"] // 1000
            if event["detail-type"] == "SageMaker Endpoint State Change":
                states.append(event["detail"]["EndpointStatus"])
            else:
                (variant,) = event["detail"]["PendingDeploymentSummary"]["ProductionVariants"]
                deployment.append(variant["VariantStatus"][0]["Status"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(states) == 4

    eventually(four_states)

    assert states == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]
    assert deployment == ["Creating", "Baking", "Baking", "Deleting"]
