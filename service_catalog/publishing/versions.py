"""The names of versions. A version is of a checkout: it is the same for both variants and both routes."""

import hashlib
import re
from collections.abc import Iterable, Sequence

_AGAIN = re.compile(r"\.[0-9]+$")
_HASH = re.compile(r"-[0-9a-f]{8}$")


def base_name(release: str, templates: Iterable[str]) -> str:
    """Return the name of the version of the package's `release` whose templates these are: `0.1.0-1a2b3c4d`."""
    return f"{release}-{hashlib.sha256(chr(0).join(templates).encode()).hexdigest()[:8]}"


def newest_name(known: Sequence[str], base: str) -> str:
    """Return the name under which `base` is the newest version, after `known`, which are oldest first.

    What was published before, but not last, cannot become the newest again but by another name: `base.2`, `base.3`.
    """
    if known and _base(known[-1]) == base:
        return known[-1]
    times = sum(_base(each) == base for each in known)
    return f"{base}.{times + 1}" if times else base


def _base(name: str) -> str:
    """Return the name without the count of how often it was published."""
    without = _AGAIN.sub("", name)
    return without if _HASH.search(without) else name
