"""Where faults are set and cleared: a route of the sandbox's own, for programs of this machine's user.

A page that a browser shows could send requests here, so it is guarded as the sandbox's page is: it answers its own
address alone, and a change needs JSON and the token, which another origin cannot read.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from tidegate.stage.quantities import format_duration, parse_duration
from tidegate_sandbox import context
from tidegate_sandbox.clock import ScaledClock
from tidegate_sandbox.faults import kinds, standing
from tidegate_sandbox.faults.book import TooManyError, UnknownFaultError
from tidegate_sandbox.faults.fault import LONGEST, RequestFault
from tidegate_sandbox.page.visitor import Visitors
from tidegate_sandbox.routes import BodyError, Message, Receive, Send, read_body
from tidegate_sandbox.state import changing, keep

PATH = "/_tidegate/faults"
CLOCK = "/_tidegate/clock"
LARGEST = 10_000
"""Bytes of what is asked for at most."""

_JUMPS_KEPT = 100

_jumps: list[dict[str, str]] = keep("clock jumps", [])
"""The last ones: a snapshot is taken where a record has changed, and has the time with it."""

_JUMP = re.compile(r"([+-])(.+)")


def serves(path: str) -> bool:
    """Whether a request of this path is for it."""
    return path in (PATH, CLOCK) or path.startswith(f"{PATH}/")


class Control:
    """The route as an ASGI application."""

    def __init__(self, port: int) -> None:
        self._visitors = Visitors(port)

    async def __call__(self, http: Message, receive: Receive, send: Send) -> None:
        """Answer a request, in JSON."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in http["headers"]}
        status, answer = await self._answer(http, headers, receive)
        body = json.dumps(answer).encode()
        sent = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        await send({"type": "http.response.start", "status": int(status), "headers": sent})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, http: Message, headers: Mapping[str, str], receive: Receive
    ) -> tuple[HTTPStatus, dict[str, Any]]:
        if refusal := self._visitors.refusal(headers):
            return HTTPStatus.FORBIDDEN, {"message": refusal}
        path, method = http["path"], http["method"]
        if method == "GET" and path == PATH:
            return HTTPStatus.OK, {**_told(), "token": self._visitors.token}
        if refusal := self._visitors.refusal_of_change(headers):
            return HTTPStatus.FORBIDDEN, {"message": refusal}
        try:
            match method, path:
                case "POST", "/_tidegate/faults":
                    return HTTPStatus.OK, _set(await _asked(receive))
                case "POST", "/_tidegate/clock":
                    return HTTPStatus.OK, _jump(await _asked(receive))
                case "DELETE", _ if path == PATH or path.startswith(f"{PATH}/"):
                    which = path.removeprefix(PATH).removeprefix("/") or None
                    return HTTPStatus.OK, _described(standing.book.clear(which))
        except BodyError as error:
            return HTTPStatus(error.status), {"message": str(error)}
        except UnknownFaultError as error:
            return HTTPStatus.NOT_FOUND, {"message": str(error)}
        except (kinds.FaultError, TooManyError, _JumpError) as error:
            return HTTPStatus.BAD_REQUEST, {"message": str(error)}
        return HTTPStatus.NOT_FOUND, {"message": f"There is no {method} {path}."}


class _JumpError(ValueError):
    pass


async def _asked(receive: Receive) -> dict[str, Any]:
    body = await read_body(receive, LARGEST)
    try:
        asked = json.loads(body)
    except ValueError:
        raise kinds.FaultError("What is asked for is a JSON object, and this is not JSON") from None
    if not isinstance(asked, dict):
        raise kinds.FaultError("What is asked for is a JSON object, and this is something else")
    return asked


def _told() -> dict[str, Any]:
    return {"clock": context.sandbox().clock.now().isoformat(), **_described(standing.book.every())}


def _described(entries: Any) -> dict[str, Any]:
    now = context.sandbox().clock.now()
    return {"faults": [entry.describe(now) for entry in entries]}


def _set(asked: dict[str, Any]) -> dict[str, Any]:
    fault = kinds.read(asked)
    entry = standing.book.set(fault)
    return {**entry.describe(context.sandbox().clock.now()), "note": _note(fault)}


def _note(fault: kinds.AnyFault) -> str:
    """Return what somebody should know who asks for `fault`: that they may have mistyped a name."""
    from tidegate_sandbox.services.endpoints.endpoint import endpoints

    if not isinstance(fault, RequestFault) or "*" in fault.endpoint or "?" in fault.endpoint:
        return ""
    known = any(fault.endpoint in here for _, here in endpoints.everywhere())
    return "" if known else f"There is no endpoint {fault.endpoint} yet."


def _jump(asked: Mapping[str, Any]) -> dict[str, Any]:
    clock = context.sandbox().clock
    match = _JUMP.fullmatch(str(asked.get("jump")))
    if match is None:
        raise _JumpError("jump: write how far, with a sign, such as +1h or -90s")
    try:
        distance = parse_duration(match[2])
    except ValueError as error:
        raise _JumpError(f"jump: {error}") from None
    if not timedelta(0) < distance <= LONGEST:
        raise _JumpError(f"jump: write 1s to {format_duration(LONGEST)}, forwards or backwards")
    assert isinstance(clock, ScaledClock)
    with changing():
        before = clock.now()
        clock.jump(distance if match[1] == "+" else -distance)
        jump = {"before": before.isoformat(), "clock": clock.now().isoformat()}
        _jumps[:] = [*_jumps[1 - _JUMPS_KEPT :], jump]
    return jump
