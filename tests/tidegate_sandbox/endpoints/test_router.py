"""Who answers a request: shares, weights and targets; and that nobody is stopped while it answers."""

import threading
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.services.endpoints.fleets import Fleet, ModelServer
from tidegate_sandbox.services.endpoints.metering import Meter
from tidegate_sandbox.services.endpoints.records import Container, Plan, Variant
from tidegate_sandbox.services.endpoints.router import NobodyServesError, Router


class StillFleet:
    """A fleet of servers that are never started."""

    def __init__(self, config: str, **weights: float) -> None:
        variants = tuple(
            Variant(name, f"{config}-{name}", Container("image", "s3://bucket/key", {}), "ml.m5.large", 1, weight, 1.0)
            for name, weight in weights.items()
        )
        self.plan = Plan(config, variants)
        self.servers = tuple(
            ModelServer(variant, cast(Any, None), cast(Any, None), cast(Meter, None)) for variant in variants
        )


def fleet(config: str, **weights: float) -> Fleet:
    return cast(Fleet, StillFleet(config, **weights or {"AllTraffic": 1.0}))


def chosen(router: Router, times: int, target: str | None = None) -> Counter[str]:
    seen: Counter[str] = Counter()
    for _ in range(times):
        with router.server(target) as (_, server):
            seen[server.variant.model] += 1
    return seen


def test_a_fleet_with_all_of_the_traffic_answers_everything() -> None:
    router, blue, green = Router(), fleet("blue"), fleet("green")

    router.shift((blue, 1.0), (green, 0.0))

    assert chosen(router, 100) == {"blue-AllTraffic": 100}


def test_a_shift_holds_for_every_request_after_it() -> None:
    router, blue, green = Router(), fleet("blue"), fleet("green")
    router.shift((blue, 1.0))

    router.shift((green, 1.0))

    assert chosen(router, 100) == {"green-AllTraffic": 100}


def test_shares_and_weights_multiply() -> None:
    router = Router()
    router.shift((fleet("blue", A=3.0, B=1.0), 0.75), (fleet("green", A=1.0, B=1.0), 0.25))

    seen = chosen(router, 8000)

    expected = {"blue-A": 4500, "blue-B": 1500, "green-A": 1000, "green-B": 1000}
    assert seen.keys() == expected.keys()
    assert all(abs(seen[model] - count) < 250 for model, count in expected.items())
    assert [entry["share"] for entry in router.traffic()] == [0.5625, 0.1875, 0.125, 0.125]


def test_a_target_overrides_weights_but_not_the_fleets_shares() -> None:
    router = Router()
    router.shift((fleet("blue", A=1.0, B=0.0), 1.0), (fleet("green", A=1.0, B=0.0), 0.0))

    assert chosen(router, 50, target="B") == {"blue-B": 50}


@pytest.mark.parametrize(("target", "words"), [("C", "production variant C"), (None, "weight above 0")])
def test_nobody_to_answer_is_an_error_that_says_so(target: str | None, words: str) -> None:
    router = Router()
    router.shift((fleet("blue", A=0.0), 1.0))

    with pytest.raises(NobodyServesError, match=words), router.server(target):
        pass


def test_a_fleet_is_drained_once_its_last_request_is_answered() -> None:
    router, blue, green = Router(), fleet("blue"), fleet("green")
    router.shift((blue, 1.0))
    answering, answered = threading.Event(), threading.Event()

    def request() -> None:
        with router.server():
            answering.set()
            answered.wait()

    thread = threading.Thread(target=request)
    thread.start()
    answering.wait()
    router.shift((green, 1.0))

    assert not router.drain(blue, 0.01)
    answered.set()
    assert router.drain(blue, 5)
    thread.join()


@given(st.floats(0, 1), st.lists(st.floats(0, 10), min_size=1, max_size=4).filter(lambda weights: sum(weights) > 0))
def test_the_shares_of_the_traffic_add_up_to_one(green_share: float, weights: list[float]) -> None:
    router = Router()
    named = {f"V{index}": weight for index, weight in enumerate(weights)}

    router.shift((fleet("blue", **named), 1 - green_share), (fleet("green", **named), green_share))

    assert sum(entry["share"] for entry in router.traffic()) == pytest.approx(1.0)
