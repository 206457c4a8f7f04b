"""Faults on demand of services: calls, permissions, events and the clock; and who may set them."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tidegate_sandbox.faults.client import InjectError, Injector


@pytest.fixture
def injector(sandbox: Any) -> Iterator[Injector]:
    made = Injector(urlsplit(sandbox.url).port or 0)
    yield made
    made.clear(None)


@pytest.fixture
def name() -> str:
    return f"f-{uuid.uuid4().hex[:8]}"


def error(call: Callable[..., Any], **parameters: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    told = raised.value.response
    return told["Error"]["Code"], told["Error"]["Message"], told["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("cloudformation", "list_stacks", ("Throttling", "Rate exceeded", 400)),
        ("s3", "list_buckets", ("SlowDown", "Please reduce your request rate.", 503)),
        ("sagemaker", "list_models", ("ThrottlingException", "Rate exceeded", 400)),
        ("codepipeline", "list_pipelines", ("ThrottlingException", "Rate exceeded", 400)),
        ("lambda", "list_functions", ("TooManyRequestsException", "Rate Exceeded.", 429)),
        ("events", "list_rules", ("ThrottlingException", "Rate exceeded", 400)),
        ("cloudwatch", "describe_alarms", ("Throttling", "Rate exceeded", 400)),
    ],
)
def test_a_service_throttles_in_its_own_words_and_clients_try_again(
    sandbox: Any, injector: Injector, service: str, operation: str, expected: tuple[str, str, int]
) -> None:
    call = getattr(sandbox.client(service), operation)
    injector.set({"kind": "throttling", "call": service, "times": 1, "account": sandbox.account})

    assert error(call) == expected
    call()

    assert injector.every()["faults"] == []


def test_an_action_is_denied_to_one_role_and_to_everybody(sandbox: Any, injector: Injector, name: str) -> None:
    iam = sandbox.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    # The sandbox only records what policies do not allow, and what somebody asks for is denied all the same.
    sandbox.assumed(arn, "sagemaker").list_models()
    fault = injector.set({"kind": "denied", "action": "sagemaker:List*", "role": name})
    injector.set({"kind": "denied", "action": "s3:ListAllMyBuckets", "role": name})

    code, message, _ = error(sandbox.assumed(arn, "sagemaker").list_models)
    assert (code, f"assumed-role/{name}/somebody is not authorized to perform: sagemaker:ListModels" in message) == (
        "AccessDeniedException",
        True,
    )
    assert message.endswith("because no identity-based policy allows the sagemaker:ListModels action")
    assert error(sandbox.assumed(arn, "s3").list_buckets)[0] == "AccessDenied"
    sandbox.client("sagemaker").list_models()

    injector.clear(fault["id"])
    sandbox.assumed(arn, "sagemaker").list_models()
    injector.set({"kind": "denied", "action": "sagemaker:ListModels"})
    assert "explicit deny in a service control policy" in error(sandbox.client("sagemaker").list_models)[1]


def test_events_get_lost_and_come_twice_for_the_rule_that_is_named(
    sandbox: Any, injector: Injector, name: str, eventually: Callable[..., Any]
) -> None:
    events, sqs = sandbox.client("events"), sandbox.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])

    def arrived(detail: str) -> list[str]:
        """Send an event, then one that marks the end; return what came before it."""
        for sent in (detail, "end"):
            entry = {"Source": name, "DetailType": sent, "Detail": "{}"}
            assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
        seen: list[str] = []

        def ended() -> bool:
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
                seen.append(json.loads(message["Body"])["detail-type"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return "end" in seen

        eventually(ended)
        return [each for each in seen if each != "end"]

    injector.set({"kind": "lost-events", "source": name, "detail_type": "lost"})
    injector.set({"kind": "doubled-events", "rule": name, "detail_type": "twice"})
    injector.set({"kind": "lost-events", "rule": "another"})

    assert arrived("lost") == []
    assert arrived("twice") == ["twice", "twice"]
    assert arrived("as ever") == ["as ever"]


def test_the_clock_jumps_there_and_back(sandbox: Any, injector: Injector) -> None:
    there = injector.jump("+2h")
    back = injector.jump("-2h")

    def distance(jump: dict[str, Any]) -> timedelta:
        return datetime.fromisoformat(jump["clock"]) - datetime.fromisoformat(jump["before"])

    assert abs(distance(there) - timedelta(hours=2)) < timedelta(minutes=1)
    assert abs(distance(back) + timedelta(hours=2)) < timedelta(minutes=1)
    for wrong in ("2h", "+0s", "+soon", "+999999d"):
        with pytest.raises(InjectError, match="jump: "):
            injector.jump(wrong)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 403),
        ({"x-tidegate-token": "guessed"}, 403),
    ],
)
def test_no_page_in_a_browser_sets_a_fault(
    sandbox: Any, injector: Injector, headers: dict[str, str], status: int
) -> None:
    port = urlsplit(sandbox.url).port
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_tidegate/faults")
    token = json.load(connection.getresponse())["token"]
    body = json.dumps({"kind": "lost-events", "rule": "guarded"})
    given = {"content-type": "application/json", "x-tidegate-token": token, **headers}

    connection.request("POST", "/_tidegate/faults", body, given)
    answer = connection.getresponse()

    assert answer.status == status, answer.read()
    assert injector.every()["faults"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/_tidegate/faults", b"[]", 400),
        ("POST", "/_tidegate/faults", b"{", 400),
        ("POST", "/_tidegate/faults", b'{"kind": "errors"}', 400),
        ("POST", "/_tidegate/faults", b" " * 20_000, 413),
        ("DELETE", "/_tidegate/faults/99", b"{}", 404),
        ("PUT", "/_tidegate/faults", b"{}", 404),
    ],
)
def test_what_is_not_understood_is_refused_with_a_sentence(
    sandbox: Any, method: str, path: str, body: bytes, status: int
) -> None:
    connection = HTTPConnection("127.0.0.1", urlsplit(sandbox.url).port)
    connection.request("GET", "/_tidegate/faults")
    token = json.load(connection.getresponse())["token"]

    connection.request(method, path, body, {"content-type": "application/json", "x-tidegate-token": token})
    answer = connection.getresponse()

    assert (answer.status, bool(json.load(answer)["message"])) == (status, True)
