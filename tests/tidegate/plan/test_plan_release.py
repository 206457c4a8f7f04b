"""What a plan says of a release: the numbers, and what somebody should know before it starts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tidegate.plan.situations import (
    BUSY,
    CANARY,
    PACKAGE,
    PRICED,
    live,
    planned,
    repo,
    serving,
    variant,
)
from tidegate.guardrails import Canary, Guardrails, timeline
from tidegate.plan import OFFLINE, Kind, Level, Plan, Situation, Version, document
from tidegate.plan.vision import harmed_requests
from tidegate.render.release import trial_id
from tidegate.stage.quantities import parse_size

FIVE = {"metric": "Invocation5XXErrors", "above": "1%"}
STEPS = timeline(Guardrails(Canary(parse_size("25%"), 600), termination_wait=300), 4)
SHADOW = {"shadow": {"sampling": "50%", "duration": "2h"}}


def names(plan: Plan, level: Level | None = None) -> set[str]:
    return {remark.name for remark in plan.remarks if level in (None, remark.level)}


def sentence(plan: Plan, name: str) -> str:
    return next(remark.sentence for remark in plan.remarks if remark.name == name)


def canary(**changes: Any) -> dict[str, Any]:
    return {**CANARY, **changes}


class TestWhatServes:
    def test_an_update_takes_over_from_what_serves(self):
        plan = planned()
        assert (plan.kind, plan.guarded) == (Kind.UPDATE, True)
        assert (plan.before, plan.after) == (Version(5, f"{PACKAGE}/5"), Version(7, f"{PACKAGE}/7"))

    def test_a_first_release_is_guarded_by_nothing_and_costs_no_second_fleet(self):
        plan = planned(situation=Situation(), price=PRICED)
        assert (plan.kind, plan.guarded) == (Kind.FIRST, False)
        assert "first-release" in names(plan, Level.IMPORTANT)
        assert (plan.cost.extra, plan.cost.most_extra) == (0, 0)
        assert (plan.fleet.before, plan.fleet.peak) == (0, (4, 4))

    def test_an_endpoint_that_failed_serves_nothing_and_is_in_the_way(self):
        plan = planned(situation=Situation(live(status="Failed")))
        assert plan.kind is Kind.FIRST
        assert "endpoint-failed" in names(plan, Level.WARNING)

    @pytest.mark.parametrize("status", ["Updating", "RollingBack", "SystemUpdating"])
    def test_an_endpoint_that_is_being_updated_refuses_another_update(self, status):
        made = repo()
        plan = planned(made, serving(made, live(status=status)))
        assert "endpoint-busy" in names(plan, Level.WARNING)

    def test_a_mix_of_instances_is_told(self):
        made = repo()
        plan = planned(made, serving(made, live(status="UpdateRollbackFailed")))
        assert "mixed-fleet" in names(plan, Level.WARNING)

    def test_the_release_that_serves_already_is_nothing_new_and_nobody_is_asked(self):
        plan = planned(release_id="1" * 16, version=5)
        assert (plan.kind, plan.approval) == (Kind.SAME, "none")

    def test_so_is_the_champion_of_a_test(self):
        made = repo()
        beside = live(variant(), variant(7, name="Shadow", shadow=True), release_id=trial_id("1" * 16, "3" * 16))
        plan = planned(made, serving(made, beside), release_id="1" * 16, version=5)
        assert plan.kind is Kind.SAME
        assert "test-in-place" in names(plan)

    def test_without_looking_the_plan_reckons_with_an_update_and_says_so(self):
        plan = planned(situation=OFFLINE, version=None, offline=True)
        assert (plan.kind, plan.changes, plan.before, plan.after) == (Kind.UNKNOWN, None, None, None)
        assert {"live-unread", "version-unread"} <= names(plan)
        assert plan.fleet.before == plan.fleet.after == 4

    def test_another_name_of_the_variant_makes_sagemaker_ignore_the_guardrails(self):
        plan = planned(repo(variant="Primary"), serving(repo()))
        assert not plan.guarded
        assert plan.guardrails == Guardrails()
        assert "AllTraffic to Primary" in sentence(plan, "guardrails-ignored")
        assert plan.alarms == ()
        assert plan.total_failure.by_new_fleet.within is None

    def test_so_does_an_instance_type_that_is_excluded(self):
        inferentia = repo(instances={"type": "ml.inf1.xlarge", "count": 4})
        assert "guardrails-ignored" in names(planned(inferentia, serving(inferentia)), Level.WARNING)


class TestFleet:
    def test_an_old_fleet_of_another_size_stays_as_large_as_it_is(self):
        made = repo(instances={"type": "ml.m5.large", "count": 4})
        plan = planned(made, serving(made, live(variant(count=2))))
        assert [(step.blue_instances, step.green_instances) for step in plan.steps] == [(2, 4), (2, 4), (0, 4)]
        assert plan.fleet.peak == (6, 6)
        assert "fleet-size-changes" in names(plan)

    def test_autoscaling_keeps_the_instances_that_serve(self):
        scaling = {"min": 2, "max": 8, "invocations_per_instance": 700}
        made = repo(autoscaling=scaling)
        plan = planned(made, serving(made, live(variant(count=6))))
        assert (plan.fleet.before, plan.fleet.after) == (6, 6)
        assert "autoscaling" in names(plan)
        assert "instances.count" not in {change.setting for change in plan.changes or ()}

    def test_both_roundings_are_told_where_they_differ(self):
        plan = planned(repo(release=canary(canary_size="30%")))
        assert "25% to 50%" in sentence(plan, "rounding")
        assert "rounding" not in names(planned())

    def test_a_rolling_rollback_can_need_more_than_the_way_forward(self):
        release = {"strategy": "rolling", "maximum_batch_size": 1, "wait_interval": "5m", "rollback_on": [FIVE]}
        plan = planned(repo(release=release))
        assert (plan.fleet.peak, plan.fleet.rollback_peak) == ((5, 5), 8)
        assert "rollback-peak" in names(plan)


class TestTime:
    def test_what_the_waits_leave_is_there_for_starting_instances(self):
        plan = planned(repo(release=canary(maximum_execution_timeout="30m")))
        assert (plan.time.shortest, plan.time.waits, plan.time.timeout, plan.time.spare) == (900, 900, 1800, 900)

    def test_a_start_that_may_take_longer_than_is_left_is_warned_of(self):
        slow = {"model_download": "10m", "container_startup": "10m"}
        assert "timeout-short" in names(planned(repo(timeouts=slow, release=canary(maximum_execution_timeout="30m"))))
        assert "timeout-short" not in names(planned(repo(timeouts=slow)))

    @pytest.mark.parametrize(("start", "warned"), [("900s", False), ("901s", True)])
    def test_a_start_may_take_all_that_is_left_and_no_second_more(self, start, warned):
        made = repo(timeouts={"container_startup": start}, release=canary(maximum_execution_timeout="30m"))
        assert ("timeout-short" in names(planned(made))) is warned


class TestAlarms:
    def test_a_total_failure_is_rolled_back_and_harms_what_the_canary_gets_until_then(self):
        plan = planned(repo(expect=BUSY))
        within = plan.total_failure.by_new_fleet.within
        assert within is not None
        assert within <= 180
        assert plan.total_failure.by_new_fleet.harmed == pytest.approx(600 * 0.25 * within / 60)

    def test_without_expected_traffic_no_requests_are_made_up(self):
        plan = planned()
        assert plan.total_failure.by_new_fleet.within is not None
        assert plan.total_failure.by_new_fleet.harmed is None
        assert plan.detection is None
        assert "expect-missing" in names(plan)

    def test_a_bake_that_no_alarm_fits_in_is_warned_of(self):
        release = canary(wait_interval="0s", termination_wait="1m", rollback_on=[{**FIVE, "periods": "3 of 3"}])
        warned = names(planned(repo(release=release)), Level.WARNING)
        assert {"alarm-cannot-fire", "total-failure-unseen"} <= warned

    def test_alarms_that_see_latency_only_do_not_see_failures(self):
        release = canary(rollback_on=[{"metric": "ModelLatency", "above": "250ms"}])
        assert "total-failure-unseen" in names(planned(repo(release=release)), Level.WARNING)

    def test_no_alarm_at_all_is_warned_of(self):
        plan = planned(repo(release={"strategy": "all_at_once"}))
        assert "nothing-rolls-back" in names(plan, Level.WARNING)

    @given(st.floats(0, 3000), st.floats(0, 1000))
    def test_harm_grows_with_time_but_no_faster_than_the_traffic(self, within, more):
        first, later = (harmed_requests(STEPS, each, 60) for each in (within, within + more))
        assert first <= later <= first + more + 1e-6
        assert later <= within + more + 1e-6


class TestRegression:
    def test_a_canary_with_traffic_enough_warns_of_nothing(self):
        plan = planned(repo(expect={**BUSY, "error_rate": "0%", "notice": "1%"}))
        assert names(plan, Level.WARNING) == set()
        assert plan.detection is not None
        assert plan.detection.requests_tell <= 0.01

    def test_too_few_requests_are_told_with_the_bake_that_would_do(self):
        plan = planned(repo(expect={"requests_per_minute": 600, "error_rate": "0.1%", "notice": "0.4%"}))
        assert "`release.wait_interval: 17m`" in sentence(plan, "too-few-requests")
        longer = repo(
            expect={"requests_per_minute": 600, "error_rate": "0.1%", "notice": "0.4%"},
            release=canary(wait_interval="17m"),
        )
        assert "too-few-requests" not in names(planned(longer))

    def test_the_suggested_bake_is_the_shortest_that_does(self):
        expect = {"requests_per_minute": 600, "error_rate": "0.1%", "notice": "0.4%"}
        plan = planned(repo(expect=expect, release=canary(wait_interval="16m")))
        assert "too-few-requests" in names(plan)

    def test_larger_parts_are_suggested_beside_longer_bakes(self):
        made = repo(
            instances={"type": "ml.m5.large", "count": 20},
            release=canary(canary_size=1),
            expect={"requests_per_minute": 600, "error_rate": "0.1%", "notice": "1%"},
        )
        detection = planned(made).detection
        assert detection is not None
        assert [dict(each.settings).keys() for each in detection.suggestions] == [
            {"release.wait_interval"},
            {"release.canary_size"},
        ]
        for suggestion in detection.suggestions:
            assert suggestion.smallest_error_rate <= 0.01

    def test_where_no_bake_is_long_enough_an_ab_test_is(self):
        plan = planned(repo(expect={"requests_per_minute": 20, "error_rate": "1%", "notice": "2%"}))
        assert plan.detection is not None
        (suggestion,) = plan.detection.suggestions
        assert suggestion.hours == 9
        assert dict(suggestion.settings) == {"test.ab.challenger_weight": "10%", "test.ab.duration": "9h"}

    def test_where_nothing_would_do_that_is_said(self):
        plan = planned(repo(expect={"requests_per_minute": 0.01, "error_rate": "1%", "notice": "1.1%"}))
        assert "No bake would be enough, and no A/B test of less than 15 days." in sentence(plan, "too-few-requests")

    def test_alarms_that_let_through_what_should_be_noticed_are_told(self):
        plan = planned(repo(expect={**BUSY, "requests_per_minute": 60000, "notice": "0.5%"}))
        assert "alarms-too-high" in names(plan, Level.WARNING)
        assert "too-few-requests" not in names(plan)

    def test_a_rate_to_notice_that_is_no_rise_is_told(self):
        plan = planned(repo(expect={"requests_per_minute": 600, "error_rate": "1%", "notice": "1%"}))
        assert "notice-below-error-rate" in names(plan, Level.WARNING)

    def test_all_traffic_at_once_is_held_against_the_expected_rate(self):
        release = {"strategy": "all_at_once", "termination_wait": "10m", "rollback_on": [FIVE]}
        plan = planned(repo(expect=BUSY, release=release))
        assert plan.detection is not None
        assert plan.detection.exposure.new == pytest.approx(6000)
        assert plan.detection.exposure.old == float("inf")
        assert document(plan)["detection"]["old_fleet_requests"] is None

    @settings(deadline=None)
    @given(st.integers(1, 60), st.integers(1, 60), st.floats(1, 1e5))
    def test_a_longer_bake_never_sees_less(self, shorter, longer, traffic):
        told = [
            planned(
                repo(
                    release=canary(wait_interval=f"{minutes}m", maximum_execution_timeout="8h", rollback_on=[]),
                    expect={"requests_per_minute": traffic, "error_rate": "0.1%"},
                )
            ).detection.requests_tell  # type: ignore[union-attr]
            for minutes in sorted((shorter, longer))
        ]
        assert told[0] is None or (told[1] is not None and told[1] <= told[0])


class TestTrial:
    def test_a_version_that_does_not_serve_is_tested_first(self):
        plan = planned(repo(test=SHADOW), price=PRICED)
        assert plan.test is not None
        assert (plan.test.due, plan.test.instance_count, plan.test.duration) == (True, 2, 7200)
        assert plan.test.champion == Version(5, f"{PACKAGE}/5")
        assert float(plan.test.cost.amount) == pytest.approx(2 * 2 * 0.128)  # type: ignore[union-attr]
        assert "test-unguarded" in names(plan)

    @pytest.mark.parametrize(
        ("situation", "version", "because"),
        [
            (Situation(), 7, "there is no endpoint"),
            (None, 5, "is what serves"),
            (Situation(live(variant(name="Other"))), 7, "another name"),
        ],
    )
    def test_otherwise_the_plan_says_why_not(self, situation, version, because):
        made = repo(test=SHADOW)
        plan = planned(made, situation or serving(made), version=version)
        assert plan.test is not None
        assert not plan.test.due
        assert because in plan.test.because

    def test_versions_by_number_are_those_of_the_test(self):
        plan = planned(repo(test={**SHADOW, "champion": 3, "challenger": 6}))
        assert plan.test is not None
        assert (str(plan.test.champion), str(plan.test.challenger)) == ("version 3", "version 6")
