"""The fluent fixture: what it says holds, and what does not hold is told with the release before one's eyes."""

from pathlib import Path

import pytest

from tidegate.outcome import Outcome
from tidegate.simulate import Scenario
from tidegate.stage import Stage
from tidegate.testing import given, instances, metrics, new_version, old_version, sagemaker

RULES = [{"metric": "Invocation5XXErrors", "above": "1%"}, {"metric": "ModelLatency", "above": "250ms"}]


def stage(**release) -> Stage:
    canary = {"strategy": "canary", "canary_size": "25%", "wait_interval": "10m", "termination_wait": "5m"}
    return Stage.model_validate(
        {
            "name": "prod",
            "account": "111122223333",
            "region": "eu-west-1",
            "model_package_group": "group",
            "execution_role": "arn:aws:iam::111122223333:role/name",
            "bucket": "bucket",
            "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/id",
            "instances": {"type": "ml.m5.large", "count": 4},
            "release": {"rollback_on": RULES, **(release or canary)},
        }
    )


PROD = given(stage()).with_traffic(600)
ROLLING = given(stage(strategy="rolling", maximum_batch_size="25%", wait_interval="5m", rollback_on=RULES))


def test_a_failure_that_comes_later_is_taken_back():
    release = PROD.when(new_version.fails("5%").after("3m")).release()

    release.then.rolled_back().within("10m").before_all_traffic().because_of("Invocation5XXErrors").harmed_at_most(200)


def test_a_good_version_is_promoted():
    PROD.release().then.promoted().harmed_at_most(0).within("15m")


def test_a_failure_can_pass():
    short = new_version.fails("50%").after("3m").for_("2m")

    minutes = PROD.by_the_average().when(short, metrics.missing()).release().result.minutes

    assert [round(minute.new[1] / minute.new[0], 3) for minute in minutes[5:12]] == [0, 0, 0, 0.5, 0.5, 0, 0]


def test_what_passes_goes_back_to_what_was_before():
    slow = new_version.answers_in(p50="1s", p99="2s").after("3m").for_("1m")
    release = PROD.when(old_version.answers_in(p50="10ms", p99="40ms"), slow, metrics.missing()).release()

    assert release.result.new.slow > 0
    release.then.promoted().harmed_at_most("2%")


def test_slow_answers_can_only_pass_if_it_is_said_how_fast_they_are_otherwise():
    with pytest.raises(TypeError, match="say first how fast"):
        PROD.when(new_version.answers_in(p50="1s", p99="2s").for_("1m"))


def test_both_versions_can_fail_and_rejections_are_not_failures():
    PROD.when(old_version.fails("20%")).release().then.rolled_back()
    PROD.when(new_version.rejects("50%")).release().then.promoted()


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (instances.never_start(), "ROLLED_BACK"),
        (instances.start_within("50m"), "ROLLED_BACK"),
        (sagemaker.ignores_the_guardrails(), "GUARDRAILS_IGNORED"),
        (metrics.missing("new_fleet"), "PROMOTED"),
    ],
)
def test_what_else_can_happen(event, outcome):
    PROD.when(event).release().then.ended_as(outcome)


def test_a_rolling_update_can_end_mixed():
    late = new_version.fails_always().after("15m")

    ROLLING.with_traffic(600).when(late, instances.never_come_back()).release().then.ended_as(Outcome.MIXED_FLEET)


def test_traffic_over_the_day_and_a_scenario_file(tmp_path):
    file = tmp_path / "night.yml"
    file.write_text("new: {error_rate: 100%}\n")
    night = given(stage()).in_scenario(file).with_traffic({"03:00": 60, "12:00": 6000})

    release = night.starting_at("2026-01-05T03:00:00Z").release()

    release.then.rolled_back().harmed_at_most(60)
    assert given(stage()).in_scenario(Scenario(seed=9)).scenario.seed == 9


def test_many_releases_by_many_seeds():
    PROD.when(new_version.fails("50%")).release_often(30).then.rolled_back_in("100%")
    PROD.release_often(30).then.promoted_in("100%")


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        (lambda then: then.promoted(), "the release was to end PROMOTED, and ended ROLLED_BACK"),
        (lambda then: then.within("1m"), "the release was to end within 1m, and took 1m 30s"),
        (lambda then: then.because_of("ModelLatency"), "what fired is Invocation5XXErrors"),
        (lambda then: then.harmed_at_most(10), "at most 10 of the requests were to be harmed, and 2"),
        (lambda then: then.harmed_at_most("1%"), "at most 1% of the requests were to be harmed, and "),
    ],
)
def test_a_claim_that_does_not_hold_shows_the_release(claim, sentence):
    then = PROD.when(new_version.fails_always()).release().then

    with pytest.raises(AssertionError) as told:
        claim(then)

    first, *timeline = str(told.value).splitlines()
    assert sentence in first
    assert any("in ALARM: 1, 2" in line for line in timeline)
    assert str(told.value).isascii()


def test_a_release_that_moves_all_traffic_says_when():
    with pytest.raises(AssertionError, match="not all traffic was to move, and all of it had after 15m"):
        PROD.release().then.before_all_traffic()


def test_a_claim_about_many_releases_shows_how_they_ended():
    with pytest.raises(AssertionError) as told:
        PROD.when(new_version.fails("50%")).release_often(20).then.promoted_in("95%")

    assert "at least 95% of the releases were to end PROMOTED, and 0% did" in str(told.value)
    assert "ROLLED_BACK" in str(told.value)


def test_a_given_is_a_value(tmp_path: Path):
    PROD.when(new_version.fails_always()).with_seed(3)

    PROD.release().then.promoted()
