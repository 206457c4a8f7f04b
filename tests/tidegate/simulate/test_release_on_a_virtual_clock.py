"""What becomes of a release in which scenario, when, and whom it harms."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from statistics import mean

import pytest

from tidegate.errors import TidegateError
from tidegate.outcome import Outcome
from tidegate.simulate import Result, Scenario, Simulation, run, run_many
from tidegate.simulate.course import Expected
from tidegate.simulate.draw import ERRORS, REQUESTS, SLOW, ByChance

ROLLING = {"strategy": "rolling", "maximum_batch_size": "25%", "wait_interval": "5m"}
LINEAR = {"strategy": "linear", "linear_step_size": "25%", "wait_interval": "5m", "termination_wait": "5m"}
ALL_AT_ONCE = {"strategy": "all_at_once", "termination_wait": "5m"}
BOTH = {"rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}, {"metric": "ModelLatency", "above": "250ms"}]}


def scenario(**given) -> Scenario:
    """600 requests a minute, five minutes until instances are healthy, nothing left to chance."""
    return Scenario.model_validate({"even": True, "traffic": {"requests_per_minute": 600}, **given})


def timeline(result: Result) -> list[tuple[float, str, float]]:
    return [(change.at, change.phase.value, change.green_share) for change in result.changes]


class TestOutcomes:
    def test_a_good_version_is_promoted_after_its_bakes(self, make_stage):
        result = run(make_stage(), scenario())

        assert result.outcome is Outcome.PROMOTED
        assert timeline(result) == [
            (0, "CREATING", 0.0),
            (300, "BAKING", 0.25),
            (900, "TERMINATION_WAIT", 1.0),
            (1200, "PROMOTED", 1.0),
        ]
        assert (result.first_request, result.harmed, result.rolled_back_after) == (300, 0, None)

    def test_a_total_failure_is_rolled_back_when_the_alarm_of_its_first_minute_is_seen(self, make_stage):
        result = run(make_stage(), scenario(new={"error_rate": "100%"}))

        assert result.outcome is Outcome.ROLLED_BACK
        assert result.rolled_back_after == 60 + 30  # the period, and the delay of the alarm
        assert "in ALARM during the canary's bake" in result.reason
        assert result.harmed == pytest.approx(600 * 0.25 * 1.5)
        assert result.old.failed == 0

    def test_the_seconds_of_the_clock_decide_how_long_the_first_period_is(self, make_stage):
        result = run(make_stage(), scenario(new={"error_rate": "100%"}, start="2026-01-05T12:00:40Z"))

        assert result.rolled_back_after == 20 + 30

    def test_a_failure_that_comes_late_is_seen_when_it_comes(self, make_stage):
        late = {"changes": [{"after": "7m", "error_rate": "5%"}]}
        result = run(make_stage(), scenario(new=late))

        assert result.rolled_back_after == 7 * 60 + 60 + 30
        assert result.harmed == pytest.approx(600 * 0.25 * 0.05 * 1.5)

    def test_one_that_comes_after_the_release_is_not(self, make_stage):
        late = {"changes": [{"after": "16m", "error_rate": "100%"}]}

        assert run(make_stage(), scenario(new=late)).outcome is Outcome.PROMOTED

    def test_instances_that_never_start_take_no_traffic(self, make_stage):
        result = run(make_stage(), scenario(start_up={"fails_at": 1}))

        assert (result.outcome, result.first_request, result.new.requests) == (Outcome.ROLLED_BACK, None, 0)
        assert "did not get healthy" in result.reason

    def test_instances_that_take_too_long_run_into_the_timeout(self, make_stage):
        result = run(make_stage(maximum_execution_timeout="30m"), scenario(start_up={"takes": "1h"}))

        assert (result.outcome, result.ended) == (Outcome.ROLLED_BACK, 1800)
        assert "not complete within 1800 s" in result.reason

    def test_a_linear_update_moves_step_by_step(self, make_stage):
        result = run(make_stage(**LINEAR), scenario())

        assert [share for _, _, share in timeline(result)] == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
        assert result.ended == 300 + 3 * 300 + 300

    def test_a_rolling_update_waits_for_each_batch_and_for_old_instances_to_come_back(self, make_stage):
        failing = {"changes": [{"after": "12m", "error_rate": "100%"}]}
        result = run(make_stage(**ROLLING), scenario(new=failing, roll_back={"takes": "3m"}))

        assert result.outcome is Outcome.ROLLED_BACK
        (back,) = [change for change in result.changes if change.phase.value == "ROLLING_BACK"][:1]
        assert result.ended == back.at + 180
        assert back.green_share == 0.5

    def test_a_rollback_that_fails_leaves_a_mixed_fleet(self, make_stage):
        failing = {"changes": [{"after": "12m", "error_rate": "100%"}]}
        result = run(make_stage(**ROLLING), scenario(new=failing, roll_back={"fails": True}))

        assert (result.outcome, result.rolled_back_after) == (Outcome.MIXED_FLEET, None)
        assert "the rollback failed" in result.reason

    def test_guardrails_that_are_ignored_protect_nobody(self, make_stage):
        result = run(make_stage(), scenario(new={"error_rate": "100%"}, guardrails_ignored=True))

        assert result.outcome is Outcome.GUARDRAILS_IGNORED
        assert result.harmed == 15 * 600  # as long as it would have been watched

    def test_an_instance_type_that_excludes_guardrails_is_known(self, make_stage):
        result = run(make_stage(type="ml.inf1.xlarge"), scenario())

        assert result.outcome is Outcome.GUARDRAILS_IGNORED
        assert "Inf1" in result.reason


class TestWhatAlarmsSee:
    def test_a_failure_below_the_threshold_is_promoted(self, make_stage):
        assert run(make_stage(), scenario(new={"error_rate": "1%"})).outcome is Outcome.PROMOTED
        assert run(make_stage(), scenario(new={"error_rate": "1.001%"})).outcome is Outcome.ROLLED_BACK

    def test_without_the_new_fleets_metrics_the_blended_alarm_still_sees_what_is_large(self, make_stage):
        gap = {"missing": [{"metrics": "new_fleet"}]}

        small = run(make_stage(), scenario(new={"error_rate": "3%"}, **gap))
        large = run(make_stage(), scenario(new={"error_rate": "5%"}, **gap))

        assert small.alarms[0].new_fleet_only
        assert [change.phase.value for change in small.changes][1:3] == ["BAKING", "TERMINATION_WAIT"]
        assert small.rolled_back_after == 600 + 60 + 30  # with all traffic, 3 % are above 1 %
        assert large.rolled_back_after == 90
        assert {change.alarm for change in large.fired} == {large.alarms[1].name}

    def test_metrics_that_come_in_again_are_looked_at_again(self, make_stage):
        gap = [{"metrics": "all", "after": "0s", "lasts": "10m"}]
        result = run(make_stage(), scenario(new={"error_rate": "100%"}, missing=gap))

        assert result.rolled_back_after == 300 + 60 + 30

    def test_without_any_metrics_nothing_stops_a_release(self, make_stage):
        result = run(make_stage(), scenario(new={"error_rate": "100%"}, missing=[{"metrics": "all"}]))

        assert result.outcome is Outcome.PROMOTED

    def test_an_alarm_that_is_late_is_late(self, make_stage):
        result = run(make_stage(), scenario(new={"error_rate": "100%"}, alarm_delay="5m"))

        assert result.rolled_back_after == 60 + 300
        assert result.harmed == pytest.approx(600 * 0.25 * 6)

    def test_an_alarm_that_is_later_than_the_bakes_is_too_late(self, make_stage):
        result = run(make_stage(), scenario(new={"error_rate": "100%"}, alarm_delay="15m"))

        assert result.outcome is Outcome.PROMOTED
        assert result.reason == "alarms fired, but none while the release was watched"

    def test_a_slow_version_is_rolled_back_by_its_percentile(self, make_stage):
        latency = {"p50": "100ms", "p99": "300ms"}
        result = run(make_stage(**BOTH), scenario(new={"latency": latency}))

        assert result.outcome is Outcome.ROLLED_BACK
        assert result.harmed == pytest.approx(result.new.requests * 0.0262, rel=0.01)
        assert result.new.slow == result.harmed

    def test_what_is_slow_can_be_said(self, make_stage):
        versions = {"old": {"latency": {"p50": "10ms", "p99": "20ms"}}}
        result = run(make_stage(), scenario(slow="10ms", **versions))

        assert result.new.harmed == pytest.approx(result.new.requests / 2)

    def test_an_average_of_latencies_is_the_mean_of_the_distribution(self, make_stage):
        rules = [{"metric": "ModelLatency", "statistic": "Average", "above": "112ms"}]
        latency = {"p50": "100ms", "p99": "300ms"}  # whose mean is 111.8 ms

        assert run(make_stage(rollback_on=rules), scenario(new={"latency": latency})).outcome is Outcome.PROMOTED
        rules[0]["above"] = "111ms"
        assert run(make_stage(rollback_on=rules), scenario(new={"latency": latency})).outcome is Outcome.ROLLED_BACK

    def test_4xx_answers_count_for_their_own_metric_and_for_model_errors(self, make_stage):
        rejecting = scenario(new={"client_error_rate": "10%"})
        of = {
            metric: [{"metric": metric, "above": "1%"}] for metric in ("Invocation4XXErrors", "InvocationModelErrors")
        }

        assert run(make_stage(), rejecting).outcome is Outcome.PROMOTED
        for rules in of.values():
            assert run(make_stage(rollback_on=rules), rejecting).outcome is Outcome.ROLLED_BACK

    def test_long_periods_slide_with_the_minutes(self, make_stage):
        rules = [{"metric": "Invocation5XXErrors", "above": "10%", "period": "5m"}]
        late = {"changes": [{"after": "2m", "error_rate": "100%"}]}
        result = run(make_stage(rollback_on=rules), scenario(new=late, missing=[{"metrics": "variant"}]))

        assert result.rolled_back_after == 120 + 60 + 30  # a third of the requests so far is enough


class TestTraffic:
    def test_it_follows_points_over_time(self, make_stage):
        points = [{"at": "0m", "requests_per_minute": 0}, {"at": "20m", "requests_per_minute": 1200}]
        result = run(make_stage(), scenario(traffic={"over_time": points}))

        assert result.sent == pytest.approx(20 * 600)
        assert result.minutes[10].old[REQUESTS] + result.minutes[10].new[REQUESTS] == pytest.approx(630)

    def test_it_follows_the_day_over_midnight(self, make_stage):
        hours = [{"at": "02:00", "requests_per_minute": 120}, {"at": "20:00", "requests_per_minute": 480}]
        day = scenario(traffic={"over_day": hours}, start="2026-01-05T23:00:00Z")

        first = run(make_stage(), day).minutes[0]

        assert first.old[REQUESTS] == pytest.approx(300, abs=1)

    def test_the_stages_expectation_is_the_default(self, make_stage):
        expecting = make_stage(expect={"requests_per_minute": 60, "error_rate": "0.5%"})
        result = run(expecting, Scenario.model_validate({"even": True}))

        assert result.sent == 20 * 60
        assert result.old.failed == pytest.approx(result.old.requests * 0.005)

    def test_nobody_saying_how_many_requests_there_are_is_a_sentence(self, make_stage):
        with pytest.raises(TidegateError, match="nobody says how many requests stage prod has"):
            run(make_stage(), Scenario())

    def test_without_traffic_nothing_is_seen(self, make_stage):
        silent = scenario(traffic={"requests_per_minute": 0}, new={"error_rate": "100%"})

        assert run(make_stage(), silent).outcome is Outcome.PROMOTED


CHANCE = {"even": False, "old": {"error_rate": "0.1%"}, "new": {"error_rate": "2%"}}


class TestChance:
    def test_a_seed_is_a_release(self, make_stage):
        seven, again, eight = (run(make_stage(), scenario(**CHANCE, seed=seed)).to_json() for seed in (7, 7, 8))

        assert seven == again
        assert seven != eight

    def test_many_runs_are_the_single_ones_by_their_seeds(self, make_stage):
        stage, chance = make_stage(), scenario(**CHANCE, seed=5)

        many = run_many(stage, chance, 20)
        singly = [run(stage, chance.model_copy(update={"seed": 5 + number})) for number in range(20)]

        assert many.outcomes == dict(Counter(result.outcome for result in singly).most_common())
        assert many.harmed.p50 == sorted(result.harmed for result in singly)[10]

    @pytest.mark.parametrize("requests", [0.5, 20, 49, 51, 5000])
    def test_counts_are_on_average_what_is_expected(self, requests):
        draw = ByChance(1)
        expected = Expected(requests * 0.9, requests * 0.1, 0.0, (0.3, 0.03), 0.0, 0.0)

        drawn = [draw(expected) for _ in range(4000)]

        for column, share in ((REQUESTS, 1.0), (ERRORS, 0.1), (SLOW, 0.3), (SLOW + 1, 0.03)):
            values = [counts[column] for counts in drawn]
            average = requests * share
            assert mean(values) == pytest.approx(average, abs=4.5 * (average / 4000) ** 0.5 + 1e-3)
            assert min(values) >= 0

    def test_a_canary_with_few_requests_is_rolled_back_by_chance_now_and_then(self, make_stage):
        good = scenario(even=False, traffic={"requests_per_minute": 100}, old={"error_rate": "0.1%"})

        outcomes = run_many(make_stage(), good, 300).outcomes

        assert outcomes.keys() == {Outcome.PROMOTED, Outcome.ROLLED_BACK}


def test_sums_of_the_minutes_are_the_sums_of_the_release(make_stage):
    result = run(make_stage(), scenario(even=False, new={"error_rate": "0.5%"}))

    assert sum(minute.new[REQUESTS] for minute in result.minutes) == result.new.requests
    assert sum(minute.old[REQUESTS] for minute in result.minutes) == result.old.requests
    assert sum(minute.new[ERRORS] for minute in result.minutes) == result.new.failed


def test_other_peoples_alarms_can_take_the_place_of_the_stages(make_stage):
    stage = make_stage()
    mine = run(stage, scenario(new={"error_rate": "100%"})).alarms

    none = Simulation(stage, scenario(new={"error_rate": "100%"}), alarms=[]).run()
    one = Simulation(stage, scenario(new={"error_rate": "100%"}), alarms=mine[:1]).run()

    assert (none.outcome, one.outcome) == (Outcome.PROMOTED, Outcome.ROLLED_BACK)


def test_a_release_takes_no_real_time(make_stage):
    long = make_stage(wait_interval="1h", termination_wait="1h")

    assert run(long, scenario()).ended == timedelta(hours=2, minutes=5).total_seconds()


def test_nothing_here_reaches_for_aws():
    source = Path(__file__).parents[3] / "src" / "tidegate" / "simulate"

    assert not [path for path in source.glob("*.py") if "boto" in path.read_text()]
