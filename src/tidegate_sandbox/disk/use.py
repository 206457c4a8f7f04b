"""How much of the disk each folder of a home takes, and what is said where that is much."""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tidegate_sandbox.disk.limits import TOLD_FROM, File

OUTLIVES_RESET = ("images", "codebuild")
"""The folders of a home that hold what took long to make, and what builds share."""

_MEASURED_EVERY = 10.0


def files_in(folder: Path) -> list[File]:
    """Return every file below `folder`; none where it is not there."""
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            try:
                status = path.lstat()
            except OSError:  # it went while it was looked for
                continue
            found.append(File(path, status.st_blocks * 512, status.st_mtime))
    return found


def disk_use(home: Path) -> dict[str, int]:
    """Return the bytes that each folder of a home takes, what lies beside them under ``."""
    used = {"": 0}
    for entry in home.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            used[entry.name] = _size(entry)
        else:
            try:
                used[""] += entry.lstat().st_blocks * 512
            except OSError:
                continue
    return used


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512  # noqa: PTH118 - thousands of files
            except OSError:
                continue
    return total


def told(used: Mapping[str, int], home: Path, limit: int = TOLD_FROM) -> str:
    """Return a sentence where what `reset` would remove takes more than `limit` bytes, and nothing otherwise."""
    counted = {name: size for name, size in used.items() if name not in OUTLIVES_RESET}
    total = sum(counted.values())
    if total <= limit:
        return ""
    most = sorted(counted.items(), key=lambda each: -each[1])[:3]
    folders = ", ".join(f"{name or 'files beside the folders'} {_gigabytes(size)}" for name, size in most if size)
    return (
        f"{_gigabytes(total)} is more than {_gigabytes(limit)}: {folders}. Objects, their versions and repositories "
        f"stay until somebody deletes them; `tidegate sandbox reset --home {home}`, after `down`, removes all of it"
    )


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.1f} GB"


class Measured:
    """What the folders of one home take, measured at most every ten seconds however many ask."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._used: dict[str, int] = {}

    def used(self) -> dict[str, int]:
        """Return the bytes of each folder; this may take a while, and is for a thread."""
        with self._lock:
            if time.monotonic() - self._at > _MEASURED_EVERY:
                self._used = disk_use(self._home)
                self._at = time.monotonic()
            return dict(self._used)
