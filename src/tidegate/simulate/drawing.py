"""A simulated release as lines of text: a bar for the traffic, the rates of failure, the alarms; minute by minute.

Minutes that are alike are one line, so that an hour fits on a screen and a build log stays short.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tidegate.alarms import AlarmSpec
from tidegate.alarms.words import in_words, percent
from tidegate.guardrails import Phase
from tidegate.simulate.draw import FAILED, REQUESTS
from tidegate.simulate.result import Minute, Result, Runs

_WIDTH: Final = 20
_ALIKE: Final = 0.01  # rates of failure that differ by no more than this, or half, are shown as one

_PHASES: Final = {
    Phase.CREATING: "new instances start",
    Phase.BAKING: "traffic moves",
    Phase.TERMINATION_WAIT: "all traffic has moved",
    Phase.PROMOTED: "promoted",
    Phase.ROLLING_BACK: "rolling back",
    Phase.ROLLED_BACK: "rolled back",
    Phase.ROLLBACK_FAILED: "the rollback failed: both fleets serve",
}


@dataclass(frozen=True, slots=True)
class Ink:
    """What bars are drawn with."""

    full: str
    empty: str


BLOCKS: Final = Ink("█", "░")
ASCII: Final = Ink("#", ".")


def ink_for(encoding: str | None) -> Ink:
    """Return what can be drawn where text is written in `encoding`."""
    try:
        (BLOCKS.full + BLOCKS.empty).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return BLOCKS


def bar(share: float, ink: Ink) -> str:
    """Draw a share of 0 to 1; what is neither nothing nor all shows as neither."""
    full = round(share * _WIDTH)
    if 0 < share < 1:
        full = min(_WIDTH - 1, max(1, full))
    return ink.full * full + ink.empty * (_WIDTH - full)


def label(spec: AlarmSpec) -> str:
    """Name an alarm in a few words."""
    fleet = "new fleet" if spec.new_fleet_only else "both fleets"
    return f"{spec.metric} {spec.statistic} ({fleet})"


def draw(result: Result, ink: Ink = ASCII) -> Iterator[str]:
    """Yield the lines of a release: its timeline, its alarms, its outcome, whom it harmed."""
    yield f"{'minute':<14} {'traffic of the new version':<{_WIDTH + 6}} {'old fails':>9} {'new fails':>9}  alarms"
    events = [(change.at, _PHASES[change.phase]) for change in result.changes]
    events = [event for index, event in enumerate(events) if index == 0 or event[1] != events[index - 1][1]]
    numbers = {spec.name: number for number, spec in enumerate(result.alarms, start=1)}
    for group in _groups(result.minutes, [at for at, _ in events]):
        begin, end = group[0].begin, group[-1].begin + 60
        share = sum(minute.green_share for minute in group) / len(group)
        firing = ", ".join(f"{numbers[name]}" for name in group[0].firing)
        told = "; ".join(words for at, words in events if begin <= at < end)
        alarms = f"in ALARM: {firing}" if firing else ""
        yield (
            f"{_when(result.start, begin, len(group)):<14} {bar(share, ink)} {percent(round(share, 3)):>5} "
            f"{_rate(group, old=True):>9} {_rate(group, old=False):>9}  {'; '.join(filter(None, (alarms, told)))}"
        ).rstrip()
    after = [words for at, words in events if not result.minutes or at >= result.minutes[-1].begin + 60]
    if after:
        yield f"{_clock(result.start, result.ended):<14} {after[-1]}"
    yield ""
    for number, spec in enumerate(result.alarms, start=1):
        times = [_clock(result.start, change.at) for change in result.fired if change.alarm == spec.name]
        yield f"alarm {number}: {label(spec)} {f'fired at {times[0]}' if times else 'did not fire'}"
    yield ""
    yield from summary(result)


def summary(result: Result) -> Iterator[str]:
    """Yield how a release ended and whom it harmed."""
    reason = result.reason
    for number, spec in enumerate(result.alarms, start=1):
        reason = reason.replace(spec.name, str(number))
    yield f"{result.outcome}: {reason}"
    if result.rolled_back_after is not None:
        yield f"rolled back {in_words(result.rolled_back_after)} after the new version's first request"
    slow = f", {_count(result.new.slow)} took too long" if result.new.slow else ""
    yield (
        f"harmed: {_count(result.harmed)} of {_count(result.new.requests)} requests that the new version answered "
        f"({_count(result.new.failed)} failed{slow}), of {_count(result.sent)} in all"
    )


def draw_runs(runs: Runs, ink: Ink = ASCII) -> Iterator[str]:
    """Yield what many runs came to."""
    yield f"{runs.runs:,} runs"
    for outcome, number in runs.outcomes.items():
        share = number / runs.runs
        yield f"  {outcome.value:<18} {number:>7,}  {percent(round(share, 4)):>6}  {bar(share, ink)}"
    if runs.rolled_back_after is not None:
        after = runs.rolled_back_after
        yield (
            f"  rolled back after  {in_words(after.p50)} in the middle, "
            f"{in_words(after.p5)} to {in_words(after.p95)} in 90 of 100"
        )
    harmed = runs.harmed
    yield (
        f"  harmed requests    {_count(harmed.p50)} in the middle, "
        f"{_count(harmed.p5)} to {_count(harmed.p95)} in 90 of 100"
    )


def _groups(minutes: Sequence[Minute], events: Sequence[float]) -> Iterator[list[Minute]]:
    """Yield runs of minutes that look alike."""
    group: list[Minute] = []
    for minute in minutes:
        eventful = any(minute.begin <= at < minute.begin + 60 for at in events)
        if group and (eventful or not _alike(group, minute)):
            yield group
            group = []
        group.append(minute)
        if eventful:
            yield group
            group = []
    if group:
        yield group


def _alike(group: Sequence[Minute], minute: Minute) -> bool:
    last = group[-1]
    if (round(last.green_share, 6), last.firing) != (round(minute.green_share, 6), minute.firing):
        return False
    for old in (True, False):
        before, now = _failing(group, old=old), _failing([minute], old=old)
        if abs(before - now) > max(_ALIKE, before / 2):
            return False
    return True


def _failing(minutes: Sequence[Minute], *, old: bool) -> float:
    counts = [minute.old if old else minute.new for minute in minutes]
    requests = sum(counted[REQUESTS] for counted in counts)
    return sum(counted[FAILED] for counted in counts) / requests if requests else 0.0


def _rate(minutes: Sequence[Minute], *, old: bool) -> str:
    if not any((minute.old if old else minute.new)[REQUESTS] for minute in minutes):
        return "-"
    return percent(round(_failing(minutes, old=old), 4))


def _when(start: datetime, begin: float, minutes: int) -> str:
    first = f"{start + timedelta(seconds=begin):%H:%M}"
    return first if minutes == 1 else f"{first} to {start + timedelta(seconds=begin + (minutes - 1) * 60):%H:%M}"


def _clock(start: datetime, at: float) -> str:
    return f"{start + timedelta(seconds=at):%H:%M:%S}"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.1f}"
