"""The conditions of a Condition step. Pure.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from tidegate_sandbox.services.pipelines.expressions import ExpressionError, Values, resolve

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}

KINDS = ("Equals", *COMPARISONS, "In", "Not", "Or", "And")


def holds(condition: Mapping[str, Any], values: Values) -> bool:
    """Tell whether `condition` holds; ExpressionError where it cannot be told."""
    kind = str(condition.get("Type"))
    if kind == "Equals":
        return _equal(*_sides(condition, values))
    if kind in COMPARISONS:
        left, right = _sides(condition, values)
        if _is_number(left) != _is_number(right) or not isinstance(left, int | float | str) or isinstance(left, bool):
            raise ExpressionError(f"{kind} can compare two numbers or two texts, not {left!r} with {right!r}")
        return COMPARISONS[kind](left, right)
    if kind == "In":
        query = resolve(condition["QueryValue"], values)
        return any(_equal(query, each) for each in resolve(condition["Values"], values))
    if kind == "Not":
        return not holds(nested(condition)[0], values)
    if kind in ("Or", "And"):
        outcomes = (holds(each, values) for each in nested(condition))
        return any(outcomes) if kind == "Or" else all(outcomes)
    raise ExpressionError(f"the condition {kind!r} is none of {', '.join(KINDS)}")


def nested(condition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the conditions that `condition` combines."""
    if condition.get("Type") == "Not":
        # The SDK's version 3 writes Condition, its version 2 wrote Expression.
        inner = condition.get("Condition", condition.get("Expression"))
        return [inner] if isinstance(inner, Mapping) else []
    return list(condition.get("Conditions", ()))


def problem(condition: object) -> str | None:
    """Return what is wrong with the form of `condition` as a sentence, None where it can be evaluated."""
    if not isinstance(condition, Mapping) or condition.get("Type") not in KINDS:
        kind = condition.get("Type") if isinstance(condition, Mapping) else condition
        return f"the condition {kind!r} is none of {', '.join(KINDS)}"
    kind = condition["Type"]
    needed = {"In": ("QueryValue", "Values"), "Not": (), "Or": (), "And": ()}.get(kind, ("LeftValue", "RightValue"))
    missing = [member for member in needed if member not in condition]
    if missing:
        return f"the condition {kind} lacks {' and '.join(missing)}"
    if kind in ("Not", "Or", "And"):
        inner = nested(condition)
        return next(filter(None, map(problem, inner)), None) if inner else f"the condition {kind} holds no condition"
    return None


def _sides(condition: Mapping[str, Any], values: Values) -> tuple[Any, Any]:
    return resolve(condition["LeftValue"], values), resolve(condition["RightValue"], values)


def _equal(left: Any, right: Any) -> bool:
    # Python takes True for 1; a pipeline's Boolean is no number.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
