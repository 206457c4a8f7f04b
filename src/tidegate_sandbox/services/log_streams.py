"""Puts what builds and jobs print into CloudWatch Logs while they run: whole lines, once a second, a bounded part.

A file has all of what was printed. A stream has its beginning, of MOST bytes and MOST_EVENTS, and of a longer file its
end as well: the events of all streams are in the sandbox's memory, and in its snapshots.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.state.changing import changing

PIECE = 2**20
"""Bytes that are read at once; of a longer line the rest is left out."""

MOST, MOST_EVENTS = 4 * 2**20, 20_000
"""Bytes and lines from the beginning of a file that its stream has."""

END = 64 * 1024
"""Bytes from the end of a longer file that its stream has as well, once nothing is written to it any more."""

INTERVAL = 1.0
"""Seconds of the wall between two looks at a file."""

LARGEST_EVENT = 250_000
LARGEST_BATCH = 500_000
EVENTS_A_BATCH = 1000
"""What PutLogEvents takes is more: 1 MB and 10,000 events, of 256 KB each."""


def pieces(file: Path, start: int, rest: bool) -> Iterator[tuple[bytes, int]]:
    """Yield the whole lines of `file` from byte `start` on, in pieces of at most PIECE, each with where it ends.

    With `rest` what follows the last line end comes too. A `start` within a line is taken for the next one. Of a line
    that is longer than a piece the piece has no line end, and the rest of the line is left out.
    """
    with file.open("rb") as log:
        at = _beginning(log, start)
        if at is None:
            return
        while True:
            log.seek(at)
            read = log.read(PIECE)
            end = read.rfind(b"\n") + 1
            if end == 0 and len(read) == PIECE:
                at = _beginning(log, at + PIECE) or at + PIECE
                yield read, at
                continue
            whole = read if rest and len(read) < PIECE else read[:end]
            if not whole:
                return
            at += len(whole)
            yield whole, at


def _beginning(log: Any, start: int) -> int | None:
    """Return where the first line begins that begins at `start` or after it; None where that is not written yet."""
    if start == 0:
        return 0
    log.seek(start - 1)
    at = start - 1
    while read := log.read(PIECE):
        if (end := read.find(b"\n")) >= 0:
            return int(at + end + 1)
        at += len(read)
    return None


def last_line(file: Path, after: int = 0) -> str:
    """Return the last line of `file` after that many bytes that is not blank, or nothing."""
    with file.open("rb") as log:
        log.seek(max(after, file.stat().st_size - END))
        said = [line.strip() for line in log.read(END).decode(errors="replace").splitlines() if line.strip()]
    return said[-1] if said else ""


def batches(lines: bytes, at: datetime, line_end: str = "") -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Yield `lines` as events, in batches that PutLogEvents takes, each with how many bytes it is of."""
    stamp = int(at.timestamp() * 1000)
    batch: list[dict[str, Any]] = []
    size = taken = 0
    for line in lines.splitlines(keepends=True):
        # An event is not empty.
        message = (line.rstrip(b"\r\n")[:LARGEST_EVENT].decode(errors="replace") + line_end) or " "
        if batch and (size + len(message) > LARGEST_BATCH or len(batch) >= EVENTS_A_BATCH):
            yield batch, taken
            batch, size, taken = [], 0, 0
        batch.append({"timestamp": stamp, "message": message})
        size += len(message) + 26
        taken += len(line)
    if batch:
        yield batch, taken


class LogStream:
    """A stream that is filled from a file. Must be used from one thread.

    `shipped` is how far the file is in the stream already; `keep` is told of it in the change by which the stream is.
    """

    def __init__(
        self,
        file: Path,
        group: str,
        name: str,
        *,
        line_end: str = "",
        shipped: int = 0,
        keep: Callable[[int], object] = int,
    ) -> None:
        self._file, self._group, self._name, self._line_end = file, group, name, line_end
        self._shipped, self._keep = shipped, keep
        self._events = _lines_before(file, shipped)
        self._next = 0.0
        self._logs = context.scope().client("logs")

    def make(self) -> None:
        """Make the stream, and its group, where they are not there; ClientError where that is refused."""
        there = self._logs.exceptions.ResourceAlreadyExistsException
        names = {"logGroupName": self._group, "logStreamName": self._name}
        with contextlib.suppress(there):
            try:
                self._logs.create_log_stream(**names)
            except self._logs.exceptions.ResourceNotFoundException:
                # A role of a project whose group is there already need not be allowed to make groups.
                with contextlib.suppress(there):
                    self._logs.create_log_group(logGroupName=self._group)
                self._logs.create_log_stream(**names)

    def is_due(self) -> bool:
        """Whether it is time to look at the file again; where it is, the next time is an INTERVAL later."""
        due = time.monotonic() >= self._next
        if due:
            self._next = time.monotonic() + INTERVAL
        return due

    def ship(self, rest: bool = False) -> None:
        """Put the lines that are new into the stream; with `rest`, once all is written, the end of the file too.

        ClientError where that is refused: the next time begins there.
        """
        if not self._is_full():
            self._ship_beginning(rest)
        if rest and self._is_full():
            self._ship_end()

    def _is_full(self) -> bool:
        return self._shipped >= MOST or self._events >= MOST_EVENTS

    def _ship_beginning(self, rest: bool) -> None:
        for lines, end in pieces(self._file, self._shipped, rest):
            begin = end - len(lines)
            for events, taken in batches(lines, self._now(), self._line_end):
                begin += taken
                self._put(events, begin)
                if self._is_full():
                    self._say("what follows is left out until all is printed")
                    return
            if end > self._shipped:
                self._put([], end)

    def _ship_end(self) -> None:
        size = self._file.stat().st_size
        begin = max(self._shipped, size - END)
        lines = b"".join(each for each, _ in pieces(self._file, begin, rest=True)).splitlines(keepends=True)
        last = b"".join(lines[-EVENTS_A_BATCH:])
        if left_out := size - self._shipped - len(last):
            self._say(f"{left_out} bytes are left out here")
        for events, taken in batches(last, self._now(), self._line_end):
            self._put(events, self._shipped + taken)
        self._put([], size)

    def _say(self, sentence: str) -> None:
        message = f"[local simulation] {sentence}; all of it is in {self._file}{self._line_end}"
        self._put([{"timestamp": int(self._now().timestamp() * 1000), "message": message}], self._shipped)

    def _now(self) -> datetime:
        return context.sandbox().clock.now()

    def _put(self, events: list[dict[str, Any]], shipped: int) -> None:
        with changing():
            if events:
                self._logs.put_log_events(logGroupName=self._group, logStreamName=self._name, logEvents=events)
            self._events += len(events)
            self._shipped = shipped
            self._keep(shipped)


def _lines_before(file: Path, end: int) -> int:
    if end == 0:
        return 0
    with file.open("rb") as log:
        return log.read(min(end, MOST)).count(b"\n")
