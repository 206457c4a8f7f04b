"""The kinds of faults, and how one is read from what somebody asks for."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from tidegate.stage.quantities import show
from tidegate_sandbox.faults.capacity import NoCapacity
from tidegate_sandbox.faults.crash import Crash
from tidegate_sandbox.faults.denial import Denial
from tidegate_sandbox.faults.errors import Errors
from tidegate_sandbox.faults.events import DoubledEvents, LostEvents
from tidegate_sandbox.faults.latency import SlowAnswers
from tidegate_sandbox.faults.rollback import AfterRollback
from tidegate_sandbox.faults.throttling import Throttling
from tidegate_sandbox.faults.wrong import WrongAnswers

AnyFault: TypeAlias = Annotated[
    Errors
    | SlowAnswers
    | Crash
    | WrongAnswers
    | Throttling
    | Denial
    | NoCapacity
    | LostEvents
    | DoubledEvents
    | AfterRollback,
    Field(discriminator="kind"),
]

_READER: TypeAdapter[AnyFault] = TypeAdapter(AnyFault)


class FaultError(ValueError):
    """What is asked for is no fault; the message says why, a sentence for each part of it that is wrong."""


def read(asked: Mapping[str, Any]) -> AnyFault:
    """Return the fault that `asked` describes by its kind and that kind's members; FaultError where it is none."""
    try:
        return _READER.validate_python(dict(asked))
    except ValidationError as error:
        raise FaultError("\n".join(_sentence(each) for each in error.errors())) from None


def _sentence(error: Any) -> str:
    # The first part of a place is the kind.
    where = ".".join(str(part) for part in error["loc"][1:]) or "kind"
    match error["type"]:
        case "missing":
            return f"{where}: it is needed"
        case "extra_forbidden":
            return f"{where}: this kind of fault has no such member"
        case "greater_than_equal":
            return f"{where}: {show(error['input'])} is too little; write {error['ctx']['ge']} or more"
        case "less_than_equal":
            return f"{where}: {show(error['input'])} is too much; write {error['ctx']['le']} or less"
        case "literal_error":
            return f"{where}: {show(error['input'])} is neither; write {error['ctx']['expected']}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}"
