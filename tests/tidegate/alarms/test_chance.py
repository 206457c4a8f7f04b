"""What chance does to alarms with few requests, against counting how often it happens."""

from math import exp
from random import Random

import pytest

from tidegate.alarms import chance
from tidegate.alarms.chance import chance_of_alarm, chance_of_breach, chance_of_success
from tidegate.alarms.metric import Bar

TRIES = 20_000


def poisson(random: Random, mean: float) -> int:
    bound, product, count = exp(-mean), random.random(), 0
    while product > bound:
        product *= random.random()
        count += 1
    return count


@pytest.mark.parametrize(
    "bar", [Bar(share=0.01), Bar(share=0.3), Bar(share=0.25, strict=False), Bar(share=1.0, strict=False)]
)
@pytest.mark.parametrize(("bad", "good"), [(0.2, 3), (3, 0), (5, 12), (20, 60)])
def test_a_period_breaches_as_often_as_it_is_counted_to(bar, bad, good):
    random, breaches = Random(3), 0
    for _ in range(TRIES):
        failed, answered = poisson(random, bad), poisson(random, good)
        requests = failed + answered
        breaches += bool(requests) and bar.met(failed / requests, bar.share)

    assert chance_of_breach(bar, bad, good) == pytest.approx(breaches / TRIES, abs=0.012)


@pytest.mark.parametrize(("count", "strict"), [(0, True), (3, True), (3, False)])
def test_a_count_is_reached_as_often_as_it_is_counted_to(count, strict):
    random = Random(5)
    counted = [poisson(random, 2.5) for _ in range(TRIES)]
    reached = sum(number > count if strict else number >= count for number in counted)

    assert chance_of_breach(Bar(count=count, strict=strict), 2.5, 100) == pytest.approx(reached / TRIES, abs=0.012)


@pytest.mark.parametrize("bar", [Bar(share=0.01), Bar(share=0.05), Bar(count=30)])
def test_many_requests_are_reckoned_with_as_well_by_the_normal_distribution(bar, monkeypatch):
    exact = chance_of_breach(bar, 25, 470)
    monkeypatch.setattr(chance, "_MANY", 10.0)

    assert chance_of_breach(bar, 25, 470) == pytest.approx(exact, abs=0.05)


def test_m_of_n_is_binomial():
    assert chance_of_success(0.5, 2, 3) == pytest.approx(0.5)
    assert chance_of_success(0.1, 1, 1) == pytest.approx(0.1)
    assert chance_of_success(0.3, 0, 4) == pytest.approx(1.0)


def test_an_alarm_has_as_many_chances_as_there_are_periods():
    assert chance_of_alarm([0.01] * 10, 1, 1) == pytest.approx(1 - 0.99**10)
    assert chance_of_alarm([0.01] * 15, 3, 5) < 1e-3
    assert chance_of_alarm([1.0] * 15, 3, 5) == 1.0


def test_each_period_has_its_own_chance():
    assert chance_of_alarm([0.5, 0.0, 0.1], 1, 1) == pytest.approx(0.55)
    assert chance_of_alarm([0.1, 0.1, 0.0, 0.0, 0.0], 2, 2) == pytest.approx(0.02)
