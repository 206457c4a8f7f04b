"""Given values, when the conditions of a Condition step are evaluated, then they hold or the doubt is told."""

import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_sandbox.services.pipelines.conditions import COMPARISONS, holds, problem
from tidegate_sandbox.services.pipelines.expressions import ExpressionError, Values


def never(*_: Any) -> Any:
    raise AssertionError


VALUES = Values({"Limit": 60.0, "Mode": "fast", "On": True}, {}, {}, never, never)
LIMIT, MODE, ON = ({"Get": f"Parameters.{name}"} for name in ("Limit", "Mode", "On"))


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        (compare("Equals", MODE, "fast"), True),
        (compare("Equals", LIMIT, 60), True),
        (compare("Equals", ON, True), True),
        (compare("Equals", ON, 1), False),
        (compare("Equals", MODE, 60), False),
        (compare("LessThanOrEqualTo", 60, LIMIT), True),
        (compare("LessThan", 60, LIMIT), False),
        (compare("GreaterThan", "b", "a"), True),
        (compare("GreaterThanOrEqualTo", LIMIT, 60.5), False),
        ({"Type": "In", "QueryValue": MODE, "Values": ["slow", MODE]}, True),
        ({"Type": "In", "QueryValue": ON, "Values": [1, "true"]}, False),
        ({"Type": "Not", "Condition": compare("Equals", MODE, "slow")}, True),
        ({"Type": "Not", "Expression": compare("Equals", MODE, "slow")}, True),
        ({"Type": "Or", "Conditions": [compare("Equals", MODE, "slow"), compare("Equals", LIMIT, 60)]}, True),
        ({"Type": "And", "Conditions": [compare("Equals", MODE, "slow"), compare("Equals", LIMIT, 60)]}, False),
    ],
)
def test_a_condition_holds_or_does_not(condition: dict[str, Any], held: bool) -> None:
    assert problem(condition) is None
    assert holds(condition, VALUES) is held


@pytest.mark.parametrize(("left", "right"), [("40.5", 60), (True, 1), (None, 1), ([1], [2])])
def test_what_has_no_order_is_not_compared(left: Any, right: Any) -> None:
    with pytest.raises(ExpressionError, match="can compare two numbers or two texts"):
        holds(compare("LessThan", left, right), VALUES)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"Type": "Contains"}, "'Contains' is none of"),
        ("x", "'x' is none of"),
        ({"Type": "LessThan", "LeftValue": 1}, "LessThan lacks RightValue"),
        ({"Type": "In"}, "In lacks QueryValue and Values"),
        ({"Type": "Not"}, "Not holds no condition"),
        ({"Type": "Or", "Conditions": [compare("Equals", 1, 1), {"Type": "Xor"}]}, "'Xor' is none of"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_told(condition: Any, says: str) -> None:
    assert says in (problem(condition) or "")


numbers = st.integers() | st.floats(allow_nan=False)
comparisons = st.builds(compare, st.sampled_from(["Equals", *COMPARISONS]), numbers, numbers)


@given(numbers, numbers)
def test_numbers_compare_as_pythons(left: float, right: float) -> None:
    for kind, python in {"Equals": operator.eq, **COMPARISONS}.items():
        assert holds(compare(kind, left, right), VALUES) is python(left, right)


@given(st.lists(comparisons, min_size=1, max_size=4))
def test_and_is_the_negation_of_or_over_negations(inner: list[dict[str, Any]]) -> None:
    negated = [{"Type": "Not", "Condition": each} for each in inner]
    de_morgan = {"Type": "Not", "Condition": {"Type": "Or", "Conditions": negated}}
    assert holds({"Type": "And", "Conditions": inner}, VALUES) is holds(de_morgan, VALUES)
