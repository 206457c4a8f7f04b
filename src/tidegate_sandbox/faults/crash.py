"""Model servers that die."""

import asyncio
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tidegate_sandbox.faults.fault import ALWAYS, RequestFault
from tidegate_sandbox.faults.requests import Ask, Asked

if TYPE_CHECKING:
    from tidegate_sandbox.services.endpoints.upstream import Reply


class Crash(RequestFault):
    """The model server dies of a request, which gets no answer; as any that dies, it is started again."""

    WHAT: ClassVar[str] = "the model server dies of a request, once unless told otherwise"

    kind: Literal["crash"] = "crash"
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1

    @property
    def effect(self) -> str:
        """What it does."""
        which = "a request" if self.share == ALWAYS else f"{self.share} of the requests"
        return f"the model server of {self.of} dies of {which}"

    async def around(self, asked: Asked, ask: Ask) -> "Reply":
        """End the model server, then ask it."""
        await asyncio.to_thread(asked.crash)
        return await ask()
