"""Which raw route serves a path."""

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
