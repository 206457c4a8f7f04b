"""Requests that the model takes longer to answer."""

import asyncio
from typing import TYPE_CHECKING, ClassVar, Literal

from tidegate_sandbox.faults.fault import RequestFault, Wait
from tidegate_sandbox.faults.requests import Ask, Asked

if TYPE_CHECKING:
    from tidegate_sandbox.services.endpoints.upstream import Reply


class SlowAnswers(RequestFault):
    """The model takes `add` longer, on the wall's clock as all latencies of requests."""

    WHAT: ClassVar[str] = "requests take longer"

    kind: Literal["latency"] = "latency"
    add: Wait

    @property
    def effect(self) -> str:
        """What it does."""
        return f"{self.requests} {self.verb('takes', 'take')} {self.add} longer"

    async def around(self, asked: Asked, ask: Ask) -> "Reply":
        """Wait, then ask."""
        await asyncio.sleep(self.add.microseconds / 1e6)
        return await ask()
