"""What requests hold: rows of a file, one or several to a request."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from tidegate_sandbox.routes import LARGEST_INVOCATION

LARGEST_FILE = 256 * 2**20

_TYPES = {".csv": "text/csv", ".jsonl": "application/jsonlines", ".ndjson": "application/jsonlines"}


class RowsError(ValueError):
    """Why a file has no rows to send, as a sentence."""


@dataclass(frozen=True)
class Rows:
    """Rows of a content type, each a line."""

    content_type: str
    lines: tuple[bytes, ...]

    def bodies(self, at_a_time: int) -> Iterator[bytes]:
        """Yield bodies of so many rows each, round and round."""
        lines = cycle(self.lines)
        while True:
            yield b"\n".join(islice(lines, at_a_time))


def read(file: Path, content_type: str | None, *, header: bool, at_a_time: int = 1) -> Rows:
    """Return the rows of a file: a line each, but for `.json`, which is one body. RowsError where there are none."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise RowsError(f"{file} has more than {LARGEST_FILE >> 20} MB; take some of its rows")
        content = file.read_bytes()
    except OSError as error:
        raise RowsError(f"{file} cannot be read: {error.strerror}") from error
    suffix = file.suffix.lower()
    if suffix == ".json":
        lines, known = [content], "application/json"
    else:
        lines, known = [line for line in content.splitlines() if line.strip()], _TYPES.get(suffix, "")
    kind = content_type or known
    if not kind:
        raise RowsError(f"{file} says by its name neither CSV nor JSON lines: give --content-type")
    lines = lines[1:] if header else lines
    if not lines:
        raise RowsError(f"{file} has no rows")
    if max(map(len, lines)) * at_a_time + at_a_time > LARGEST_INVOCATION:
        raise RowsError(f"{at_a_time} rows of {file} do not fit into a request of {LARGEST_INVOCATION} bytes")
    return Rows(kind, tuple(lines))
