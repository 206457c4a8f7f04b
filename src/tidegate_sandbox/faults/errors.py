"""Requests that the model answers with an error of its own."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tidegate_sandbox.faults.fault import RequestFault
from tidegate_sandbox.faults.requests import Ask, Asked

if TYPE_CHECKING:
    from tidegate_sandbox.services.endpoints.upstream import Reply


class Errors(RequestFault):
    """The model answers `status` and is not asked."""

    WHAT: ClassVar[str] = "requests are answered with an error of the model's"

    kind: Literal["errors"] = "errors"
    status: Annotated[int, Field(ge=400, le=599)] = 500

    @property
    def effect(self) -> str:
        """What it does."""
        return f"{self.requests} {self.verb('is', 'are')} answered with status {self.status}"

    async def around(self, asked: Asked, ask: Ask) -> "Reply":
        """Answer in the model's place."""
        return asked.answer(self.status, "an error that was injected")
