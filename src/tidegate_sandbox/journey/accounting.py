"""Accounts for every prediction of the journey: which version answered it, and whether that is what it says.

Two witnesses that do not know each other: the client, which compares each answer with what every version's model
predicts for that row, and the router's ledger, which counted what each version answered.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLERANCE = 1e-4
"""Rentals per hour: an answer is text with six decimals, made of a 32-bit float."""


@dataclass(frozen=True)
class Answer:
    """A request's end: the row that was sent, the HTTP status, and the prediction where there was one."""

    row: int
    status: int
    prediction: float | None


@dataclass(frozen=True)
class Account:
    """Who answered what.

    `answered` and `failed` count requests by model version; `ambiguous` counts answers that several versions give,
    `unexplained` those that none gives. `disagreements` are sentences: where client and ledger do not agree.
    """

    sent: int
    answered: Mapping[int, int]
    failed: Mapping[int, int]
    ambiguous: int
    unexplained: int
    disagreements: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Whether every request is accounted for, by both witnesses alike."""
        accounted = sum(self.answered.values()) + sum(self.failed.values())
        return accounted == self.sent and self.unexplained == 0 and not self.disagreements


def reconcile(
    answers: Sequence[Answer],
    predictions: Mapping[int, Sequence[float]],
    ledger: Mapping[tuple[int, int], int],
) -> Account:
    """Reconcile the client's answers with the ledger.

    `predictions` holds, by model version, what `model.predict` gives for each row; `ledger` counts requests by
    (model version, HTTP status). An answer that several versions give alike is counted by the ledger's word.
    """
    seen: Counter[int] = Counter()
    ambiguous = unexplained = 0
    for answer in answers:
        if answer.status != 200 or answer.prediction is None:
            continue
        said = answer.prediction
        givers = [version for version, rows in predictions.items() if abs(rows[answer.row] - said) <= TOLERANCE]
        if len(givers) == 1:
            seen[givers[0]] += 1
        elif givers:
            ambiguous += 1
        else:
            unexplained += 1

    answered = {version: count for (version, status), count in sorted(ledger.items()) if status == 200}
    failed: Counter[int] = Counter()
    for (version, status), count in ledger.items():
        if status != 200:
            failed[version] += count
    return Account(
        sent=len(answers),
        answered=answered,
        failed=dict(sorted(failed.items())),
        ambiguous=ambiguous,
        unexplained=unexplained,
        disagreements=tuple(_disagreements(answers, seen, ambiguous, answered, failed)),
    )


def _disagreements(
    answers: Sequence[Answer],
    seen: Counter[int],
    ambiguous: int,
    answered: Mapping[int, int],
    failed: Mapping[int, int],
) -> list[str]:
    sentences = []
    statuses = Counter("answered" if answer.status == 200 else "failed" for answer in answers)
    for word, counted in (("answered", sum(answered.values())), ("failed", sum(failed.values()))):
        if statuses[word] != counted:
            sentences.append(f"the client saw {statuses[word]} requests {word}, the router counted {counted}")
    for version in sorted({*seen, *answered}):
        short = answered.get(version, 0) - seen[version]
        if not 0 <= short <= ambiguous:
            sentences.append(
                f"{seen[version]} answers are what version {version} predicts, "
                f"and the router says that it answered {answered.get(version, 0)}"
            )
    return sentences
