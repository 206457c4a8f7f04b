"""Sends requests when they are due, whether or not earlier ones have been answered.

A load that waits for answers sends less to an endpoint that is slow, and so hides how slow it is (coordinated
omission). Here a request is due when the rate says so. Where every connection is taken it is sent late, and its
latency counts from when it was due, as a user's does who waits in a queue.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from tidegate_sandbox.load.report import Answerer, Outcome, Report
from tidegate_sandbox.load.rows import Rows
from tidegate_sandbox.load.target import Target

if TYPE_CHECKING:
    import httpx

ANSWERED_IN = 70.0
"""Seconds in which an answer is waited for: ten more than InvokeEndpoint takes at most."""

GRACE = 10.0
"""Seconds for which requests that were due within the load's time are still sent after it."""

_LATE = 0.005
"""Seconds from which on a request counts as late."""

USER_AGENT = "tidegate-load"
_ASKS_WHO = "x-tidegate-who"
_ANSWERED_BY = "x-tidegate-answered-by"
_VARIANT = "x-amzn-invoked-production-variant"
_RIGHT = 200


class Sender:
    """A load on one endpoint. `run` it once; `report` grows meanwhile."""

    def __init__(self, target: Target, rows: Rows, due: Iterator[float], connections: int, run: str) -> None:
        """`due` yields seconds since the beginning; `run` names the load to the endpoint's ledger."""
        self.report = Report()
        self._recent = Report()
        self._target = target
        self._due = due
        self._connections = connections
        self._headers = {"content-type": rows.content_type, "user-agent": f"{USER_AGENT} app/{run}", _ASKS_WHO: "1"}
        self._stopping = asyncio.Event()
        self._began = 0.0
        self._client: Callable[[], httpx.AsyncClient]
        self._free: list[httpx.AsyncClient] = []

    async def run(self, bodies: Iterator[bytes], accept: str | None, lasting: float | None) -> Report:
        """Send until nothing is due any more, `stop` is called, or GRACE is over; return what became of it."""
        import anyio.lowlevel
        import httpx

        if accept:
            self._headers["accept"] = accept
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        timeout = httpx.Timeout(ANSWERED_IN, connect=10.0)
        self._client = partial(
            httpx.AsyncClient,
            limits=limits,
            timeout=timeout,
            verify=httpx.create_ssl_context(),
            trust_env=not self._target.is_local,
        )
        # The first of each takes long, which is none of the endpoint's latency; httpx connects by anyio.
        await anyio.lowlevel.checkpoint()
        self._free.append(self._client())
        self._target.signed(self._headers, b"")
        self._began = time.perf_counter()
        try:
            await asyncio.gather(*(self._work(bodies, lasting) for _ in range(self._connections)))
        finally:
            await asyncio.gather(*(client.aclose() for client in self._free))
        self.report.seconds = time.perf_counter() - self._began
        return self.report

    def stop(self) -> None:
        """Send nothing more."""
        self._stopping.set()

    def take_recent(self) -> Report:
        """Return what became of requests since this was last asked."""
        recent, self._recent = self._recent, Report()
        return recent

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.perf_counter() - self._began

    async def _work(self, bodies: Iterator[bytes], lasting: float | None) -> None:
        # One connection's share of the work: whoever is free takes what is due next.
        for due in self._due:
            wait = due - self.seconds
            if wait > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), wait)
            if self._stopping.is_set():
                return
            if lasting is not None and self.seconds > lasting + GRACE:
                self.report.unsent += 1
                continue
            # Who was there in time answers for the endpoint alone, not for how late a timer is.
            late = wait < -_LATE
            since = self._began + due if late else time.perf_counter()
            self.report.late += late
            outcome = await self._ask(next(bodies), since)
            self.report.add(outcome)
            self._recent.add(outcome)

    async def _ask(self, body: bytes, since: float) -> Outcome:
        import httpx

        # A pool of many connections looks at each of them for each request; those that were used last are enough.
        client = self._free.pop() if self._free else self._client()
        headers = self._target.signed(self._headers, body)
        try:
            answer = await client.post(self._target.url, headers=headers, content=body)
        except httpx.TimeoutException:
            return Outcome(None, "no answer in time", time.perf_counter() - since)
        except httpx.HTTPError as error:
            return Outcome(None, f"no connection ({type(error).__name__})", time.perf_counter() - since)
        finally:
            self._free.append(client)
        latency = time.perf_counter() - since
        kind, said = _error(answer)
        return Outcome(_answerer(answer.headers), kind, latency, said)


def _answerer(headers: "httpx.Headers") -> Answerer | None:
    config, _, model = headers.get(_ANSWERED_BY, "").partition(";")
    model, _, variant = model.partition(";")
    if not (config or headers.get(_VARIANT)):
        return None
    version = model.rpartition("/")[2] if model.startswith("arn:") else model
    return Answerer(version, config, variant or headers.get(_VARIANT, ""))


def _error(answer: "httpx.Response") -> tuple[str, str]:
    """Return which error an answer is, and what it says; both are empty where it is none."""
    if answer.status_code == _RIGHT:
        return "", ""
    code = answer.headers.get("x-amzn-errortype", "").partition(":")[0] or "error"
    try:
        told = answer.json()
        original, said = told.get("OriginalStatusCode"), told.get("Message") or told.get("message") or ""
    except (ValueError, AttributeError):
        original, said = None, ""
    return f"{code} {answer.status_code}" + (f" ({original} from the model)" if original is not None else ""), str(said)
