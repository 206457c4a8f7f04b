"""How much longer work takes on this machine than if it did nothing else."""

import threading
import time
from typing import Any

WORK = 0.03
"""Seconds of a processor that a probe takes."""
PAUSE = 0.3


class Load:
    """Measures, while its block runs, how many seconds pass for one second of work."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._probes = threading.Thread(target=self._probe)
        self._passed = self._worked = 0.0

    def __enter__(self) -> "Load":
        self._probes.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._probes.join()

    @property
    def factor(self) -> float:
        """One on a machine that does nothing else."""
        return max(1.0, self._passed / self._worked)

    def _probe(self) -> None:
        while True:
            begun, worked = time.monotonic(), time.thread_time()
            while time.thread_time() - worked < WORK:
                pass
            self._passed += time.monotonic() - begun
            self._worked += time.thread_time() - worked
            if self._over.wait(PAUSE):
                return
