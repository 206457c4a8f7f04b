"""SageMaker's runtime: InvokeEndpoint as a raw ASGI route, and the page that accounts for each request.

Kept off the path that other operations take: a request costs one choice, one exchange with a model server and a few
additions, on the server's event loop.
"""

import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from tidegate_sandbox import context, hooks, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults import calls
from tidegate_sandbox.routes import BodyError, Message, Receive, Send, read_body
from tidegate_sandbox.services.endpoints.endpoint import Endpoint, endpoints
from tidegate_sandbox.services.endpoints.exchange import CUSTOM_ATTRIBUTES, Request, content_type, exchange
from tidegate_sandbox.services.endpoints.fleets import Fleet, ModelServer
from tidegate_sandbox.services.endpoints.mirror import mirror
from tidegate_sandbox.services.endpoints.router import NobodyServesError
from tidegate_sandbox.services.endpoints.upstream import Reply

MAX_BODY = 6_291_456
"""Bytes of a request's body at most (botocore, BodyBlob)."""

_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
_LEDGER = re.compile(r"/_tidegate/endpoints/([^/]+)/ledger")

_TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
_UNSIMULATED = ("target-model", "target-container-hostname", "enable-explanations", "inference-component", "session-id")


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str, **members: Any) -> None:
        self.status = status
        self.code = code
        self.body = json.dumps({"Message": message, **members}).encode()


def is_invocation(path: str) -> bool:
    """Whether a request of this path is the runtime's."""
    return _INVOCATIONS.fullmatch(path) is not None


def is_ledger(path: str) -> bool:
    """Whether a request of this path asks for an endpoint's ledger."""
    return _LEDGER.fullmatch(path) is not None


async def invoke(http: Message, receive: Receive, send: Send) -> None:
    """Serve InvokeEndpoint."""
    started = time.perf_counter()
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in http["headers"]}
    try:
        status, answer_headers, body = await _invoke(started, http, headers, receive)
    except _RefusedError as refused:
        status, body = refused.status, refused.body
        answer_headers = [("content-type", "application/json"), ("x-amzn-errortype", refused.code)]
    await _answer(send, status, answer_headers, body)


async def _invoke(
    started: float, http: Mapping[str, Any], headers: Mapping[str, str], receive: Receive
) -> tuple[int, list[tuple[str, str]], bytes]:
    match = _INVOCATIONS.fullmatch(http["path"])
    assert match is not None
    name, operation = match.groups()
    if operation != "invocations":
        raise _RefusedError(501, "NotImplemented", f"sagemaker-runtime: {operation} is not in the local simulation")
    if http["method"] != "POST":
        raise _RefusedError(405, "MethodNotAllowed", "InvokeEndpoint is a POST")
    for member in _UNSIMULATED:
        if f"x-amzn-sagemaker-{member}" in headers:
            raise _RefusedError(400, "ValidationError", f"X-Amzn-SageMaker-{member} is not in the local simulation")
    try:
        body = await read_body(receive, MAX_BODY)
    except BodyError as error:
        raise _RefusedError(error.status, "ValidationError", str(error)) from error
    account, region = hooks.account_and_region_of(headers)
    with hooks.acting_in(account, region):
        endpoint = endpoints.here().get(name)
        refused = calls.refused("sagemaker", "InvokeEndpoint", headers)
    if refused is not None:
        raise _RefusedError(refused.status, refused.code, refused.message)
    try:
        journal.invoked(headers, context.Scope(account, region).arn("sagemaker", f"endpoint/{name.lower()}"), region)
    except AwsError as denied:
        raise _RefusedError(403, denied.code, denied.message) from None
    if endpoint is None or endpoint.fleet is None:
        raise _RefusedError(400, "ValidationError", f"Endpoint {name} of account {account} not found.")
    request = Request(headers, body, started)
    try:
        with endpoint.router.server(headers.get(_TARGET_VARIANT)) as (fleet, server):
            try:
                return await _ask(endpoint, fleet, server, request)
            finally:
                mirror(endpoint, fleet, request)
    except NobodyServesError as error:
        raise _RefusedError(400, "ValidationError", f"Endpoint {name}: {error}.") from error


async def _ask(
    endpoint: Endpoint, fleet: Fleet, server: ModelServer, request: Request
) -> tuple[int, list[tuple[str, str]], bytes]:
    reply, failure = await exchange(endpoint, fleet, server, request, endpoint.ledger)
    if reply is None or not 200 <= reply.status < 300:
        raise _model_error(endpoint, reply, failure)
    answer_headers = [
        ("content-type", content_type(reply)),
        ("x-amzn-invoked-production-variant", server.variant.name),
    ]
    if CUSTOM_ATTRIBUTES in reply.headers:
        answer_headers.append((CUSTOM_ATTRIBUTES, reply.headers[CUSTOM_ATTRIBUTES]))
    return 200, answer_headers, reply.body


def _model_error(endpoint: Endpoint, reply: Reply | None, failure: str) -> _RefusedError:
    """Return the ModelError that the runtime makes of a model's own error, or of its silence."""
    said = reply.body.decode(errors="replace") if reply else failure
    status = reply.status if reply else 0
    side = "client" if 400 <= status < 500 else "server"
    return _RefusedError(
        424,
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{said}". See the logs of endpoint '
        f"{endpoint.name} in account {endpoint.scope.account} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=said,
        LogStreamArn=endpoint.scope.arn("logs", f"log-group:/aws/sagemaker/Endpoints/{endpoint.name}"),
    )


async def ledger(http: Message, _receive: Receive, send: Send) -> None:
    """Serve the page of an endpoint that accounts for each request since it was created, as JSON.

    `requests` counts them by who answered and with which status of the model's (0: none); `traffic` is today's split.
    `mirrored` counts the copies that shadows got, and `mirroring` is the share of all requests that they get today.
    The query may name `account` and `region`, where several have an endpoint of that name.
    """
    match = _LEDGER.fullmatch(http["path"])
    assert match is not None
    query = {key: values[0] for key, values in parse_qs(http["query_string"].decode()).items()}
    found = [
        (scope, here[match[1]])
        for scope, here in endpoints.everywhere()
        if match[1] in here and query.items() <= {"account": scope.account, "region": scope.region}.items()
    ]
    if len(found) != 1:
        sentence = f"{len(found)} endpoints have the name {match[1]}" + ("; give account and region" if found else "")
        return await _answer(
            send, 404, [("content-type", "application/json")], json.dumps({"message": sentence}).encode()
        )
    ((scope, endpoint),) = found
    page = {
        "endpoint": endpoint.name,
        "account": scope.account,
        "region": scope.region,
        "requests": endpoint.ledger.entries(),
        "traffic": endpoint.router.traffic(),
        "mirrored": endpoint.mirrored.entries(),
        "mirroring": endpoint.router.mirroring(),
    }
    return await _answer(send, 200, [("content-type", "application/json")], json.dumps(page).encode())


async def _answer(send: Send, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    encoded.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
