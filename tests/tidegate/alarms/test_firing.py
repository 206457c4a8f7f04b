"""Whether an alarm can fire: the thresholds people copy, the strategies, the clock, the traffic."""

import pytest

from tidegate.alarms import AlarmSpec
from tidegate.alarms.evaluation import Missing
from tidegate.alarms.firing import Firing, Verdict, firing
from tidegate.guardrails import AllAtOnce, Canary, Guardrails, Linear, Rolling
from tidegate.stage import CapacityType, Size

HOSTS = "/aws/sagemaker/Endpoints"
AT_LEAST = "GreaterThanOrEqualToThreshold"
BELOW = "LessThanThreshold"


def percent(value: int) -> Size:
    return Size(CapacityType.CAPACITY_PERCENT, value)


def canary(size: int = 25, wait: int = 600, termination: int = 0) -> Guardrails:
    return Guardrails(Canary(percent(size), wait), termination)


def alarm(metric="Invocation5XXErrors", statistic="Average", above=0.01, **given) -> AlarmSpec:
    """An alarm on both fleets together: 1 period of a minute above 1 %."""
    m, n = given.pop("periods", (1, 1))
    values = {"period": 60, "new_fleet_only": False, "variant": "AllTraffic", **given}
    return AlarmSpec(
        name="alarm",
        logical_id="Alarm",
        description="",
        endpoint_name="endpoint",
        metric=metric,
        statistic=statistic,
        threshold=above,
        datapoints_to_alarm=m,
        evaluation_periods=n,
        **values,
    )


def isolated(*arguments, **given) -> AlarmSpec:
    return alarm(*arguments, new_fleet_only=True, **given)


def judged(
    spec: AlarmSpec, guardrails: Guardrails, instances=4, requests: float | None = 600, error_rate=0.0
) -> Firing:
    return firing(spec, guardrails, instances, requests_per_minute=requests, error_rate=error_rate)


class TestTheSameThresholdOnOneFleetAndOnBoth:
    def test_on_the_new_fleet_alone_a_canary_is_judged_by_its_own_requests(self):
        found = judged(isolated(), canary())

        assert found.verdict is Verdict.FIRES_WITHIN
        assert found.above == pytest.approx(0.01)
        assert found.before_all_traffic
        assert "on the new fleet alone" in found.sentence

    def test_on_both_fleets_a_quarter_of_the_traffic_makes_one_percent_four(self):
        found = judged(alarm(), canary(25))

        assert found.verdict is Verdict.FIRES_ABOVE
        assert found.above == pytest.approx(0.04)
        assert found.sentence == (
            "fires only above 4% of the new fleet's requests, and within 2m 3s on a total failure: 1 period of 1m, "
            "above 1% failing on both fleets together, and the new one has 25% of the traffic"
        )

    def test_what_the_old_version_fails_counts_too(self):
        found = judged(alarm(), canary(25), error_rate=0.004)

        assert found.above == pytest.approx((0.01 - 0.75 * 0.004) / 0.25)

    def test_a_threshold_below_what_the_old_version_fails_lets_nothing_through(self):
        found = judged(alarm(), canary(), error_rate=0.02)

        assert found.verdict is Verdict.ALWAYS_FIRES
        assert "the version that serves fails 2%" in found.sentence

    def test_both_roundings_of_a_size_are_told(self):
        found = judged(alarm(), canary(30), instances=5)  # 1 or 2 of 5

        assert (found.below, found.above) == (pytest.approx(0.01 / 0.4), pytest.approx(0.01 / 0.2))
        assert "20% to 40% of the traffic" in found.sentence


class TestTime:
    def test_one_period_takes_a_minute_to_begin_and_a_minute_to_be_seen(self):
        assert judged(isolated(), canary()).within == 120

    def test_each_further_period_takes_its_length(self):
        assert judged(isolated(periods=(3, 5)), canary()).within == 240
        assert judged(isolated(period=300, periods=(2, 2)), canary()).within == 420

    @pytest.mark.parametrize(("bake", "verdict"), [(59, "MAY_FIRE"), (119, "MAY_FIRE"), (120, "FIRES_WITHIN")])
    def test_a_bake_that_is_too_short_leaves_it_to_the_clock(self, bake, verdict):
        assert judged(isolated(), canary(wait=bake)).verdict == verdict

    def test_no_bake_at_all_watches_nothing(self):
        found = judged(isolated(), Guardrails(AllAtOnce(), 0))

        assert found.verdict is Verdict.CANNOT_FIRE
        assert found.sentence == "cannot fire: nothing is watched: the release has no bake"

    def test_periods_that_outlast_the_canary_fire_when_it_protects_nobody_any_more(self):
        found = judged(isolated(period=300, periods=(2, 2)), canary(wait=300, termination=600))

        assert found.verdict is Verdict.FIRES_LATE
        assert not found.before_all_traffic
        assert found.within == 420

    def test_all_at_once_has_nothing_before_all_traffic(self):
        found = judged(isolated(), Guardrails(AllAtOnce(), 300), instances=1)

        assert (found.verdict, found.before_all_traffic) == (Verdict.FIRES_WITHIN, False)


class TestStrategies:
    def test_a_linear_update_sees_more_step_by_step(self):
        found = judged(alarm(), Guardrails(Linear(percent(10), 300), 300), instances=10)

        assert found.above == pytest.approx(0.01 / 0.9)
        assert "at first above 10%" in found.sentence

    def test_a_threshold_that_a_first_step_cannot_reach(self):
        found = judged(alarm(above=0.3), Guardrails(Linear(percent(20), 300), 300), instances=10)

        assert found.above == pytest.approx(0.3 / 0.8)
        assert "at first not at all" in found.sentence

    def test_a_rolling_update_has_no_termination_wait(self):
        found = judged(alarm(above=0.95), Guardrails(Rolling(percent(50), 60)), instances=10)

        assert found.verdict is Verdict.MAY_FIRE


class TestTraffic:
    def test_few_requests_leave_periods_without_any(self):
        found = judged(isolated(periods=(3, 5)), canary(), requests=2)

        assert found.verdict is Verdict.MAY_FIRE
        assert "39.3% of cases" in found.sentence

    def test_one_bad_request_is_enough_but_must_come(self):
        assert judged(isolated(), canary(), requests=12).within == 180

    def test_where_it_takes_too_long_to_come_all_traffic_has_moved(self):
        assert judged(isolated(), canary(termination=600), requests=2).verdict is Verdict.FIRES_LATE

    def test_an_average_of_few_requests_is_coarse(self):
        (note,) = judged(isolated(), canary(), requests=12, error_rate=0.001).notes

        assert "one failed request of about 3 a period is 33.3%" in note
        assert "in up to 2.96% of its releases" in note

    def test_many_requests_leave_nothing_to_note(self):
        assert judged(isolated(), canary(), requests=60_000, error_rate=0.001).notes == ()

    def test_a_sum_depends_on_the_traffic(self):
        spec = alarm(statistic="Sum", above=10, period=300)

        assert judged(spec, canary(), requests=600).above == pytest.approx(10 / (600 * 5 * 0.25))
        assert "by chance, in up to 25.7% of releases" in judged(spec, canary(), requests=6).sentence
        assert judged(spec, canary(), requests=1).verdict is Verdict.CANNOT_FIRE
        unknown = judged(spec, canary(), requests=None)
        assert unknown.verdict is Verdict.MAY_FIRE
        assert "only above 8 requests a minute" in unknown.sentence


class TestLatency:
    def test_a_percentile_of_both_fleets_sees_what_is_more_than_its_tail(self):
        found = judged(alarm("ModelLatency", "p99", 250_000), canary(25))

        assert found.above is None
        assert "above 4% of the new fleet's requests" in found.sentence
        assert "slower than 250ms" in found.sentence

    def test_a_median_of_both_fleets_never_sees_a_minority(self):
        found = judged(alarm("ModelLatency", "p50", 250_000), canary(25))

        assert found.verdict is Verdict.CANNOT_FIRE

    def test_an_average_of_both_fleets_asks_four_times_the_slowness(self):
        found = judged(alarm("ModelLatency", "Average", 250_000), canary(25))

        assert "takes more than 1s on average" in found.sentence

    def test_a_maximum_fires_on_one_answer(self):
        found = judged(isolated("ModelLatency", "Maximum", 250_000), canary())

        assert found.verdict is Verdict.FIRES_WITHIN
        assert "any request slower than 250ms" in found.sentence


# As they stand in public examples and templates. What each gets wrong is in its id; the last word is the verdict's.
COPIED = {
    "errors above 1 are impossible": (
        alarm("Invocation4XXErrors", above=1),
        canary(30, 600, 600),
        "CANNOT_FIRE",
        "is 0 or 1 a request, so its Average is never above 1",
    ),
    "a canary of 30 percent never makes 100 percent of both fleets": (
        alarm(above=1, comparison=AT_LEAST),
        canary(30, 600, 0),
        "CANNOT_FIRE",
        "the new one has 30% of the traffic, and nothing is watched once it has all of it",
    ),
    "the same, watched on: it fires when all traffic has moved": (
        alarm(above=1, comparison=AT_LEAST),
        canary(30, 600, 600),
        "FIRES_LATE",
        "fires only once all traffic has moved",
    ),
    "two periods of 600 s in a bake of 600 s": (
        isolated(period=600, periods=(2, 2)),
        canary(30, 600, 0),
        "CANNOT_FIRE",
        "2 of 2 periods of 10m cannot end in the 10m that are watched",
    ),
    "the statistic was left out, and its default is Average: above 3": (
        alarm("Invocation4XXErrors", above=3, period=300, periods=(2, 2)),
        canary(30, 600, 600),
        "CANNOT_FIRE",
        "never above 1",
    ),
    "a count of 10, compared with an Average": (
        alarm(above=10, period=300),
        canary(30, 600, 600),
        "CANNOT_FIRE",
        "never above 1",
    ),
    "no VariantName: no such metric": (
        alarm(statistic="Sum", above=0, period=300, variant=""),
        canary(30, 600, 600),
        "CANNOT_FIRE",
        "by EndpointName and VariantName together, never by EndpointName alone",
    ),
    "no VariantName, and silence counts as bad": (
        alarm(statistic="Sum", above=0, period=300, variant="", missing=Missing.BREACHING),
        canary(30, 600, 600),
        "ALWAYS_FIRES",
        "missing data counts as breaching",
    ),
    "60 s in microseconds: answers are given up before": (
        alarm("ModelLatency", "Average", 60_000_000, period=300),
        canary(30, 600, 600),
        "CANNOT_FIRE",
        "an answer is given up after 60 s",
    ),
    "three periods of five minutes in a bake of ten": (
        isolated("ModelLatency", "Average", 1_000_000, period=300, periods=(3, 3)),
        canary(30, 600, 0),
        "CANNOT_FIRE",
        "3 of 3 periods of 5m cannot end",
    ),
    "host metrics are in another namespace": (
        alarm("CPUUtilization", above=80, period=300),
        canary(30, 600, 600),
        "CANNOT_FIRE",
        "in the namespace /aws/sagemaker/Endpoints",
    ),
    "80 percent of a CPU is less than one core": (
        alarm("CPUUtilization", above=80, period=300, namespace=HOSTS),
        canary(30, 600, 600),
        "MAY_FIRE",
        "it adds up cores, so 80 is 0.8 of one core",
    ),
    "more than 100 percent of memory": (
        alarm("MemoryUtilization", above=100, namespace=HOSTS),
        canary(30, 600, 600),
        "CANNOT_FIRE",
        "never above 100",
    ),
    "the wrong way round": (
        alarm(above=0.05, comparison=BELOW),
        canary(30, 600, 600),
        "ALWAYS_FIRES",
        "low while all is well",
    ),
    "any error of an old version that has some": (
        alarm(statistic="Sum", above=0),
        canary(30, 600, 600),
        "ALWAYS_FIRES",
        "the version that serves fails 0.1%",
    ),
    "silence of the new fleet counts as bad before it has traffic": (
        isolated(missing=Missing.BREACHING),
        canary(30, 600, 600),
        "ALWAYS_FIRES",
        "before the new fleet has requests its metric has no data",
    ),
    "a count of requests says nothing of failures": (
        alarm("Invocations", "Sum", 1000),
        canary(30, 600, 600),
        "MAY_FIRE",
        "counts requests, whether they fail or not",
    ),
    "a period of 10 s, where data comes once a minute": (
        alarm(period=10, periods=(3, 3)),
        canary(30, 600, 600),
        "MAY_FIRE",
        "SageMaker publishes once a minute",
    ),
    "ten errors in five minutes, on a canary with few requests": (
        alarm("Invocation4XXErrors", "Sum", 10, period=300),
        canary(10, 600, 0),
        "FIRES_ABOVE",
        "fires only above",
    ),
}


@pytest.mark.parametrize(("spec", "guardrails", "verdict", "why"), COPIED.values(), ids=COPIED)
def test_an_alarm_that_people_copy_is_called_out(spec, guardrails, verdict, why):
    found = judged(spec, guardrails, instances=10, requests=600, error_rate=0.001)

    assert (found.verdict.value, why in found.sentence) == (verdict, True), found.sentence


def test_every_sentence_is_one_and_ends_with_its_reason():
    for spec, guardrails, _, _ in COPIED.values():
        found = judged(spec, guardrails, instances=10)
        assert found.sentence.endswith(f": {found.reason}")
        assert "\n" not in found.sentence
