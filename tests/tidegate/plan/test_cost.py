"""Laws of what an update costs, whatever its strategy."""

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.tidegate.plan.situations import PRICED, live, planned, repo, serving, variant
from tidegate.guardrails import GuardrailsError
from tidegate.plan import Plan
from tidegate.plan.cost import price_of, rounded
from tidegate.stage import Price

sizes = st.one_of(st.integers(1, 50).map("{}%".format), st.integers(1, 5))
minutes = st.integers(0, 20).map("{}m".format)


@st.composite
def plans(draw: st.DrawFn, *, equal: bool = False) -> Plan:
    """Draw plans of every strategy, for fleets that grow, shrink or stay."""
    before = draw(st.integers(1, 12))
    after = before if equal else draw(st.integers(1, 12))
    keys = {"canary": "canary_size", "linear": "linear_step_size", "rolling": "maximum_batch_size"}
    strategy = draw(st.sampled_from(["all_at_once", *keys]))
    release = {"strategy": strategy, "maximum_execution_timeout": "8h"}
    if strategy in keys:
        release |= {keys[strategy]: draw(sizes), "wait_interval": draw(minutes)}
    if strategy != "rolling":
        release["termination_wait"] = draw(minutes)
    made = repo(instances={"type": "ml.m5.large", "count": after}, release=release)
    try:
        return planned(made, serving(made, live(variant(count=before))), price=PRICED)
    except GuardrailsError:
        assume(False)
        raise


@settings(deadline=None)
@given(plans(equal=True))
def test_both_fleets_never_cost_less_than_the_one_that_would_have_stayed(plan):
    assert plan.cost.both_fleets >= plan.cost.staying
    assert 0 <= plan.cost.extra <= plan.cost.most_extra


@settings(deadline=None)
@given(plans())
def test_the_peak_holds_every_step_and_what_serves_before_and_after(plan):
    most = max(step.blue_instances + step.green_instances for step in plan.steps)
    assert max(plan.fleet.before, plan.fleet.after) <= plan.fleet.peak[1]
    assert plan.fleet.peak[0] <= plan.fleet.peak[1] <= plan.fleet.rollback_peak
    assert most <= plan.fleet.peak[1]


@settings(deadline=None)
@given(plans())
def test_the_longest_waits_are_no_shorter_than_the_shortest(plan):
    assert plan.time.shortest <= plan.time.waits


@given(
    st.decimals("0.0001", "100", places=4),
    st.integers(0, 10**7),
    st.integers(1, 20),
)
def test_money_is_proportional_to_time_and_to_price(amount, seconds, times):
    price = Price(amount, "USD")
    once = price_of(price, seconds)
    assert float(price_of(price, seconds * times).amount) == pytest.approx(float(once.amount) * times)
    dearer = price_of(Price(amount * times, "USD"), seconds)
    assert float(dearer.amount) == pytest.approx(float(once.amount) * times)


def test_an_hour_of_one_instance_costs_its_price():
    assert price_of(Price(Decimal("0.128"), "EUR"), 3600) == Price(Decimal("0.128"), "EUR")


def test_without_a_price_there_is_no_money():
    assert price_of(None, 3600) is None
    assert planned().cost.money(3600) is None


@pytest.mark.parametrize(
    ("amount", "shown"), [("0", "0.00"), ("0.004", "0.0040"), ("0.125", "0.13"), ("1234.5", "1234.50")]
)
def test_an_amount_is_shown_to_the_cent_and_never_as_nothing_when_it_is_something(amount, shown):
    assert str(rounded(Price(Decimal(amount), "USD")).amount) == shown
