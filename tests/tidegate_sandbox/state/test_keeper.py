"""Snapshots of records that threads go on changing."""

import asyncio
import pickle
import threading
import time

import pytest

from tidegate.clock import SystemClock
from tidegate_sandbox import state_hooks
from tidegate_sandbox.state import kept, snapshot
from tidegate_sandbox.state.changing import changing
from tidegate_sandbox.state.keeper import Keeper


@pytest.fixture
def records(monkeypatch):
    """Return what is kept, and nothing else is."""
    held = {}
    monkeypatch.setattr(kept, "records", lambda: held)
    monkeypatch.setattr(state_hooks, "records", dict)
    return held


@pytest.fixture
def keeper(tmp_path, records):
    """Return a keeper, of a sandbox whose event loop runs."""
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_forever)
    running.start()
    made = Keeper(tmp_path, 4650, SystemClock())
    made.open(loop)
    yield made
    try:
        made.close()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        running.join()
        loop.close()


def test_each_sees_every_change_whole_or_not_at_all(keeper, records):
    records["pair"] = pair = {"one": 0, "other": 0}
    order, stop = threading.Lock(), threading.Event()

    def change() -> None:
        while not stop.wait(0.002):
            with order, changing():
                pair["one"] += 1
                time.sleep(0.001)  # lets whoever wants it run, in the midst of the change
                pair["other"] += 1

    threads = [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        seen = [pickle.loads(keeper._take())["own"]["pair"] for _ in range(30)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [each["one"] - each["other"] for each in seen] == [0] * 30
    assert seen[-1]["one"] > seen[0]["one"]


def test_what_changed_is_kept_soon_without_being_asked(keeper, records, tmp_path, eventually):
    with changing():
        records["a"] = 1
    eventually(lambda: (found := snapshot.read(tmp_path)) and found.records()["own"] == {"a": 1}, 10)


def test_what_happens_after_the_last_one_is_as_if_it_had_not(keeper, records, tmp_path):
    records["a"] = 1
    keeper.close()
    with changing():
        records["a"] = 2
    time.sleep(0.5)
    assert snapshot.read(tmp_path).records()["own"] == {"a": 1}


def test_one_that_cannot_be_taken_is_told_and_leaves_the_one_before(keeper, records, tmp_path, eventually):
    with changing():
        records["a"] = 1
    eventually(lambda: (found := snapshot.read(tmp_path)) and found.records()["own"] == {"a": 1}, 10)
    with changing():
        records["a"] = (each for each in ())
    assert "cannot pickle 'generator' object" in eventually(lambda: keeper.failure, 10)
    assert snapshot.read(tmp_path).records()["own"] == {"a": 1}
    with changing():
        records["a"] = 3
    eventually(lambda: not keeper.failure, 10)
