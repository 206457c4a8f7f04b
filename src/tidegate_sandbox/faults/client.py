"""Asks a running sandbox to set and clear faults: what the command line does."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

PATH = "/_tidegate/faults"
CLOCK = "/_tidegate/clock"


class InjectError(Exception):
    """The sandbox refused; the message is its sentence, or several lines of them."""


class Injector:
    """The faults of the sandbox on `port` of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def every(self) -> dict[str, Any]:
        """Return the faults that are set, and the time by the sandbox's clock."""
        told = self._send("GET", PATH)
        told.pop("token")
        return told

    def set(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Set the fault that `asked` describes; return it."""
        return self._change("POST", PATH, asked)

    def clear(self, which: str | None) -> list[dict[str, Any]]:
        """Clear a fault by its id, or all; return what was cleared."""
        path = f"{PATH}/{quote(which, safe='')}" if which else PATH
        cleared: list[dict[str, Any]] = self._change("DELETE", path, {})["faults"]
        return cleared

    def jump(self, how_far: str) -> dict[str, Any]:
        """Let the clock jump, by `+1h` or `-90s`; return its time before and after."""
        return self._change("POST", CLOCK, {"jump": how_far})

    def _change(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        token = self._send("GET", PATH)["token"]
        headers = {"content-type": "application/json", "x-tidegate-token": token}
        return self._send(method, path, json.dumps(body).encode(), headers)

    def _send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            told: dict[str, Any] = json.loads(answer.read())
        except (OSError, HTTPException, ValueError) as error:
            raise InjectError(f"the sandbox on port {self._port} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise InjectError(str(told.get("message", answer.reason)))
        return told
