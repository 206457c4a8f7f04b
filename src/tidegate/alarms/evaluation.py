"""What a metric alarm makes of its data points: pure functions after CloudWatch's documented rules.

Sources: CloudWatch user guide, "Alarm evaluation" (when an alarm is evaluated, and over which windows of time) and
"Configuring how CloudWatch alarms treat missing data", with its tables and its section on premature transitions.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

SPARE_PERIODS = 2
"""How many periods more than EvaluationPeriods are looked at, so that points before a gap can fill it. CloudWatch
documents that it looks further back but not how far; its worked examples look at 5 for 3."""

_MINUTE: Final = 60
_HIGH_RESOLUTION: Final = 10


class State(StrEnum):
    """An alarm's state."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """How an alarm treats missing data."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a value is held against the threshold, and how a sentence says so."""

    breaches: Callable[[float, float], bool]
    words: str


COMPARISONS = {
    "GreaterThanOrEqualToThreshold": Comparison(operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": Comparison(operator.gt, "greater than"),
    "LessThanThreshold": Comparison(operator.lt, "less than"),
    "LessThanOrEqualToThreshold": Comparison(operator.le, "less than or equal to"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The part of an alarm that judges: `datapoints_to_alarm` of `evaluation_periods`, each of `period` seconds."""

    comparison: str
    threshold: float
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    missing: Missing = Missing.MISSING

    @property
    def range(self) -> int:
        """The periods that are looked at."""
        return self.evaluation_periods + SPARE_PERIODS

    @property
    def evaluated_every(self) -> int:
        """The seconds between two evaluations: a minute, whatever the period, unless the period is below a minute.

        The windows slide: each evaluation looks at the periods that end with the last full minute, not at those that
        the clock begins a new one of (user guide, "Alarm evaluation": a period of 5 minutes is judged by minutes 1 to
        5, a minute later by minutes 2 to 6).
        """
        return _MINUTE if self.period >= _MINUTE else _HIGH_RESOLUTION

    def latest(self, now: float) -> int:
        """Return when the newest period that is looked at `now` ends, both in epoch seconds."""
        return int(now // self.evaluated_every) * self.evaluated_every

    def breached_by(self, value: float) -> bool:
        """Whether `value` breaches the threshold."""
        return COMPARISONS[self.comparison].breaches(value, self.threshold)


@dataclass(frozen=True, slots=True)
class Datapoint:
    """A period's statistic; `at` is the period's beginning."""

    at: datetime
    value: float
    sample_count: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state that an alarm should be in, and why; `used` are the points that decided, newest first."""

    state: State
    reason: str
    used: tuple[Datapoint, ...]

    def reason_data(self, rule: Rule, statistic: str, now: datetime) -> dict[str, Any]:
        """Return what DescribeAlarms gives as StateReasonData."""
        data: dict[str, Any] = {
            "version": "1.0",
            "queryDate": _stamp(now),
            "statistic": statistic,
            "period": rule.period,
            "recentDatapoints": [point.value for point in reversed(self.used)],
            "threshold": rule.threshold,
            "evaluatedDatapoints": [
                {"timestamp": _stamp(point.at), "sampleCount": point.sample_count, "value": point.value}
                for point in self.used
            ],
        }
        if self.used:
            data["startDate"] = _stamp(self.used[-1].at)
        return data


def evaluate(rule: Rule, datapoints: Sequence[Datapoint | None], current: State) -> Verdict:
    """Return the state that `datapoints` put an alarm into that is in the state `current`.

    `datapoints` are those of the last `rule.range` periods, newest first, None for a period without data. Where there
    are fewer than the evaluation periods, missing ones are treated as the rule says, but as few as possible.
    """
    breaches = [None if point is None else rule.breached_by(point.value) for point in datapoints]
    state = next_state(rule, breaches, current)
    used = [point for point in datapoints if point is not None][: rule.evaluation_periods]
    absent = rule.evaluation_periods - len(used)
    return Verdict(state, _reason(rule, used, absent, state, current), tuple(used))


def next_state(rule: Rule, breaches: Sequence[bool | None], current: State) -> State:
    """Return the state that an alarm comes to by whether each period breached, newest first; None: no data."""
    used = [breached for breached in breaches if breached is not None][: rule.evaluation_periods]
    absent = rule.evaluation_periods - len(used)
    breaching = sum(used)
    if absent and rule.missing in (Missing.MISSING, Missing.IGNORE):
        return _sparse_state(rule, breaches, breaching, current)
    filled = absent if rule.missing is Missing.BREACHING else 0
    return State.ALARM if breaching + filled >= rule.datapoints_to_alarm else State.OK


def _sparse_state(rule: Rule, breaches: Sequence[bool | None], breaching: int, current: State) -> State:
    """Decide where data is missing that is neither good nor bad."""
    ages = [age for age, breached in enumerate(breaches, start=1) if breached is not None]
    if not ages:
        return current if rule.missing is Missing.IGNORE else State.INSUFFICIENT_DATA
    if breaching >= rule.datapoints_to_alarm:
        return State.ALARM
    if breaching == len(ages) and ages[-1] >= rule.datapoints_to_alarm:
        # All that is known breaches, and has for as long as it takes: alarm in spite of the gaps.
        return current if rule.missing is Missing.IGNORE else State.ALARM
    return State.OK


def _reason(rule: Rule, used: Sequence[Datapoint], absent: int, state: State, current: State) -> str:
    if state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {absent} datapoint{'s were' if absent > 1 else ' was'} unknown."
    treated = {Missing.BREACHING: "Breaching", Missing.NOT_BREACHING: "NonBreaching"}.get(rule.missing)
    missing = f"{absent} missing datapoint{'s were' if absent > 1 else ' was'} treated as [{treated}]"
    if not used:
        periods = f"{absent} period{'s' if absent > 1 else ''}"
        return f"Threshold Crossed: no datapoints were received for {periods} and {missing}."
    alarming = state is State.ALARM
    words = COMPARISONS[rule.comparison].words
    telling = [point for point in used if rule.breached_by(point.value) is alarming]
    too_few = not (telling or alarming)
    values = ", ".join(f"{point.value} ({point.at:%d/%m/%y %H:%M:%S})" for point in (used if too_few else telling))
    if too_few:
        return (
            f"Threshold Crossed: no more than {len(used)} datapoint{'s' if len(used) > 1 else ''} [{values}] "
            f"{'was' if len(used) == 1 else 'were'} {words} the threshold ({rule.threshold})"
            f"{f' and {missing}' if treated else ''} (minimum {rule.datapoints_to_alarm} datapoints for ALARM)."
        )
    least = rule.datapoints_to_alarm if alarming else rule.evaluation_periods - rule.datapoints_to_alarm + 1
    return (
        f"Threshold Crossed: {len(telling)} out of the last {len(used)} datapoint{'s' if len(used) > 1 else ''} "
        f"[{values}] {'was' if len(telling) == 1 else 'were'} {'' if alarming else 'not '}"
        f"{words} the threshold ({rule.threshold})"
        f"{f' and {missing}' if absent and treated else ''} "
        f"(minimum {least} datapoint{'s' if least > 1 else ''} for {current} -> {state} transition)."
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"
