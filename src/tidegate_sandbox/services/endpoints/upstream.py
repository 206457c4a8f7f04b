"""HTTP to one model server, over connections that are kept: a fraction of a general client's cost per request."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
        self._loop = asyncio.get_running_loop()
        lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        request = "\r\n".join((*lines, "", "")).encode("latin-1") + body
        async with asyncio.timeout(timeout):
            while self._kept:
                connection = self._kept.pop()
                try:
                    return await self._exchange(connection, request)
                except UpstreamError:  # the server may have closed a connection that was kept; the next may be good
                    continue
            try:
                connection = await asyncio.open_connection("127.0.0.1", self._port, limit=HEAD_LIMIT)
            except OSError as error:
                raise UpstreamError(f"the model server cannot be reached: {error.strerror or error}") from error
            return await self._exchange(connection, request)

    async def _exchange(self, connection: _Connection, request: bytes) -> Reply:
        reader, writer = connection
        try:
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            status, headers = _parse(head)
            body = await reader.readexactly(int(headers["content-length"]))
        except (OSError, EOFError, ValueError, KeyError, asyncio.LimitOverrunError) as error:
            writer.close()
            raise UpstreamError("the model server closed the connection or did not answer as HTTP") from error
        except BaseException:  # cancelled or timed out in the middle of an answer
            writer.close()
            raise
        if headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self._kept.append(connection)
        return Reply(status, headers, body)

    def close(self) -> None:
        """Close the connections that are kept. May be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close_kept)

    def _close_kept(self) -> None:
        while self._kept:
            self._kept.pop()[1].close()


def _parse(head: bytes) -> tuple[int, dict[str, str]]:
    status_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(status_line.split(" ")[1]), headers
