"""The scenario file: what happens to an endpoint while a release goes on, typed and read as stage files are.

Times count from the beginning of the release, but those of the new version's changes, which count from its first
request.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from tidegate.stage import Latency, Problem, Rate, StageFileError
from tidegate.stage.document import plain
from tidegate.stage.frozen import Frozen
from tidegate.stage.problems import InvalidValueError
from tidegate.stage.quantities import duration_within, parse_latency, parse_rate, show
from tidegate.stage.reading import read_document
from tidegate.stage.validation import locate, typed
from tidegate.stage.values import number_above_zero, one_of, truth, whole_number

LONGEST: Final = timedelta(days=1)
"""Ours: nothing that a scenario describes takes longer; a release takes 8 hours at most."""

DEFAULT_START: Final = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
DEFAULT_START_UP: Final = timedelta(minutes=5)  # ours: what small endpoints are seen to take
DEFAULT_ALARM_DELAY: Final = timedelta(seconds=30)  # ours: half of what `tidegate.alarms.firing` reckons with
SEED_MAX: Final = 2**32 - 1


def _start(value: object) -> datetime:
    right = 'write date, time and offset in quotes, such as "2026-01-05T12:00:00Z"'
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise InvalidValueError(f"{show(value)} is not a moment", right) from None
    if moment.tzinfo is None:
        raise InvalidValueError(f"{show(value)} does not say in which time zone", right)
    return moment.astimezone(UTC)


def _time_of_day(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        moment = datetime.strptime(str(value), "%H:%M")
    except ValueError:
        raise InvalidValueError(
            f"{show(value)} is not a time of day", 'write hours and minutes, such as "08:30"'
        ) from None
    return timedelta(hours=moment.hour, minutes=moment.minute)


def _requests(value: object) -> float:
    if value == 0 and not isinstance(value, bool):
        return 0.0
    checked: float = number_above_zero().func(value)  # type: ignore[call-arg]
    return checked


Time = Annotated[timedelta, BeforeValidator(duration_within(timedelta(0), LONGEST))]
TimeOfDay = Annotated[timedelta, BeforeValidator(_time_of_day)]
Start = Annotated[datetime, BeforeValidator(_start)]
RateOf = Annotated[Rate, BeforeValidator(parse_rate)]
LatencyOf = Annotated[Latency, BeforeValidator(parse_latency)]
Requests = Annotated[float, BeforeValidator(_requests)]
Truth = Annotated[bool, truth()]


class Point(Frozen):
    """The traffic at a time."""

    at: Time = Field(examples=["10m"])
    requests_per_minute: Requests = Field(examples=[600])


class Hour(Frozen):
    """The traffic at a time of day, in UTC."""

    at: TimeOfDay = Field(examples=['"08:30"'])
    requests_per_minute: Requests = Field(examples=[600])


class Traffic(Frozen):
    """Requests a minute: always the same, over time, or over the day; in between points, in a straight line."""

    requests_per_minute: Requests | None = None
    over_time: tuple[Point, ...] = ()
    over_day: tuple[Hour, ...] = ()


class Quantiles(Frozen):
    """How long answers take: a lognormal distribution by its median and its 99th percentile."""

    p50: LatencyOf = Field(examples=["40ms"])
    p99: LatencyOf = Field(examples=["120ms"])


class Change(Frozen):
    """From a time on a version behaves otherwise; what is left out stays as it was."""

    after: Time = Field(examples=["7m"])
    error_rate: RateOf | None = None
    client_error_rate: RateOf | None = None
    latency: Quantiles | None = None


class Version(Frozen):
    """How a version behaves. What the new one leaves out is as the old one's; without a latency nothing is slow."""

    error_rate: RateOf | None = None
    """The share of requests that are answered with 5xx; left out of `old`, the stage's `expect.error_rate`."""
    client_error_rate: RateOf | None = None
    """The share of requests that are answered with 4xx."""
    latency: Quantiles | None = None
    changes: tuple[Change, ...] = ()


class StartUp(Frozen):
    """How new instances come up."""

    takes: Time = DEFAULT_START_UP
    fails_at: Annotated[int, whole_number(1, 1000)] | None = None
    """The batch whose instances never get healthy; there is one batch but in a rolling update."""


class RollBack(Frozen):
    """How old instances come up again, which a rolling update needs to go back."""

    takes: Time = DEFAULT_START_UP
    fails: Truth = False


class Published(StrEnum):
    """Which of the metrics a gap is in."""

    NEW_FLEET = "new_fleet"
    VARIANT = "variant"
    ALL = "all"


class Gap(Frozen):
    """A time in which metrics do not come in."""

    metrics: Annotated[Published, one_of(Published, "a kind of metrics")] = Field(examples=["new_fleet"])
    after: Time = timedelta(0)
    lasts: Time | None = None
    """Left out, to the end."""


class Scenario(Frozen):
    """What happens around one release."""

    description: str = ""
    start: Start = DEFAULT_START
    seed: Annotated[int, whole_number(0, SEED_MAX)] = 1
    even: Truth = False
    """Every count is what it is on average: no chance, and parts of requests."""
    traffic: Traffic | None = None
    """Left out, the stage's `expect.requests_per_minute`."""
    old: Version = Version()
    new: Version = Version()
    slow: LatencyOf | None = None
    """A request that takes longer is harmed; left out, the lowest threshold of the stage's rules on ModelLatency."""
    start_up: StartUp = StartUp()
    roll_back: RollBack = RollBack()
    alarm_delay: Time = DEFAULT_ALARM_DELAY
    """From a period's end until its alarm has changed and SageMaker has seen it."""
    missing: tuple[Gap, ...] = ()
    guardrails_ignored: Truth = False
    """SageMaker updates all at once without a bake, as it does silently with some containers."""


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises StageFileError with everything that is wrong with it, each with file:line:column.
    """
    document = read_document(path)
    problems = list(document.problems)
    scenario = None
    if document.root is not None:
        root = document.root
        scenario, found, _ = typed(Scenario, root, plain(root))
        unread = {problem.position for problem in problems}
        problems += [problem for problem in found if problem.position not in unread]
        if scenario is not None:
            problems += [Problem(locate(root, where), wrong, right) for where, wrong, right in check(scenario)]
    if scenario is None or problems:
        raise StageFileError(sorted(problems), {document.file: document.text})
    return scenario


def check(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield what is wrong across fields: where, what, and what would be right."""
    traffic = scenario.traffic
    if traffic is not None:
        given = [key for key in ("requests_per_minute", "over_time", "over_day") if key in traffic.model_fields_set]
        if len(given) != 1:
            which = f"{' and '.join(f'`{key}`' for key in given)} cannot be at once" if given else "there is no traffic"
            yield ("traffic",), which, "give one of requests_per_minute, over_time and over_day"
        for key in given:
            points = getattr(traffic, key)
            if isinstance(points, tuple):
                yield from _in_order(("traffic", key), [point.at for point in points], "at")
    for name in ("old", "new"):
        version = getattr(scenario, name)
        yield from _in_order((name, "changes"), [change.after for change in version.changes], "after", needed=False)
        for path, latency in (
            ((name, "latency"), version.latency),
            *(((name, "changes", index, "latency"), change.latency) for index, change in enumerate(version.changes)),
        ):
            if latency is not None and latency.p99.microseconds < latency.p50.microseconds:
                yield (*path, "p99"), f"a p99 of {latency.p99} is below the p50", f"write {latency.p50} or more"
        yield from _more_than_all(name, version, scenario.old)
        for index, change in enumerate(version.changes):
            if change.model_fields_set == {"after"}:
                yield (name, "changes", index), "nothing changes here", "give error_rate, client_error_rate or latency"


def _more_than_all(name: str, version: Version, old: Version) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    nothing = Rate(Decimal(0))
    errors = version.error_rate or old.error_rate or nothing
    client_errors = version.client_error_rate or old.client_error_rate or nothing
    steps: list[tuple[tuple[str | int, ...], Version | Change]] = [((name,), version)]
    steps += [((name, "changes", index), change) for index, change in enumerate(version.changes)]
    for path, step in steps:
        errors, client_errors = step.error_rate or errors, step.client_error_rate or client_errors
        if errors.percent + client_errors.percent > 100:
            yield path, f"{errors} and {client_errors} are more than all requests", "make one of the rates smaller"


def _in_order(
    path: tuple[str | int, ...], times: list[timedelta], key: str, *, needed: bool = True
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    if needed and not times:
        yield path, "there is no point", "add one"
    for index, (before, after) in enumerate(pairwise(times), start=1):
        if after <= before:
            yield (*path, index, key), "this is not after the one before", "put them in the order of time"
