"""A build's log: one file that commands and runner append to, shipped to CloudWatch Logs as it grows."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from tidegate_sandbox import context
from tidegate_sandbox.services.codebuild.records import Build
from tidegate_sandbox.services.codebuild.stored import masked
from tidegate_sandbox.services.log_streams import PIECE, LogStream, pieces


class BuildLog:
    """The log of a build. Must be used from one thread. That of a build that is run again goes on."""

    def __init__(self, build: Build) -> None:
        self._path = build.log
        self._read = 0
        self._output: Path | None = None
        self._hidden: tuple[str, ...] = ()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()

        def keep(shipped: int) -> None:
            build.shipped = shipped

        # CodeBuild's events carry the line end.
        self._stream = LogStream(self._path, build.group, build.stream, line_end="\n", shipped=build.shipped, keep=keep)
        self._stream.make()

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
        if self._stream.is_due():
            self.ship()

    def ship(self, rest: bool = False) -> None:
        """Ship whole lines that are new; with `rest` what follows the last line end too."""
        if self._output is not None:
            with self._path.open("a") as log:
                for lines, end in pieces(self._output, self._read, rest):
                    log.write(self._without_values(lines))
                    self._read = end
        # Where the group is gone, as with the project that the build was of, what is left to say is lost.
        with contextlib.suppress(context.scope().client("logs").exceptions.ResourceNotFoundException):
            self._stream.ship(rest)

    def _without_values(self, lines: bytes) -> str:
        text = masked(lines.decode(errors="replace"), self._hidden)
        if len(lines) < PIECE or lines.endswith(b"\n"):
            return text
        # The rest of this line is left out, and with it perhaps the other half of a value.
        return text[: -max(map(len, self._hidden), default=1)] + "\n"
