"""Containers that fail: at their ping, in time, in the midst of a request, and while they serve."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tidegate_sandbox import context
from tidegate_sandbox.clock import ScaledClock
from tidegate_sandbox.context import Sandbox, Scope
from tidegate_sandbox.services.endpoints import exchange, fleets
from tidegate_sandbox.services.endpoints.exchange import Request
from tidegate_sandbox.services.endpoints.fleets import FleetError, ModelServer
from tidegate_sandbox.services.endpoints.health import MOST_FAILURES, Watch
from tidegate_sandbox.services.endpoints.metering import Ledger, Meter
from tidegate_sandbox.services.endpoints.records import Container, Plan, Variant

SERVER = """
import http.server, os, sys, time
if "{kind}" == "silent":
    time.sleep(60)
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Handler.asked += 1
        self.send_response(200 if "{kind}" == "late" and Handler.asked > 3 else 503)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
announce = sys.argv[sys.argv.index("--announce") + 1]
with open(announce + "~", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(announce + "~", announce)
server.serve_forever()
"""

Made = Callable[[str, float], ModelServer]


def variant(startup_timeout: float = 1.0) -> Variant:
    return Variant("AllTraffic", "m", Container("i", "s3://b/k", {}), "ml.m5.large", 4, 1.0, startup_timeout)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Start a container of some kind: one that is silent, one whose ping is never answered by 200, or only late."""
    servers = []

    def make(kind: str, startup_timeout: float) -> ModelServer:
        script = tmp_path / f"{kind}.py"
        script.write_text(SERVER.replace("{kind}", kind))
        monkeypatch.setattr(fleets, "MODEL_SERVER", script)
        monkeypatch.setattr(fleets, "_unpack", lambda *_: None)
        meter = cast(Meter, None)
        (tmp_path / f"{kind}.log").write_text("last words\n")  # a busy machine may not let it say them in its time
        server = ModelServer(variant(startup_timeout), tmp_path / kind, tmp_path / f"{kind}.log", meter)
        servers.append(server)
        server.launch(Path(sys.executable), {"AWS_REGION": "eu-west-1"})
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.mark.parametrize("kind", ["silent", "unwell"])
def test_a_container_that_never_passes_its_ping_fails_once_its_time_is_over(made: Made, kind: str) -> None:
    server = made(kind, 0.5)
    began = time.monotonic()

    with pytest.raises(FleetError) as failed:
        server.wait_until_healthy()

    assert time.monotonic() - began >= 0.5
    assert "production variant AllTraffic did not pass the ping health check" in str(failed.value)
    assert "Please check CloudWatch logs for this endpoint." in str(failed.value)
    assert "last words" in str(failed.value)
    assert not server.serving


def test_a_container_that_is_unwell_at_first_has_its_whole_time_to_become_healthy(made: Made) -> None:
    server = made("late", 20.0)

    server.wait_until_healthy()

    assert server.serving
    assert server.passes_ping()
    server.crash()
    assert not server.passes_ping()


class Patient:
    """A container whose health is told."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.serving = True
        self.healthy = True
        self.dead = False
        self.log: list[str] = []

    def passes_ping(self) -> bool:
        return self.healthy and not self.dead

    def replace_if_dead(self) -> None:
        if self.dead:
            self.dead = False
            self.log.append("started")

    def replace(self) -> None:
        self.healthy = True
        self.log.append("replaced")


def test_a_container_that_has_died_is_started_at_the_next_look() -> None:
    patient, watch = Patient(), Watch()
    patient.dead = True

    watch.look_at([patient])

    assert patient.log == ["started"]


def test_a_container_whose_ping_turns_bad_is_replaced_after_several_failures_in_a_row() -> None:
    patient, watch = Patient(), Watch()
    for healthy in [False] * (MOST_FAILURES - 1) + [True] + [False] * (MOST_FAILURES - 1):
        patient.healthy = healthy
        watch.look_at([patient])
    assert patient.log == []

    watch.look_at([patient])

    assert patient.log == ["replaced"]


def test_a_container_that_is_busy_or_stopped_is_left_alone() -> None:
    busy, stopped, watch = Patient(), Patient(), Watch()
    busy.healthy = stopped.healthy = False
    busy.in_flight, stopped.serving = 1, False

    for _ in range(2 * MOST_FAILURES):
        watch.look_at([busy, stopped])

    assert busy.log == stopped.log == []


def test_a_container_that_cannot_be_started_again_keeps_no_other_from_it() -> None:
    class Hopeless(Patient):
        def replace_if_dead(self) -> None:
            raise FleetError("it will not")

    hopeless, other, watch = Hopeless(), Patient(), Watch()
    hopeless.dead = other.dead = True

    watch.look_at([hopeless, other])

    assert other.log == ["started"]


def test_a_model_that_takes_too_long_is_a_model_error_and_counts_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Slow:
        async def post(self, *_: Any) -> None:
            raise TimeoutError

    class Server:
        upstream = Slow()
        variant = variant()
        meter = Meter(Scope("444455556666", "eu-west-1"), "slow", "AllTraffic", "c")

    class Fleet:
        plan = Plan("c", (variant(),))

    class Endpoint:
        scope = Scope("444455556666", "eu-west-1")
        name = "slow"

    counted: list[tuple[Any, ...]] = []
    monkeypatch.setattr(context, "_running", Sandbox(tmp_path, 1, ScaledClock()))
    monkeypatch.setattr(Server.meter, "record", lambda *arguments: counted.append(arguments))
    ledger, asked = Ledger(), Request({}, b"x", time.perf_counter())

    reply, failure = asyncio.run(
        exchange.exchange(cast(Any, Endpoint()), cast(Any, Fleet()), cast(Any, Server()), asked, ledger)
    )

    assert exchange.TIMEOUT == 60
    assert reply is None
    assert failure.startswith("Your invocation timed out while waiting for a response from container primary.")
    assert [each[1] for each in counted] == [None]
    assert [(entry["status_code"], entry["count"]) for entry in ledger.entries()] == [(0, 1)]
