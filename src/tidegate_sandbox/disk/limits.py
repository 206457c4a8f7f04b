"""How much of the disk and of memory what may take, in one place, and which files and records are beyond it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

R = TypeVar("R")

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


def told_of_records() -> str:
    """Return what records are bounded by, as a sentence."""
    return (
        f"of what is over, the newest {RECORDS} of each kind are kept, and of log events "
        f"{LOG_EVENTS_OF_GROUP // 2**20} MB of a group and {LOG_EVENTS // 2**20} MB of all"
    )


@dataclass(frozen=True)
class Limit:
    """Of each folder the `newest` files are kept, and of all of them the newest up to `size` bytes."""

    newest: int
    size: int


LOGS: Final = Limit(newest=100, size=2**30)
"""Of logs: those of a project's builds, of an account and region's jobs, of an endpoint's model servers."""

CACHES: Final = Limit(newest=100, size=2 * 2**30)
"""Of local caches of builds, which lie in one folder: those that were used last."""


RECORDS: Final = 100
"""Records of what is over that are kept, the newest: builds of a project, reports of a group, jobs of a kind,
executions of a pipeline, results that a step of one may take again, runs of a monitoring schedule, stacks that were
deleted, entries of an alarm's history. What is in use is kept beside them."""

STACK_EVENTS: Final = 1000
"""Events of a stack that are kept, the newest."""

BUILDS_FOR: Final = timedelta(days=365)
"""How long AWS keeps a build (CodeBuild user guide, "Quotas": "1 year")."""

EXECUTIONS_FOR: Final = timedelta(days=365)
"""How long AWS keeps a CodePipeline execution (botocore, ListPipelineExecutions: "the most recent 12 months")."""

DELETED_STACKS_FOR: Final = timedelta(days=90)
"""How long AWS keeps a stack that was deleted (botocore, ListStacks)."""

LOG_STREAMS: Final = 200
"""Log streams of a group that are kept, those that were written to last."""

LOG_EVENTS_OF_GROUP: Final = 8 * 2**20
"""Bytes of a group's log events that are kept, the newest, as PutLogEvents counts them: more than one stream has."""

LOG_EVENTS: Final = 32 * 2**20
"""Bytes of all groups' log events that are kept."""

SESSIONS_FOR: Final = 12 * 3600.0
"""Seconds of the wall for which a session that nobody uses is kept: as long as one may last in AWS."""


@dataclass(frozen=True)
class File:
    """A file: its size in bytes, and when it was written to last, in seconds since the epoch."""

    path: Path
    size: int
    written: float


def older(records: Sequence[R], in_use: Callable[[R], bool], aged: Callable[[R], bool] = lambda _: False) -> list[R]:
    """Return which of `records`, the oldest first, are aged or not among the newest RECORDS, and not in use."""
    beyond = len(records) - RECORDS
    return [each for at, each in enumerate(records) if (at < beyond or aged(each)) and not in_use(each)]


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
