"""The names of ministack by which requests are held to what it heeds, before it serves them.

A part of `hooks`, whose `check` asserts these too.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ministack import app as _app
from ministack.core import iam_actions as _actions
from ministack.services import s3 as _s3

from tidegate_sandbox.hooks import handlers
from tidegate_sandbox.unheeded import operations

RELIED_ON: list[tuple[Any, str]] = [
    (_actions, "access_denied_response"),
    (_app, "_S3_CONTROL_PREFIX"),
    (_app, "_dispatch_service_request"),
    (_app, "_handle_s3_control_request"),
    (_app, "_routing_params"),
    (_s3, "_bucket_owner_account"),
]


def refuse_what_is_passed_over(own: Sequence[str]) -> None:
    """Let requests for services but the sandbox's `own` be refused for what ministack would pass over."""
    handlers.wrap(own, _held)


def _held(name: str, handler: Any) -> Any:
    if name not in operations.services():
        return handler

    async def serve(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], **more: Any
    ) -> Any:
        params = _app._routing_params(method, path, headers, body, query)
        sent = handlers.headers_of(name, headers, query)
        refused = operations.refusal(name, operations.Request(method, path, sent, body, params))
        if refused is not None:
            operation, sentence = refused
            return _answer(name, operation, 501, "NotImplemented", sentence, headers)
        if name == "s3" and _is_somebody_elses(path, sent):
            return _answer(name, "", 403, "AccessDenied", "Access Denied", headers)
        return await handler(method, path, headers, body, query, **more)

    return serve


_stock_dispatch = _app._dispatch_service_request


async def _dispatch(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
) -> Any:
    answer = await _stock_dispatch(method, path, headers, body, query, request_id)
    # ministack says so in a form that no client reads.
    if answer[0] == 400 and answer[2].startswith(_NOT_SERVED):
        service = json.loads(answer[2])["error"].removeprefix("Unsupported service: ")
        return _absent(service, _name(method, path, headers), headers)
    return answer


_NOT_SERVED = b'{"error": "Unsupported service: '
_app._dispatch_service_request = _dispatch


async def _of_s3_control(
    path: str, method: str, _body: bytes, _query: Any, _request: str, headers: dict[str, str] | None = None
) -> Any:
    # It would be served past the table of handlers, and so past IAM.
    if not path.startswith(_app._S3_CONTROL_PREFIX):
        return None
    return _absent("s3control", _name(method, path, headers or {}), headers or {})


_app._handle_s3_control_request = _of_s3_control


def _name(method: str, path: str, headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2] or f"{method} {path}"


def _absent(service: str, operation: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    sentence = f"{service}:{operation} is not in the local simulation"
    return _answer("s3" if service == "s3control" else service, operation, 501, "NotImplemented", sentence, headers)


def _answer(
    service: str, operation: str, status: int, code: str, sentence: str, headers: Mapping[str, str]
) -> tuple[int, dict[str, str], bytes]:
    _, sent, body = _actions.access_denied_response(
        service, f"{service}:{operation}", "", "00000000-0000-0000-0000-000000000000", error_code=code,
        message=sentence, headers=dict(headers),
    )  # fmt: skip
    return status, sent, body


def _is_somebody_elses(path: str, headers: Mapping[str, str]) -> bool:
    """Whether a bucket has another owner than the request expects of it, or of the one that it copies from."""
    asked = (
        (path, headers.get("x-amz-expected-bucket-owner")),
        (headers.get("x-amz-copy-source", ""), headers.get("x-amz-source-expected-bucket-owner")),
    )
    for place, expected in asked:
        owner = _s3._bucket_owner_account(place.strip("/").partition("/")[0]) if expected else None
        if owner is not None and owner != expected:
            return True
    return False
