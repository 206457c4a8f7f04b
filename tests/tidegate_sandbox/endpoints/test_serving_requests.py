"""An endpoint in service: invocations, errors, metrics, capture and the ledger, through real boto3 clients."""

import json
import os
import signal
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from workshop import BUCKET, Workshop


def test_an_endpoint_comes_into_service_and_answers(workshop: Workshop) -> None:
    status = workshop.endpoint(workshop.config("v1"))

    answer = workshop.runtime.invoke_endpoint(
        EndpointName=workshop.name, Body=b"1,2", ContentType="text/csv", Accept="text/csv"
    )

    assert status == "InService"
    assert answer["Body"].read() == b"v1:1,2"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/csv", "AllTraffic")


def test_describe_tells_variants_images_and_counts(workshop: Workshop) -> None:
    config = workshop.config("v1", instances=3)
    workshop.endpoint(config)

    described = workshop.describe()

    assert described["EndpointConfigName"] == config
    (variant,) = described["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"], variant["CurrentWeight"]) == ("AllTraffic", 3, 1.0)
    assert variant["DeployedImages"][0]["SpecifiedImage"].endswith("endpoint-tests:1")


def test_an_error_of_the_model_is_a_model_error_with_its_status_and_message(workshop: Workshop) -> None:
    workshop.endpoint(workshop.config("v1", environment={"BROKEN_AT": "invocation"}))

    with pytest.raises(workshop.runtime.exceptions.ModelError) as raised:
        workshop.invoke()

    answer = raised.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (500, "bad model")


def test_an_unknown_endpoint_and_an_unknown_variant_are_validation_errors(workshop: Workshop) -> None:
    with pytest.raises(ClientError, match="not found") as unknown:
        workshop.invoke()
    workshop.endpoint(workshop.config("v1"))
    with pytest.raises(ClientError, match="no production variant Other"):
        workshop.invoke(TargetVariant="Other")

    assert unknown.value.response["Error"]["Code"] == "ValidationError"


def test_a_start_up_failure_fails_the_creation_with_the_containers_last_words(workshop: Workshop) -> None:
    status = workshop.endpoint(workshop.config("v1", environment={"BROKEN_AT": "start"}))

    reason = workshop.describe()["FailureReason"]

    assert status == "Failed"
    assert "did not pass the ping health check" in reason
    assert "no such model" in reason


def test_variants_share_requests_by_weight_and_can_be_targeted(workshop: Workshop) -> None:
    one, two = workshop.config("one"), workshop.config("two")
    both = [
        workshop.variant(one, "One", InitialVariantWeight=1.0),
        workshop.variant(two, "Two", InitialVariantWeight=0.0),
    ]
    workshop.endpoint(workshop.config("both", variants=both))

    by_weight = {workshop.invoke() for _ in range(20)}

    assert by_weight == {"one:x"}
    assert workshop.invoke(TargetVariant="Two") == "two:x"


def test_each_request_is_metered_with_and_without_its_configuration(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    config = workshop.config("v1")
    workshop.endpoint(config)
    for _ in range(5):
        workshop.invoke()

    def total(metric: str, statistic: str, dimensions: list[dict[str, str]]) -> float:
        at = workshop.describe()["LastModifiedTime"]
        points = workshop.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=dimensions,
            StartTime=at - timedelta(hours=1),
            EndTime=at + timedelta(hours=1),
            Period=3600,
            Statistics=[statistic],
        )["Datapoints"]
        return sum(point[statistic] for point in points)

    for dimensions in (workshop.dimensions(), workshop.dimensions(config)):
        assert total("Invocations", "Sum", dimensions) == 5
        assert total("InvocationsPerInstance", "Sum", dimensions) == 5 / 4
        assert total("Invocation5XXErrors", "SampleCount", dimensions) == 5
        assert total("Invocation5XXErrors", "Sum", dimensions) == 0
        assert total("ModelLatency", "SampleCount", dimensions) == 5
        assert 10 < total("ModelLatency", "Maximum", dimensions) < 5_000_000
    listed = workshop.cloudwatch.list_metrics(Namespace="AWS/SageMaker", Dimensions=workshop.dimensions(config))
    assert {metric["MetricName"] for metric in listed["Metrics"]} == {
        *(
            "Invocations",
            "InvocationsPerInstance",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "InvocationModelErrors",
        ),
        *("ModelLatency", "OverheadLatency"),
    }


def test_the_ledger_accounts_for_every_request(workshop: Workshop) -> None:
    config = workshop.config("v1")
    workshop.endpoint(config)
    for _ in range(3):
        workshop.invoke()

    page = workshop.ledger()

    assert page["requests"] == [
        {
            "endpoint_config": config,
            "variant": "AllTraffic",
            "model": config,
            "model_package": "",
            "status_code": 200,
            "app": "",
            "count": 3,
        }
    ]
    assert page["traffic"] == [{"endpoint_config": config, "variant": "AllTraffic", "share": 1.0}]


def test_captured_requests_are_written_where_and_as_sagemaker_does(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    workshop.endpoint(workshop.config("v1", DataCaptureConfig=capture))
    workshop.invoke("1,2", InferenceId="i-1", CustomAttributes="trace=7")

    prefix = f"captured/{workshop.name}/AllTraffic/"
    (file,) = eventually(lambda: workshop.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"))
    record = json.loads(workshop.s3.get_object(Bucket=BUCKET, Key=file["Key"])["Body"].read())

    year, month, day, hour, name = file["Key"].removeprefix(prefix).split("/")
    assert (len(year), len(month), len(day), len(hour), name[-6:]) == (4, 2, 2, 2, ".jsonl")
    assert record["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    assert record["captureData"]["endpointOutput"]["data"] == "v1:1,2"
    assert record["eventMetadata"]["inferenceId"] == "i-1"
    assert record["eventMetadata"]["customAttributes"] == ["trace=7"]
    assert record["eventVersion"] == "0"


def test_a_deleted_endpoint_is_gone_and_its_requests_are_refused(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    workshop.endpoint(workshop.config("v1"))

    workshop.sagemaker.delete_endpoint(EndpointName=workshop.name)
    eventually(lambda: not workshop.sagemaker.list_endpoints(NameContains=workshop.name)["Endpoints"])

    with pytest.raises(ClientError, match="not found"):
        workshop.invoke()
    with pytest.raises(ClientError, match="Could not find endpoint"):
        workshop.describe()


def test_a_container_that_dies_in_mid_request_or_between_two_is_started_again(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    config = workshop.config("v1", environment={"BROKEN_AT": "death"})
    workshop.endpoint(config)

    def pid() -> int | None:
        with urllib.request.urlopen(f"{workshop.sandbox.url}/_tidegate/status") as answer:
            children = json.load(answer)["children"]
        return next((int(child["pid"]) for child in children if child["name"].endswith(config)), None)

    def answers() -> bool:
        try:
            return workshop.invoke() == "v1:x"
        except workshop.runtime.exceptions.ModelError:
            return False

    with pytest.raises(workshop.runtime.exceptions.ModelError) as died:
        workshop.invoke("die")
    assert died.value.response["OriginalStatusCode"] == 0
    assert "Received server error (0) from primary" in str(died.value)
    assert eventually(answers)
    assert workshop.describe()["EndpointStatus"] == "InService"

    before = pid()
    assert before is not None
    os.killpg(before, signal.SIGKILL)
    # Nobody has asked meanwhile: its ping tells.
    eventually(lambda: pid() not in (None, before))
    assert eventually(answers)
