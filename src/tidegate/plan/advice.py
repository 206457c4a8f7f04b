"""How a release would have to bake to see a regression that it cannot see as it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil, inf
from typing import Final

from tidegate.guardrails import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Rolling,
    Step,
    shifts,
    timeline,
    waits,
)
from tidegate.plan.detection import Exposure, can_tell, minutes_needed, smallest_error_rate
from tidegate.stage import CapacityType, Size, Trial, format_duration, limits

_MINUTE: Final = 60
_LONGEST: Final = int(limits.WAIT_MAX.total_seconds()) // _MINUTE
_LARGEST: Final = int(limits.EXECUTION_TIMEOUT_MAX.total_seconds())
_TEST_TOO_LONG: Final = limits.METRIC_RETENTION.total_seconds() / 3600
_TEST_PERCENT: Final = 10


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Settings by their path in the stage file that would see `smallest_error_rate`, a share in 0..1.

    A test is told by its `hours`; then the settings are those of `test`.
    """

    settings: tuple[tuple[str, str], ...]
    smallest_error_rate: float
    hours: float | None = None

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.settings)


def exposure_of(steps: tuple[Step, ...], requests_per_minute: float) -> tuple[Exposure, int]:
    """Return the requests that can be compared in an update, and the seconds in which they come.

    While both fleets serve, one is held against the other. Where the strategy moves all traffic at once there is only
    the termination wait, in which the new fleet is held against the error rate that is expected.
    """
    watched = [step for step in steps if step.watched and step.until > step.at]
    beside = [step for step in watched if step.green_share < 1]
    seconds = sum(step.until - step.at for step in beside or watched)
    per_second = requests_per_minute / _MINUTE
    new = sum((step.until - step.at) * step.green_share for step in beside or watched) * per_second
    old = sum((step.until - step.at) * (1 - step.green_share) for step in beside) * per_second if beside else inf
    return Exposure(new, old), int(seconds)


def suggest(
    guardrails: Guardrails,
    instance_count: int,
    *,
    fleets: Sequence[int],
    requests_per_minute: float,
    error_rate: float,
    notice: float,
    test: Trial | None,
) -> tuple[Suggestion, ...]:
    """Return what would notice an error rate of `notice` on a fleet of `instance_count`.

    It is the same parts with a longer bake, and larger parts with the same bake; where neither does, both at once; and
    where that does not either, an A/B test, in the place of the stage's shadow if it has one. Each is the smallest
    change of its kind that `validate` takes: bakes in whole minutes of at most an hour, parts in whole instances that
    every fleet of `fleets`, from the smallest to the largest that a release can meet, allows, all waits within the
    longest timeout. Empty where nothing would.
    """

    def first(candidates: Iterable[Guardrails]) -> Suggestion | None:
        for changed in candidates:
            try:
                steps = timeline(changed, instance_count)
                for count in (fleets[0], fleets[-1]):
                    shifts(changed, count)
            except GuardrailsError:
                continue
            exposure, _ = exposure_of(steps, requests_per_minute)
            if can_tell(error_rate, notice, exposure) and _longest(changed, fleets) < _LARGEST:
                rate = smallest_error_rate(error_rate, exposure)
                assert rate is not None
                return Suggestion(_settings(guardrails, changed, fleets), rate)
        return None

    larger = tuple(_larger(guardrails, instance_count))
    found = [each for each in (first(_longer(guardrails)), first(larger)) if each is not None]
    if not found:
        # The smallest part that an hour is enough for, and then no longer than it must be.
        part = next((each for each in larger if first([_baking(each, _LONGEST * _MINUTE)])), None)
        both = None if part is None else first(_longer(part))
        found = [] if both is None else [both]
    return tuple(found) or tuple(_test(requests_per_minute, error_rate, notice, test))


def _test(requests_per_minute: float, error_rate: float, notice: float, test: Trial | None) -> Iterator[Suggestion]:
    percent = test.ab.challenger_weight if test and test.ab else _TEST_PERCENT
    minutes = minutes_needed(error_rate, notice, new_share=percent / 100, requests_per_minute=requests_per_minute)
    if minutes is None or (hours := ceil(minutes / 60)) >= _TEST_TOO_LONG:
        return
    settings = (("test.ab.challenger_weight", f"{percent}%"), ("test.ab.duration", f"{hours}h"))
    # A test is one of the two, and `null` takes away what stands here or in endpoint.yml.
    without = (("test.shadow", "null"),) if test and test.shadow else ()
    yield Suggestion((*without, *settings), notice, hours=hours)


def _longer(guardrails: Guardrails) -> Iterator[Guardrails]:
    for minutes in range(1, _LONGEST + 1):
        if minutes * _MINUTE > _bake(guardrails):
            yield _baking(guardrails, minutes * _MINUTE)


def _larger(guardrails: Guardrails, instance_count: int) -> Iterator[Guardrails]:
    part = round(timeline(guardrails, instance_count)[0].green_share * instance_count)
    for instances in range(part + 1, instance_count // 2 + 1):
        larger = _with_part(guardrails, instances)
        if larger is not None:
            yield larger


def _bake(guardrails: Guardrails) -> int:
    strategy = guardrails.strategy
    return guardrails.termination_wait if isinstance(strategy, AllAtOnce) else strategy.wait_interval


def _baking(guardrails: Guardrails, seconds: int) -> Guardrails:
    if isinstance(guardrails.strategy, AllAtOnce):
        return replace(guardrails, termination_wait=seconds)
    return replace(guardrails, strategy=replace(guardrails.strategy, wait_interval=seconds))


def _with_part(guardrails: Guardrails, instances: int) -> Guardrails | None:
    size = Size(CapacityType.INSTANCE_COUNT, instances)
    match guardrails.strategy:
        case Canary():
            return replace(guardrails, strategy=replace(guardrails.strategy, size=size))
        case Linear():
            return replace(guardrails, strategy=replace(guardrails.strategy, step_size=size))
        case Rolling():
            return replace(guardrails, strategy=replace(guardrails.strategy, maximum_batch_size=size))
        case _:
            return None


def _longest(guardrails: Guardrails, fleets: Iterable[int]) -> int:
    return max(waits(guardrails, count) for count in fleets)


def _settings(before: Guardrails, after: Guardrails, fleets: Sequence[int]) -> tuple[tuple[str, str], ...]:
    changed: list[tuple[str, str]] = []
    match before.strategy, after.strategy:
        case Canary(old), Canary(new) if old != new:
            changed.append(("release.canary_size", str(new)))
        case Linear(old), Linear(new) if old != new:
            changed.append(("release.linear_step_size", str(new)))
        case Rolling(old), Rolling(new) if old != new:
            changed.append(("release.maximum_batch_size", str(new)))
    if _bake(before) != _bake(after):
        key = "termination_wait" if isinstance(before.strategy, AllAtOnce) else "wait_interval"
        changed.append((f"release.{key}", format_duration(timedelta(seconds=_bake(after)))))
    lasts = _longest(after, fleets)
    if before.maximum_execution_timeout is not None and lasts >= before.maximum_execution_timeout:
        # As much room for starting and stopping instances as there was.
        room = before.maximum_execution_timeout - _longest(before, fleets)
        timeout = min(_LARGEST, _MINUTE * ceil((lasts + max(room, _MINUTE)) / _MINUTE))
        changed.append(("release.maximum_execution_timeout", format_duration(timedelta(seconds=timeout))))
    return tuple(changed)
