"""What follows from a verdict: a stamp, a tag, and the removal of what nothing needs."""

from datetime import timedelta

import pytest

from tests.tidegate.verify.following import PACKAGE, ends_well, rolls_back
from tidegate.verify import Outcome, watch


def test_a_promotion_leaves_only_what_serves_and_what_served_before(run, aws):
    aws.configs |= {"config-1": ("first", f"{PACKAGE}/1"), "config-0": ("oldest", f"{PACKAGE}/0")}
    aws.deploy_action("InProgress")
    verdict, said, _ = run({60: aws.updating, 1000: ends_well(aws)})
    assert verdict.outcome is Outcome.PROMOTED
    assert aws.removed == ["config-1", "model-of-config-1", "config-0", "model-of-config-0"]
    assert "removed endpoint config config-1 of release first" in said


@pytest.mark.parametrize("stack_fails", [True, False])
def test_nothing_is_removed_after_a_rollback(stack_fails, run, aws):
    aws.configs["config-1"] = ("first", f"{PACKAGE}/1")
    aws.deploy_action("InProgress")
    run({60: aws.updating, 300: rolls_back(aws, stack_fails=stack_fails)})
    assert aws.removed == []


@pytest.mark.parametrize("refused", ["AddTags", "ListEndpointConfigs", "DeleteEndpointConfig"])
def test_what_cannot_be_kept_or_removed_is_a_note_and_no_other_verdict(refused, run, aws, refusal):
    aws.configs["config-1"] = ("first", f"{PACKAGE}/1")
    aws.failing[refused] = refusal("AccessDeniedException", "not allowed")
    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 1000: ends_well(aws)})
    assert verdict.outcome is Outcome.PROMOTED
    (note,) = verdict.notes
    assert note.endswith("not allowed")
    assert "could not be" in note


def test_an_outcome_is_kept_once(run, aws):
    aws.tagged["config-3"] = "PROMOTED 20250101T000000Z"
    aws.stack = "UPDATE_COMPLETE"
    aws.in_service("config-3", -10)
    aws.deploy_action("Succeeded")
    run()
    assert aws.asked_for["AddTags"] == 0


def test_what_had_served_is_kept_with_what_serves(run, aws):
    aws.tagged["config-2"] = "PROMOTED 20250101T000000Z after 1@20241201T000000Z/abc123"
    aws.deploy_action("InProgress")
    run({60: aws.updating, 1000: ends_well(aws)})
    assert aws.tagged["config-3"] == (
        "PROMOTED 20260101T001640Z after 2@20250101T000000Z/nfig-2 1@20241201T000000Z/abc123"
    )


def test_what_had_served_before_a_test_is_kept_though_nobody_verified_the_test(run, aws):
    aws.configs |= {"config-1": ("old", f"{PACKAGE}/2"), "config-0": ("first", f"{PACKAGE}/1")}
    aws.tagged["config-1"] = "PROMOTED 20250101T000000Z after 1@20241201T000000Z/nfig-0"
    aws.deploy_action("InProgress")
    run({60: aws.updating, 1000: ends_well(aws)})
    assert aws.tagged["config-3"] == (
        "PROMOTED 20260101T001640Z after 2@20251230T204640Z/nfig-2 2@20250101T000000Z/nfig-1 1@20241201T000000Z/nfig-0"
    )


def test_a_first_release_removes_nothing_of_an_endpoint_that_was_deleted(run, aws):
    aws.configs |= {"config-1": ("first", f"{PACKAGE}/1"), "config-0": ("oldest", f"{PACKAGE}/0")}
    aws.tagged |= {"config-2": "PROMOTED 20250101T000000Z", "config-1": "PROMOTED 20241201T000000Z"}
    aws.stack = "CREATE_COMPLETE"
    aws.in_service("config-3", 60, CreationTime=aws.began)
    aws.deploy_action("Succeeded")
    assert run()[0].outcome is Outcome.PROMOTED
    assert aws.removed == []


def test_what_had_served_is_told_by_what_is_left_where_what_served_last_says_it_was_rolled_back(run, aws):
    aws.configs["config-1"] = ("first", f"{PACKAGE}/1")
    aws.tagged |= {"config-2": "ROLLED_BACK 20250101T000000Z", "config-1": "PROMOTED 20241201T000000Z"}
    aws.deploy_action("InProgress")
    run({60: aws.updating, 1000: ends_well(aws)})
    assert "1@20241201T000000Z/nfig-1" in aws.tagged["config-3"]


def test_what_had_served_is_kept_also_by_a_verify_that_comes_late(run, aws):
    aws.tagged["config-2"] = "PROMOTED 20250101T000000Z after 1@20241201T000000Z/abc123"
    aws.stack = "UPDATE_COMPLETE"
    aws.in_service("config-3", -10)
    run(deployment=None)
    assert aws.tagged["config-3"].endswith(" after 2@20250101T000000Z/nfig-2 1@20241201T000000Z/abc123")


def test_a_tag_is_kept_also_where_it_cannot_be_told_what_had_served(run, aws, refusal):
    aws.failing["ListEndpointConfigs"] = refusal("AccessDeniedException", "not allowed")
    aws.deploy_action("InProgress")
    _, said, _ = run({60: aws.updating, 1000: ends_well(aws)})
    assert aws.tagged["config-3"] == "PROMOTED 20260101T001640Z"
    assert any(line.startswith("what had served before config-3 cannot be told") for line in said)


def test_a_run_with_nothing_new_removes_nothing(run, aws):
    aws.configs["config-1"] = ("first", f"{PACKAGE}/1")
    aws.stack = "UPDATE_COMPLETE"
    aws.in_service("config-3", -10)
    aws.deploy_action("Succeeded")
    assert run()[0].outcome is Outcome.PROMOTED
    assert aws.removed == []


def test_a_version_whose_settings_were_rolled_back_keeps_its_approval(run, aws):
    aws.configs["config-2"] = ("old", f"{PACKAGE}/3")
    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 300: rolls_back(aws, stack_fails=True)})
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert aws.stamps == []


# Waiting


def test_a_look_describes_everything_once(run, aws):
    aws.tagged["config-2"] = "PROMOTED 20250101T000000Z"
    aws.deploy_action("InProgress")
    _, _, clock = run({60: aws.updating, 1000: ends_well(aws)})
    looks = len(clock.pauses) + 1
    assert aws.asked_for["DescribeEndpoint"] == looks + 1  # once more to prune
    assert aws.asked_for["DescribeStacks"] == looks


def test_throttling_makes_the_pauses_longer_up_to_a_minute(run, aws, refusal):
    aws.deploy_action("InProgress")
    aws.failing["DescribeEndpoint"] = refusal("ThrottlingException", "Rate exceeded")
    verdict, said, clock = run({300: aws.failing.clear, 310: ends_well(aws)})
    assert verdict.outcome is Outcome.PROMOTED
    assert clock.pauses[:7] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert "Rate exceeded" in said[0]


def test_pauses_are_spread_by_a_tenth_at_most():
    spread = {watch.spread(10.0) for _ in range(100)}
    assert len(spread) > 50
    assert min(spread) >= 9.0
    assert max(spread) <= 11.0


@pytest.mark.parametrize("skew", [timedelta(days=-400), timedelta(hours=-1), timedelta(minutes=7), timedelta(days=30)])
def test_the_machines_clock_does_not_matter(skew, aws, asked, run):
    aws.began += skew
    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 300: rolls_back(aws, stack_fails=True)})
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert [f"{at:%H:%M:%S}" for at, _ in verdict.evidence.alarms[0].fired] == ["00:04:10"]
