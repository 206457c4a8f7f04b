"""Takes snapshots of a running sandbox, and fills a sandbox that starts with the last one.

A snapshot is taken on the server's event loop, so that nothing that runs on it is half done, at a moment when no
thread is `changing` anything, and without handing the interpreter to another thread meanwhile.
"""

import asyncio
import hashlib
import logging
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tidegate.clock import Clock
from tidegate_sandbox.hooks import stacks as stack_hooks
from tidegate_sandbox.hooks import state as state_hooks
from tidegate_sandbox.state import kept, snapshot, tasks
from tidegate_sandbox.state.changing import changes

_log = logging.getLogger(__name__)

PAUSE = 0.2
"""Seconds between a snapshot and the next: as much as `kill -9` can take back."""

SHARE = 20
"""A pause is at least so many times as long as the snapshot before it took."""

PATIENCE = 2.0
"""Seconds for which a snapshot waits for a moment without a change under way; then it is taken all the same."""

_RETRY = 0.005
_UNDISTURBED = 1.0


class Keeper:
    """Keeps what a sandbox holds in its home."""

    def __init__(self, home: Path, port: int, clock: Clock) -> None:
        self._home, self._port, self._clock = home, port, clock
        self._digest = b""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="state", daemon=True)
        self._writing = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.took = self.spent = 0.0
        """Seconds that the last snapshot, and all of them, kept the sandbox, with what had to be tried again."""
        self.size = 0
        """Bytes of the last snapshot."""
        self.failure = ""
        """Why the last snapshot could not be taken, where it could not."""

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to take snapshots of what runs on `loop`."""
        self._loop = loop
        self._thread.start()

    def close(self) -> None:
        """Take the last snapshot. What happens after it is as if it had never happened."""
        with self._writing:
            self._digest = b""  # the clock has gone on, if nothing else has
            self._write()
            self._closed.set()
        changes.something.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._closed.is_set():
            changes.something.wait()
            changes.something.clear()
            try:
                with self._writing:
                    if not self._closed.is_set():
                        self._write()
                self.failure = ""
            except Exception as error:
                _log.exception("no snapshot could be taken")
                self.failure = f"{type(error).__name__}: {error}"
            self._closed.wait(max(PAUSE, SHARE * self.took))

    def _write(self) -> None:
        content = self._take()
        digest = hashlib.sha256(content).digest()
        if digest != self._digest:
            snapshot.write(self._home, content, self._clock.now(), self._port)
            self._digest, self.size = digest, len(content)

    def _take(self) -> bytes:
        assert self._loop is not None
        until = time.monotonic() + PATIENCE
        taken: Future[bytes] = Future()

        def attempt() -> None:
            late = time.monotonic() > until
            if changes.under_way and not late:
                self._loop.call_later(_RETRY, attempt)  # type: ignore[union-attr]
                return
            begun, before = changes.begun, sys.getswitchinterval()
            started = time.perf_counter()
            sys.setswitchinterval(_UNDISTURBED)
            try:
                content = snapshot.pickled({"own": kept.records(), "ministack": state_hooks.records()})
            except RuntimeError as error:
                # A container changed while it was read: some thread got in between.
                if late:
                    taken.set_exception(error)
                else:
                    self._loop.call_later(_RETRY, attempt)  # type: ignore[union-attr]
                return
            except Exception as error:
                taken.set_exception(error)
                return
            finally:
                sys.setswitchinterval(before)
                self.took += time.perf_counter() - started
            if changes.begun != begun and not late:
                self._loop.call_later(_RETRY, attempt)  # type: ignore[union-attr]
                return
            taken.set_result(content)

        self.took = 0.0
        self._loop.call_soon_threadsafe(attempt)
        try:
            return taken.result()
        finally:
            self.spent += self.took


def fill(found: snapshot.Snapshot) -> None:
    """Let this sandbox hold what `found` holds; snapshot.UnreadableError where it cannot be read."""
    records: dict[str, Any] = found.records()
    try:
        state_hooks.fill(records["ministack"])
        kept.fill(records["own"])
    except (KeyError, AttributeError, ImportError) as error:
        raise snapshot.UnreadableError(f"{type(error).__name__}: {error}") from error


def go_on(loop: asyncio.AbstractEventLoop) -> int:
    """Go on with what was under way, on `loop` and beside it; return how much that is."""
    from tidegate_sandbox.services import endpoints
    from tidegate_sandbox.services.codecommit.git_http import go_on as tell_of_codecommit
    from tidegate_sandbox.services.connections.git_http import go_on as tell_of_hosts

    endpoints.go_on()
    under_way = stack_hooks.go_on(loop) + tasks.go_on()
    tell_of_codecommit()
    tell_of_hosts()
    return under_way
