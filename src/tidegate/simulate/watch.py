"""The rollback alarms of a simulated release, minute by minute."""

from collections.abc import Callable, Sequence
from typing import Final

from tidegate.alarms import AlarmSpec
from tidegate.alarms.evaluation import Missing, State, next_state
from tidegate.alarms.metric import LONGEST_ANSWER, Bar, NoBar, bar_of
from tidegate.simulate.draw import Counted

_MINUTE: Final = 60
_ROUNDING: Final = 1e-9

Bad = Callable[[Counted], float]
"""How much of what a fleet got counts for an alarm: failed requests, slow ones, or microseconds."""


def thresholds_of(specs: Sequence[AlarmSpec], slow: float | None) -> tuple[float, ...]:
    """Return the latencies above which answers are to be counted, rising; `slow` is where harm begins."""
    found = {spec.threshold for spec in specs if spec.metric == "ModelLatency" and _counts_slow(spec)}
    return tuple(sorted(found | ({slow} if slow is not None else set())))


def _counts_slow(spec: AlarmSpec) -> bool:
    bar = bar_of(spec)
    return isinstance(bar, Bar) and not bar.slowness


def _bad_of(spec: AlarmSpec, bar: Bar, thresholds: Sequence[float]) -> Bad:
    match spec.metric:
        case "Invocation5XXErrors":
            return lambda counted: counted.errors
        case "Invocation4XXErrors":
            return lambda counted: counted.client_errors
        case "InvocationModelErrors":
            return lambda counted: counted.errors + counted.client_errors
        case "ModelLatency" if bar.slowness:
            return lambda counted: counted.latency / LONGEST_ANSWER
        case "ModelLatency":
            index = list(thresholds).index(spec.threshold)
            return lambda counted: counted.slow[index] if counted.slow else 0.0
    return _none


def _none(_counted: Counted) -> float:
    """Return nothing: the overhead latency is SageMaker's own, and no version changes it."""
    return 0.0


class Watched:
    """One alarm, as CloudWatch would see it."""

    def __init__(self, spec: AlarmSpec, thresholds: Sequence[float]) -> None:
        self.spec = spec
        self.state = State.INSUFFICIENT_DATA
        self._rule = spec.rule
        self._bar = bar_of(spec)
        self._bad = _bad_of(spec, self._bar, thresholds) if isinstance(self._bar, Bar) else None
        self._minutes = max(1, spec.period // _MINUTE)
        self._reach = self._rule.range * self._minutes
        self._requests: list[float] = []
        self._bads: list[float] = []
        self._flags: list[bool | None] = []
        self._breached_at = -self._reach - 1
        self._quiet = spec.missing is Missing.NOT_BREACHING

    def minute(self, green: Counted, blue: Counted, published: bool) -> State:
        """Let a minute pass that brought this, and return the alarm's state after it."""
        flag = self._flag(green, blue, published)
        self._flags.append(flag)
        now = len(self._flags)
        if flag:
            self._breached_at = now
        if self._quiet and now - self._breached_at > self._reach:
            self.state = State.OK  # nothing that breached is within reach
            return self.state
        step = self._minutes
        windows = [self._flags[now - 1 - age * step] if age * step < now else None for age in range(self._rule.range)]
        self.state = next_state(self._rule, windows, self.state)
        return self.state

    def _flag(self, green: Counted, blue: Counted, published: bool) -> bool | None:
        """Whether the period that ends with this minute breaches, None if it has no data."""
        if self._bad is None:
            assert isinstance(self._bar, NoBar)
            return self._bar.fires
        requests = green.requests if published else 0.0
        bad = self._bad(green) if requests else 0.0
        if published and not self.spec.new_fleet_only:
            requests += blue.requests
            bad += self._bad(blue)
        if self._minutes > 1:
            self._requests.append(requests)
            self._bads.append(bad)
            requests, bad = sum(self._requests[-self._minutes :]), sum(self._bads[-self._minutes :])
        if requests <= 0:
            return None
        bar = self._bar
        assert isinstance(bar, Bar)
        needed = bar.count if bar.share is None else bar.share * requests
        assert needed is not None
        return bad > needed + _ROUNDING if bar.strict else bad >= needed - _ROUNDING


def history_of(specs: Sequence[AlarmSpec]) -> int:
    """Return how many minutes before the release the alarms look at."""
    return max((spec.rule.range * max(1, spec.period // _MINUTE) for spec in specs), default=0)
