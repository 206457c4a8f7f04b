"""One request to one model server: asked, metered, accounted for and captured, whoever gets the answer."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tidegate_sandbox import context, hooks
from tidegate_sandbox.faults import standing
from tidegate_sandbox.faults.requests import Ask, Asked, disturbed
from tidegate_sandbox.faults.subjects import Invocation
from tidegate_sandbox.services.endpoints import capture
from tidegate_sandbox.services.endpoints.endpoint import Endpoint
from tidegate_sandbox.services.endpoints.fleets import Fleet, ModelServer
from tidegate_sandbox.services.endpoints.metering import Account, Ledger, Meter
from tidegate_sandbox.services.endpoints.records import Variant
from tidegate_sandbox.services.endpoints.upstream import Reply, UpstreamError

TIMEOUT = 60.0
"""Seconds of the wall in which a model must answer."""

CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"

_INFERENCE_ID = "x-amzn-sagemaker-inference-id"

_APP = re.compile(r"(?:^|\s)app/(\S+)")
"""How AWS's SDKs tell a User-Agent the application id that their setting `sdk_ua_app_id` gives."""


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request: header names in lower case; `started` on the clock of `time.perf_counter`."""

    headers: Mapping[str, str]
    body: bytes
    started: float

    @property
    def content_type(self) -> str:
        """What the client says of the body."""
        return self.headers.get("content-type", "application/octet-stream")

    @property
    def app(self) -> str:
        """The application id that the client's User-Agent names, "" if it does not."""
        match = _APP.search(self.headers.get("user-agent", ""))
        return match[1] if match else ""


async def exchange(
    endpoint: Endpoint, fleet: Fleet, server: ModelServer, request: Request, ledger: Ledger
) -> tuple[Reply | None, str]:
    """Put a request to `server`; return its reply, or None and why there is none. A model's own error is a reply."""
    passed_on = [("content-type", request.content_type), ("accept", request.headers.get("accept", "*/*"))]
    if CUSTOM_ATTRIBUTES in request.headers:
        passed_on.append((CUSTOM_ATTRIBUTES, request.headers[CUSTOM_ATTRIBUTES]))
    asked = time.perf_counter()
    reply: Reply | None = None
    failure = ""
    try:
        # A fleet of the sandbox before this one may still be starting.
        upstream = server.upstream or await server.reached(TIMEOUT)
        ask = partial(upstream.post, "/invocations", passed_on, request.body, TIMEOUT)
        reply = await (ask() if standing.book.is_empty else _disturbed(endpoint, fleet, server, request, ask))
    except TimeoutError:
        failure = (
            "Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
            "for each container in Amazon CloudWatch, resolve the issue, and try again."
        )
    except UpstreamError as error:
        failure = str(error)
        hooks.run_in_background(server.replace_if_dead, name=f"replace model server {server.variant.model}")
    ended = time.perf_counter()
    served = _Served(server.variant, reply, context.sandbox().clock.now(), ended - asked, ended - request.started)
    # Whoever waits for the answer does not wait for this: it comes before any other request is looked at.
    asyncio.get_running_loop().call_soon(_account_for, endpoint, fleet, server.meter, request, ledger, served)
    return reply, failure


@dataclass(frozen=True, slots=True)
class _Served:
    """How a request ended, and when by the sandbox's clock; seconds that the model took, and all in all."""

    variant: Variant
    reply: Reply | None
    at: datetime
    model: float
    whole: float


def _account_for(
    endpoint: Endpoint, fleet: Fleet, meter: Meter, request: Request, ledger: Ledger, served: _Served
) -> None:
    variant, reply = served.variant, served.reply
    status, overhead = reply.status if reply else None, served.whole - served.model
    meter.record(served.at, status, served.model * 1e6, overhead * 1e6, variant.instance_count)
    package = variant.container.model_package or ""
    ledger.add(Account(fleet.plan.config, variant.name, variant.model, package, status or 0, request.app))
    captured = fleet.plan.capture
    if reply is not None and 200 <= reply.status < 300 and captured is not None and endpoint.capturer.wants(captured):
        record = capture.line(
            captured,
            served.at,
            request=(request.content_type, request.body),
            answer=(content_type(reply), reply.body),
            inference_id=request.headers.get(_INFERENCE_ID),
            custom_attributes=request.headers.get(CUSTOM_ATTRIBUTES),
        )
        endpoint.capturer.add(captured, variant.name, served.at, record)


async def _disturbed(endpoint: Endpoint, fleet: Fleet, server: ModelServer, request: Request, ask: Ask) -> Reply:
    """Ask as the faults that are set let it; TimeoutError where that takes longer than a model may."""
    account, is_new = endpoint.scope.account, fleet is endpoint.next_fleet
    befallen = Invocation(
        account, endpoint.name, fleet.plan.config, server.variant.name, is_new, request.content_type, request.body
    )
    asked = Asked(request.body, request.content_type, _answer_of_model, server.crash)
    async with asyncio.timeout(TIMEOUT):
        return await disturbed(asked, ask, standing.of_request(befallen))


def _answer_of_model(status: int, text: str) -> Reply:
    return Reply(status, {"content-type": "text/plain"}, text.encode())


def content_type(reply: Reply) -> str:
    """Return what the model says of its answer's body."""
    return reply.headers.get("content-type", "application/octet-stream")
