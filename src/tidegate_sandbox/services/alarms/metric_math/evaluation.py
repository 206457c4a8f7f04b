"""Evaluates an expression's tree over the periods of a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate_sandbox.services.alarms.metric_math import syntax
from tidegate_sandbox.services.alarms.metric_math.functions import (
    Argument,
    array_of,
    function,
    number_of,
    series_of,
    value_of,
)
from tidegate_sandbox.services.alarms.metric_math.series import MathError, Series, Value, combined, each
from tidegate_sandbox.services.alarms.metric_math.syntax import Expression


@dataclass(frozen=True, slots=True)
class Frame:
    """What an expression is evaluated in: the beginnings of the periods, oldest first, and what ids stand for.

    `metrics` are those of the ids that are metrics and no expressions, in the order of the request.
    """

    moments: Sequence[int]
    period: int
    values: Mapping[str, Value]
    metrics: Sequence[str]


def evaluate(expression: Expression, frame: Frame) -> Value:
    """Return what `expression` is in `frame`; MathError where its parts do not go together."""
    match expression:
        case syntax.Number(value):
            return value
        case syntax.Reference(name):
            if name not in frame.values:
                raise MathError(f"there is no metric or expression with the id {name}")
            return frame.values[name]
        case syntax.Negation(of):
            return each(lambda value: -value, evaluate(of, frame))
        case syntax.Operation(operator, left, right):
            return combined(operator, evaluate(left, frame), evaluate(right, frame))
        case syntax.Array(items):
            return _array(items, frame)
        case syntax.Call(name, arguments):
            return _call(name, arguments, frame)
        case syntax.Word(name) | syntax.Text(name):
            raise MathError(f"{name} stands where a number or a time series has to be")


def _array(items: Sequence[Expression], frame: Frame) -> tuple[Series, ...]:
    made: list[Series] = []
    for item in items:
        value = evaluate(item, frame)
        if isinstance(value, tuple):
            made += value
        elif isinstance(value, Series):
            made.append(value)
        else:
            raise MathError("an array is of time series, and a number is in it; TIME_SERIES makes one of a number")
    return tuple(made)


def _call(name: str, arguments: Sequence[Expression], frame: Frame) -> Value:
    if name == "METRICS":
        return _metrics(arguments, frame)
    given = [_argument(one, frame) for one in arguments]
    if name == "FILL":
        return _filled(given, frame)
    if name == "TIME_SERIES":
        if len(given) != 1:
            raise MathError(f"TIME_SERIES takes 1 argument, and has {len(given)}")
        value = number_of(name, given[0])
        return Series(period=frame.period).with_points(dict.fromkeys(frame.moments, value))
    return function(name)(given)


def _argument(expression: Expression, frame: Frame) -> Argument:
    if isinstance(expression, syntax.Word):
        return Argument(None, expression.name)
    if isinstance(expression, syntax.Text):
        return Argument(None, f'"{expression.value}"')
    return Argument(evaluate(expression, frame))


def _metrics(arguments: Sequence[Expression], frame: Frame) -> tuple[Series, ...]:
    match tuple(arguments):
        case ():
            part = ""
        case (syntax.Text(value),):
            part = value
        case _:
            raise MathError('METRICS takes nothing, or a text that is part of ids, such as METRICS("errors")')
    found = (frame.values[name] for name in frame.metrics if part in name)
    return tuple(value for value in found if isinstance(value, Series))


def _filled(given: Sequence[Argument], frame: Frame) -> Value:
    if len(given) != 2:
        raise MathError(f"FILL takes a time series and what to fill it with, and has {len(given)} arguments")
    holed, filling = value_of("FILL", given[0]), given[1]
    if isinstance(holed, tuple):
        return tuple(_fill(one, filling, frame.moments) for one in array_of("FILL", given[0]))
    return _fill(series_of("FILL", given[0]), filling, frame.moments)


def _fill(series: Series, filling: Argument, moments: Sequence[int]) -> Series:
    points = dict(series.points)
    missing = [at for at in moments if at not in points]
    if filling.word == "REPEAT":
        last: float | None = None
        for at in moments:
            last = points.setdefault(at, last) if last is not None else points.get(at)
    elif filling.word == "LINEAR":
        known = sorted(series.points)
        for at in missing:
            before = max((one for one in known if one < at), default=None)
            after = min((one for one in known if one > at), default=None)
            if before is not None and after is not None:
                slope = (points[after] - points[before]) / (after - before)
                points[at] = points[before] + slope * (at - before)
    elif filling.value is None:
        raise MathError(f"FILL fills with a number, a time series, REPEAT or LINEAR, and not with {filling.word}")
    elif isinstance(filling.value, Series):
        points |= {at: filling.value.points[at] for at in missing if at in filling.value.points}
    else:
        points |= dict.fromkeys(missing, number_of("FILL", filling))
    return series.with_points(dict(sorted(points.items())))
