"""Which raw route serves a path, and how a request's body is read."""

import asyncio
from typing import Any

import pytest

from tidegate_sandbox import routes


async def git(_scope, _receive, _send): ...


async def pages(_scope, _receive, _send): ...


@pytest.fixture(autouse=True)
def _no_routes_yet(monkeypatch):
    monkeypatch.setattr(routes, "_routes", [])


def test_a_prefix_serves_what_begins_with_it_and_the_rest_is_left_to_aws():
    routes.route("/v1/repos/", git)
    assert routes.routed("/v1/repos/demo/info/refs") is git
    assert routes.routed("/bucket/v1/repos/demo") is None


def test_a_predicate_serves_what_satisfies_it():
    routes.route(lambda path: path.endswith("/invocations"), pages)
    assert routes.routed("/endpoints/demo/invocations") is pages
    assert routes.routed("/endpoints/demo") is None


def test_where_two_match_the_one_registered_first_serves():
    routes.route("/_tidegate/", pages)
    routes.route("/_tidegate/git/", git)
    assert routes.routed("/_tidegate/git/demo") is pages


def read(*events: dict[str, Any], at_most: int = 10) -> bytes:
    coming = iter(events)

    async def receive() -> dict[str, Any]:
        return next(coming)

    return asyncio.run(routes.read_body(receive, at_most))


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_given_a_body_in_parts_then_it_is_read_whole() -> None:
    assert read(part(b"12345", more=True), part(b"67890", more=False)) == b"1234567890"


def test_given_a_body_beyond_the_limit_then_no_more_of_it_is_read() -> None:
    with pytest.raises(routes.BodyError, match="more than 10 bytes") as refused:
        read(part(b"12345678", more=True), part(b"901", more=True))
    assert refused.value.status == 413


def test_given_a_client_that_goes_amid_its_body_then_that_is_said() -> None:
    with pytest.raises(routes.BodyError, match="ended before its body did"):
        read(part(b"1", more=True), {"type": "http.disconnect"})
