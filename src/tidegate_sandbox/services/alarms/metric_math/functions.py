"""The functions of metric math, by name (CloudWatch user guide, "Functions supported for metric math")."""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tidegate_sandbox.services.alarms.metric_math.series import MathError, Series, Value, each

NOT_SIMULATED = (
    "ANOMALY_DETECTION_BAND",
    "DB_PERF_INSIGHTS",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "SEARCH",
    "SERVICE_QUOTA",
)
"""Functions that CloudWatch has and that are refused by name: they need what the sandbox has not got."""


class Argument(NamedTuple):
    """An argument: its value, or the word or text that was written."""

    value: Value | None
    word: str = ""


Function = Callable[[Sequence[Argument]], Value]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "AVG": _mean,
    "MAX": max,
    "MIN": min,
    "STDDEV": statistics.pstdev,
    "SUM": math.fsum,
}
_ELEMENTWISE: Mapping[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "LOG": math.log,
    "LOG10": math.log10,
}
_OF_TIME: Mapping[str, Callable[[datetime], float]] = {
    "MINUTE": lambda at: at.minute,
    "HOUR": lambda at: at.hour,
    "DAY": lambda at: at.isoweekday(),
    "DATE": lambda at: at.day,
    "MONTH": lambda at: at.month,
    "YEAR": lambda at: at.year,
    "EPOCH": lambda at: at.timestamp(),
}
_BY_STEPS: Mapping[str, Callable[[float, float], float]] = {
    "DIFF": lambda change, _: change,
    "DIFF_TIME": lambda _, seconds: seconds,
    "RATE": lambda change, seconds: change / seconds,
}
FIRST_TO_LAST = ("FIRST", "LAST")


def value_of(name: str, argument: Argument) -> Value:
    """Return the argument's value; MathError where it is a word or a text."""
    if argument.value is None:
        raise MathError(f"{name} takes numbers and time series, and not {argument.word}")
    return argument.value


def series_of(name: str, argument: Argument) -> Series:
    """Return an argument that has to be one time series."""
    value = value_of(name, argument)
    if not isinstance(value, Series):
        kind = "an array" if isinstance(value, tuple) else "a number"
        raise MathError(f"{name} takes one time series, and this is {kind}")
    return value


def array_of(name: str, argument: Argument) -> tuple[Series, ...]:
    """Return an argument that has to be an array of time series."""
    value = value_of(name, argument)
    if not isinstance(value, tuple):
        raise MathError(f"{name} takes an array of time series, such as METRICS() or [m1, m2]")
    return value


def number_of(name: str, argument: Argument) -> float:
    """Return an argument that has to be a number."""
    value = value_of(name, argument)
    if isinstance(value, (Series, tuple)):
        raise MathError(f"{name} takes a number there, and this is a time series")
    return value


def function(name: str) -> Function:
    """Return a function that needs nothing but its arguments; MathError where there is none, or it is not simulated."""
    if name in NOT_SIMULATED:
        raise MathError(f"{name} is not in the local simulation")
    if name in _ELEMENTWISE:
        return lambda given: each(_ELEMENTWISE[name], _only(name, given))
    if name in AGGREGATES:
        return lambda given: _aggregated(name, _only(name, given))
    if name in _OF_TIME:
        return lambda given: _told_by_time(name, series_of(name, _one(name, given)))
    if name in _BY_STEPS:
        return lambda given: _on_each(name, _only(name, given), lambda one: _stepped(one, _BY_STEPS[name]))
    if name in FIRST_TO_LAST:
        return lambda given: _at_end(name, array_of(name, _one(name, given)))
    found = _OTHERS.get(name)
    if found is None:
        raise MathError(f"{name} is no function of metric math")
    return found


def _one(name: str, given: Sequence[Argument]) -> Argument:
    if len(given) != 1:
        raise MathError(f"{name} takes 1 argument, and has {len(given)}")
    return given[0]


def _only(name: str, given: Sequence[Argument]) -> Value:
    return value_of(name, _one(name, given))


def _on_each(name: str, value: Value, change: Callable[[Series], Series]) -> Value:
    if isinstance(value, Series):
        return change(value)
    if isinstance(value, tuple):
        return tuple(change(one) for one in value)
    raise MathError(f"{name} takes a time series, and this is a number")


def _aggregated(name: str, value: Value) -> Value:
    work = AGGREGATES[name]
    if isinstance(value, Series):
        return work(list(value.points.values())) if value.points else math.nan
    if isinstance(value, tuple):
        return _side_by_side(value, work)
    raise MathError(f"{name} takes a time series or an array of them, and this is a number")


def _side_by_side(array: tuple[Series, ...], work: Callable[[Sequence[float]], float]) -> Series:
    if not array:
        raise MathError("there is no time series in the array")
    moments = sorted({at for one in array for at in one.points})
    values = {at: work([one.points[at] for one in array if at in one.points]) for at in moments}
    return array[0].with_points(values)


def _told_by_time(name: str, series: Series) -> Series:
    return series.with_points({at: float(_OF_TIME[name](datetime.fromtimestamp(at, UTC))) for at in series.points})


def _stepped(series: Series, step: Callable[[float, float], float]) -> Series:
    moments = sorted(series.points)
    pairs = itertools.pairwise(moments)
    return series.with_points({b: step(series.points[b] - series.points[a], float(b - a)) for a, b in pairs})


def _at_end(name: str, array: tuple[Series, ...]) -> Series:
    if not array:
        raise MathError(f"{name} has an array with no time series in it")
    return array[0] if name == "FIRST" else array[-1]


def _running_sum(series: Series) -> Series:
    total, summed = 0.0, {}
    for at in sorted(series.points):
        total += series.points[at]
        summed[at] = total
    return series.with_points(summed)


def _datapoint_count(given: Sequence[Argument]) -> Value:
    value = _only("DATAPOINT_COUNT", given)
    if isinstance(value, Series):
        return float(len(value.points))
    if isinstance(value, tuple):
        return _side_by_side(value, lambda values: float(len(values)))
    raise MathError("DATAPOINT_COUNT takes a time series or an array of them, and this is a number")


def _chosen(given: Sequence[Argument]) -> Value:
    """IF(condition, then) and IF(condition, then, otherwise)."""
    if len(given) not in (2, 3):
        raise MathError(f"IF takes a condition and one or two values, and has {len(given)} arguments")
    condition, *branches = (value_of("IF", one) for one in given)
    if any(isinstance(one, tuple) for one in (condition, *branches)):
        raise MathError("IF takes numbers and single time series, and no arrays")
    then, otherwise = branches[0], branches[1] if len(branches) == 2 else math.nan
    if not isinstance(condition, Series):
        if math.isnan(_number(condition)):
            return math.nan
        return then if condition else otherwise
    picked = {at: _at(then if holds else otherwise, at) for at, holds in condition.points.items()}
    return condition.with_points(picked)


def _number(value: Value) -> float:
    assert not isinstance(value, (Series, tuple))
    return value


def _at(value: Value, at: int) -> float:
    return value.points.get(at, math.nan) if isinstance(value, Series) else _number(value)


def _slice(given: Sequence[Argument]) -> Value:
    if len(given) not in (2, 3):
        raise MathError(f"SLICE takes an array, a start and perhaps an end, and has {len(given)} arguments")
    array = array_of("SLICE", given[0])
    bounds = [int(number_of("SLICE", one)) for one in given[1:]]
    return array[bounds[0] :] if len(bounds) == 1 else array[bounds[0] : bounds[1]]


def _sort(given: Sequence[Argument]) -> Value:
    if len(given) not in (3, 4):
        raise MathError(f"SORT takes an array, a function, ASC or DESC, and perhaps a number: it has {len(given)}")
    array, by, order = array_of("SORT", given[0]), given[1].word, given[2].word
    if by not in AGGREGATES or order not in ("ASC", "DESC"):
        raise MathError(f"SORT sorts by {', '.join(AGGREGATES)}, and ASC or DESC")
    known = [one for one in array if one.points]
    ordered = sorted(known, key=lambda one: AGGREGATES[by](list(one.points.values())), reverse=order == "DESC")
    ordered += [one for one in array if not one.points]
    return tuple(ordered[: int(number_of("SORT", given[3]))] if len(given) == 4 else ordered)


_OTHERS: Mapping[str, Function] = {
    "DATAPOINT_COUNT": _datapoint_count,
    "IF": _chosen,
    "METRIC_COUNT": lambda given: float(len(array_of("METRIC_COUNT", _one("METRIC_COUNT", given)))),
    "PERIOD": lambda given: float(series_of("PERIOD", _one("PERIOD", given)).period),
    "REMOVE_EMPTY": lambda given: tuple(
        one for one in array_of("REMOVE_EMPTY", _one("REMOVE_EMPTY", given)) if one.points
    ),
    "RUNNING_SUM": lambda given: _on_each("RUNNING_SUM", _only("RUNNING_SUM", given), _running_sum),
    "SLICE": _slice,
    "SORT": _sort,
}
