"""HTTP to one model server, over connections that are kept: a fraction of a general client's cost per request."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024


class UpstreamError(Exception):
    """The model server did not answer as HTTP; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model server's answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Upstream:
    """A client of the model server on a port of 127.0.0.1. For use on one event loop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._kept: list[_Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, path: str, headers: Iterable[tuple[str, str]], body: bytes, timeout: float) -> Reply:  # noqa: ASYNC109
        """Send a request and return the answer. TimeoutError after `timeout` seconds, else UpstreamError."""
        self._loop = loop = asyncio.get_running_loop()
        lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        request = "\r\n".join((*lines, "", "")).encode("latin-1") + body
        until = loop.time() + timeout
        while self._kept:
            connection = self._kept.pop()
            try:
                return await self._exchange(connection, request, until)
            except UpstreamError:  # the server may have closed a connection that was kept; the next may be good
                continue
        try:
            async with asyncio.timeout_at(until):
                _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise UpstreamError(f"the model server cannot be reached: {error.strerror or error}") from error
        return await self._exchange(connection, request, until)

    async def _exchange(self, connection: "_Connection", request: bytes, until: float) -> Reply:
        assert self._loop is not None
        answer = connection.ask(request, self._loop)
        timer = self._loop.call_at(until, connection.give_up)
        try:
            reply = await answer
        except BaseException:  # it broke off, took too long, or nobody waits for the answer any more
            connection.close()
            raise
        finally:
            timer.cancel()
        if reply.headers.get("connection", "").lower() == "close":
            connection.close()
        else:
            self._kept.append(connection)
        return reply

    def close(self) -> None:
        """Close the connections that are kept. May be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close_kept)

    def _close_kept(self) -> None:
        while self._kept:
            self._kept.pop().close()


class _Connection(asyncio.Protocol):
    """A connection to the model server, with one request in flight at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._received = b""
        self._head: tuple[int, dict[str, str], int, int] | None = None
        """The answer's status and headers once they have come, and where its body begins and ends."""

    def ask(self, request: bytes, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[Reply]":
        """Send a request; its answer fails with UpstreamError where the connection breaks off."""
        answer = self._answer = loop.create_future()
        if self._transport is None or self._transport.is_closing():
            self._break_off()
        else:
            self._transport.write(request)
        return answer

    def give_up(self) -> None:
        """Let the answer fail with TimeoutError."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError())

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._break_off()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if self._head is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                if len(self._received) > HEAD_LIMIT:
                    self._break_off()
                return
            try:
                status, headers = _parse(self._received[:end])
                self._head = status, headers, end + 4, end + 4 + int(headers["content-length"])
            except (ValueError, KeyError, IndexError):
                self._break_off()
                return
        status, headers, begin, end = self._head
        if len(self._received) < end:
            return
        reply, surplus = Reply(status, headers, self._received[begin:end]), len(self._received) > end
        self._received, self._head = b"", None
        if surplus or self._answer is None or self._answer.done():
            self._break_off()  # it says what nobody asked
        else:
            self._answer.set_result(reply)

    def _break_off(self) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            said = "the model server closed the connection or did not answer as HTTP"
            self._answer.set_exception(UpstreamError(said))


def _parse(head: bytes) -> tuple[int, dict[str, str]]:
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(status_line.split(" ")[1]), headers
