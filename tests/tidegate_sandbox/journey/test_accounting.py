"""Every prediction is accounted for, by the client's answers and by the router's ledger alike."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.journey.accounting import TOLERANCE, Answer, reconcile

PREDICTIONS = {1: [10.0, 20.0, 30.0], 2: [11.0, 21.0, 30.0]}


def test_answers_are_attributed_to_the_version_that_predicts_them() -> None:
    answers = [Answer(0, 200, 10.0), Answer(1, 200, 21.0)]

    account = reconcile(answers, PREDICTIONS, {(1, 200): 1, (2, 200): 1})

    assert account.answered == {1: 1, 2: 1}
    assert account.balanced


def test_failures_are_attributed_by_the_ledger() -> None:
    answers = [Answer(0, 200, 10.0), Answer(1, 424, None)]

    account = reconcile(answers, PREDICTIONS, {(1, 200): 1, (2, 500): 1})

    assert account.failed == {2: 1}
    assert account.balanced


def test_an_answer_that_no_version_gives_is_unexplained() -> None:
    account = reconcile([Answer(0, 200, 99.0)], PREDICTIONS, {(1, 200): 1})

    assert account.unexplained == 1
    assert not account.balanced


def test_an_answer_that_two_versions_give_is_counted_by_the_ledgers_word() -> None:
    account = reconcile([Answer(2, 200, 30.0)], PREDICTIONS, {(2, 200): 1})

    assert account.ambiguous == 1
    assert account.balanced


def test_a_request_that_the_router_never_saw_is_a_disagreement() -> None:
    account = reconcile([Answer(0, 200, 10.0), Answer(1, 0, None)], PREDICTIONS, {(1, 200): 1})

    assert not account.balanced
    assert account.disagreements == ("the client saw 1 requests failed, the router counted 0",)


def test_a_ledger_that_names_the_wrong_version_is_a_disagreement() -> None:
    account = reconcile([Answer(0, 200, 10.0)], PREDICTIONS, {(2, 200): 1})

    assert not account.balanced
    assert len(account.disagreements) == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([1, 2]), st.booleans(), st.floats(-TOLERANCE / 2, TOLERANCE / 2)),
        max_size=60,
    )
)
def test_an_honest_ledger_always_balances(requests: list[tuple[int, int, bool, float]]) -> None:
    answers = [
        Answer(row, 200, PREDICTIONS[version][row] + noise) if good else Answer(row, 424, None)
        for row, version, good, noise in requests
    ]
    ledger = Counter((version, 200 if good else 500) for _, version, good, _ in requests)

    account = reconcile(answers, PREDICTIONS, ledger)

    assert account.balanced
    assert account.sent == sum(account.answered.values()) + sum(account.failed.values())
