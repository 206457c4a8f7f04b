"""How many instances target tracking wants, by what its alarms say and by its cooldowns."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.services.autoscaling.records import Policy, Target
from tidegate_sandbox.services.autoscaling.tracking import Reading, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESOURCE = "endpoint/e/variant/v"


def target(minimum: int = 1, maximum: int = 100, **more: Any) -> Target:
    return Target(RESOURCE, minimum, maximum, "arn", "role", NOW, **more)


def policy(name: str = "p", value: float = 100.0, **options: Any) -> Policy:
    alarms = {"AlarmHigh": f"{name}-high", "AlarmLow": f"{name}-low"}
    return Policy(name, "arn", RESOURCE, {"TargetValue": value, **options}, NOW, "id", alarms)


def high(value: float, *more: float, of: Policy | None = None) -> Reading:
    return Reading(of or policy(), True, False, (value, *more))


def low(*values: float | None, of: Policy | None = None) -> Reading:
    return Reading(of or policy(), False, True, values)


def capacity(of: Target, *readings: Reading, current: int, at: datetime = NOW) -> int | None:
    made = decide(of, readings, current, at)
    return made.capacity if made else None


def test_the_more_the_metric_is_above_its_target_the_more_instances_come_at_once() -> None:
    assert capacity(target(), high(101), current=2) == 3
    assert capacity(target(), high(450), current=2) == 9
    assert capacity(target(), Reading(policy(), True, False, (None, 450.0, 900.0)), current=2) == 9


def test_nothing_happens_while_no_alarm_is_up_or_the_metric_has_no_value() -> None:
    quiet = Reading(policy(), False, False, (500,))

    assert capacity(target(), quiet, current=2) is None
    assert capacity(target(), Reading(policy(), True, False, (None, None, None, 500.0)), current=2) is None
    assert capacity(target(), low(None, None), current=2) is None


def test_a_scale_in_goes_by_the_busiest_of_its_minutes() -> None:
    assert capacity(target(), low(10, 10, 50, None, 10), current=8) == 4


def test_neither_bound_is_passed() -> None:
    assert capacity(target(maximum=5), high(900), current=2) == 5
    assert capacity(target(maximum=2), high(900), current=2) is None
    assert capacity(target(minimum=3), low(0, 0), current=8) == 3
    assert capacity(target(minimum=8), low(0, 0), current=8) is None


def test_within_the_cooldown_of_a_scale_out_only_a_larger_one_gets_through() -> None:
    out = target(scaled_out=(NOW, 2))  # from 2 instances to 6
    soon, later = NOW + timedelta(seconds=299), NOW + timedelta(seconds=300)

    assert capacity(out, high(290), current=6, at=soon) is None
    assert capacity(out, high(400), current=6, at=soon) == 8
    assert capacity(out, high(290), current=6, at=later) == 18


def test_within_the_cooldown_of_a_scale_in_none_go_and_more_may_come() -> None:
    shrunk = target(scaled_in=NOW)
    own = policy(ScaleInCooldown=60)

    assert capacity(shrunk, low(0), current=4, at=NOW + timedelta(seconds=299)) is None
    assert capacity(shrunk, low(0), current=4, at=NOW + timedelta(seconds=300)) == 1
    assert capacity(shrunk, low(0, of=own), current=4, at=NOW + timedelta(seconds=60)) == 1
    assert capacity(shrunk, high(200), current=4, at=NOW) == 8


def test_of_several_policies_the_one_that_wants_most_decides() -> None:
    one, two = policy("one"), policy("two")

    assert capacity(target(), high(150, of=one), high(300, of=two), current=2) == 6
    assert capacity(target(), low(10, of=one), low(50, of=two), current=8) == 4


def test_instances_go_only_if_all_policies_that_may_take_them_want_it() -> None:
    one, two, disabled = policy("one"), policy("two"), policy("three", DisableScaleIn=True)

    assert capacity(target(), low(10, of=one), Reading(two, False, False, ()), current=8) is None
    assert capacity(target(), low(10, of=one), Reading(disabled, False, False, ()), current=8) == 1
    assert capacity(target(), low(10, of=disabled), current=8) is None


def test_what_is_suspended_does_not_happen() -> None:
    assert capacity(target(suspended={"DynamicScalingOutSuspended": True}), high(500), current=2) is None
    assert capacity(target(suspended={"DynamicScalingInSuspended": True}), low(0), current=2) is None
    assert capacity(target(suspended={"DynamicScalingInSuspended": True}), high(500), current=2) == 10


@given(
    current=st.integers(1, 50),
    value=st.floats(0, 1e6),
    minimum=st.integers(1, 20),
    more=st.integers(0, 30),
    up=st.booleans(),
)
def test_a_decision_is_within_the_bounds_and_goes_where_the_alarm_points(
    current: int, value: float, minimum: int, more: int, up: bool
) -> None:
    of = target(minimum, minimum + more)

    wanted = capacity(of, high(value) if up else low(value), current=current)

    if wanted is not None:
        assert minimum <= wanted <= minimum + more
        assert wanted > current if up else wanted < current
