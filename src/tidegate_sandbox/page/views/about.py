"""The sandbox itself: where it is, how fast its clock runs, which accounts it has, and what it takes of the disk."""

import os
import threading
import time
from pathlib import Path
from typing import Any

from tidegate_sandbox import context, lifecycle
from tidegate_sandbox.faults import standing

_MEASURED_EVERY = 30.0
_GLOBAL_REGION = lifecycle.REGION


def about() -> dict[str, Any]:
    """Return the sandbox's own account of itself."""
    sandbox = context.sandbox()
    scopes = context.scopes_in_use()
    return {
        "status": lifecycle.Running(os.getpid(), sandbox.port).status(),
        "url": sandbox.url,
        "scopes": [[scope.account, scope.region] for scope in scopes],
        "home": {"account": _home_account(), "region": _GLOBAL_REGION},
        "disk": _disk.used(sandbox.home),
        "faults": [entry.describe(sandbox.clock.now()) for entry in standing.book.every()],
    }


def _home_account() -> str:
    from tidegate_sandbox.server import ACCOUNT

    return ACCOUNT


class _Disk:
    """Measures what each folder of the home takes, off the path of whoever asks, and not each time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measured = float("-inf")
        self._used: dict[str, int] = {}

    def used(self, home: Path) -> dict[str, int]:
        """Return the bytes of each folder as they were measured last; empty before the first time."""
        with self._lock:
            due = time.monotonic() - self._measured > _MEASURED_EVERY
            if due:
                self._measured = time.monotonic()
                threading.Thread(target=self._measure, args=(home,), name="page-disk", daemon=True).start()
            return dict(self._used)

    def _measure(self, home: Path) -> None:
        used = {entry.name: _size(entry) for entry in home.iterdir() if entry.is_dir() and not entry.is_symlink()}
        with self._lock:
            self._used = used


def _size(folder: Path) -> int:
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512  # noqa: PTH118 - thousands of files
            except OSError:  # gone meanwhile
                continue
    return total


_disk = _Disk()
