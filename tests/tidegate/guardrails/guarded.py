"""Guardrails of every strategy, for laws that hold of all of them, and a driver that does as the rollout says."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tidegate.guardrails import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Rolling,
    Rollout,
    advance,
    fleet_ready,
    shifts,
    start,
)
from tidegate.stage import CapacityType, Size

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return the moment `seconds` after the update began."""
    return T0 + timedelta(seconds=seconds)


def percent(value: int) -> Size:
    return Size(CapacityType.CAPACITY_PERCENT, value)


def instances(value: int) -> Size:
    return Size(CapacityType.INSTANCE_COUNT, value)


def parts(least: int, most: int) -> st.SearchStrategy[Size]:
    return st.one_of(st.integers(least, most).map(percent), st.integers(1, 20).map(instances))


def fits(case: tuple[Guardrails, int]) -> bool:
    """Whether the strategy's part is one that SageMaker allows of that fleet."""
    try:
        shifts(*case)
    except GuardrailsError:
        return False
    return True


waits = st.integers(0, 3600)
strategies = st.one_of(
    st.builds(AllAtOnce),
    st.builds(Canary, parts(1, 50), waits),
    st.builds(Linear, parts(10, 50), waits),
    st.builds(Rolling, parts(5, 50), waits, st.none() | parts(1, 100)),
)


@st.composite
def cases(draw: st.DrawFn, *, limited: bool = True) -> tuple[Guardrails, int]:
    """Draw guardrails and an instance count that go together; `limited`: there may be an execution timeout."""
    strategy = draw(strategies)
    termination_wait = 0 if isinstance(strategy, Rolling) else draw(waits)
    timeout = draw(st.none() | st.integers(600, 28800)) if limited else None
    return Guardrails(strategy, termination_wait, timeout, ("a", "b")), draw(st.integers(2, 40))


fitting = cases().filter(fits)
unlimited = cases(limited=False).filter(fits)


def run(rollout: Rollout, until: float, provisioning: float = 0.0) -> Rollout:
    """Drive an update without alarms to `until` s: instances that it asks for are healthy after `provisioning` s."""
    while not rollout.finished:
        ready = rollout.since + timedelta(seconds=provisioning)
        if rollout.awaits_instances and ready <= at(until):
            following = fleet_ready(rollout, ready)
        else:
            following = advance(rollout, min(rollout.next_deadline or at(until), at(until)), ())
        if following is rollout:
            return rollout
        rollout = following
    return rollout


def begun(guardrails: Guardrails, instance_count: int, ready: float = 100) -> Rollout:
    """Return an update begun at 0 s whose first green instances were ready at `ready` s."""
    return fleet_ready(start(guardrails, instance_count, T0), at(ready))


def history(rollout: Rollout) -> list[tuple[float, str, float]]:
    return [((moment.at - T0).total_seconds(), moment.phase.value, moment.green_share) for moment in rollout.history]
