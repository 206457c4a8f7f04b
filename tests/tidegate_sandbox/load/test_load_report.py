"""Latencies and errors by who answered; rows of files; and a load on a server that stalls."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.load import rows
from tidegate_sandbox.load.latencies import Latencies
from tidegate_sandbox.load.rates import Constant, arrivals
from tidegate_sandbox.load.report import Answerer, Outcome, Report
from tidegate_sandbox.load.sender import Sender
from tidegate_sandbox.load.target import Target

OLD, NEW = Answerer("3", "config-3", "AllTraffic"), Answerer("4", "config-4", "AllTraffic")


@given(
    seconds=st.lists(st.floats(1e-5, 60), min_size=1, max_size=200),
    share=st.floats(0.001, 1).map(lambda s: round(s, 3)),
)
def test_a_quantile_is_the_nearest_rank_to_half_a_per_cent(seconds: list[float], share: float) -> None:
    kept = Latencies()
    for each in seconds:
        kept.add(each)

    (found,) = kept.quantiles([share])

    exact = sorted(seconds)[max(0, math.ceil(round(share * len(seconds), 9)) - 1)]
    assert found == pytest.approx(exact, rel=0.0051, abs=1e-6)
    assert found <= kept.longest == max(seconds)


def test_memory_grows_with_the_spread_and_not_with_the_number() -> None:
    kept = Latencies()
    for each in range(20_000):
        kept.add(0.001 + each * 1e-7)

    assert len(kept) == 20_000
    assert len(kept._counts) < 300


def test_a_report_tells_versions_apart_and_what_no_model_answered() -> None:
    report = Report(seconds=2.0, late=1, unsent=2)
    for outcome in (
        Outcome(OLD, "", 0.010),
        Outcome(OLD, "", 0.020),
        Outcome(NEW, "ModelError 424 (500 from the model)", 0.001),
        Outcome(NEW, "", 0.5),
        Outcome(None, "ThrottlingException 400", 0.001, "Rate\n\x1bexceeded"),
    ):
        report.add(outcome)

    told = report.describe()
    assert (told["requests"], told["rate"], told["error_share"]) == (5, 2.5, 0.4)
    old, new = told["answered_by"]
    assert (old["version"], old["errors"], old["latency_ms"]["p50"]) == ("3", {}, 10.0)
    assert (new["config"], new["error_share"], new["latency_ms"]["max"]) == ("config-4", 0.5, 500.0)
    assert told["unanswered"] == {"ThrottlingException 400": 1}
    lines = report.table()
    assert lines[0] == "5 requests in 2.0 s, 2.5 a second"
    assert "4: 1 × ModelError 424 (500 from the model)" in lines
    assert "answered by no model: 1 × ThrottlingException 400: Rate exceeded" in lines
    assert "version 4 40%" in report.line(2.0)
    assert json.dumps(Report().describe())
    assert Report().table()


@pytest.mark.parametrize(
    ("name", "content", "options", "bodies"),
    [
        ("r.csv", b"a,b\n1,2\n\n3,4\n", {"header": True}, [b"1,2", b"3,4", b"1,2"]),
        ("r.jsonl", b'{"a": 1}\r\n{"a": 2}\n', {}, [b'{"a": 1}', b'{"a": 2}', b'{"a": 1}']),
        ("r.json", b'{"instances":\n [[1]]}', {}, [b'{"instances":\n [[1]]}'] * 3),
        ("r.csv", b"1\n2\n3\n", {"at_a_time": 2}, [b"1\n2", b"3\n1", b"2\n3"]),
    ],
)
def test_rows_are_sent_round_and_round(
    tmp_path: Path, name: str, content: bytes, options: dict[str, Any], bodies: list[bytes]
) -> None:
    (tmp_path / name).write_bytes(content)

    found = rows.read(tmp_path / name, None, **{"header": False, **options})

    each = found.bodies(options.get("at_a_time", 1))
    assert [next(each) for _ in range(3)] == bodies


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("gone.csv", None, "cannot be read: No such file"),
        ("r.bin", b"1", "give --content-type"),
        ("r.csv", b"\n\n", "has no rows"),
        ("r.csv", b"1" * 7_000_000, "do not fit into a request"),
    ],
)
def test_a_file_without_rows_is_refused(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(rows.RowsError, match=sentence):
        rows.read(tmp_path / name, None, header=False)


Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


async def load(delay: Callable[[int], Awaitable[None]], rate: float, lasting: float, connections: int) -> Report:
    """Load a server that answers a request once `delay` of its number is over."""
    number = 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal number
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                (length,) = (line.partition(":")[2] for line in lines if line.startswith("content-length:"))
                await reader.readexactly(int(length))
                number += 1
                await delay(number)
                headers = "x-tidegate-answered-by: config-1;arn:aws:sagemaker:e:1:model-package/g/7;AllTraffic"
                writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n{headers}\r\n\r\n1".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/endpoints/e/invocations"
    target = Target(url, "eu-west-1", Credentials("a", "b"), datetime.now(UTC), 1.0)
    sender = Sender(target, rows.Rows("text/csv", (b"1",)), arrivals(Constant(rate), lasting), connections, "load-1")
    report = await sender.run(rows.Rows("text/csv", (b"1",)).bodies(1), None, lasting)
    server.close()
    return report


def test_a_server_that_stalls_does_not_hide_the_load_that_it_keeps_waiting() -> None:
    stall = 0.6
    began = time.monotonic()

    async def delay(number: int) -> None:
        await asyncio.sleep(stall if number == 20 else 0.0)

    report = asyncio.run(load(delay, rate=50, lasting=1.6, connections=1))

    # All that was due while the only connection was taken waited: a client that waits for answers sees one slow one.
    (who,) = report.by
    assert who == Answerer("7", "config-1", "AllTraffic")
    assert report.every.requests == 79
    assert report.unsent == 0
    assert time.monotonic() - began >= 1.5
    kept_waiting = stall * 50 * 2 / 3 - 1
    (longest,) = report.every.latencies.quantiles([1 - kept_waiting / report.every.requests])
    assert longest > stall / 3
    assert report.late >= kept_waiting


def test_several_connections_are_used_where_one_is_not_enough() -> None:
    under_way, most = 0, 0

    async def delay(_: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.1)
        under_way -= 1

    report = asyncio.run(load(delay, rate=50, lasting=1.0, connections=20))

    assert report.every.requests == 49
    assert 1 < most <= 20


def test_the_first_request_is_not_slow_by_what_a_client_takes_to_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    client = httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", lambda **options: done.append("client") or client(**options))
    monkeypatch.setattr(Target, "signed", lambda *_: done.append("signature") or {})

    def due() -> Iterator[float]:
        assert done == ["client", "signature"]
        done.append("load")
        yield from ()

    target = Target("http://127.0.0.1:1/", "eu-west-1", Credentials("a", "b"), datetime.now(UTC), 1.0)
    sender = Sender(target, rows.Rows("text/csv", (b"1",)), due(), 1, "load-1")
    asyncio.run(sender.run(iter(()), None, 1.0))

    assert done[-1] == "load"
