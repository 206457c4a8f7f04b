"""The tag in which an endpoint config says what became of its release, and what had served before it.

`PROMOTED 20260101T001640Z after 2@20251201T120000Z/f0e1d2 1@20251101T120000Z/a9b8c7`: the outcome and when the endpoint
came to rest with it, then the versions that had served, the newest first, each with that moment of its own and the end
of its config's name. So what served is known also once its config has been removed, as far back as a tag has room.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from tidegate.outcome import Outcome

OUTCOME_TAG: Final = "tidegate:outcome"

TAG_VALUE_MAX: Final = 256
"""Characters of a tag's value (botocore: TagValue), which has no comma among those that it takes."""

_TIME: Final = "%Y%m%dT%H%M%SZ"
_AFTER: Final = " after "
_SERVED: Final = re.compile(r"(?P<version>\d+)@(?P<at>\d{8}T\d{6}Z)/(?P<config>[a-z0-9-]{1,6})")
_ENDING: Final = 6


@dataclass(frozen=True, slots=True)
class Served:
    """A version that served, from `at` on, by the config whose name ends so."""

    version: int
    at: datetime
    config: str

    def is_of(self, config_name: str) -> bool:
        """Whether the config is this one, as far as the end of its name tells."""
        return ending(config_name) == self.config

    def __str__(self) -> str:
        return f"{self.version}@{self.at.strftime(_TIME)}/{self.config}"


@dataclass(frozen=True, slots=True)
class OutcomeTag:
    """What a config's tag says."""

    outcome: Outcome
    at: datetime
    before: tuple[Served, ...] = ()

    def followed_by(self, config_name: str, version: int | None) -> tuple[Served, ...]:
        """Return what the config that takes over from this one remembers; this one served `version`."""
        own = (Served(version, self.at, ending(config_name)),) if self.outcome.served and version is not None else ()
        return (*own, *self.before)

    def __str__(self) -> str:
        """Return the tag's value; what had served longest ago is left out where it has no room."""
        text = f"{self.outcome} {self.at.strftime(_TIME)}"
        before = _AFTER + " ".join(map(str, self.before)) if self.before else ""
        if len(text + before) > TAG_VALUE_MAX:
            return str(replace(self, before=self.before[:-1]))
        return text + before


def ending(config_name: str) -> str:
    """Return the end of a config's name, in lower case as in its ARN; names end in what CloudFormation drew."""
    return config_name[-_ENDING:].lower()


def parse_outcome(value: str) -> OutcomeTag | None:
    """Return what the tag says, None for one that is not of this form."""
    own, _, before = value.partition(_AFTER)
    word, _, moment = own.partition(" ")
    try:
        outcome, at = Outcome(word), _time(moment)
        found = [_SERVED.fullmatch(each) for each in before.split()]
        served = tuple(Served(int(each["version"]), _time(each["at"]), each["config"]) for each in found if each)
    except ValueError:
        return None
    return OutcomeTag(outcome, at, served)


def _time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
