"""The rollback alarms of a simulated release, minute by minute."""

from collections.abc import Sequence
from typing import Final

from tidegate.alarms import AlarmSpec
from tidegate.alarms.evaluation import Missing, State, next_state
from tidegate.alarms.metric import LONGEST_ANSWER, ROUNDING, Bar, NoBar, bar_of
from tidegate.simulate.draw import CLIENT_ERRORS, ERRORS, FAILED, LATENCY, REQUESTS, SLOW, Counts

_MINUTE: Final = 60


def thresholds_of(specs: Sequence[AlarmSpec], slow: float | None) -> tuple[float, ...]:
    """Return the latencies above which answers are to be counted, rising; `slow` is where harm begins."""
    found = {spec.threshold for spec in specs if spec.metric == "ModelLatency" and _counts_slow(spec)}
    return tuple(sorted(found | ({slow} if slow is not None else set())))


def _counts_slow(spec: AlarmSpec) -> bool:
    bar = bar_of(spec)
    return isinstance(bar, Bar) and not bar.slowness


def needs_latency(specs: Sequence[AlarmSpec]) -> bool:
    """Whether an alarm looks at how long answers take on average."""
    return any(spec.metric == "ModelLatency" and not _counts_slow(spec) for spec in specs)


def _column_of(spec: AlarmSpec, thresholds: Sequence[float]) -> int | None:
    """Return which of the counts is bad for an alarm; None for none of them: SageMaker's overhead."""
    if spec.metric == "ModelLatency":
        return SLOW + thresholds.index(spec.threshold) if _counts_slow(spec) else LATENCY
    columns = {"Invocation5XXErrors": ERRORS, "Invocation4XXErrors": CLIENT_ERRORS, "InvocationModelErrors": FAILED}
    return columns.get(spec.metric)


class Watched:
    """One alarm, as CloudWatch would see it."""

    def __init__(self, spec: AlarmSpec, thresholds: Sequence[float]) -> None:
        self.spec = spec
        self.state = State.INSUFFICIENT_DATA
        self._rule = spec.rule
        self._blended = not spec.new_fleet_only
        self._minutes = max(1, spec.period // _MINUTE)
        self._reach = self._rule.range * self._minutes
        self._quiet = spec.missing is Missing.NOT_BREACHING
        self._column, self._share, self._count, self._strict = _test_of(spec, thresholds)
        self._sums: list[tuple[float, float]] = []
        self._flags: list[bool | None] = []
        self._breached_at = -self._reach - 1

    def minute(self, green: Counts, blue: Counts, published: bool) -> State:
        """Let a minute pass that brought this, and return the alarm's state after it."""
        requests = bad = 0.0
        if published:
            requests, bad = green[0], green[self._column]
            if self._blended:
                requests += blue[0]
                bad += blue[self._column]
        if self._minutes > 1:
            self._sums.append((requests, bad))
            window = self._sums[-self._minutes :]
            requests, bad = sum(each for each, _ in window), sum(each for _, each in window)
        flags = self._flags
        now = len(flags) + 1
        if not requests:
            flags.append(None)
        else:
            over = bad - self._share * requests - self._count
            breached = over > ROUNDING if self._strict else over >= -ROUNDING
            flags.append(breached)
            if breached:
                self._breached_at = now
        if self._quiet and now - self._breached_at > self._reach:
            self.state = State.OK  # nothing that breached is within reach
            return self.state
        step = self._minutes
        windows = [flags[now - 1 - age * step] if age * step < now else None for age in range(self._rule.range)]
        self.state = next_state(self._rule, windows, self.state)
        return self.state


def _test_of(spec: AlarmSpec, thresholds: Sequence[float]) -> tuple[int, float, float, bool]:
    """Return the column that is bad, and of how much a period breaches: a share of its requests, and a count."""
    bar, column = bar_of(spec), _column_of(spec, thresholds)
    if isinstance(bar, NoBar) or column is None:
        always = isinstance(bar, NoBar) and bool(bar.fires)
        return REQUESTS, -1.0 if always else 2.0, 0.0, True
    share = bar.share or 0.0
    return column, share * LONGEST_ANSWER if bar.slowness else share, bar.count or 0.0, bar.strict


def history_of(specs: Sequence[AlarmSpec]) -> int:
    """Return how many minutes before the release the alarms look at."""
    return max((spec.rule.range * max(1, spec.period // _MINUTE) for spec in specs), default=0)
