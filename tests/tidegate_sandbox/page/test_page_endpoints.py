"""What the page shows of endpoints: an update as it stands, a rollback, variants side by side."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.tidegate_sandbox.endpoints.workshop import Workshop
from tests.tidegate_sandbox.page.visitor import Visitor
from tidegate_sandbox.faults.client import Injector


@pytest.fixture
def workshop(page_sandbox: Any, eventually: Callable[..., Any]) -> Iterator[Workshop]:
    made = Workshop(page_sandbox, f"e-{uuid.uuid4().hex[:8]}", eventually)
    yield made
    made.tidy()


def test_an_update_is_shown_as_it_stands_and_a_rollback_with_its_reason(
    page_sandbox: Any, workshop: Workshop, visitor: Visitor, eventually: Callable[..., Any]
) -> None:
    workshop.endpoint(workshop.config("v1"))
    alarm = workshop.alarm()
    before = visitor.view(f"endpoints/{workshop.name}")
    assert (before["update"], [fleet["role"] for fleet in before["fleets"]]) == (None, ["serving"])
    assert before["fleets"][0]["variants"][0]["share"] == 1.0
    assert before["faults"] == []
    injector = Injector(urlsplit(page_sandbox.url).port or 0)
    fault = injector.set({"kind": "latency", "endpoint": workshop.name, "add": "20ms"})
    assert visitor.view(f"endpoints/{workshop.name}")["faults"] == [fault["what"]]
    shown = visitor.get("/_tidegate/api/sandbox").json["faults"]
    assert [(each["what"], each["until"]) for each in shown if each["id"] == fault["id"]] == [(fault["what"], None)]
    injector.clear(fault["id"])

    broken = workshop.config("v2", environment={"BROKEN_AT": "invocation"})
    workshop.update(broken, workshop.canary(alarm, wait=3600))

    def baking() -> Any:
        seen = visitor.view(f"endpoints/{workshop.name}")
        return seen if seen["update"] and seen["update"]["status"] == "Baking" else None

    during = eventually(baking)
    update, (blue, green) = during["update"], during["fleets"]
    assert [step["share"] for step in update["steps"]] == [0.25, 1.0, 1.0]
    assert update["until"] == pytest.approx(update["since"] + 3600)
    assert (update["share"], update["unguarded_because"]) == (0.25, "")
    assert [fleet["variants"][0]["share"] for fleet in (blue, green)] == [0.75, 0.25]
    assert (green["config"], green["variants"][0]["instances"], green["variants"][0]["desired"]) == (broken, 1, 4)
    assert [each["name"] for each in during["alarms"]] == [alarm]

    def failed() -> bool:
        for _ in range(8):
            try:
                workshop.invoke()
            except workshop.runtime.exceptions.ModelError:
                continue
        return bool(workshop.describe()["EndpointStatus"] == "InService")

    eventually(failed)
    after = visitor.view(f"endpoints/{workshop.name}")
    assert (after["status"], after["update"], len(after["fleets"])) == ("InService", None, 1)
    assert alarm in after["failure"]
    errors = {series["config"]: series["errors5xx"] for series in after["traffic"]["series"]}
    assert sum(value or 0 for value in errors[broken]) > 0
    assert sum(value or 0 for value in errors[before["fleets"][0]["config"]]) == 0


def test_a_shadow_is_shown_beside_what_serves(
    workshop: Workshop, visitor: Visitor, eventually: Callable[..., Any]
) -> None:
    plain, slow = workshop.config("v1"), workshop.config("v2", environment={"SECONDS": "0.05"})
    models = [
        workshop.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]
        for config in (plain, slow)
    ]
    shadow = workshop.variant(models[1], "Shadow", InitialVariantWeight=1.0)
    live = workshop.variant(models[0], InitialVariantWeight=1.0)
    config = workshop.config("v3", variants=[live], ShadowProductionVariants=[shadow])
    workshop.endpoint(config)
    for _ in range(10):
        workshop.invoke()

    def mirrored() -> Any:
        seen = visitor.view(f"endpoints/{workshop.name}")
        counted = {each["variant"]: sum(v or 0 for v in each["requests"]) for each in seen["traffic"]["series"]}
        return seen if counted == {"AllTraffic": 10, "Shadow": 10} else None

    seen = eventually(mirrored)
    answers, copies = seen["fleets"][0]["variants"]
    assert [(each["name"], each["shadow"], each["share"]) for each in (answers, copies)] == [
        ("AllTraffic", False, 1.0),
        ("Shadow", True, 1.0),
    ]
    slowest = {
        each["variant"]: max(value for value in each["latency99"] if value is not None)
        for each in seen["traffic"]["series"]
    }
    assert slowest["Shadow"] > 50
    assert [each["name"] for each in visitor.view("endpoints")].count(workshop.name) == 1
