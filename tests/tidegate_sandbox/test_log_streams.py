"""What builds and jobs print reaches CloudWatch Logs a bounded part at a time, no line twice and none torn."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox import context
from tidegate_sandbox.services import log_streams
from tidegate_sandbox.services.log_streams import EVENTS_A_BATCH, LogStream, batches, last_line, pieces

AT = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Logs:
    """CloudWatch Logs, as far as it is called here."""

    messages: list[str] = field(default_factory=list)
    down: bool = False

    def put_log_events(self, **request: Any) -> None:
        if self.down:
            raise ConnectionError("down")
        assert 0 < len(request["logEvents"]) <= EVENTS_A_BATCH
        self.messages += [event["message"] for event in request["logEvents"]]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    made = Logs()
    scope = type("Scope", (), {"client": lambda self, _: made})()
    clock = type("Clock", (), {"now": lambda self: AT})()
    monkeypatch.setattr(context, "scope", lambda: scope)
    monkeypatch.setattr(context, "sandbox", lambda: type("Sandbox", (), {"clock": clock})())
    return made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_streams, "PIECE", 64)
    monkeypatch.setattr(log_streams, "MOST", 1000)
    monkeypatch.setattr(log_streams, "END", 100)


def test_lines_come_as_they_are_written_and_none_before_it_has_ended(logs: Logs, tmp_path: Path) -> None:
    file = tmp_path / "log"
    stream = LogStream(file, "group", "stream")
    for written, there in (
        ("one\ntw", ["one"]),
        ("o\n", ["one", "two"]),
        ("", ["one", "two"]),
        ("\nend", ["one", "two", " "]),
    ):
        with file.open("a") as log:
            log.write(written)
        stream.ship()
        assert logs.messages == there
    stream.ship(rest=True)
    assert logs.messages[3:] == ["end"]


def test_where_a_call_fails_the_next_one_begins_with_what_it_was_about(logs: Logs, tmp_path: Path) -> None:
    file = tmp_path / "log"
    stream = LogStream(file, "group", "stream")
    file.write_text("one\n")
    stream.ship()
    file.write_text("one\ntwo\n")
    logs.down = True
    with pytest.raises(ConnectionError):
        stream.ship()
    logs.down = False
    stream.ship()
    assert logs.messages == ["one", "two"]


def test_who_goes_on_where_another_had_come_to_doubles_no_line_and_leaves_none_out(logs: Logs, tmp_path: Path) -> None:
    file, kept = tmp_path / "log", [0]
    file.write_text("one\ntwo\n")
    LogStream(file, "group", "stream", keep=lambda shipped: kept.append(shipped)).ship()
    with file.open("a") as log:
        log.write("three\n")

    LogStream(file, "group", "stream", shipped=kept[-1]).ship()

    assert logs.messages == ["one", "two", "three"]


def test_of_a_long_log_a_stream_has_the_beginning_and_the_end_and_a_line_for_what_is_between(
    logs: Logs, tmp_path: Path, small: None
) -> None:
    file = tmp_path / "log"
    stream = LogStream(file, "group", "stream")
    lines = [f"line {number}" for number in range(1000)]
    file.write_text("\n".join(lines[:500]) + "\n")
    stream.ship()
    beginning = len(logs.messages) - 1
    assert logs.messages[:beginning] == lines[:beginning]
    assert 1000 <= sum(len(line) + 1 for line in lines[:beginning]) < 1100, "about MOST bytes"
    assert "left out until all is printed; all of it is in" in logs.messages[-1]

    file.write_text("\n".join(lines) + "\n")
    stream.ship()
    assert len(logs.messages) == beginning + 1, "no more while it is written to"
    stream.ship(rest=True)

    said, *end = logs.messages[beginning + 1 :]
    assert end == lines[-len(end) :]
    assert 80 <= sum(len(line) + 1 for line in end) <= 100
    left_out = sum(len(line) + 1 for line in lines[beginning : -len(end)])
    assert f"{left_out} bytes are left out here" in said


def test_many_short_lines_are_bounded_as_well(logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_streams, "MOST_EVENTS", 3000)
    file, kept = tmp_path / "log", [0]
    file.write_text("y\n" * 10_000)
    LogStream(file, "group", "stream", keep=lambda shipped: kept.append(shipped)).ship()
    assert len(logs.messages) == 3001
    # So it is for who goes on with it.
    LogStream(file, "group", "stream", shipped=kept[-1]).ship(rest=True)
    assert len(logs.messages) == 3001 + 1 + EVENTS_A_BATCH
    assert f"{2 * (10_000 - 3000 - EVENTS_A_BATCH)} bytes are left out here" in logs.messages[3001]


LINE = st.binary(max_size=200).map(lambda line: line.replace(b"\n", b""))


@given(st.lists(LINE, max_size=30), LINE)
def test_pieces_are_whole_lines_and_all_of_them(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], unended: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "pieces"
    file.write_bytes(b"".join(line + b"\n" for line in lines) + unended)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_streams, "PIECE", 64)
        read = list(pieces(file, 0, rest=True))
        # Whoever begins where a piece ended finds the rest.
        again = [piece for _, end in read[:1] for piece, _ in pieces(file, end, rest=True)]

    assert [piece for piece, _ in read[1:]] == again
    whole = (piece if piece.endswith(b"\n") else piece + b"\n" for piece, _ in read)
    assert b"".join(whole).split(b"\n")[:-1] == [line[:64] for line in [*lines, *filter(None, [unended])]]


def test_a_batch_is_no_larger_than_put_log_events_takes_and_no_event_is_empty() -> None:
    lines = b"".join(b"%d\n" % number for number in range(2500)) + b"\n" + b"x" * 400_000 + b"\n" + b"y" * 400_000

    made = list(batches(lines, AT))

    assert sum(taken for _, taken in made) == len(lines)
    assert max(len(events) for events, _ in made) == EVENTS_A_BATCH
    assert all(sum(len(event["message"]) + 26 for event in events) < 1_048_576 for events, _ in made)
    messages = [event["message"] for events, _ in made for event in events]
    assert messages[2499:2501] == ["2499", " "]
    assert [len(message) for message in messages[-2:]] == [250_000, 250_000]


def test_the_last_line_is_the_last_that_says_something(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("one\n  two  \n\n  \n")
    assert last_line(file) == "two"
    assert last_line(file, after=11) == ""
    file.write_text("")
    assert last_line(file) == ""
