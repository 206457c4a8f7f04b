"""A model that is wrong on a slice: which rows are in it, and what becomes of their answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.faults.subjects import Invocation
from tidegate_sandbox.faults.wrong import WrongAnswers, changed

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"


@pytest.mark.parametrize(
    ("where", "rows", "answers", "expected"),
    [
        ("1 >= 17", "8,0\n17,1\n", "1.5\n2.5\n", "1.5\n3.5\n"),
        ("1 >= 17 and 2 == 1", "17,0\n17,1", "1\n2", "1\n3.0"),
        ("2 == rain", "8,sun\n9, rain", "1\n2", "1\n3.0"),
        ("2 != sun", "8,sun\n9,rain", "1,a\n2,b", "1,a\n3.0,b"),
        ("3 > 0", "8,sun", "1", None),
        ("1 > 100", "8,sun", "1", None),
        ("1 > 0", "8\n9", "1", None),
    ],
)
def test_lines_of_csv(where: str, rows: str, answers: str, expected: str | None) -> None:
    told = changed(where, "+1", (CSV, rows.encode()), (f"{CSV}; charset=utf-8", answers.encode()))

    assert told == (expected.encode() if expected is not None else None)


@pytest.mark.parametrize(
    ("rows", "answers", "expected"),
    [
        ({"instances": [[1, 2], [20, 2]]}, {"predictions": [0.25, 0.25]}, {"predictions": [0.25, 0.75]}),
        ([[1], [20]], [0.25, 0.25], [0.25, 0.75]),
        ({"instances": [{"hr": 20}]}, {"predictions": [{"score": 0.25, "ok": True}]},
         {"predictions": [{"score": 0.75, "ok": True}]}),
        ({"hr": 20}, {"score": 0.25, "label": "high"}, {"score": 0.75, "label": "high"}),
    ],
)  # fmt: skip
def test_items_of_json(rows: object, answers: object, expected: object) -> None:
    told = changed("1 > 10", "flip", (JSON, json.dumps(rows).encode()), (JSON, json.dumps(answers).encode()))

    assert told is not None
    assert json.loads(told) == expected


def test_json_lines_by_the_name_of_a_member() -> None:
    rows, answers = b'{"hr": 3}\n{"hr": 18}\n', b"[0.1]\n[0.2]\n"

    assert changed("hr > 12", "=0", (LINES, rows), (LINES, answers)) == b"[0.1]\n[0.0]\n"


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ((CSV, b"\xff\xfe"), (CSV, b"1")),
        (("application/x-npy", b"\x93NUMPY"), (CSV, b"1")),
        ((CSV, b"1"), ("image/png", b"\x89PNG")),
        ((JSON, b"{"), (JSON, b"1")),
    ],
)
def test_what_cannot_be_read_stays_as_it_is(request_: tuple[str, bytes], reply: tuple[str, bytes]) -> None:
    assert changed("1 > 0", "=0", request_, reply) is None


@given(rows=st.lists(st.integers(-50, 50), min_size=1, max_size=20), limit=st.integers(-50, 50), add=st.integers(1, 99))
def test_exactly_the_answers_of_the_slice_are_changed(rows: list[int], limit: int, add: int) -> None:
    answers = list(range(len(rows)))
    body, reply = "\n".join(map(str, rows)).encode(), json.dumps(answers).encode()

    told = changed(f"1 > {limit}", f"+{add}", (CSV, body), (JSON, reply))

    expected = [answer + add if row > limit else answer for row, answer in zip(rows, answers, strict=True)]
    assert (json.loads(told) if told is not None else answers) == expected


@pytest.mark.parametrize(
    ("endpoint", "content_type", "body", "fits"),
    [
        ("rides", "text/csv", b"3,1\n17,1", True),
        ("rides", "text/csv", b"3,1\n16,1", False),
        ("other", "text/csv", b"17,1", False),
        ("rides", "application/json", b'{"instances": [[17, 1]]}', True),
        ("rides", "application/json", b"{", False),
        ("rides", "image/png", b"17", False),
    ],
)
def test_requests_without_a_row_of_the_slice_are_not_struck(
    endpoint: str, content_type: str, body: bytes, fits: bool
) -> None:
    fault = WrongAnswers(endpoint="rides", where="1 >= 17", answer="=0")
    asked = Invocation("111122223333", endpoint, "config-1", "AllTraffic", False, content_type, body)

    assert fault.fits(asked) is fits
