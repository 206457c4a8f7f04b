"""Outlives the sandbox by a moment, to end its children however it died. A script of its own: standard library only.

Reads `+GROUP` and `-GROUP` (process groups) on standard input. The end of the input means that the sandbox is gone,
by kill -9 too: then every group that is still listed is killed. Needs nothing of the operating system but pipes, so
it holds on Linux and macOS alike, for grandchildren too.
"""

import os
import signal
import sys


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


if __name__ == "__main__":
    main()
