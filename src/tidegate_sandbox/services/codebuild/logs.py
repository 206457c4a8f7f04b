"""A build's log: one file that commands and runner append to, shipped to CloudWatch Logs as it grows."""

import contextlib
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from tidegate_sandbox import context
from tidegate_sandbox.services.codebuild.stored import masked

LARGEST_EVENT = 250_000
LARGEST_BATCH = 500_000
_SHIPPING_INTERVAL = 1.0


class BuildLog:
    """The log of a build. Must be used from one thread. That of a build that is run again goes on."""

    def __init__(self, path: Path, group: str, stream: str) -> None:
        self._path, self._group, self._stream = path, group, stream
        self._read = 0
        self._output: Path | None = None
        self._hidden: tuple[str, ...] = ()
        self._next = 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self._shipped = path.stat().st_size
        self._logs = context.scope().client("logs")
        names = {"logGroupName": group, "logStreamName": stream}
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            try:
                self._logs.create_log_stream(**names)
            except self._logs.exceptions.ResourceNotFoundException:
                # A role of a project whose group is there already need not be allowed to make groups.
                with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
                    self._logs.create_log_group(logGroupName=group)
                self._logs.create_log_stream(**names)

    def follow(self, output: Path, hidden: Iterable[str]) -> Path:
        """From now on take what is written to `output` too, with the values of `hidden` masked; return `output`.

        Nothing is read from it before its line has ended, so that no half of a value gets through.
        """
        output.touch()
        self._output, self._hidden = output, tuple(hidden)
        return output

    def say(self, sentence: str) -> None:
        """Append a line of the runner's own."""
        now = context.sandbox().clock.now()
        with (self._output or self._path).open("a") as log:
            log.write(f"[Container] {now:%Y/%m/%d %H:%M:%S.%f} {sentence}\n")

    def tick(self) -> None:
        """Ship what is new, at most once a second."""
        if time.monotonic() >= self._next:
            self.ship()
            self._next = time.monotonic() + _SHIPPING_INTERVAL

    def ship(self, rest: bool = False) -> None:
        """Ship whole lines that are new; with `rest` what follows the last line end too."""
        if self._output is not None:
            new, self._read = _new_lines(self._output, self._read, rest)
            with self._path.open("a") as log:
                log.write(masked(new.decode(errors="replace"), self._hidden))
        new, self._shipped = _new_lines(self._path, self._shipped, rest)
        for events in batches(new.decode(errors="replace"), context.sandbox().clock.now()):
            # Where the group is gone, as with the project that the build was of, what is left to say is lost.
            with contextlib.suppress(self._logs.exceptions.ResourceNotFoundException):
                self._logs.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)


def _new_lines(file: Path, read: int, rest: bool) -> tuple[bytes, int]:
    with file.open("rb") as log:
        log.seek(read)
        new = log.read()
    if not rest:
        new = new[: new.rfind(b"\n") + 1]
    return new, read + len(new)


def batches(text: str, at: datetime) -> list[list[dict[str, Any]]]:
    """Return the lines of `text` as events, in batches that PutLogEvents takes (1 MB; an event 256 KB)."""
    stamp = int(at.timestamp() * 1000)
    made: list[list[dict[str, Any]]] = []
    size = LARGEST_BATCH
    for line in text.splitlines():
        # An event is not empty; CodeBuild's carry the line end.
        message = line[:LARGEST_EVENT] + "\n"
        if size + len(message) > LARGEST_BATCH or len(made[-1]) >= 1000:
            made.append([])
            size = 0
        made[-1].append({"timestamp": stamp, "message": message})
        size += len(message) + 26
    return made
