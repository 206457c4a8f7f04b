"""Looking at AWS without harm: every call either returns what it found, or says why it could not look."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, EndpointConnectionError, HTTPClientError

from service_catalog.publishing.account import Account, code

T = TypeVar("T")

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
# Somebody waits: what does not answer in this time is not known.
PATIENCE = Config(connect_timeout=4, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})


@dataclass(frozen=True)
class Unread:
    """What could not be looked at. `why` is a clause without a full stop; `denied`, whether a permission lacks."""

    why: str
    denied: bool = False

    def remedy(self, *actions: str, otherwise: str = "Run this again, or look in the console.") -> str:
        """Say what lets one look: the permissions for `actions`, if it is they that lack."""
        return f"Allow {' and '.join(actions)} to who is asking." if self.denied else otherwise


@dataclass(frozen=True)
class Missing:
    """What was asked for by its name is not there."""


MISSING = Missing()


class Rim:
    """An account that is only looked at: each client once, whichever thread asks for it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """Return the client of `service` in the account's region; making one is not safe beside another."""
        with self._lock:
            if service not in self._clients:
                make: Any = self.account.session.client
                self._clients[service] = make(service, region_name=self.account.region, config=PATIENCE)
            return self._clients[service]

    def available(self, service: str) -> bool:
        """Say whether botocore knows an address of `service` in the region, or a region it knows nothing of."""
        session = self.account.session
        known = session.get_available_regions(service, partition_name=self.account.partition)
        return not known or self.account.region in known


def look(call: Callable[[], T], missing: Iterable[str] = ()) -> T | Unread | Missing:
    """Return what `call` returns, or why it could not look; errors of the codes `missing` mean Missing."""
    try:
        return call()
    except ClientError as error:
        if code(error) in set(missing):
            return MISSING
        return unread(error)
    except (EndpointConnectionError, ConnectionError, HTTPClientError) as error:
        return Unread(f"the service does not answer ({type(error).__name__})")
    except BotoCoreError as error:
        return Unread(str(error).rstrip("."))


def read(call: Callable[[], T]) -> T | Unread:
    """Return what `call` returns, or why it could not look."""
    found = look(call)
    assert not isinstance(found, Missing)  # nothing was said to mean that
    return found


def unread(error: ClientError) -> Unread:
    """Say why a call was refused."""
    if code(error) in DENIED:
        return Unread(f"{error.operation_name} is not allowed to who is asking", denied=True)
    said = str(error.response["Error"].get("Message") or "").strip().rstrip(".")
    # Who answers in HTML or XML here is not the service that was asked.
    told = f": {said}" if said and not said.startswith("<") else ""
    return Unread(f"{error.operation_name} answers {code(error)}{told}")


def pages(client: Any, operation: str, key: str, **request: Any) -> Iterator[Any]:
    """Yield what is under `key` on every page of a list."""
    for page in client.get_paginator(operation).paginate(**request):
        yield from page.get(key, [])
