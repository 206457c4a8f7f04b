"""The names of ministack by which its services' handlers are wrapped, S3's whichever way a bucket is addressed.

A part of `hooks`, whose `check` asserts these too. A request that names its bucket in its host goes to S3 past the
table of handlers, so what is wrapped of S3 is the function that both ways end in.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from ministack import app as _app
from ministack.services import s3 as _s3

RELIED_ON: list[tuple[Any, str]] = [
    (_app, "SERVICE_HANDLERS"),
    (_app, "_extract_s3_vhost_bucket"),
    (_app, "_handle_s3_vhost_request"),
    (_app, "detect_service"),
    (_s3, "_merge_hoisted_amz_headers"),
    (_s3, "handle_request"),
]


def wrap(own: Sequence[str], around: Callable[[str, Any], Any]) -> None:
    """Serve each request for a service by what `around` returns of its name and its handler, but for `own` services.

    What is returned takes a handler's five parameters and passes on, by name, what else it is given.
    """
    for name, handler in _app.SERVICE_HANDLERS.items():
        if name not in (*own, "s3"):
            _app.SERVICE_HANDLERS[name] = around(name, handler)
    _s3.handle_request = around("s3", _s3.handle_request)


def headers_of(service: str, headers: dict[str, str], query: dict[str, Any]) -> dict[str, str]:
    """Return the headers of a request with those that a presigned address carries in its query."""
    merged: dict[str, str] = _s3._merge_hoisted_amz_headers(headers, query) if service == "s3" else headers
    return merged


_OF_S3 = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9-]+)?")
_stock_bucket = _app._extract_s3_vhost_bucket
_stock_by_host = _app._handle_s3_vhost_request


def _bucket_in(host: str) -> str | None:
    """Return the bucket that a host names: the part before localhost, or before s3.localhost and s3.REGION.localhost.

    ministack knows one name of its own, which is 127.0.0.1, and would take such a request's key for the bucket.
    """
    name = (host or "").strip().lower().partition(":")[0]
    if not name.endswith(".localhost"):
        found: str | None = _stock_bucket(host)
        return found
    before = name.removesuffix(".localhost")
    of_s3 = _OF_S3.fullmatch(before)
    return of_s3["bucket"] if of_s3 else before


async def _by_host(host: str, path: str, method: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
    # The host of another service may begin with a name too: with an account's, an API's.
    if _app.detect_service(method, path, headers, query) != "s3":
        return None
    return await _stock_by_host(host, path, method, headers, body, query)


_app._extract_s3_vhost_bucket = _bucket_in
_app._handle_s3_vhost_request = _by_host
