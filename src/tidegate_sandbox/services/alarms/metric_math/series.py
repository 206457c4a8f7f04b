"""What expressions are about: numbers, time series, and arrays of time series, and what operators make of them."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class MathError(ValueError):
    """An expression that cannot be read or evaluated; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Series:
    """A time series: values by the beginning of their period, in epoch seconds; `period` in seconds.

    A period without data has no value. Values are finite: what is not, such as a division by zero, is no data.
    """

    points: Mapping[int, float] = field(default_factory=dict)
    period: int = 60

    def with_points(self, points: Mapping[int, float]) -> "Series":
        """Return a series of the same period with the finite ones of `points`."""
        return Series({at: value for at, value in points.items() if math.isfinite(value)}, self.period)


Value = float | Series | tuple[Series, ...]
"""CloudWatch's types S, TS and TS[]; a number that is not a number (NaN) is one that nobody has."""


def each(change: Callable[[float], float], value: Value) -> Value:
    """Apply `change` to a number, or to every value of one series or several."""
    if isinstance(value, Series):
        return value.with_points({at: _tried(change, one) for at, one in value.points.items()})
    if isinstance(value, tuple):
        return tuple(series for one in value if isinstance(series := each(change, one), Series))
    return _tried(change, value)


def _tried(change: Callable[..., float], *values: float) -> float:
    try:
        made = change(*values)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan
    # A power of a negative number may be complex.
    return float(made) if isinstance(made, (int, float)) else math.nan


OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}


def combined(sign: str, left: Value, right: Value) -> Value:
    """Return `left` and `right` with the operator `sign` between them.

    Two series have a value together where both have one; a number goes with every value; of two arrays, which must be
    equally long, the series go together in their order.
    """
    work = OPERATORS[sign]
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            raise MathError(f"{sign} is between arrays of {len(left)} and {len(right)} time series")
        return tuple(_of_two(work, a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, tuple):
        assert not isinstance(right, tuple)
        return tuple(_of_two(work, one, right) for one in left)
    if isinstance(right, tuple):
        return tuple(_of_two(work, left, one) for one in right)
    if isinstance(left, Series) or isinstance(right, Series):
        return _of_two(work, left, right)
    return _of_numbers(work, left, right)


def _of_two(work: Callable[[float, float], float], left: float | Series, right: float | Series) -> Series:
    if isinstance(left, Series):
        if not isinstance(right, Series):
            return left.with_points({at: _of_numbers(work, value, right) for at, value in left.points.items()})
        both = left.points.keys() & right.points.keys()
        return left.with_points({at: _of_numbers(work, left.points[at], right.points[at]) for at in sorted(both)})
    assert isinstance(right, Series)
    return right.with_points({at: _of_numbers(work, left, value) for at, value in right.points.items()})


def _of_numbers(work: Callable[[float, float], float], left: float, right: float) -> float:
    if math.isnan(left) or math.isnan(right):
        return math.nan
    return _tried(work, left, right)
