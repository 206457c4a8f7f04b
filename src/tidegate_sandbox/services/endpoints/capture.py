"""Data capture: JSON lines of requests and answers in S3, in SageMaker's format and under its keys.

Source: SageMaker developer guide, "Data capture".
"""

import base64
import json
import logging
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from tidegate_sandbox import context, credentials, hooks
from tidegate_sandbox.context import Scope
from tidegate_sandbox.services.endpoints.records import Capture
from tidegate_sandbox.state.tasks import begin

_log = logging.getLogger(__name__)

_FLUSH_AFTER = 60
"""Seconds of the sandbox's time for which records wait for others to share a file with."""

_FLUSH_AT = 4 * 1024 * 1024
"""Bytes of waiting records at which they are written without waiting longer."""


def line(
    capture: Capture,
    at: datetime,
    *,
    request: tuple[str, bytes],
    answer: tuple[str, bytes],
    inference_id: str | None,
    custom_attributes: str | None,
) -> str:
    """Return the captured record of a request and its answer, each a content type and a body."""
    data: dict[str, Any] = {}
    for mode, member, (content_type, body) in (
        ("Input", "endpointInput", request),
        ("Output", "endpointOutput", answer),
    ):
        if mode in capture.modes:
            encoding, text = _encode(capture, content_type, body)
            data[member] = {
                "observedContentType": content_type,
                "mode": mode.upper(),
                "data": text,
                "encoding": encoding,
            }
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about: dict[str, Any] = {"eventId": str(uuid.uuid4()), "inferenceTime": moment}
    if inference_id is not None:
        about["inferenceId"] = inference_id
    if custom_attributes is not None:
        about["customAttributes"] = [custom_attributes]
    return json.dumps({"captureData": data, "eventMetadata": about, "eventVersion": "0"}, separators=(",", ":"))


def _encode(capture: Capture, content_type: str, body: bytes) -> tuple[str, str]:
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind in capture.csv_types:
            return "CSV", body.decode()
        if kind in capture.json_types:
            return "JSON", body.decode()
    except UnicodeDecodeError:
        pass
    return "BASE64", base64.b64encode(body).decode()


def key_prefix(capture: Capture, endpoint: str, variant: str, at: datetime) -> tuple[str, str]:
    """Return the bucket and the key's beginning under which a record of the time `at` belongs."""
    bucket, _, prefix = capture.destination.removeprefix("s3://").partition("/")
    parts = (prefix.strip("/"), endpoint, variant, at.astimezone(UTC).strftime("%Y/%m/%d/%H"))
    return bucket, "/".join(filter(None, parts))


class Capturer:
    """Gathers an endpoint's captured records and writes them to S3, some at a time."""

    def __init__(self, scope: Scope, endpoint: str) -> None:
        self._scope = scope
        self._endpoint = endpoint
        self._random = random.Random()  # noqa: S311 - sampling, no secret
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], list[str]] = {}
        self._size = 0
        self._role: str | None = None

    def wants(self, capture: Capture | None) -> bool:
        """Whether the next request is one to capture."""
        return capture is not None and capture.enabled and self._random.random() * 100 < capture.sampling

    def add(self, capture: Capture, variant: str, at: datetime, record: str) -> None:
        """Take a record; it is written within a minute of the sandbox's time."""
        self._role = capture.role
        where = key_prefix(capture, self._endpoint, variant, at)
        with self._lock:
            first, before = not self._waiting, self._size
            self._waiting.setdefault(where, []).append(record)
            self._size += len(record)
            full = before < _FLUSH_AT <= self._size
        if first or full:
            with hooks.acting_in(self._scope.account, self._scope.region):
                begin(self._flush_after, 0 if full else _FLUSH_AFTER, name="data capture")

    def _flush_after(self, seconds: float) -> None:
        context.sandbox().clock.sleep(seconds)
        self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        with self._lock:
            waiting, self._waiting, self._size = self._waiting, {}, 0
        if not waiting:
            return
        with credentials.acting_as(self._role, "sagemaker", self._endpoint):
            s3 = context.scope().client("s3")
        now = context.sandbox().clock.now()
        for (bucket, prefix), records in waiting.items():
            key = f"{prefix}/{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            try:
                s3.put_object(Bucket=bucket, Key=key, Body="".join(f"{record}\n" for record in records))
            except Exception:  # as at AWS, capture that fails fails no request
                _log.exception("%d captured records could not be written to s3://%s/%s", len(records), bucket, key)
