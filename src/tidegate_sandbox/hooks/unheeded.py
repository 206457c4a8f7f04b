"""The names of ministack by which requests are held to what it heeds, before it serves them.

A part of `hooks`, whose `check` asserts these too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ministack import app as _app
from ministack.core import iam_actions as _actions
from ministack.services import s3 as _s3

from tidegate_sandbox.hooks import handlers
from tidegate_sandbox.unheeded import operations

RELIED_ON: list[tuple[Any, str]] = [
    (_actions, "access_denied_response"),
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
