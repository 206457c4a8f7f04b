"""Faults of requests, put around the asking of a model server."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tidegate_sandbox.services.endpoints.upstream import Reply

Ask = Callable[[], Awaitable["Reply"]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `answer` makes a model's answer of a status and a text, `crash` ends the model server at once."""

    body: bytes
    content_type: str
    answer: Callable[[int, str], "Reply"]
    crash: Callable[[], None]


class Disturbance(Protocol):
    """A fault that comes between a request and its model server."""

    async def around(self, asked: Asked, ask: Ask) -> "Reply":
        """Answer the request, with or without asking the model server."""
        ...


async def disturbed(asked: Asked, ask: Ask, disturbances: Sequence[Disturbance]) -> "Reply":
    """Ask a model server as `disturbances` let it, the first of them outermost."""
    for each in reversed(disturbances):
        ask = partial(each.around, asked, ask)
    return await ask()
