"""Outlives the sandbox by a moment, to end its children however it died. A script of its own: standard library only.

Reads `+GROUP` and `-GROUP` (process groups) on standard input. The end of the input means that the sandbox is gone,
by kill -9 too: then every group that is still listed is killed. Needs nothing of the operating system but pipes, so
it holds on Linux and macOS alike, for grandchildren too.

A child that was begun in the very moment of the kill is on no list, and one that left its group is not in it. On Linux
they are found by the mark in their environment, which is the argument.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "TIDEGATE_SANDBOX_RUN"
"""The variable in a child's environment that names the run of the sandbox that it belongs to."""

PROCESSES = Path("/proc")

SWEEPS, BETWEEN = 5, 0.1
"""How often it looks for marked children, and the seconds between: one just forked bears the mark a moment later."""


def main() -> None:
    """Follow the list until the input ends, then kill what is on it."""
    # Ctrl-C in a terminal reaches the whole foreground group; the warden must stay for what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for sweep in range(SWEEPS):
        time.sleep(BETWEEN if sweep else 0)
        for pid in marked(f"{MARK}={sys.argv[1]}"):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def marked(entry: str) -> list[int]:
    """Return the processes that have `entry`, NAME=VALUE, in the environment that they began with; none off Linux."""
    return [pid for pid, entries in _told("environ") if entry.encode() in entries]


def called_with(argument: str) -> list[int]:
    """Return the processes whose last argument is `argument`; none off Linux."""
    return [pid for pid, words in _told("cmdline") if words[-2:-1] == [argument.encode()]]


def _told(file: str) -> Iterator[tuple[int, list[bytes]]]:
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            entries = (folder / file).read_bytes().split(b"\0")
        except OSError:  # it has ended, or is somebody else's
            continue
        yield int(folder.name), entries


if __name__ == "__main__":
    main()
