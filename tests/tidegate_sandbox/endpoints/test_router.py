"""Who answers a request: shares, weights and targets; and that nobody is stopped while it answers."""

import threading
from collections import Counter
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.services.endpoints.fleets import Fleet, ModelServer
from tidegate_sandbox.services.endpoints.metering import Meter
from tidegate_sandbox.services.endpoints.records import Container, Plan, Variant
from tidegate_sandbox.services.endpoints.router import MAX_COPIES, NobodyServesError, Router


class StillFleet:
    """A fleet of servers that are never started."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.servers = tuple(map(self._server, plan.variants))
        self.shadows = tuple(map(self._server, plan.shadows))
        self.every_server = self.servers + self.shadows

    def _server(self, variant: Variant) -> ModelServer:
        return ModelServer(variant, cast(Any, None), cast(Any, None), cast(Meter, None))


def variant(config: str, name: str, weight: float) -> Variant:
    container = Container("image", "s3://bucket/key", {})
    return Variant(name, f"{config}-{name}", container, "ml.m5.large", 1, weight, 1.0)


def fleet(config: str, shadow: float | None = None, **weights: float) -> Fleet:
    variants = tuple(variant(config, name, weight) for name, weight in (weights or {"AllTraffic": 1.0}).items())
    shadows = () if shadow is None else (variant(config, "Shadow", shadow),)
    return cast(Fleet, StillFleet(Plan(config, variants, shadows=shadows)))


def chosen(router: Router, times: int, target: str | None = None) -> Counter[str]:
    seen: Counter[str] = Counter()
    for _ in range(times):
        _, server = router.enter(target)
        seen[server.variant.model] += 1
        router.leave(server)
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

    with pytest.raises(NobodyServesError, match=words):
        router.enter(target)


def test_a_fleet_is_drained_once_its_last_request_is_answered() -> None:
    router, blue, green = Router(), fleet("blue"), fleet("green")
    router.shift((blue, 1.0))
    _, answering = router.enter()
    router.shift((green, 1.0))

    assert not router.drain(blue, 0.01)
    threading.Timer(0.01, router.leave, (answering,)).start()
    assert router.drain(blue, 5)


@given(st.floats(0, 1), st.lists(st.floats(0, 10), min_size=1, max_size=4).filter(lambda weights: sum(weights) > 0))
def test_the_shares_of_the_traffic_add_up_to_one(green_share: float, weights: list[float]) -> None:
    router = Router()
    named = {f"V{index}": weight for index, weight in enumerate(weights)}

    router.shift((fleet("blue", **named), 1 - green_share), (fleet("green", **named), green_share))

    assert sum(entry["share"] for entry in router.traffic()) == pytest.approx(1.0)


def copies(router: Router, fleet: Fleet, times: int) -> int:
    seen = 0
    for _ in range(times):
        server = router.shadow(fleet)
        if server is not None:
            seen += 1
            router.leave(server)
    return seen


def test_a_shadow_answers_nobody_and_cannot_be_asked_for() -> None:
    router, shadowed = Router(), fleet("c", shadow=1.0)
    router.shift((shadowed, 1.0))

    assert chosen(router, 100) == {"c-AllTraffic": 100}
    with pytest.raises(NobodyServesError, match="no production variant Shadow"):
        router.enter("Shadow")


@given(st.floats(0, 4), st.floats(0.1, 4))
def test_a_shadow_gets_copies_by_its_weight_over_productions(weight: float, production: float) -> None:
    router, shadowed = Router(), fleet("c", shadow=weight, AllTraffic=production)
    router.shift((shadowed, 1.0))

    (mirroring,) = router.mirroring()

    assert mirroring["variant"] == "Shadow"
    assert mirroring["share"] == pytest.approx(min(1.0, weight / production))
    assert copies(router, shadowed, 300) / 300 == pytest.approx(mirroring["share"], abs=0.2)


def test_a_fleet_without_a_shadow_has_nobody_to_copy_to() -> None:
    assert copies(Router(), fleet("c"), 10) == 0


def test_a_shadow_that_does_not_keep_up_gets_no_more_copies() -> None:
    router, shadowed = Router(), fleet("c", shadow=1.0)
    under_way = [router.shadow(shadowed) for _ in range(MAX_COPIES)]

    assert None not in under_way
    assert router.shadow(shadowed) is None


def test_a_fleet_is_not_drained_while_a_copy_is_under_way() -> None:
    router, shadowed = Router(), fleet("c", shadow=1.0)
    server = router.shadow(shadowed)
    assert server is not None

    assert not router.drain(shadowed, 0.01)
    router.leave(server)
    assert router.drain(shadowed, 0.01)


def test_weights_change_for_every_request_after_it() -> None:
    router, both = Router(), fleet("c", a=1.0, b=1.0)
    router.shift((both, 1.0))

    router.change(both, both.plan.changed(lambda v: replace(v, weight=1.0 if v.name == "b" else 0.0)))

    assert chosen(router, 100) == {"c-b": 100}
    assert [variant.weight for variant in both.plan.variants] == [0.0, 1.0]
