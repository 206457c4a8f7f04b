"""What stands at the top of modules, found once a module: a snapshot asks several times a second."""

import sys
from collections.abc import Iterator
from typing import Any

_found: dict[tuple[str, tuple[type, ...]], tuple[str, ...]] = {}


def objects(prefix: str, *kinds: type) -> Iterator[tuple[str, str, Any]]:
    """Yield module, name and value of each object of `kinds` in loaded modules whose names begin with `prefix`.

    Modules import objects of others: each counts once, by the first of its names.
    """
    seen: set[int] = set()
    for module in sorted(name for name in sys.modules if name.startswith(prefix)):
        for name in _names(module, kinds):
            value = getattr(sys.modules[module], name)
            if id(value) not in seen:
                seen.add(id(value))
                yield module, name, value


def _names(module: str, kinds: tuple[type, ...]) -> tuple[str, ...]:
    known = _found.get((module, kinds))
    if known is not None:
        return known
    there = sys.modules[module]
    names = tuple(name for name, value in list(vars(there).items()) if isinstance(value, kinds))
    # One that another thread is importing right now has more to come.
    if not getattr(there.__spec__, "_initializing", False):
        _found[module, kinds] = names
    return names
