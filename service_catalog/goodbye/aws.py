"""What every step asks of boto3: clients of a place, what an error means, and time to wait."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

Client = Callable[[str], Any]
"""Returns the client of a service."""

ERRORS = (Boto3Error, BotoCoreError, ClientError)
# What the services here answer for something that is gone; those below say it of other things too.
GONE = frozenset({
    "404",
    "NoSuchBucket",
    "NotFoundException",
    "RepositoryDoesNotExistException",
    "RepositoryNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
})  # fmt: skip
SAYS_GONE = re.compile(r"does not exist|could not find|not found", re.IGNORECASE)


@dataclass
class Watch:
    """How long all the waiting together may take, in seconds; what it waits for is looked at ever less often."""

    seconds: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = self.now() + self.seconds

    def looks(self) -> Iterator[None]:
        """Yield at once, and again and again until the time is up."""
        pause = 1.0
        yield
        while self.now() < self._until:
            self.sleep(pause)
            pause = min(pause * 1.5, 15.0)
            yield


def is_gone(error: Exception) -> bool:
    """Whether AWS says that there is no such thing."""
    if not isinstance(error, ClientError):
        return False
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    return code in GONE or (code in ("ValidationException", "ValidationError") and bool(SAYS_GONE.search(message)))


def why(error: Exception) -> str:
    """Return AWS's own words, without a full stop."""
    said = error.response["Error"].get("Message") if isinstance(error, ClientError) else ""
    return (said or str(error)).strip().rstrip(".")


def pages(client: Any, operation: str, member: str, **request: Any) -> Iterator[dict[str, Any]]:
    """Yield what is listed in `member` of every page of an operation."""
    for page in client.get_paginator(operation).paginate(**request):
        yield from page.get(member, ())
