"""The course of a release on a virtual clock: who has which share of the traffic when, and what a minute is to bring.

Times are seconds since the release began. The endpoint state machine of `tidegate.guardrails` decides what happens
next; here it is told when instances are healthy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor
from typing import NamedTuple

from tidegate import guardrails
from tidegate.guardrails import WATCHED, Guardrails, Phase, Rollout
from tidegate.simulate.flow import Behaviours, Requests
from tidegate.simulate.scenario import Scenario

MINUTE = 60.0
_ROUNDING = 1e-9


class Expected(NamedTuple):
    """What a fleet is to get in a stretch of time: requests by their answer, on average.

    `slow` has the share of answers above each of the thresholds that are looked at; `mean` and `deviation` are those of
    the latencies in microseconds.
    """

    good: float
    errors: float
    client_errors: float
    slow: tuple[float, ...]
    mean: float
    deviation: float


class Row(NamedTuple):
    """A minute of the clock, or as much of it as the release lasts.

    `watch`: when an alarm that has changed by this minute's end is first looked at, before the next minute's can be;
    None if it is not.
    """

    begin: float
    end: float
    green_share: float
    green: Expected | None
    blue: Expected | None
    watch: float | None


class Piece(NamedTuple):
    """The rollout as it is from `at` on."""

    at: float
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class World:
    """What a scenario says, ready to be asked."""

    scenario: Scenario
    requests: Requests
    old: Behaviours
    new: Behaviours
    thresholds: tuple[float, ...]
    """Latencies in microseconds, rising: how many answers are slower than each is counted."""
    times_latency: bool
    """Whether it is summed up how long answers take."""

    @property
    def phase(self) -> float:
        """The seconds of a minute that have passed when the release begins."""
        start = self.scenario.start
        return start.second + start.microsecond / 1e6

    def moment(self, at: float) -> datetime:
        """Return the clock's time."""
        return self.scenario.start + timedelta(seconds=at)

    def seconds(self, moment: datetime) -> float:
        """Return the seconds since the release began."""
        return (moment - self.scenario.start).total_seconds()


def begin(world: World, asked: Guardrails, instance_count: int) -> list[Piece]:
    """Return the pieces of a release that no alarm disturbs, from its beginning to its end."""
    return follow(world, Piece(0.0, guardrails.start(asked, instance_count, world.moment(0.0))))


def follow(world: World, first: Piece) -> list[Piece]:
    """Return what comes of a rollout if no alarm is seen from now on, `first` included."""
    pieces = [first]
    at, rollout = first
    start_up, roll_back = world.scenario.start_up, world.scenario.roll_back
    while not rollout.finished:
        due = None if rollout.next_deadline is None else world.seconds(rollout.next_deadline)
        if rollout.awaits_instances:
            back = rollout.phase is Phase.ROLLING_BACK
            takes = (roll_back if back else start_up).takes.total_seconds()
            ready = world.seconds(rollout.since) + takes
            if due is None or ready <= due:
                at, rollout = ready, _instances(world, rollout, ready)
                pieces.append(Piece(at, rollout))
                continue
        assert due is not None
        at, rollout = due, guardrails.advance(rollout, world.moment(due), ())
        pieces.append(Piece(at, rollout))
    return pieces


def _instances(world: World, rollout: Rollout, at: float) -> Rollout:
    """Report how making instances went."""
    now = world.moment(at)
    if rollout.phase is Phase.ROLLING_BACK:
        if world.scenario.roll_back.fails:
            return guardrails.rollback_failed(rollout, now, "the old instances did not get healthy")
        return guardrails.fleet_ready(rollout, now)
    if world.scenario.start_up.fails_at == rollout.step + 2:
        return guardrails.fleet_failed(rollout, now, "the new instances did not get healthy")
    return guardrails.fleet_ready(rollout, now)


def first_request(pieces: Sequence[Piece]) -> float | None:
    """Return when the new fleet first has traffic."""
    return next((piece.at for piece in pieces if piece.rollout.green_instances), None)


def rows(world: World, pieces: Sequence[Piece], *, since: float, until: float, delay: float) -> Iterator[Row]:
    """Yield the minutes of the clock from the one that `since` is in to the one that `until` is in.

    The last ends with the clock's minute, so that its alarms have the data of all of it.
    """
    begun = first_request(pieces)
    new = world.new if begun is None else world.new.since(begun)
    watched = _watched(pieces)
    number = floor((since + world.phase) / MINUTE + _ROUNDING)
    last = max(number, ceil((until + world.phase) / MINUTE - _ROUNDING) - 1)
    for minute in range(number, last + 1):
        row_begin, row_end = minute * MINUTE - world.phase, (minute + 1) * MINUTE - world.phase
        green_total, parts = 0.0, []
        for at, end, share in _shares(pieces, row_begin, row_end):
            green_total += (end - at) * share
            parts.append((at, end, share))
        seen = row_end + delay
        yield Row(
            row_begin,
            row_end,
            green_total / MINUTE,
            _expected(world, new, [(at, end, share) for at, end, share in parts if share > 0]),
            _expected(world, world.old, [(at, end, 1 - share) for at, end, share in parts if share < 1]),
            _first_watched(watched, seen, seen + MINUTE),
        )


def _shares(pieces: Sequence[Piece], begin: float, end: float) -> Iterator[tuple[float, float, float]]:
    """Yield the stretches between `begin` and `end`, each with the new fleet's share of the traffic."""
    at = begin
    for index, piece in enumerate(pieces):
        until = pieces[index + 1].at if index + 1 < len(pieces) else float("inf")
        if until <= at:
            continue
        if piece.at > at:  # before the release began
            yield at, min(piece.at, end), 0.0
            at = min(piece.at, end)
        if at >= end:
            return
        yield at, min(until, end), piece.rollout.green_share
        at = min(until, end)
        if at >= end:
            return


def _watched(pieces: Sequence[Piece]) -> list[tuple[float, float]]:
    ends = [*(piece.at for piece in pieces[1:]), float("inf")]
    return [(piece.at, end) for piece, end in zip(pieces, ends, strict=True) if piece.rollout.phase in WATCHED]


def _first_watched(watched: Sequence[tuple[float, float]], since: float, before: float) -> float | None:
    """Return the first time from `since` on, and before `before`, at which the alarms are looked at."""
    for begin, end in watched:
        if since <= end:
            at = max(since, begin)
            return at if at < before else None
    return None


def _expected(world: World, behaviours: Behaviours, parts: Sequence[tuple[float, float, float]]) -> Expected | None:
    """Return what a fleet is to get in `parts` (from, to, its share of the traffic), None if it gets nothing."""
    good = errors = client_errors = mean = square = 0.0
    slow = [0.0] * len(world.thresholds)
    for begin, end, share in _split(parts, behaviours.times):
        requests = world.requests.at((begin + end) / 2) * (end - begin) / MINUTE * share
        if requests <= 0:
            continue
        behaviour = behaviours.at((begin + end) / 2)
        errors += requests * behaviour.errors
        client_errors += requests * behaviour.client_errors
        good += requests * (1 - behaviour.errors - behaviour.client_errors)
        latency = behaviour.latency
        if latency is not None:
            if world.times_latency:
                mean += requests * latency.mean
                square += requests * (latency.deviation**2 + latency.mean**2)
            for index, threshold in enumerate(world.thresholds):
                slow[index] += requests * latency.above(threshold)
    total = good + errors + client_errors
    if total <= 0:
        return None
    mean, square = mean / total, square / total
    return Expected(
        good, errors, client_errors, tuple(each / total for each in slow), mean, max(0.0, square - mean * mean) ** 0.5
    )


def _split(parts: Sequence[tuple[float, float, float]], times: Sequence[float]) -> Iterator[tuple[float, float, float]]:
    """Cut `parts` where a version begins to behave otherwise."""
    for begin, end, share in parts:
        at = begin
        for time in times:
            if at < time < end:
                yield at, time, share
                at = time
        yield at, end, share
