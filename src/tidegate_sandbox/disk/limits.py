"""How much of the disk what may take, in one place, and which files are beyond it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOLD_FROM: Final = 10 * 2**30
"""Bytes of what `reset` would remove from which on a sandbox says so."""

LONGEST_SERVER_LOG: Final = 16 * 2**20
"""Bytes of a model server's log, after which it begins anew; what came before is kept beside it."""

PACKAGES: Final = 5 * 2**30
"""Bytes of what builds share (pip's and uv's packages): beyond, it is emptied when no build runs."""

SUPERSEDED_ENVIRONMENTS: Final = 2
"""Environments of images that no table of images has any more and that are kept: those that were used last."""

AGE: Final = 3600.0
"""Seconds of the wall after which a file that nothing refers to is a leftover, and not one that is being written."""


@dataclass(frozen=True)
class Limit:
    """Of each folder the `newest` files are kept, and of all of them the newest up to `size` bytes."""

    newest: int
    size: int


LOGS: Final = Limit(newest=100, size=2**30)
"""Of logs: those of a project's builds, of an account and region's jobs, of an endpoint's model servers."""

CACHES: Final = Limit(newest=100, size=2 * 2**30)
"""Of local caches of builds, which lie in one folder: those that were used last."""


@dataclass(frozen=True)
class File:
    """A file: its size in bytes, and when it was written to last, in seconds since the epoch."""

    path: Path
    size: int
    written: float


def beyond(limit: Limit, files: Iterable[File], in_use: Callable[[Path], bool]) -> list[Path]:
    """Return which of `files` are beyond `limit`, oldest first; what is in use counts, and is never among them."""
    number: Counter[Path] = Counter()
    size, removed = 0, []
    # What is in use comes first: it stays, whatever else has to go for it.
    for file in sorted(files, key=lambda file: (not in_use(file.path), -file.written, file.path)):
        if in_use(file.path) or (number[file.path.parent] < limit.newest and size + file.size <= limit.size):
            number[file.path.parent] += 1
            size += file.size
        else:
            removed.append(file.path)
    return removed[::-1]
