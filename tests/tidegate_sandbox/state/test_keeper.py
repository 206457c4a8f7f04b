"""Snapshots of records that threads go on changing."""

import asyncio
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tidegate.clock import SystemClock
from tidegate_sandbox.hooks import state as state_hooks
from tidegate_sandbox.state import keeper as keeping
from tidegate_sandbox.state import kept, snapshot
from tidegate_sandbox.state.changing import Lock, changing
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


def test_each_sees_every_change_whole_or_not_at_all(keeper, records, eventually):
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
        eventually(lambda: pair["one"] > seen[0]["one"])
        seen.append(pickle.loads(keeper._take())["own"]["pair"])
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {each["one"] - each["other"] for each in seen} == {0}
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


ACCOUNTS = st.sampled_from("abc")


class Transfers(RuleBasedStateMachine):
    """Amounts go from one account to another, several at once, and snapshots are asked for and loaded at any point."""

    def __init__(self):
        super().__init__()
        self.exit = ExitStack()
        self.home = Path(self.exit.enter_context(TemporaryDirectory()))
        self.accounts = dict.fromkeys("abc", 0)
        patch = self.exit.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(kept, "records", lambda: self.accounts)
        patch.setattr(state_hooks, "records", dict)
        patch.setattr(keeping, "PATIENCE", 60.0)  # however slow this machine is, a change is not given up on
        self.loop = asyncio.new_event_loop()
        self.running = threading.Thread(target=self.loop.run_forever)
        self.running.start()
        self.pool = self.exit.enter_context(ThreadPoolExecutor(1))
        self.keeper = Keeper(self.home, 4650, SystemClock())
        self.keeper._loop = self.loop
        self.under_way, self.whole = [], [dict(self.accounts)]
        self.asked, self.since = None, 0

    def teardown(self):
        try:
            while self.under_way:
                self.ends(0)
            if self.asked:
                self.is_loaded()
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.running.join()
            self.loop.close()
            self.exit.close()

    @rule(source=ACCOUNTS, to=ACCOUNTS, amount=st.integers(1, 99), how=st.sampled_from([changing, Lock]))
    def begins(self, source, to, amount, how):
        change = ExitStack()
        change.enter_context(how())
        self.accounts[source] -= amount
        self.under_way.append((change, to, amount))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 5))
    def ends(self, which):
        change, to, amount = self.under_way.pop(which % len(self.under_way))
        self.accounts[to] += amount
        if not self.under_way:
            self.whole.append(dict(self.accounts))
        change.close()

    @precondition(lambda self: self.asked is None)
    @rule()
    def a_snapshot_is_asked_for(self):
        self.since = len(self.whole) - 1
        self.asked = self.pool.submit(self.keeper._take)
        time.sleep(0.002)  # it may try, whatever is under way

    @precondition(lambda self: self.asked and not self.under_way)
    @rule()
    def is_loaded(self):
        snapshot.write(self.home, self.asked.result(30), SystemClock().now(), 4650)
        assert snapshot.read(self.home).records()["own"] in self.whole[self.since :]
        self.asked = None


TestTransfers = Transfers.TestCase
TestTransfers.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
