"""CloudWatch's documented tables of missing data, M of N, and what holds for every alarm."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.alarms.evaluation import COMPARISONS, Datapoint, Missing, Rule, State, evaluate

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEPT = State.ALARM
"""The state before: an alarm that keeps its state is told from one that comes to be OK."""


def rule(m: int, n: int, missing: Missing = Missing.MISSING, comparison: str = "GreaterThanThreshold") -> Rule:
    return Rule(comparison, 0.5, 60, n, m, missing)


def points(drawing: str) -> list[Datapoint | None]:
    """Draw a range as the user guide does, oldest first: 0 is fine, X breaches, - is missing."""
    newest_first = list(reversed(drawing.split()))
    return [
        None if mark == "-" else Datapoint(NOW - timedelta(minutes=age), float(mark == "X"))
        for age, mark in enumerate(newest_first, start=1)
    ]


# The tables of the CloudWatch user guide: of 3 periods, a range of 5.
@pytest.mark.parametrize(
    ("m", "drawing", "missing", "ignore", "breaching", "not_breaching"),
    [
        (3, "0 - X - X", "OK", "OK", "OK", "OK"),
        (3, "- - - - 0", "OK", "OK", "OK", "OK"),
        (3, "- - - - -", "INSUFFICIENT_DATA", KEPT, "ALARM", "OK"),
        (3, "0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        (3, "- - X - -", "ALARM", KEPT, "ALARM", "OK"),
        (3, "- - - - X", "OK", "OK", "ALARM", "OK"),
        (3, "- - - X -", "OK", "OK", "ALARM", "OK"),
        (2, "0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        (2, "0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
        (2, "0 - X - -", "OK", "OK", "ALARM", "OK"),
        (2, "- - - - 0", "OK", "OK", "ALARM", "OK"),
        (2, "- - - X -", "ALARM", KEPT, "ALARM", "OK"),
    ],
)
def test_missing_data_is_treated_as_the_user_guide_tabulates(
    m: int, drawing: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    expected = dict(zip(Missing, (missing, ignore, breaching, not_breaching), strict=True))

    actual = {treatment: evaluate(rule(m, 3, treatment), points(drawing), KEPT).state for treatment in Missing}

    assert actual == expected
    assert len(points(drawing)) == rule(m, 3).range


@pytest.mark.parametrize(
    ("m", "n", "drawing", "state"),
    [
        (1, 1, "0 0 X", "ALARM"),
        (1, 1, "X X 0", "OK"),
        (2, 3, "0 0 X 0 X", "ALARM"),
        (2, 3, "X X X 0 0", "OK"),
        (3, 3, "0 0 0 X X", "OK"),
        (3, 3, "0 0 X X X", "ALARM"),
    ],
)
def test_m_of_the_last_n_periods_make_an_alarm(m: int, n: int, drawing: str, state: str) -> None:
    assert evaluate(rule(m, n), points(drawing), State.OK).state == state


@pytest.mark.parametrize(
    ("period", "now", "latest"),
    [(60, 3659, 3600), (300, 3661, 3660), (3600, 7260, 7260), (10, 3659, 3650), (30, 3659, 3650)],
)
def test_a_window_ends_with_the_last_full_minute_whatever_the_period(period: int, now: float, latest: int) -> None:
    assert Rule("GreaterThanThreshold", 0.5, period, 1, 1).latest(now) == latest


@pytest.mark.parametrize(
    ("comparison", "values"),
    [
        ("GreaterThanOrEqualToThreshold", (False, True, True)),
        ("GreaterThanThreshold", (False, False, True)),
        ("LessThanThreshold", (True, False, False)),
        ("LessThanOrEqualToThreshold", (True, True, False)),
    ],
)
def test_each_comparison_knows_below_at_and_above(comparison: str, values: tuple[bool, ...]) -> None:
    judged = tuple(
        evaluate(rule(1, 1, comparison=comparison), [Datapoint(NOW, value)], State.OK).state is State.ALARM
        for value in (0.4, 0.5, 0.6)
    )

    assert judged == values


def test_the_reason_names_values_times_and_what_it_took() -> None:
    verdict = evaluate(rule(2, 3), points("0 X X"), State.OK)

    assert verdict.reason == (
        "Threshold Crossed: 2 out of the last 3 datapoints [1.0 (22/11/26 11:59:00), 1.0 (22/11/26 11:58:00)] were "
        "greater than the threshold (0.5) (minimum 2 datapoints for OK -> ALARM transition)."
    )


def test_the_reason_of_recovery_and_of_silence() -> None:
    recovered = evaluate(rule(2, 3), points("X 0 0"), State.ALARM).reason
    too_few = evaluate(rule(2, 3), points("- - X"), State.INSUFFICIENT_DATA).reason
    silent = evaluate(rule(1, 2, Missing.NOT_BREACHING), points("- - - -"), State.ALARM).reason
    unknown = evaluate(rule(1, 1), points("- - -"), State.OK).reason

    assert "2 out of the last 3" in recovered
    assert too_few == (
        "Threshold Crossed: no more than 1 datapoint [1.0 (22/11/26 11:59:00)] was greater than the threshold (0.5) "
        "(minimum 2 datapoints for ALARM)."
    )
    assert "were not greater than" in recovered
    assert "(minimum 2 datapoints for ALARM -> OK transition)" in recovered
    assert "no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching]" in silent
    assert unknown == "Insufficient Data: 1 datapoint was unknown."


def test_reason_data_can_be_read_back() -> None:
    judged = rule(2, 3)
    data = evaluate(judged, points("0 X X"), State.OK).reason_data(judged, "Average", NOW)

    read = json.loads(json.dumps(data))

    assert read["recentDatapoints"] == [0.0, 1.0, 1.0]
    assert read["evaluatedDatapoints"][0] == {
        "timestamp": "2026-11-22T11:59:00.000+0000",
        "sampleCount": 1.0,
        "value": 1.0,
    }
    assert (read["startDate"], read["queryDate"]) == ("2026-11-22T11:57:00.000+0000", "2026-11-22T12:00:00.000+0000")


values = st.one_of(st.none(), st.floats(0, 1))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Rule, list[Datapoint | None], State]:
    n = draw(st.integers(1, 6))
    judged = Rule(
        draw(st.sampled_from(sorted(COMPARISONS))), 0.5, 60, n, draw(st.integers(1, n)), draw(st.sampled_from(Missing))
    )
    drawn = draw(st.lists(values, min_size=judged.range, max_size=judged.range))
    data = [None if value is None else Datapoint(NOW, value) for value in drawn]
    return judged, data, draw(st.sampled_from(State))


@given(situations())
def test_without_gaps_the_last_n_alone_decide(situation: tuple[Rule, list[Datapoint | None], State]) -> None:
    judged, data, current = situation
    recent = [point for point in data[: judged.evaluation_periods] if point is not None]
    if len(recent) == judged.evaluation_periods:
        breaching = sum(judged.breached_by(point.value) for point in recent)

        state = evaluate(judged, data, current).state

        assert (state is State.ALARM) == (breaching >= judged.datapoints_to_alarm)


@given(situations())
def test_insufficient_data_is_said_of_silence_only(situation: tuple[Rule, list[Datapoint | None], State]) -> None:
    judged, data, current = situation

    verdict = evaluate(judged, data, current)

    if verdict.state is State.INSUFFICIENT_DATA and current is not State.INSUFFICIENT_DATA:
        assert not any(data)
        assert judged.missing is Missing.MISSING


@given(situations())
def test_treating_gaps_as_good_never_alarms_where_treating_them_as_bad_does_not(
    situation: tuple[Rule, list[Datapoint | None], State],
) -> None:
    judged, data, current = situation
    good, bad = (
        evaluate(
            Rule(judged.comparison, 0.5, 60, judged.evaluation_periods, judged.datapoints_to_alarm, treatment),
            data,
            current,
        ).state
        for treatment in (Missing.NOT_BREACHING, Missing.BREACHING)
    )

    assert good is State.OK or bad is State.ALARM


@given(situations())
def test_evaluating_again_changes_nothing(situation: tuple[Rule, list[Datapoint | None], State]) -> None:
    judged, data, current = situation
    once = evaluate(judged, data, current).state

    assert evaluate(judged, data, once).state is once
