"""Faults on demand at endpoints: what clients, metrics, the ledger and a guarded release see of them."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from test_guarded_updates import further_answers, traffic
from workshop import BUCKET, Workshop, model_data

from tidegate_sandbox.faults.client import Injector


class Faults:
    """Sets faults of one endpoint."""

    def __init__(self, workshop: Workshop) -> None:
        self.injector = Injector(urlsplit(workshop.sandbox.url).port or 0)
        self._endpoint = workshop.name
        self._set: list[str] = []

    def set(self, kind: str, **asked: Any) -> str:
        named = {} if kind == "capacity" else {"endpoint": self._endpoint}
        identity = str(self.injector.set({"kind": kind, **named, **asked})["id"])
        self._set.append(identity)
        return identity

    def struck(self, which: str) -> int:
        (fault,) = (each for each in self.injector.every()["faults"] if each["id"] == which)
        return int(fault["struck"])

    def clear(self) -> None:
        standing = {each["id"] for each in self.injector.every()["faults"]}
        for each in standing.intersection(self._set):
            self.injector.clear(each)


@pytest.fixture
def faults(workshop: Workshop) -> Iterator[Faults]:
    made = Faults(workshop)
    yield made
    made.clear()


def error_of(workshop: Workshop, **options: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        workshop.invoke(**options)
    response: dict[str, Any] = raised.value.response
    return response


def statuses(workshop: Workshop) -> Counter[int]:
    return Counter({each["status_code"]: each["count"] for each in workshop.ledger()["requests"]})


def test_errors_latency_and_a_crash_are_the_models_own(
    workshop: Workshop, faults: Faults, eventually: Callable[..., Any]
) -> None:
    workshop.endpoint(workshop.config("v1"))

    # So many errors as are asked for, each told as the model's own, counted in the ledger and in the metrics.
    faults.set("errors", status=503, times=2)
    for _ in range(2):
        told = error_of(workshop)
        assert (told["Error"]["Code"], told["OriginalStatusCode"]) == ("ModelError", 503)
    assert workshop.invoke() == "v1:x"
    assert statuses(workshop) == {503: 2, 200: 1}

    # Slow answers are slow for the client and in ModelLatency, which is in microseconds.
    slow = faults.set("latency", add="400ms")
    assert workshop.invoke() == "v1:x"
    assert faults.struck(slow) == 1
    faults.clear()
    dimensions = workshop.dimensions()
    metrics = {
        "m": {"MetricName": "ModelLatency", "Stat": "Maximum"},
        "e": {"MetricName": "Invocation5XXErrors", "Stat": "Sum"},
    }
    now = workshop.sandbox.client("sagemaker").describe_endpoint(EndpointName=workshop.name)["LastModifiedTime"]
    found = workshop.cloudwatch.get_metric_data(
        MetricDataQueries=[
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SageMaker",
                        "MetricName": each["MetricName"],
                        "Dimensions": dimensions,
                    },
                    "Period": 86400,
                    "Stat": each["Stat"],
                },
            }
            for name, each in metrics.items()
        ],
        StartTime=now.replace(hour=0, minute=0, second=0),
        EndTime=now.replace(year=now.year + 1),
    )["MetricDataResults"]
    values = {each["Id"]: each["Values"] for each in found}
    assert sum(values["e"]) == 2
    assert max(values["m"]) >= 400_000

    # A server that dies answers that request with nothing, and is there again by itself.
    faults.set("crash")
    assert error_of(workshop)["OriginalStatusCode"] == 0

    def answers() -> bool:
        try:
            return workshop.invoke() == "v1:x"
        except ClientError:
            return False

    assert eventually(answers)

    # The runtime throttles as other services do, and nothing reaches a model.
    before = sum(statuses(workshop).values())
    throttled = faults.injector.set({"kind": "throttling", "call": "sagemaker:InvokeEndpoint", "times": 1})
    assert (error_of(workshop)["Error"]["Code"], throttled["left"]) == ("ThrottlingException", 1)
    assert sum(statuses(workshop).values()) == before


ECHO = """
def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    return body, accept
"""


def test_a_model_that_is_wrong_on_a_slice_fails_nothing(workshop: Workshop, faults: Faults) -> None:

    workshop.s3.put_object(Bucket=BUCKET, Key="echo.tar.gz", Body=model_data(ECHO))
    workshop.endpoint(workshop.config("v1", archive="echo.tar.gz"))
    faults.set("wrong", where="1 >= 17", answer="+100", times=2)

    assert workshop.invoke("17\n18\n3") == "117.0\n118.0\n3"
    assert workshop.invoke("5") == "5"
    assert workshop.invoke("17") == "117.0"
    assert workshop.invoke("17") == "17"
    assert statuses(workshop) == {200: 4}


def test_a_release_whose_new_fleet_fails_is_rolled_back_and_the_old_one_never_fails(
    workshop: Workshop, faults: Faults
) -> None:
    old, new = workshop.config("v1"), workshop.config("v2")
    workshop.endpoint(old)
    alarm = workshop.alarm(Dimensions=workshop.dimensions(new))
    faults.set("errors", new_fleet=True, share="60%")

    with traffic(workshop) as seen:
        workshop.update(new, workshop.canary(alarm, wait=1200))
        after = workshop.settled()
        further_answers(workshop, seen, 10)

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", old)
    assert "in ALARM during the canary's bake" in after["FailureReason"]
    counted = Counter(
        {(each["endpoint_config"], each["status_code"]): each["count"] for each in workshop.ledger()["requests"]}
    )
    assert counted[old, 500] == 0
    assert counted[new, 500] == seen["ModelError"] > 0
    assert counted[new, 200] == seen["v2:x"]


def test_no_capacity_leaves_what_serves_and_is_told_in_sagemakers_words(workshop: Workshop, faults: Faults) -> None:
    old = workshop.config("v1")
    workshop.endpoint(old)
    faults.set("capacity", instance_type="ml.m5.*", name=workshop.name)

    workshop.update(workshop.config("v2"), workshop.canary())
    after = workshop.settled()

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", old)
    assert "InsufficientInstanceCapacity" in after["FailureReason"]
    assert workshop.invoke() == "v1:x"
