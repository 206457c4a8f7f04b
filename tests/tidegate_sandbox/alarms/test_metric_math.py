"""Metric math: expressions as people write them, over series with gaps."""

import contextlib
import math
import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate_sandbox.services.alarms.metric_math import Frame, MathError, Series, Value, evaluate, parse

MINUTE = 60
MOMENTS = [0, 60, 120, 180]


def series(*values: float | None) -> Series:
    """One value a minute, None for a minute without data."""
    return Series({at: value for at, value in zip(MOMENTS, values, strict=False) if value is not None})


def worked_out(expression: str, **values: Value) -> Value:
    return evaluate(parse(expression), Frame(MOMENTS, MINUTE, values, list(values)))


def shown(value: Value) -> list[float | None] | list[list[float | None]] | float:
    if isinstance(value, Series):
        return [value.points.get(at) for at in MOMENTS]
    if isinstance(value, tuple):
        return [[one.points.get(at) for at in MOMENTS] for one in value]
    return value


m1 = series(1, 2, None, 4)
m2 = series(10, 0, 30, 40)
array = (m1, m2)

EXPRESSIONS = [
    ("m1 + m2", [11, 2, None, 44]),
    ("m2 / m1", [10, 0, None, 10]),
    ("m1 / m2", [0.1, None, None, 0.1]),
    ("100 * m1 / (m1 + m2)", [100 / 11, 100, None, 400 / 44]),
    ("-m1 ^ 2", [-1, -4, None, -16]),
    ("2 ^ 3 ^ 2", 512),
    ("1 - 2 - 3", -4),
    ("m1 > 1", [0, 1, None, 1]),
    ("m1 >= 2 AND m2 >= 30 || m1 == 1", [1, 0, None, 1]),
    ("m2 != 0", [1, 0, 1, 1]),
    ("IF(m2 > 20, m1, 0)", [0, 0, None, 4]),
    ("IF(m2 > 20, 1)", [None, None, 1, 1]),
    ("IF(1, m1, m2)", [1, 2, None, 4]),
    ("FILL(m1, 0)", [1, 2, 0, 4]),
    ("FILL(m1, REPEAT)", [1, 2, 2, 4]),
    ("FILL(m1, LINEAR)", [1, 2, 3, 4]),
    ("FILL(m1, m2)", [1, 2, 30, 4]),
    ("FILL(METRICS(), 0)", [[1, 2, 0, 4], [10, 0, 30, 40]]),
    ("m2 - AVG(m2)", [-10, -20, 10, 20]),
    ("SUM(METRICS())", [11, 2, 30, 44]),
    ('MAX(METRICS("m2"))', [10, 0, 30, 40]),
    ("MIN([m1, m2])", [1, 0, 30, 4]),
    ("STDDEV([m1, m2])", [4.5, 1, 0, 18]),
    ("SUM(m1)", 7),
    ("DATAPOINT_COUNT(m1)", 3),
    ("DATAPOINT_COUNT([m1, m2])", [2, 2, 1, 2]),
    ("METRIC_COUNT(METRICS())", 2),
    ("DIFF(m1)", [None, 1, None, 2]),
    ("DIFF_TIME(m1)", [None, 60, None, 120]),
    ("RATE(m1)", [None, 1 / 60, None, 2 / 120]),
    ("RUNNING_SUM(m1)", [1, 3, None, 7]),
    ("ABS(0 - m1)", [1, 2, None, 4]),
    ("CEIL(m1 / 3)", [1, 1, None, 2]),
    ("FLOOR(m1 / 3)", [0, 0, None, 1]),
    ("LOG10(m2)", [1, None, math.log10(30), math.log10(40)]),
    ("TIME_SERIES(5)", [5, 5, 5, 5]),
    ("PERIOD(m1)", 60),
    ("FIRST([m2, m1])", [10, 0, 30, 40]),
    ("SLICE(SORT([m1, m2], MAX, DESC), 0, 1)", [[10, 0, 30, 40]]),
    ("SORT([m1, m2], AVG, ASC, 1)", [[1, 2, None, 4]]),
    ("METRICS() * 2", [[2, 4, None, 8], [20, 0, 60, 80]]),
    ("MINUTE(m1)", [0, 1, None, 3]),
    ("YEAR(m1) + MONTH(m1) + DATE(m1) + DAY(m1)", [1970 + 1 + 1 + 4, 1976, None, 1976]),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_an_expression_gives_what_the_documents_say(expression: str, expected: object) -> None:
    found = shown(worked_out(expression, m1=m1, m2=m2))

    assert found == (pytest.approx(expected) if not isinstance(expected, list) else _approximately(expected))


def _approximately(expected: Sequence[object]) -> list[object]:
    return [
        _approximately(one) if isinstance(one, list) else one if one is None else pytest.approx(one) for one in expected
    ]


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("m1 +", "the end at character 5"),
        ("m1 m2", "'m2' at character 4"),
        ("(m1", "the end at character 4"),
        ("m1 $ 2", r"'\$' at character 4"),
        ("m9", "no metric or expression with the id m9"),
        ("NOSUCH(m1)", "NOSUCH is no function"),
        ("SEARCH('{AWS/EC2}', 'Average')", "SEARCH is not in the local simulation"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "ANOMALY_DETECTION_BAND is not in the local simulation"),
        ("SELECT AVG(CPUUtilization)", "Metrics Insights"),
        ("AVG(3)", "this is a number"),
        ("ABS(m1, m2)", "takes 1 argument, and has 2"),
        ("[m1, 3]", "TIME_SERIES makes one"),
        ("METRICS() + [m1]", "arrays of 2 and 1"),
        ("FILL(m1, OFTEN)", "not with OFTEN"),
        ("REPEAT + 1", "REPEAT stands where"),
        ("(" * 100 + "m1" + ")" * 100, "nested more than"),
    ],
)
def test_what_is_no_expression_is_refused_with_a_sentence(expression: str, sentence: str) -> None:
    with pytest.raises(MathError, match=sentence):
        worked_out(expression, m1=m1, m2=m2)


numbers = st.floats(min_value=-1e6, max_value=1e6)
gappy = st.lists(st.none() | numbers, min_size=4, max_size=4).map(lambda values: series(*values))
leaves = st.sampled_from(["m1", "m2", "3", "0.5", "AVG(m1)"])
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "^", "<", ">=", "==", "AND", "OR"]), inner).map(
            lambda x: f"({' '.join(x)})"
        ),
        inner.map(lambda x: f"-{x}"),
        inner.map(lambda x: f"ABS({x})"),
        inner.map(lambda x: f"IF({x}, m1, 2)"),
    ),
    max_leaves=8,
)


@settings(max_examples=30)
@given(expressions, gappy, gappy)
def test_no_expression_gives_a_value_that_is_none_or_crashes(expression: str, one: Series, two: Series) -> None:
    found = worked_out(expression, m1=one, m2=two)

    if isinstance(found, Series):
        assert all(math.isfinite(value) and at in MOMENTS for at, value in found.points.items())


@settings(max_examples=30)
@given(st.text(alphabet="m1+-*/()[],<>=&|^ ABSIF0.'\"", max_size=30))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    with contextlib.suppress(MathError):
        assert parse(text) is not None


@settings(max_examples=30)
@given(gappy)
def test_what_is_filled_has_no_gap_and_keeps_what_there_was(holed: Series) -> None:
    filled = worked_out("FILL(m1, 7)", m1=holed)

    assert isinstance(filled, Series)
    assert list(filled.points) == MOMENTS
    assert all(filled.points[at] == holed.points.get(at, 7) for at in MOMENTS)


@settings(max_examples=30)
@given(gappy)
def test_differences_add_up_to_the_last_value_less_the_first(values: Series) -> None:
    changes = worked_out("SUM(DIFF(m1))", m1=values)

    known = list(values.points.values())
    if len(known) > 1:
        assert changes == pytest.approx(known[-1] - known[0], abs=1e-3)


@settings(max_examples=30)
@given(gappy, gappy)
def test_the_mean_of_two_is_what_it_is_at_each_moment(one: Series, two: Series) -> None:
    found = worked_out("AVG([m1, m2])", m1=one, m2=two)

    assert isinstance(found, Series)
    for at in MOMENTS:
        there = [each.points[at] for each in (one, two) if at in each.points]
        assert found.points.get(at) == (pytest.approx(statistics.fmean(there)) if there else None)
