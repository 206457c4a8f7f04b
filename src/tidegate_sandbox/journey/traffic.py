"""Real requests to a real endpoint: rows of the data, one after the other, at a steady rate."""

import itertools
import threading
import time
from collections.abc import Sequence
from typing import Any

from tidegate_sandbox.journey.accounting import Answer


class Traffic:
    """Sends `rows` (each a line of CSV) to an endpoint, round and round, from its own threads.

    `rate` is in requests a second. Every request is kept as an Answer; one that got no HTTP response at all has
    status 0.
    """

    def __init__(self, runtime: Any, endpoint: str, rows: Sequence[str], rate: float, threads: int = 3) -> None:
        self._runtime = runtime
        self._endpoint = endpoint
        self._rows = rows
        self._pause = threads / rate
        self._next_row = itertools.cycle(range(len(rows)))
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._send_on, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[Answer]:
        """Stop sending, wait for what is under way, and return every answer."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return list(self._answers)

    @property
    def sent(self) -> int:
        """How many requests have ended so far."""
        return len(self._answers)

    def _send_on(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            with self._lock:
                row = next(self._next_row)
            answer = self._send(row)
            with self._lock:
                self._answers.append(answer)
            due = max(due + self._pause, time.monotonic() - self._pause)
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _send(self, row: int) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            response = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint, ContentType="text/csv", Accept="text/csv", Body=self._rows[row].encode()
            )
            return Answer(row, 200, float(response["Body"].read()))
        except ClientError as error:
            return Answer(row, int(error.response["ResponseMetadata"]["HTTPStatusCode"]), None)
        except BotoCoreError:
            return Answer(row, 0, None)
