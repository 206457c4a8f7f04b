"""Which records are kept, and how they come back."""

import sys

import pytest

from tidegate_sandbox.context import Scope, Scoped
from tidegate_sandbox.state import kept

HERE = Scope("111122223333", "eu-west-1")


@pytest.fixture
def room():
    """Return a module of the sandbox with a Scoped of its own."""
    module = type(sys)("tidegate_sandbox.room_of_a_test")
    module.things = Scoped(dict)
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def test_every_scoped_of_the_sandbox_is_kept_by_the_name_it_has(room):
    room.things.states[HERE] = {"a": 1}
    assert kept.records()["tidegate_sandbox.room_of_a_test:things"] == {HERE: {"a": 1}}


def test_one_that_several_modules_have_is_kept_once(room):
    other = type(sys)("tidegate_sandbox.room_of_a_test.inner")
    other.things = room.things
    sys.modules[other.__name__] = other
    try:
        named = [name for name in kept.records() if "room_of_a_test" in name]
    finally:
        del sys.modules[other.__name__]
    assert named == ["tidegate_sandbox.room_of_a_test:things"]


def test_records_come_back_into_the_containers_that_everybody_has(room):
    states = room.things.states
    states[HERE] = {"made": "since"}
    kept.fill({"tidegate_sandbox.room_of_a_test:things": {HERE: {"a": 1}}})
    assert room.things.states is states
    assert states == {HERE: {"a": 1}}


def test_records_that_nobody_has_a_place_for_are_not_dropped_silently():
    with pytest.raises(KeyError, match=r"nothing is kept as tidegate_sandbox\.gone:things any more"):
        kept.fill({"tidegate_sandbox.gone:things": {}})


def test_two_containers_cannot_have_the_same_name(monkeypatch):
    monkeypatch.setattr(kept, "_containers", {})
    first = kept.keep("things", [])
    with pytest.raises(ValueError, match="two containers are kept as things"):
        kept.keep("things", [])
    assert kept.records()["things"] is first
