"""Shadow variants: copies of requests go to a real model server of their own, and their answers to nobody."""

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from workshop import BUCKET, Workshop


def shadowed(
    workshop: Workshop, weight: float = 1.0, *, environment: dict[str, str] | None = None, **options: Any
) -> str:
    """Make a configuration of v1 in production and v2, with its `environment`, as its shadow."""
    shadow = workshop.config("v2", environment=environment or {})
    variant = workshop.variant(shadow, "Shadow", InitialVariantWeight=weight)
    return workshop.config("v1", ShadowProductionVariants=[variant], **options)


def mirrored(workshop: Workshop) -> Counter[tuple[str, int]]:
    """Return how many copies each shadow got, by the status of its answer."""
    counted: Counter[tuple[str, int]] = Counter()
    for entry in workshop.ledger()["mirrored"]:
        counted[entry["variant"], entry["status_code"]] += entry["count"]
    return counted


def test_production_answers_and_the_shadow_gets_a_copy_of_each_request(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    config = shadowed(workshop)
    workshop.endpoint(config)

    answers = [workshop.invoke(str(number)) for number in range(20)]

    assert answers == [f"v1:{number}" for number in range(20)]
    assert eventually(lambda: mirrored(workshop) == {("Shadow", 200): 20})
    page = workshop.ledger()
    assert sum(entry["count"] for entry in page["requests"]) == 20
    assert {entry["variant"] for entry in page["requests"]} == {"AllTraffic"}
    assert page["mirroring"] == [{"endpoint_config": config, "variant": "Shadow", "share": 1.0}]


def test_a_share_of_the_requests_is_copied_by_weight(workshop: Workshop, eventually: Callable[..., Any]) -> None:
    workshop.endpoint(shadowed(workshop, weight=0.3))
    copies: list[int] = []

    def no_more_come() -> bool:
        copies.append(mirrored(workshop)["Shadow", 200])
        return len(copies) > 10 and copies[-1] == copies[-10] > 0

    for _ in range(200):
        workshop.invoke()
    eventually(no_more_come)

    assert workshop.ledger()["mirroring"][0]["share"] == pytest.approx(0.3)
    assert 30 <= copies[-1] <= 90


def test_a_broken_shadow_fails_no_answer_and_is_metered_under_its_own_name(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    workshop.endpoint(shadowed(workshop, environment={"BROKEN_AT": "invocation"}))

    answers = {workshop.invoke() for _ in range(10)}

    assert answers == {"v1:x"}
    assert eventually(lambda: mirrored(workshop) == {("Shadow", 500): 10})

    def errors(variant: str) -> float:
        at = workshop.describe()["LastModifiedTime"]
        found = workshop.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[{"Name": "EndpointName", "Value": workshop.name}, {"Name": "VariantName", "Value": variant}],
            StartTime=at - timedelta(days=1),
            EndTime=at + timedelta(days=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in found))

    assert (errors("Shadow"), errors("AllTraffic")) == (10.0, 0.0)


def test_a_slow_shadow_delays_no_answer(workshop: Workshop) -> None:
    workshop.endpoint(shadowed(workshop, environment={"SECONDS": "15"}))

    for _ in range(10):
        workshop.invoke()

    assert mirrored(workshop) == {}  # no copy is answered yet


def test_a_shadow_cannot_be_asked(workshop: Workshop) -> None:
    workshop.endpoint(shadowed(workshop))

    with pytest.raises(ClientError, match="no production variant Shadow"):
        workshop.invoke(TargetVariant="Shadow")


def test_copies_are_captured_under_the_shadows_name(workshop: Workshop, eventually: Callable[..., Any]) -> None:
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    workshop.endpoint(shadowed(workshop, DataCaptureConfig=capture))
    workshop.invoke("1,2", InferenceId="i-1")

    def captured(variant: str) -> dict[str, Any]:
        prefix = f"captured/{workshop.name}/{variant}/"
        (file,) = eventually(lambda: workshop.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"))
        record: dict[str, Any] = json.loads(workshop.s3.get_object(Bucket=BUCKET, Key=file["Key"])["Body"].read())
        return record

    production, shadow = captured("AllTraffic"), captured("Shadow")

    assert production["captureData"]["endpointOutput"]["data"] == "v1:1,2"
    assert shadow["captureData"]["endpointOutput"]["data"] == "v2:1,2"
    assert production["captureData"]["endpointInput"] == shadow["captureData"]["endpointInput"]
    assert production["eventMetadata"]["inferenceId"] == shadow["eventMetadata"]["inferenceId"] == "i-1"


def test_a_shadow_comes_and_goes_by_updates_that_nothing_guards(workshop: Workshop) -> None:
    alone = workshop.config("v1")
    workshop.endpoint(alone)
    alarm = workshop.alarm(TreatMissingData="breaching", Dimensions=workshop.dimensions("never-deployed"))

    workshop.update(shadowed(workshop), workshop.canary(alarm))
    pending: list[dict[str, Any]] = []
    while (described := workshop.describe())["EndpointStatus"] == "Updating":
        pending += described.get("PendingDeploymentSummary", {}).get("ShadowProductionVariants", [])
        time.sleep(0.05)

    assert {variant["VariantName"] for variant in pending} == {"Shadow"}
    (shadow,) = described["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentWeight"], shadow["CurrentInstanceCount"]) == ("Shadow", 1.0, 1)
    assert [variant["VariantName"] for variant in described["ProductionVariants"]] == ["AllTraffic"]

    workshop.update(alone)
    after = workshop.settled()

    assert after["EndpointConfigName"] == alone
    assert "ShadowProductionVariants" not in after


def test_a_shadow_that_cannot_start_fails_the_update(workshop: Workshop) -> None:
    alone = workshop.config("v1")
    workshop.endpoint(alone)

    workshop.update(shadowed(workshop, environment={"BROKEN_AT": "start"}))
    after = workshop.settled()

    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", alone)
    assert "production variant Shadow did not pass the ping health check" in after["FailureReason"]
