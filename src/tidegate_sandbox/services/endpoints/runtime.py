"""SageMaker's runtime: InvokeEndpoint as a raw route, and the page that accounts for each request.

Kept off the path that other operations take: a request costs one choice, one exchange with a model server and a few
additions, on the server's event loop.
"""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from tidegate_sandbox import context, credentials, hooks, journal
from tidegate_sandbox.credentials import Credentials
from tidegate_sandbox.errors import AwsError, UnknownKeyError
from tidegate_sandbox.faults import calls, standing
from tidegate_sandbox.routes import LARGEST_INVOCATION, Answer, BodyError, Message, Receive, Send, read_body
from tidegate_sandbox.services.endpoints.endpoint import Endpoint, endpoints
from tidegate_sandbox.services.endpoints.exchange import CUSTOM_ATTRIBUTES, Request, content_type, exchange
from tidegate_sandbox.services.endpoints.fleets import Fleet, ModelServer
from tidegate_sandbox.services.endpoints.mirror import mirror
from tidegate_sandbox.services.endpoints.router import NobodyServesError
from tidegate_sandbox.services.endpoints.upstream import Reply

_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
_ABSENT = {
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_LEDGER = re.compile(r"/_tidegate/endpoints/([^/]+)/ledger")

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=(ASIA[^/,]+)/[^/,]+/([^/,]+)/")

_ASKS_WHO = "x-tidegate-who"
_TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
_UNSIMULATED = ("target-model", "target-container-hostname", "enable-explanations", "inference-component", "session-id")


class _RefusedError(Exception):
    def __init__(
        self, status: int, code: str, message: str, headers: Sequence[tuple[str, str]] = (), **members: Any
    ) -> None:
        self.status = status
        self.headers = [("content-type", "application/json"), ("x-amzn-errortype", code), *headers]
        self.body = json.dumps({"Message": message, **members}).encode()


def is_invocation(path: str) -> bool:
    """Whether a request of this path is the runtime's."""
    return _INVOCATIONS.fullmatch(path) is not None


def is_ledger(path: str) -> bool:
    """Whether a request of this path asks for an endpoint's ledger."""
    return _LEDGER.fullmatch(path) is not None


async def invoke(http: Message, receive: Receive, send: Send) -> None:
    """Serve InvokeEndpoint over ASGI."""
    started = time.perf_counter()
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in http["headers"]}
    try:
        if http["method"] != "POST":
            raise _RefusedError(405, "MethodNotAllowed", "InvokeEndpoint is a POST")
        body = await read_body(receive, LARGEST_INVOCATION)
    except BodyError as error:
        answer = _refused(_RefusedError(error.status, "ValidationError", str(error)))
    except _RefusedError as refused:
        answer = _refused(refused)
    else:
        answer = await answer_invocation(http["path"], headers, body, started)
    await _send_answer(send, answer)


async def answer_invocation(path: str, headers: Mapping[str, str], body: bytes, started: float) -> Answer:
    """Answer InvokeEndpoint; see `routes.Direct`."""
    try:
        return await _invoke(path, headers, body, started)
    except _RefusedError as refused:
        return _refused(refused)


def _refused(refused: _RefusedError) -> Answer:
    return Answer(refused.status, refused.headers, refused.body)


async def _invoke(path: str, headers: Mapping[str, str], body: bytes, started: float) -> Answer:
    match = _INVOCATIONS.fullmatch(path)
    assert match is not None
    name, operation = match.groups()
    if operation != "invocations":
        raise _RefusedError(
            501, "NotImplemented", f"sagemaker-runtime:{_ABSENT[operation]} is not in the local simulation"
        )
    for member in _UNSIMULATED:
        if f"x-amzn-sagemaker-{member}" in headers:
            raise _RefusedError(400, "ValidationError", f"X-Amzn-SageMaker-{member} is not in the local simulation")
    try:
        who, account, region = _caller(headers)
    except UnknownKeyError as unknown:
        raise _RefusedError(403, unknown.code, unknown.message) from None
    scope = context.Scope(account, region)
    endpoint = (endpoints.of(scope) or {}).get(name)
    if not standing.book.is_empty:
        with hooks.acting_in(account, region):
            refused = calls.refused("sagemaker", "InvokeEndpoint", headers)
        if refused is not None:
            raise _RefusedError(refused.status, refused.code, refused.message)
    try:
        journal.invoked(who, scope.arn("sagemaker", f"endpoint/{name.lower()}"), region)
    except AwsError as denied:
        raise _RefusedError(403, denied.code, denied.message) from None
    if endpoint is None or endpoint.fleet is None:
        raise _RefusedError(400, "ValidationError", f"Endpoint {name} of account {account} not found.")
    request = Request(headers, body, started)
    try:
        fleet, server = endpoint.router.enter(headers.get(_TARGET_VARIANT))
    except NobodyServesError as error:
        raise _RefusedError(400, "ValidationError", f"Endpoint {name}: {error}.") from error
    try:
        return await _ask(endpoint, fleet, server, request)
    finally:
        endpoint.router.leave(server)
        mirror(endpoint, fleet, request)


def _caller(headers: Mapping[str, str]) -> tuple[Credentials | None, str, str]:
    """Return the session of a role that a request is signed with, if it is one, and the account and region it is for.

    The region is the credential scope's (SigV4, "Credential=KEY/DATE/REGION/SERVICE/aws4_request").
    """
    signed = _CREDENTIAL.match(headers.get("authorization", ""))
    who = credentials.of_request(signed[1]) if signed else None
    if signed is None or who is None:
        return None, *hooks.account_and_region_of(headers)
    return who, who.account, signed[2]


async def _ask(endpoint: Endpoint, fleet: Fleet, server: ModelServer, request: Request) -> Answer:
    reply, failure = await exchange(endpoint, fleet, server, request, endpoint.ledger)
    who = _who(fleet, server) if _ASKS_WHO in request.headers else ()
    if reply is None or not 200 <= reply.status < 300:
        raise _model_error(endpoint, reply, failure, who)
    answer_headers = [
        ("content-type", content_type(reply)),
        ("x-amzn-invoked-production-variant", server.variant.name),
        *who,
    ]
    if CUSTOM_ATTRIBUTES in reply.headers:
        answer_headers.append((CUSTOM_ATTRIBUTES, reply.headers[CUSTOM_ATTRIBUTES]))
    return Answer(200, answer_headers, reply.body)


def _who(fleet: Fleet, server: ModelServer) -> tuple[tuple[str, str]]:
    """Return the header that names who answered, for those who ask: AWS tells the variant alone."""
    model = server.variant.container.model_package or server.variant.model
    return (("x-tidegate-answered-by", f"{fleet.plan.config};{model};{server.variant.name}"),)


def _model_error(
    endpoint: Endpoint, reply: Reply | None, failure: str, headers: Sequence[tuple[str, str]]
) -> _RefusedError:
    """Return the ModelError that the runtime makes of a model's own error, or of its silence."""
    said = reply.body.decode(errors="replace") if reply else failure
    status = reply.status if reply else 0
    side = "client" if 400 <= status < 500 else "server"
    return _RefusedError(
        424,
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{said}". See the logs of endpoint '
        f"{endpoint.name} in account {endpoint.scope.account} for more information.",
        headers,
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
        return await _send_answer(send, _json(404, {"message": sentence}))
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
    return await _send_answer(send, _json(200, page))


def _json(status: int, value: Any) -> Answer:
    return Answer(status, [("content-type", "application/json")], json.dumps(value).encode())


async def _send_answer(send: Send, answer: Answer) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    encoded.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body})
