"""What every fault has: when it stands, how often it strikes, and whom."""

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from tidegate.stage.quantities import Latency, Rate, duration_within, format_duration, parse_latency, parse_rate, show
from tidegate_sandbox.faults.requests import Ask, Asked
from tidegate_sandbox.faults.subjects import Invocation, Subject

if TYPE_CHECKING:
    from tidegate_sandbox.services.endpoints.upstream import Reply

LONGEST = timedelta(days=365)

_NAMES = re.compile(r"[\w.+=@/:*?-]{1,255}")
_ACCOUNT = re.compile(r"\d{12}")


def _written(value: timedelta) -> str:
    return format_duration(value)


def _pattern(value: str) -> str:
    if not _NAMES.fullmatch(value):
        raise ValueError(f"{show(value)} is no name; write a name, in which * stands for anything")
    return value


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise ValueError(f"{show(value)} is no account; write its twelve digits")
    return value


def _some(value: object) -> Rate:
    rate = parse_rate(value)
    if not rate.percent:
        raise ValueError("0% is nothing; write more than 0% and at most 100%")
    return rate


Duration = Annotated[
    timedelta, BeforeValidator(duration_within(timedelta(0), LONGEST)), PlainSerializer(_written, when_used="json")
]
Lasting = Annotated[
    timedelta,
    BeforeValidator(duration_within(timedelta(seconds=1), LONGEST)),
    PlainSerializer(_written, when_used="json"),
]
Share = Annotated[Rate, BeforeValidator(_some), PlainSerializer(str, when_used="json")]
Wait = Annotated[Latency, BeforeValidator(parse_latency), PlainSerializer(str, when_used="json")]
Pattern = Annotated[str, AfterValidator(_pattern)]
Account = Annotated[str, AfterValidator(_account)]

ALWAYS = parse_rate("100%")


def named(kind: str, pattern: str) -> str:
    """Return how a sentence names a thing, or all those of which a pattern stands for the names."""
    if pattern == "*":
        return f"any {kind}"
    return f"any {kind} named {pattern}" if "*" in pattern or "?" in pattern else f"the {kind} {pattern}"


class Fault(BaseModel):
    """A fault, as somebody asked for it. `after` and `lasting` are on the sandbox's clock.

    Within its time it strikes the `share` of the subjects that it fits, at most so many `times`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True)

    WHAT: ClassVar[str]
    """What it does, for a list of kinds."""

    account: Account | None = None
    after: Duration = timedelta(0)
    lasting: Lasting | None = Field(default=None, alias="for")
    share: Share = ALWAYS
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @property
    def sentence(self) -> str:
        """What it does to whom, without a full stop and without when."""
        return f"{self.effect}, in account {self.account}" if self.account else self.effect

    @property
    def effect(self) -> str:
        """What it does to whom, in whichever account."""
        raise NotImplementedError

    @property
    def mostly(self) -> str:
        """In how many of the cases, where that is not in all: what is told after the rest."""
        return "" if self.share == ALWAYS else f", in {self.share} of the cases"

    def some(self, one: str, many: str) -> str:
        """Return how many of its subjects it strikes: every one, or its share of the many."""
        return f"every {one}" if self.share == ALWAYS else f"{self.share} of the {many}"

    def verb(self, does: str, do: str) -> str:
        """Return what `some` of them do."""
        return does if self.share == ALWAYS else do

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` is one of those it may strike."""
        raise NotImplementedError


class RequestFault(Fault):
    """A fault of requests to an endpoint: of one variant, one configuration or one fleet of it, or of all."""

    endpoint: Pattern
    variant: Pattern = "*"
    config: Pattern = "*"
    new_fleet: bool = False
    """Strikes the fleet of an update alone, while that is under way."""

    def fits(self, subject: Subject) -> bool:
        """Whether `subject` is a request to what is named."""
        return (
            isinstance(subject, Invocation)
            and fnmatchcase(subject.endpoint, self.endpoint)
            and fnmatchcase(subject.variant, self.variant)
            and fnmatchcase(subject.config, self.config)
            and (subject.is_new or not self.new_fleet)
        )

    async def around(self, asked: Asked, ask: Ask) -> "Reply":
        """Answer the request, with or without asking the model server."""
        raise NotImplementedError

    @property
    def of(self) -> str:
        """Whose requests they are."""
        parts = [named("endpoint", self.endpoint)]
        if self.variant != "*":
            parts.insert(0, f"{named('variant', self.variant)} of")
        if self.config != "*":
            parts.append(f"with {named('configuration', self.config)}")
        if self.new_fleet:
            parts.insert(0, "the new fleet of")
        return " ".join(parts)

    @property
    def requests(self) -> str:
        """How many of which requests."""
        return f"{self.some('request', 'requests')} to {self.of}"
