"""The book of faults: when a fault stands, how often it strikes, and whom."""

import pickle
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.stage.quantities import format_duration
from tidegate_sandbox.faults import kinds
from tidegate_sandbox.faults.book import MOST, Book, TooManyError, UnknownFaultError
from tidegate_sandbox.faults.errors import Errors
from tidegate_sandbox.faults.fault import RequestFault
from tidegate_sandbox.faults.latency import SlowAnswers
from tidegate_sandbox.faults.subjects import Invocation
from tidegate_sandbox.faults.throttling import Throttling

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REQUEST = Invocation("111122223333", "rides-prod", "config-2", "AllTraffic", True)


class Setting:
    """A book whose clock is set by hand."""

    def __init__(self) -> None:
        self.now = NOON
        self.book = Book(lambda: self.now, chance=random.Random(7))

    def set(self, **asked: object) -> str:
        return self.book.set(kinds.read({"kind": "errors", "endpoint": "rides-prod", **asked})).id

    def strikes(self, request: Invocation = REQUEST) -> int:
        return len(self.book.striking(RequestFault, request))


@given(
    after=st.integers(0, 10_000),
    lasting=st.integers(1, 10_000),
    at=st.integers(-10, 30_000).map(lambda s: s if s else 1),
)
def test_a_fault_strikes_within_its_time_and_never_outside(after: int, lasting: int, at: int) -> None:
    setting = Setting()
    setting.set(after=format_duration(timedelta(seconds=after)), **{"for": format_duration(timedelta(seconds=lasting))})

    setting.now = NOON + timedelta(seconds=at)

    assert setting.strikes() == (after <= at < after + lasting)


@settings(max_examples=30)
@given(percent=st.integers(1, 100), seed=st.integers())
def test_a_fault_strikes_its_share_of_what_it_fits(percent: int, seed: int) -> None:
    book = Book(lambda: NOON, chance=random.Random(seed))
    book.set(kinds.read({"kind": "errors", "endpoint": "*", "share": f"{percent}%"}))
    asked = 500

    struck = sum(len(book.striking(Errors, REQUEST)) for _ in range(asked))

    share = percent / 100
    # Six standard deviations: once in a thousand million.
    assert abs(struck - asked * share) <= 6 * (asked * share * (1 - share)) ** 0.5
    assert book.every()[0].struck == struck


@given(times=st.integers(1, 40), asked=st.integers(0, 60), share=st.sampled_from(["100%", "50%"]))
def test_a_fault_strikes_at_most_so_many_times(times: int, asked: int, share: str) -> None:
    setting = Setting()
    setting.set(times=times, share=share)

    struck = sum(setting.strikes() for _ in range(asked))

    assert struck <= min(times, asked)
    assert share != "100%" or struck == min(times, asked)
    assert bool(setting.book.every()) == (struck < times)


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, True),
        ({"endpoint": "rides-*"}, True),
        ({"endpoint": "rides"}, False),
        ({"variant": "AllTraffic"}, True),
        ({"variant": "Shadow"}, False),
        ({"config": "config-2"}, True),
        ({"config": "config-1"}, False),
        ({"account": "111122223333"}, True),
        ({"account": "444455556666"}, False),
        ({"new_fleet": True}, True),
    ],
)
def test_a_fault_strikes_whom_it_names(asked: dict[str, object], fits: bool) -> None:
    setting = Setting()
    setting.set(**asked)

    assert setting.strikes() == fits


def test_a_fault_of_the_new_fleet_spares_the_one_that_serves() -> None:
    setting = Setting()
    setting.set(new_fleet=True)

    assert setting.strikes(Invocation("111122223333", "rides-prod", "config-1", "AllTraffic", False)) == 0


def test_faults_strike_together_and_only_those_of_the_kind_that_is_asked_for() -> None:
    book = Book(lambda: NOON)
    for asked in (
        {"kind": "latency", "endpoint": "*", "add": "1s"},
        {"kind": "errors", "endpoint": "*"},
        {"kind": "throttling", "call": "s3"},
    ):
        book.set(kinds.read(asked))

    assert [type(fault) for fault in book.striking(RequestFault, REQUEST)] == [SlowAnswers, Errors]
    assert book.striking(Throttling, REQUEST) == []


def test_clearing_takes_one_fault_or_all_and_says_which() -> None:
    setting = Setting()
    one, _ = setting.set(), setting.set()

    assert [entry.id for entry in setting.book.clear(one)] == [one]
    assert setting.strikes() == 1
    with pytest.raises(UnknownFaultError, match=f"there is no fault {one}"):
        setting.book.clear(one)
    assert len(setting.book.clear()) == 1
    assert setting.book.is_empty
    assert setting.book.clear() == []


def test_a_book_holds_so_many_faults_and_forgets_those_that_are_over() -> None:
    setting = Setting()
    for _ in range(MOST):
        setting.set(**{"for": "1h"})
    with pytest.raises(TooManyError):
        setting.set()

    setting.now += timedelta(hours=2)
    setting.set()

    assert len(setting.book.every()) == 1


def test_a_fault_that_is_set_outlives_its_process() -> None:
    setting = Setting()
    setting.set(share="5%", times=3, **{"for": "10m"})

    (entry,) = pickle.loads(pickle.dumps(list(setting.book.every())))

    again = Book(lambda: NOON, [entry])
    assert again.every()[0].describe(NOON) == setting.book.every()[0].describe(NOON)
