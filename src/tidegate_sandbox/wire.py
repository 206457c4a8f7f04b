"""A short way off the sandbox's port for the plain requests that come by the thousand; all others are the server's.

A request goes the short way where `routes.direct` names who answers its path and nothing about it is out of the
ordinary: a POST with a body of known length, from a program on this machine. It is answered in one piece, without a
general server's states and messages, which costs a fraction. A connection's first request of any other kind hands it
over to the server, for good.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tidegate_sandbox.routes import LARGEST_INVOCATION, Answer, Direct, direct_route

_log = logging.getLogger(__name__)

LONGEST_HEAD = 16 * 1024
"""Bytes of a request's line and headers at most; the server refuses a longer one."""

_NOT_PLAIN = ("transfer-encoding", "expect", "upgrade", "connection", "origin")
_LOOPBACK = ("127.0.0.1", "localhost")

_connections: "set[_Connection]" = set()


class Loop(asyncio.SelectorEventLoop):
    """An event loop on whose listening sockets plain requests go the short way."""

    async def create_server(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
        """Listen, as any event loop does."""
        return await super().create_server(lambda: _Connection(protocol_factory, self), *args, **options)


def close() -> None:
    """Close the connections of the short way, each once what it is asked is answered."""
    for connection in list(_connections):
        connection.close()


class _Connection(asyncio.Protocol):
    """A connection that has brought plain requests only so far, one of which may be being answered."""

    def __init__(self, server: Callable[[], asyncio.Protocol], loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._transport: asyncio.Transport
        self._received = b""
        self._head: tuple[Direct, str, dict[str, str], int, int] | None = None
        """Who answers the request whose head has come, its path and headers, and where its body begins and ends."""
        self._answering: asyncio.Task[None] | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        _connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        _connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if self._answering is None:
            self._look()
        else:
            # The client did not wait for its answer. What else it sends waits where it is.
            self._transport.pause_reading()

    def _look(self) -> None:
        """Begin to answer the request that has come, once all of it has."""
        if self._head is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0 and len(self._received) < LONGEST_HEAD and self._may_be_plain():
                return None
            self._head = _plain(self._received[:end], end + 4) if end >= 0 else None
            if self._head is None:
                return self._hand_over()
        direct, path, headers, begin, end = self._head
        if len(self._received) < end:
            return None
        body, self._received, self._head = self._received[begin:end], self._received[end:], None
        self._answering = self._loop.create_task(self._answer(direct, path, headers, body))
        return None

    def _may_be_plain(self) -> bool:
        line, whole, _ = self._received.partition(b"\r\n")
        return _direct_of(line) is not None if whole else line.startswith(b"POST /"[: len(line)])

    def _hand_over(self) -> None:
        _connections.discard(self)
        server = self._server()
        self._transport.set_protocol(server)
        server.connection_made(self._transport)
        server.data_received(self._received)
        self._received = b""

    async def _answer(self, direct: Direct, path: str, headers: dict[str, str], body: bytes) -> None:
        try:
            answer = await direct(path, headers, body, time.perf_counter())
        except Exception:
            _log.exception("POST %s failed", path)
            message = b'{"message": "the local simulation failed, see its log"}'
            answer = Answer(500, [("content-type", "application/json")], message)
        finally:
            self._answering = None
        if self._transport.is_closing():
            return
        lines = [_STATUS_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} "]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        lines += [f"content-length: {len(answer.body)}", *(["connection: close"] if self._closing else []), "", ""]
        self._transport.write("\r\n".join(lines).encode("latin-1") + answer.body)
        if self._closing:
            self._transport.close()
        elif self._received:
            self._transport.resume_reading()
            self._look()

    def close(self) -> None:
        """Close the connection once what it is asked is answered."""
        self._closing = True
        if self._answering is None:
            self._transport.close()


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


def _direct_of(request_line: bytes) -> tuple[Direct, str] | None:
    method, _, target = request_line.decode("latin-1").partition(" ")
    path, _, version = target.rpartition(" ")
    if method != "POST" or version != "HTTP/1.1" or "?" in path or "%" in path:
        return None
    direct = direct_route(path)
    return (direct, path) if direct else None


def _plain(head: bytes, begin: int) -> tuple[Direct, str, dict[str, str], int, int] | None:
    """Return what `_Connection` keeps of a request with this head, None where it is not one for the short way."""
    line, _, rest = head.partition(b"\r\n")
    found = _direct_of(line)
    if found is None:
        return None
    headers: dict[str, str] = {}
    for each in rest.decode("latin-1").split("\r\n"):
        name, colon, value = each.partition(":")
        name = name.lower()
        if not colon or name in headers or name != name.strip():
            return None
        headers[name] = value.strip()
    length = headers.get("content-length", "")
    host = headers.get("host", "").partition(":")[0]
    if any(name in headers for name in _NOT_PLAIN) or host not in _LOOPBACK or not length.isdecimal():
        return None
    size = int(length)
    return (*found, headers, begin, begin + size) if size <= LARGEST_INVOCATION else None
