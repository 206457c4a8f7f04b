"""The sandbox's raw http routes: what is served beside the AWS services, by path."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
"""An ASGI scope or event. https://asgi.readthedocs.io/en/latest/specs/main.html"""

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_INVOCATION = 6_291_456
"""Bytes of an InvokeEndpoint body at most (botocore, BodyBlob)."""


class BodyError(ValueError):
    """Why a request's body was not read, as a sentence; `status` is what http says of it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def read_body(receive: Receive, at_most: int) -> bytes:
    """Return a request's body of `at_most` bytes; raise BodyError where it has more, or ends too early."""
    parts, size, more = [], 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BodyError(400, "The request ended before its body did.")
        part = event.get("body", b"")
        size += len(part)
        if size > at_most:
            raise BodyError(413, f"The body has more than {at_most} bytes.")
        parts.append(part)
        more = event.get("more_body", False)
    return b"".join(parts)


_routes: list[tuple[Callable[[str], bool], AsgiApp]] = []


def route(matches: str | Callable[[str], bool], app: AsgiApp) -> None:
    """Serve http requests whose path starts with the prefix `matches` (or satisfies the predicate) with `app`.

    Routes come before the AWS services, in the order in which they were registered. No account or region is set in
    `app`: it takes them from the request, with `hooks.acting_in`.
    """
    predicate = matches if callable(matches) else (lambda path: path.startswith(matches))
    _routes.append((predicate, app))


def routed(path: str) -> AsgiApp | None:
    """Return the application that serves `path`, or None where that is left to the AWS services."""
    return next((app for matches, app in _routes if matches(path)), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole of what a request is answered; header names in lower case, without content-length."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


Direct = Callable[[str, Mapping[str, str], bytes, float], Awaitable[Answer]]
"""Answers a POST: path, headers (names in lower case), body, and when it had come by `time.perf_counter`."""

_direct: list[tuple[Callable[[str], bool], Direct]] = []


def direct(matches: Callable[[str], bool], answer: Direct) -> None:
    """Let `answer` have plain POST requests whose path satisfies `matches` as they come: see `wire`.

    Those that are not plain take the route of that path, which has to answer the same.
    """
    _direct.append((matches, answer))


def direct_route(path: str) -> Direct | None:
    """Return what answers plain POST requests for `path` as they come, or None."""
    return next((answer for matches, answer in _direct if matches(path)), None)
