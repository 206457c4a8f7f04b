"""Endpoints without processes, servers or wall: a clock that is moved by hand, and model servers that do as told.

What stands in for something: child processes and HTTP to them, CloudWatch's alarms, delivery of events. Everything
between is the sandbox's own code, its background threads included: time goes on once all of them wait for it.
"""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox import context, hooks, images, isolation
from tidegate_sandbox.context import Sandbox, Scope
from tidegate_sandbox.processes import Process
from tidegate_sandbox.services.endpoints import fleets, runtime
from tidegate_sandbox.services.endpoints.upstream import Reply, UpstreamError
from tidegate_sandbox.services.sagemaker import sagemaker

ACCOUNT, REGION = "444455556666", "eu-west-1"
SCOPE = Scope(ACCOUNT, REGION)


class HandMovedClock:
    """A clock whose time is moved by `advance`; whoever sleeps on it wakes in order of time."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC).replace(second=0, microsecond=0)
        self.jumped = timedelta(0)
        self._changed = threading.Condition()
        self._running = 0
        self._sleepers: list[tuple[datetime, threading.Event]] = []

    def now(self) -> datetime:
        return self._now

    def jump(self, distance: timedelta) -> None:
        """Set the clock; whoever sleeps goes on sleeping."""
        self.settle()
        self._now += distance
        self.jumped += distance
        self._sleepers = [(at + distance, awake) for at, awake in self._sleepers]

    def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        awake = threading.Event()
        with self._changed:
            self._sleepers.append((self._now + timedelta(seconds=seconds), awake))
            self._running -= 1
            self._changed.notify_all()
        awake.wait()

    def run(self, function: Callable[[], Any]) -> Callable[[], None]:
        """Return `function` as one whose end, or sleep, time waits for."""
        with self._changed:
            self._running += 1

        def counted() -> None:
            try:
                function()
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        return counted

    def settle(self) -> None:
        """Return once everything that runs waits for the time to go on."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._running == 0, 20), "something neither ends nor sleeps"

    def advance(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        self.settle()
        while due := sorted({at for at, _ in self._sleepers if at <= until}):
            with self._changed:
                self._now = due[0]
                woken = [each for each in self._sleepers if each[0] == due[0]]
                self._sleepers = [each for each in self._sleepers if each[0] != due[0]]
                self._running += len(woken)
            for _, awake in woken:
                awake.set()
            self.settle()
        self._now = until


class Child:
    """A model server's process: alive until it is ended."""

    def __init__(self, world: "World", number: int) -> None:
        self.world, self.pid = world, number
        self.alive = True

    def poll(self) -> int | None:
        return None if self.alive else 1

    def terminate(self, _grace: float = 0) -> int:
        self.alive = False
        return 0

    kill = terminate


class Wire:
    """HTTP to a model server."""

    world: "World"

    def __init__(self, port: int) -> None:
        self.child = self.world.children[port]

    async def post(self, *_: Any) -> Reply:
        if not self.child.alive:
            self.world.strange.append("a request reached a model server that had ended")
            raise UpstreamError("it has ended")
        return Reply(self.world.status, {"content-type": "text/csv"}, b"x")

    def close(self) -> None: ...


class Alarms:
    """CloudWatch, as far as it is asked about alarms; `firing` are those in ALARM."""

    def __init__(self) -> None:
        self.firing: set[str] = set()
        self.looked = 0

    def describe_alarms(self, AlarmNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.looked += 1
        states = {name: "ALARM" if name in self.firing else "OK" for name in AlarmNames}
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": state} for name, state in states.items()]}


class World:
    """A sandbox's endpoints.

    `starts` says which model servers come up: all, none, every other; `slow`, after how many seconds.
    """

    def __init__(self, home: Path) -> None:
        self.clock, self.alarms = HandMovedClock(), Alarms()
        self.children: list[Child] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.strange: list[str] = []
        self.starts, self.slow, self.status = "all", 0.0, 200
        self.failed_starts = 0
        self.loop = asyncio.new_event_loop()
        self._patch = pytest.MonkeyPatch()
        self._in_background = hooks.run_in_background
        wire = type("Wire", (Wire,), {"world": self})
        put = self._patch.setattr
        put(context, "_running", Sandbox(home, 1, self.clock))
        put(Scope, "client", lambda *_: self.alarms)
        put(hooks, "run_in_background", self._run_in_background)
        put(hooks, "emit_event", lambda source, kind, detail, resources: self.events.append((kind, dict(detail))))
        put(Process, "start", self._start)
        put(fleets, "Upstream", wire)
        put(fleets, "_ping", lambda port: HTTPStatus.OK if self.children[port].alive else None)
        put(fleets, "_unpack", lambda *_: None)
        put(fleets, "_LOOK_AGAIN", 0)
        put(images, "environment_for", lambda _: Path("python"))
        put(images, "known", lambda _: images.StandIn("model", "1", ()))
        put(isolation, "prefix", lambda _: [])

    def close(self) -> None:
        """Let what still runs come to its end, and put everything back."""
        try:
            self.alarms.firing.clear()
            self.clock.advance(48 * 3600)
        finally:
            self._patch.undo()
            self.loop.close()

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation of SageMaker; AwsError where it refuses."""
        with hooks.acting_in(ACCOUNT, REGION):
            answer = sagemaker.operations[operation](parameters) or {}
        self.clock.settle()
        return answer

    def invoke(self, endpoint: str, target: str | None = None) -> tuple[int, str]:
        """Invoke an endpoint; return the status and the variant that answered, "" if none did."""
        headers = [
            (
                b"authorization",
                f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/sagemaker/aws4_request".encode(),
            ),
            (b"content-type", b"text/csv"),
        ]
        if target is not None:
            headers.append((b"x-amzn-sagemaker-target-variant", target.encode()))
        http = {"type": "http", "method": "POST", "path": f"/endpoints/{endpoint}/invocations", "headers": headers}
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"1,2", "more_body": False}

        async def send(event: dict[str, Any]) -> None:
            sent.append(event)

        self.loop.run_until_complete(runtime.invoke(http, receive, send))
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        if sent[0]["status"] not in (200, 424):
            self.strange.append(f"an invocation was answered by {sent}")
        return sent[0]["status"], answered.get("x-amzn-invoked-production-variant", "")

    def _run_in_background(self, function: Callable[..., Any], *arguments: Any, name: str) -> threading.Thread:
        def watched() -> None:
            try:
                function(*arguments)
            except Exception as error:
                self.strange.append(f"{name} raised {error!r}")

        return self._in_background(self.clock.run(watched), name=name)

    def _start(self, argv: list[str], **_: Any) -> Child:
        self.clock.sleep(self.slow)
        child = Child(self, len(self.children))
        child.alive = self.starts == "all" or (self.starts == "every other" and child.pid % 2 == 0)
        self.failed_starts += not child.alive
        self.children.append(child)
        Path(argv[argv.index("--announce") + 1]).write_text(str(child.pid))
        return child
