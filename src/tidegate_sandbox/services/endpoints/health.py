"""Looks after containers that serve: one that has died, or whose ping is not answered any more, is started again.

Source: SageMaker developer guide, "Custom Inference Code with Hosting Services": pings are sent periodically, 200
within 2 seconds is healthy, and unhealthy instances are replaced. How often, and after how many failures, is a guess.
"""

import logging
import threading
import time
from typing import Protocol

from tidegate_sandbox import hooks
from tidegate_sandbox.services.endpoints.endpoint import Endpoint, endpoints

_log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds of the wall between two pings: containers live by it, whatever the sandbox's clock does."""

MOST_FAILURES = 6
"""Pings in a row that may fail of a container whose process lives."""


class Container(Protocol):
    """What is looked after: a fleet's ModelServer. `in_flight` are the requests that it has not answered yet."""

    in_flight: int

    @property
    def serving(self) -> bool:
        """Whether it has come to serve, and was not stopped since."""
        ...

    def passes_ping(self) -> bool:
        """Whether it lives and answers its ping in time."""
        ...

    def replace_if_dead(self) -> None:
        """Start it again if it has ended."""
        ...

    def replace(self) -> None:
        """End it and start it again."""
        ...


class Watch:
    """Counts the pings that fail, by container."""

    def __init__(self) -> None:
        self._failures: dict[Container, int] = {}

    def look_at(self, containers: list[Container]) -> None:
        """Ping each of `containers` once, and see to those that fail; containers not named are forgotten."""
        self._failures = {each: self._failures.get(each, 0) for each in containers}
        for each in containers:
            if each.serving:
                try:
                    self._look(each)
                except Exception:  # one that cannot be started again is tried again the next time
                    _log.exception("a container could not be started again")

    def _look(self, container: Container) -> None:
        # One worker answers here, in the order of arrival: while it is at a request, silence is no illness.
        if container.passes_ping() or container.in_flight:
            self._failures[container] = 0
            return
        container.replace_if_dead()
        self._failures[container] += 1
        if self._failures[container] >= MOST_FAILURES:
            container.replace()
            self._failures[container] = 0


def start() -> None:
    """Begin to look."""
    threading.Thread(target=_look_for_ever, name="health", daemon=True).start()


def _look_for_ever() -> None:
    watches: dict[Endpoint, Watch] = {}
    while True:
        time.sleep(EVERY)
        found = {endpoint: scope for scope, here in endpoints.everywhere() for endpoint in list(here.values())}
        watches = {endpoint: watches.get(endpoint) or Watch() for endpoint in found}
        for endpoint, scope in found.items():
            with hooks.acting_in(scope.account, scope.region):
                watches[endpoint].look_at([*endpoint.router.servers()])
