"""Changes that a snapshot sees as a whole, and the locks that make them."""

import pickle
import threading

import pytest

from tidegate_sandbox.state.changing import Lock, changes, changing


@pytest.fixture(autouse=True)
def _nothing_is_left_under_way():
    yield
    assert changes.under_way == 0


def test_what_is_done_within_changing_is_under_way_until_it_ends():
    changes.something.clear()
    with changing():
        assert changes.under_way == 1
        assert not changes.something.is_set()
    assert changes.under_way == 0
    assert changes.something.is_set()


def test_a_change_that_fails_has_ended():
    with pytest.raises(ZeroDivisionError), changing():
        _ = 1 / 0
    assert changes.under_way == 0


def test_a_lock_that_is_held_is_one_change_however_often_its_holder_takes_it():
    lock = Lock()
    with lock, lock:
        assert changes.under_way == 1
    assert changes.under_way == 0


def test_who_waits_for_a_condition_is_not_changing_anything():
    condition = threading.Condition(Lock())
    seen, waits = [], threading.Event()

    def wait() -> None:
        with condition:
            waits.set()
            condition.wait_for(lambda: seen)
            assert changes.under_way == 1

    waiter = threading.Thread(target=wait)
    waiter.start()
    waits.wait()
    with condition:
        # It has let go of the lock, or this would not have it.
        assert changes.under_way == 1
        seen.append("something")
        condition.notify_all()
    waiter.join(10)
    assert not waiter.is_alive()


def test_a_lock_is_free_where_it_is_read_again():
    lock = Lock()
    with lock:
        read = pickle.loads(pickle.dumps(lock))
    assert read.acquire(blocking=False)
    read.release()
