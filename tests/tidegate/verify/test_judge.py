"""The verdict, case by case: evidence in, one of five words and a sentence out."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.verify import (
    ActionSeen,
    AlarmSeen,
    ConfigSeen,
    EndpointSeen,
    Evidence,
    Outcome,
    Sighting,
    StackSeen,
    judge,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
OLD = ConfigSeen("config-2", "old", "arn:pkg/2")
NEW = ConfigSeen("config-3", "new", "arn:pkg/3")
ALARM = "shop-p-1-prod-rollback-1-Invocation5XXErrors-new-fleet"
BEFORE = Sighting("InService", "config-2")
BAKING = Sighting("Updating", "config-2", "config-3", "Baking", update_started_at=T0 + timedelta(seconds=60))
SHIFTING = replace(BAKING, variant_status="ActivatingTraffic")
UPDATED = StackSeen("UPDATE_COMPLETE", endpoint_touched=True)
STACK_FAILED = StackSeen(
    "UPDATE_ROLLBACK_COMPLETE", endpoint_touched=True, failures=("Endpoint: the update was rolled back",)
)
FIRED = AlarmSeen(ALARM, "OK", fired=((T0 + timedelta(seconds=200), "1 datapoint was above the threshold"),))


@pytest.fixture
def evidence(asked):
    """Make evidence of an update from version 2 to version 3 that was watched and succeeded, but for what is given."""

    def make(live: ConfigSeen = NEW, *, status: str = "InService", failure_reason: str = "", **given) -> Evidence:
        endpoint = EndpointSeen(
            status=status,
            live=live,
            created_at=T0 - timedelta(days=1),
            modified_at=T0 + timedelta(seconds=1000),
            failure_reason=failure_reason,
            last_deployment_config=given.pop("last_deployment_config", asked.deployment_config),
        )
        return Evidence(
            **{
                "asked": asked,
                "endpoint": endpoint,
                "action": ActionSeen("Succeeded", T0),
                "stack": UPDATED,
                "previous": OLD,
                "timeline": (BEFORE, BAKING, Sighting("InService", live.name)),
                **given,
            }
        )

    return make


def outcome(evidence: Evidence) -> Outcome:
    return judge(evidence).outcome


# PROMOTED


def test_the_release_that_was_asked_for_serves(evidence):
    verdict = judge(evidence())
    assert verdict.outcome is Outcome.PROMOTED
    assert verdict.sentence == "shop-p-1-prod serves version 3 (config-3)"
    assert verdict.notes == ()


def test_a_first_release_is_promoted_with_the_note_that_nothing_guarded_it(evidence):
    first = evidence(timeline=(Sighting("Creating", "config-3"),), previous=NEW, last_deployment_config=None)
    verdict = judge(first)
    assert verdict.outcome is Outcome.PROMOTED
    assert "created the endpoint" in verdict.notes[0]


def test_a_first_release_that_was_not_watched_is_known_by_when_the_endpoint_was_made(evidence):
    made = evidence(timeline=(Sighting("InService", "config-3"),), previous=NEW, last_deployment_config=None)
    assert made.endpoint is not None
    late = replace(made, endpoint=replace(made.endpoint, created_at=T0 + timedelta(seconds=30)))
    assert judge(late).outcome is Outcome.PROMOTED


def test_a_run_with_nothing_new_is_promoted_with_the_note_that_nothing_was_touched(evidence):
    idle = evidence(
        timeline=(Sighting("InService", "config-3"),),
        stack=StackSeen("UPDATE_COMPLETE"),
        previous=NEW,
        last_deployment_config=None,
    )
    assert idle.endpoint is not None
    idle = replace(idle, endpoint=replace(idle.endpoint, modified_at=T0 - timedelta(hours=1)))
    verdict = judge(idle)
    assert verdict.outcome is Outcome.PROMOTED
    assert "was not touched" in verdict.notes[0]


def test_what_serves_counts_even_if_the_stack_says_otherwise(evidence):
    verdict = judge(evidence(action=ActionSeen("Failed", T0), stack=replace(STACK_FAILED, status="UPDATE_FAILED")))
    assert verdict.outcome is Outcome.PROMOTED
    assert "is UPDATE_FAILED although the release serves" in verdict.notes[0]


def test_an_alarm_that_fired_and_did_not_roll_back_does_not_change_what_serves(evidence):
    assert outcome(evidence(alarms=(FIRED,))) is Outcome.PROMOTED


# ROLLED_BACK, whichever way CloudFormation takes it


def test_rolled_back_while_cloudformation_fails_the_stack(evidence):
    verdict = judge(evidence(OLD, action=ActionSeen("Failed", T0), stack=STACK_FAILED, alarms=(FIRED,)))
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert verdict.sentence == (
        "shop-p-1-prod serves version 2 (config-2) and not version 3, which was rolled back: "
        f"alarm {ALARM} went into ALARM at 00:03:20 (1 datapoint was above the threshold)"
    )
    assert verdict.notes == ()


def test_rolled_back_while_cloudformation_reports_success(evidence):
    verdict = judge(evidence(OLD, action=ActionSeen("Succeeded", T0), stack=UPDATED, alarms=(FIRED,)))
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert "went into ALARM" in verdict.sentence
    assert verdict.notes == ("CloudFormation recorded the deployment as a success, and does not know of the rollback",)


def test_rolled_back_without_an_alarm_gives_sagemakers_reason(evidence):
    assert judge(evidence(OLD, failure_reason="unable to provision capacity")).sentence.endswith(
        "rolled back: unable to provision capacity"
    )


def test_rolled_back_without_sagemakers_reason_gives_the_stacks(evidence):
    assert judge(evidence(OLD, stack=STACK_FAILED)).sentence.endswith("Endpoint: the update was rolled back")


def test_rolled_back_without_any_reason_says_so(evidence):
    assert "no reason was given" in judge(evidence(OLD)).sentence


def test_rolled_back_though_the_update_itself_was_not_seen(evidence):
    unseen = (Sighting("InService", "config-2"),)
    assert outcome(evidence(OLD, timeline=unseen, stack=StackSeen("UPDATE_COMPLETE"))) is Outcome.ROLLED_BACK


def test_rolled_back_to_a_config_that_no_release_made(evidence):
    by_hand = ConfigSeen("made-by-hand", "", "")
    verdict = judge(evidence(by_hand, previous=by_hand))
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert "serves made-by-hand" in verdict.sentence


def test_rolled_back_when_describe_endpoint_named_the_new_config_during_the_update(evidence):
    assert outcome(evidence(OLD, previous=NEW)) is Outcome.ROLLED_BACK


def test_the_first_alarm_that_fired_is_the_reason(evidence):
    later = AlarmSeen("another", "ALARM", fired=((T0 + timedelta(seconds=300), "x"),))
    assert ALARM in judge(evidence(OLD, alarms=(later, FIRED))).sentence


# MIXED_FLEET


def test_a_rollback_that_failed_leaves_a_mixed_fleet(evidence):
    verdict = judge(evidence(OLD, status="UpdateRollbackFailed", failure_reason="no capacity"))
    assert verdict.outcome is Outcome.MIXED_FLEET
    assert "old and new instances" in verdict.sentence
    assert "no capacity" in verdict.sentence


@pytest.mark.parametrize("live", [OLD, NEW])
def test_a_mixed_fleet_is_one_whatever_config_it_names(live, evidence):
    assert outcome(evidence(live, status="UpdateRollbackFailed", ended=False)) is Outcome.MIXED_FLEET


# GUARDRAILS_IGNORED


def test_an_update_without_a_deployment_config_was_not_guarded(evidence):
    verdict = judge(evidence(last_deployment_config=None))
    assert verdict.outcome is Outcome.GUARDRAILS_IGNORED
    assert "LastDeploymentConfig is empty" in verdict.sentence


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("BlueGreenUpdatePolicy",), None, "differs in BlueGreenUpdatePolicy"),
        (
            ("BlueGreenUpdatePolicy", "TrafficRoutingConfiguration", "Type"),
            "ALL_AT_ONCE",
            "BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type",
        ),
        (("BlueGreenUpdatePolicy", "TerminationWaitInSeconds"), 0, "BlueGreenUpdatePolicy.TerminationWaitInSeconds"),
        (("AutoRollbackConfiguration", "Alarms"), [], "AutoRollbackConfiguration.Alarms"),
    ],
)
def test_an_update_with_another_deployment_config_was_not_guarded_as_asked(path, value, named, evidence, asked):
    config = deepcopy(dict(asked.deployment_config))
    holder = config
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    verdict = judge(evidence(last_deployment_config=config))
    assert verdict.outcome is Outcome.GUARDRAILS_IGNORED
    assert named in verdict.sentence


def test_more_than_was_asked_for_and_another_order_are_no_difference(evidence, asked):
    config = deepcopy(dict(asked.deployment_config))
    config["AutoRollbackConfiguration"]["Alarms"].insert(0, {"AlarmName": "one more"})
    config["Extra"] = 1
    assert outcome(evidence(last_deployment_config=config)) is Outcome.PROMOTED


def test_an_update_that_was_watched_and_never_baked_was_not_guarded(evidence):
    hasty = evidence(timeline=(BEFORE, SHIFTING, Sighting("InService", "config-3")))
    assert hasty.endpoint is not None
    hasty = replace(hasty, endpoint=replace(hasty.endpoint, modified_at=T0 + timedelta(seconds=180)))
    verdict = judge(hasty)
    assert verdict.outcome is Outcome.GUARDRAILS_IGNORED
    assert "took 120 s without a bake, and its waits alone are 900 s" in verdict.sentence


def test_a_bake_that_no_look_fell_into_is_told_by_the_time_it_took(evidence):
    assert outcome(evidence(timeline=(BEFORE, SHIFTING, Sighting("InService", "config-3")))) is Outcome.PROMOTED


def test_a_bake_that_was_seen_counts_whatever_the_times_say(evidence):
    seen = evidence()
    assert seen.endpoint is not None
    quick = replace(seen, endpoint=replace(seen.endpoint, modified_at=T0 + timedelta(seconds=61)))
    assert outcome(quick) is Outcome.PROMOTED


# INCONCLUSIVE


def test_an_update_that_sagemaker_refused_was_no_attempt_and_says_nothing_about_the_version(evidence):
    refused = evidence(
        OLD,
        action=ActionSeen("Failed", T0),
        stack=replace(STACK_FAILED, failures=("Endpoint: ResourceLimitExceeded: the quota is 4 instances",)),
        timeline=(BEFORE,),
    )
    assert refused.endpoint is not None
    refused = replace(refused, endpoint=replace(refused.endpoint, modified_at=T0 - timedelta(hours=1)))
    verdict = judge(refused)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "never reached" in verdict.sentence
    assert "ResourceLimitExceeded" in verdict.sentence


def test_an_endpoint_that_is_still_updating_when_time_is_over(evidence):
    verdict = judge(evidence(OLD, status="Updating", ended=False))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "is still Updating although its time is over" in verdict.sentence


def test_a_deployment_that_never_ends(evidence):
    verdict = judge(evidence(NEW, ended=False, action=ActionSeen("InProgress", T0)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the deployment of shop-p-1-prod is still in progress" in verdict.sentence


def test_a_first_release_that_failed_leaves_nothing(evidence):
    verdict = judge(
        replace(evidence(), endpoint=None, stack=StackSeen("ROLLBACK_COMPLETE", failures=("Model: denied",)))
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.sentence == "there is no endpoint shop-p-1-prod, so nothing serves: Model: denied"


def test_no_endpoint_and_no_stack(evidence):
    verdict = judge(replace(evidence(), endpoint=None, stack=None, action=None))
    assert "there is no stack sagemaker-p-1-prod" in verdict.sentence


@pytest.mark.parametrize("status", ["Failed", "OutOfService"])
def test_an_endpoint_that_serves_nothing(status, evidence):
    verdict = judge(evidence(NEW, status=status, failure_reason="the container did not answer"))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.sentence == f"shop-p-1-prod is {status}, so nothing serves: the container did not answer"


def test_tags_that_cannot_be_read_tell_nothing(evidence):
    verdict = judge(evidence(replace(OLD, release_id="", tags_read=False)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the tags of its endpoint config config-2 cannot be read" in verdict.sentence


def test_a_deployment_that_failed_before_it_reached_the_endpoint(evidence):
    failed = evidence(
        OLD,
        action=ActionSeen("Failed", T0),
        stack=StackSeen("UPDATE_ROLLBACK_COMPLETE", failures=("Model: access denied",)),
        timeline=(BEFORE,),
    )
    assert failed.endpoint is not None
    failed = replace(failed, endpoint=replace(failed.endpoint, modified_at=T0 - timedelta(hours=1)))
    verdict = judge(failed)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.sentence == (
        "version 3 never reached shop-p-1-prod, which serves version 2 (config-2) as before: Model: access denied"
    )


def test_a_template_that_cloudformation_refused_gives_the_actions_reason(evidence):
    refused = evidence(OLD, action=ActionSeen("Failed", T0, summary="bad template"), stack=None, timeline=(BEFORE,))
    assert refused.endpoint is not None
    refused = replace(refused, endpoint=replace(refused.endpoint, modified_at=T0 - timedelta(hours=1)))
    assert judge(refused).sentence.endswith("bad template")


def test_somebody_else_updated_the_endpoint(evidence):
    verdict = judge(evidence(ConfigSeen("config-9", "other", "arn:pkg/9")))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "neither version 3 nor what served before" in verdict.sentence


# Always


def test_what_could_not_be_read_is_noted(evidence):
    assert judge(evidence(unread=("alarms: denied",))).notes == ("could not be read: alarms: denied",)


def test_a_verdict_is_written_as_json_with_its_evidence(evidence):
    written = judge(evidence(alarms=(FIRED,))).to_json()
    assert written["outcome"] == "PROMOTED"
    assert written["evidence"]["asked"]["release_id"] == "new"
    assert written["evidence"]["endpoint"]["live"]["name"] == "config-3"
    assert written["evidence"]["alarms"][0]["fired"] == [
        ["2026-01-01T00:03:20+00:00", "1 datapoint was above the threshold"]
    ]


def test_the_exit_codes_are_those_that_are_documented():
    assert {o.value: o.exit_code for o in Outcome} == {
        "PROMOTED": 0,
        "ROLLED_BACK": 3,
        "MIXED_FLEET": 4,
        "GUARDRAILS_IGNORED": 5,
        "INCONCLUSIVE": 6,
    }


configs = st.sampled_from(
    [OLD, NEW, ConfigSeen("config-9", "other"), ConfigSeen("by-hand"), replace(NEW, tags_read=False)]
)
statuses = st.sampled_from(["InService", "Updating", "Failed", "UpdateRollbackFailed", "OutOfService"])
actions = st.sampled_from([None, *(ActionSeen(status, T0) for status in ("InProgress", "Succeeded", "Failed"))])
stacks = st.sampled_from([None, UPDATED, STACK_FAILED])
timelines = st.lists(st.sampled_from([BEFORE, BAKING, SHIFTING]), max_size=3).map(tuple)


@pytest.fixture(scope="module")
def any_release():
    from tidegate.render import ReleaseRecord

    return ReleaseRecord.model_construct(
        release_id="new", endpoint_name="e", stack_name="s", model_package_version=3, deployment_config={}, waits=0
    )


@given(configs, statuses, actions, stacks, timelines, st.booleans(), st.booleans())
def test_what_serves_is_never_told_wrong(any_release, live, status, action, stack, timeline, ended, known):
    seen = EndpointSeen(status, live, T0 - timedelta(days=1), T0 + timedelta(seconds=1000), "", {})
    verdict = judge(Evidence(any_release, seen, ended, action, stack, OLD if known else None, timeline))
    serves = status == "InService" and ended and live.tags_read and live.release_id == "new"
    assert (verdict.outcome in {Outcome.PROMOTED, Outcome.GUARDRAILS_IGNORED}) == serves
    if verdict.outcome is Outcome.ROLLED_BACK:
        assert live.tags_read
        assert live.release_id != "new"
    assert verdict.sentence
