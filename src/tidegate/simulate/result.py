"""What a simulated release came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.alarms import AlarmSpec
from tidegate.alarms.evaluation import State
from tidegate.guardrails import Phase
from tidegate.outcome import Outcome
from tidegate.simulate.draw import FAILED, REQUESTS, Counts


@dataclass(frozen=True, slots=True)
class Answered:
    """What one version answered while the release went on. `harmed`: requests that failed, or took too long."""

    requests: float = 0.0
    failed: float = 0.0
    slow: float = 0.0
    harmed: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` (seconds since the release began) on, the endpoint's update was in this phase with this share."""

    at: float
    phase: Phase
    green_share: float


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """At `at` (seconds since the release began) SageMaker saw the alarm come to `state`."""

    at: float
    alarm: str
    state: State


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of the clock: `begin` in seconds since the release began, what each fleet got, who was in ALARM."""

    begin: float
    green_share: float
    old: Counts
    new: Counts
    firing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A release on the virtual clock; times are in seconds since it began.

    `first_request`: when the new version had its first; None if it never had one. `rolled_back_after`: from then until
    the old version had all traffic again; None if it was not rolled back. `minutes` is empty where only the sums were
    asked for.
    """

    start: datetime
    outcome: Outcome
    reason: str
    ended: float
    first_request: float | None
    rolled_back_after: float | None
    alarms: tuple[AlarmSpec, ...]
    old: Answered
    new: Answered
    changes: tuple[Change, ...]
    alarm_changes: tuple[AlarmChange, ...]
    minutes: tuple[Minute, ...]

    @property
    def sent(self) -> float:
        """How many requests the endpoint got, from the release's beginning to its end."""
        return self.old.requests + self.new.requests

    @property
    def harmed(self) -> float:
        """How many requests the new version harmed."""
        return self.new.harmed

    @property
    def fired(self) -> tuple[AlarmChange, ...]:
        """The alarms that came to ALARM, and when."""
        return tuple(change for change in self.alarm_changes if change.state is State.ALARM)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "start": self.start.isoformat(),
            "outcome": self.outcome.value,
            "reason": self.reason,
            "ended": self.ended,
            "first_request": self.first_request,
            "rolled_back_after": self.rolled_back_after,
            "requests": {"sent": _number(self.sent), "old": _answered(self.old), "new": _answered(self.new)},
            "harmed": _number(self.harmed),
            "timeline": [
                {"at": change.at, "phase": change.phase.value, "green_share": change.green_share}
                for change in self.changes
            ],
            "alarms": [
                {"at": change.at, "alarm": change.alarm, "state": change.state.value} for change in self.alarm_changes
            ],
            "minutes": [
                {
                    "begin": minute.begin,
                    "green_share": round(minute.green_share, 6),
                    "old": {"requests": _number(minute.old[REQUESTS]), "failed": _number(minute.old[FAILED])},
                    "new": {"requests": _number(minute.new[REQUESTS]), "failed": _number(minute.new[FAILED])},
                    "firing": list(minute.firing),
                }
                for minute in self.minutes
            ],
        }


def _answered(answered: Answered) -> dict[str, float]:
    return {
        "requests": _number(answered.requests),
        "failed": _number(answered.failed),
        "slow": _number(answered.slow),
        "harmed": _number(answered.harmed),
    }


def _number(value: float) -> float:
    return int(value) if value == int(value) else round(value, 3)


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle and the edges of what many runs came to."""

    p5: float
    p50: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """Return the spread of `values`, None where there is none."""
        if not values:
            return None
        ordered = sorted(values)
        return cls(*(ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.05, 0.5, 0.95)))

    def to_json(self) -> dict[str, float]:
        """Return it as JSON has it."""
        return {"p5": _number(self.p5), "p50": _number(self.p50), "p95": _number(self.p95)}


@dataclass(frozen=True, slots=True)
class Runs:
    """Many runs of one scenario, each by another seed."""

    runs: int
    outcomes: dict[Outcome, int]
    rolled_back_after: Spread | None
    harmed: Spread

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "runs": self.runs,
            "outcomes": {outcome.value: number for outcome, number in self.outcomes.items()},
            "rolled_back_after": self.rolled_back_after and self.rolled_back_after.to_json(),
            "harmed": self.harmed.to_json(),
        }
