"""The captured record and its place in S3, in the forms that SageMaker documents."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate_sandbox.services.endpoints.capture import key_prefix, line
from tidegate_sandbox.services.endpoints.records import Capture

AT = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)
CAPTURE = Capture(
    enabled=True,
    sampling=100,
    destination="s3://bucket/some/prefix/",
    modes=frozenset({"Input", "Output"}),
    csv_types=frozenset({"text/csv"}),
    json_types=frozenset({"application/json"}),
)


def record(capture: Capture = CAPTURE, **options: Any) -> Any:
    given = {
        "request": ("text/csv; charset=utf-8", b"1,2"),
        "answer": ("application/json", b"[3]"),
        "inference_id": None,
        "custom_attributes": None,
    }
    return json.loads(line(capture, AT, **{**given, **options}))


def test_both_sides_are_captured_each_in_its_encoding() -> None:
    data = record()["captureData"]

    assert data["endpointInput"] == {
        "observedContentType": "text/csv; charset=utf-8",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    assert (data["endpointOutput"]["mode"], data["endpointOutput"]["encoding"]) == ("OUTPUT", "JSON")


def test_a_content_type_that_is_not_named_is_written_in_base64() -> None:
    data = record(replace(CAPTURE, csv_types=frozenset()))["captureData"]["endpointInput"]

    assert (data["encoding"], base64.b64decode(data["data"])) == ("BASE64", b"1,2")


def test_what_is_named_as_text_and_is_none_is_written_in_base64() -> None:
    assert record(request=("text/csv", b"\xff"))["captureData"]["endpointInput"]["encoding"] == "BASE64"


@pytest.mark.parametrize(("mode", "member"), [("Input", "endpointInput"), ("Output", "endpointOutput")])
def test_one_side_alone_can_be_captured(mode: str, member: str) -> None:
    assert record(replace(CAPTURE, modes=frozenset({mode})))["captureData"].keys() == {member}


def test_metadata_holds_the_time_and_what_the_caller_sent() -> None:
    metadata = record(inference_id="i-1", custom_attributes="a=b")["eventMetadata"]

    assert metadata["inferenceTime"] == "2026-11-22T09:05:07Z"
    assert (metadata["inferenceId"], metadata["customAttributes"]) == ("i-1", ["a=b"])


def test_a_record_belongs_under_endpoint_variant_and_hour() -> None:
    assert key_prefix(CAPTURE, "e", "v", AT) == ("bucket", "some/prefix/e/v/2026/11/22/09")
    assert key_prefix(replace(CAPTURE, destination="s3://bucket"), "e", "v", AT) == ("bucket", "e/v/2026/11/22/09")
