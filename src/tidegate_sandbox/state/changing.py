"""When nothing is half done: snapshots are taken between changes that must be seen whole or not at all."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Changes:
    """Counts the changes that are being made. Nobody ever waits to make one: it is snapshots that wait."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self.under_way = 0
        self.begun = 0
        self.something = threading.Event()
        """Set when something may have changed since it was cleared."""

    def enter(self) -> None:
        """Begin a change."""
        with self._counting:
            self.under_way += 1
            self.begun += 1

    def leave(self) -> None:
        """End a change."""
        with self._counting:
            self.under_way -= 1
        self.something.set()


changes = Changes()


@contextmanager
def changing() -> Iterator[None]:
    """Let what happens in the block be in a snapshot as a whole, or not at all. Wait for nothing long in it."""
    changes.enter()
    try:
        yield
    finally:
        changes.leave()


def touch() -> None:
    """Have a snapshot taken soon: something may have changed without `changing`."""
    changes.something.set()


class Lock:
    """A re-entrant lock of records: what is done while it is held is `changing`. For `threading.Condition` too."""

    def __init__(self) -> None:
        self._lock: Any = threading.RLock()  # its private methods are what Condition asks for
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire it, as threading.Lock does."""
        acquired: bool = self._lock.acquire(blocking, timeout)
        if acquired:
            self._depth += 1
            if self._depth == 1:
                changes.enter()
        return acquired

    def release(self) -> None:
        """Release it once."""
        self._depth -= 1
        if self._depth == 0:
            changes.leave()
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _release_save(self) -> Any:
        depth, self._depth = self._depth, 0
        changes.leave()
        return self._lock._release_save(), depth

    def _acquire_restore(self, saved: Any) -> None:
        inner, depth = saved
        self._lock._acquire_restore(inner)
        self._depth = depth
        changes.enter()

    def _is_owned(self) -> bool:
        owned: bool = self._lock._is_owned()
        return owned

    def __reduce__(self) -> tuple[type["Lock"], tuple[()]]:
        # Nobody holds it in another process.
        return Lock, ()
