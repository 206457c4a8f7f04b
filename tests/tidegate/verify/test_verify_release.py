"""A release followed to its end on a clock that does not wait, against answers that botocore's model accepts."""

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.tidegate.verify.following import ENDPOINT, MODEL, STACK, ends_well, rolls_back
from tidegate.errors import TidegateError
from tidegate.verify import Outcome


def test_a_release_is_followed_to_its_promotion(run, aws, stack_update):
    def begins() -> None:
        stack_update()
        aws.deploy_action("InProgress")

    verdict, said, _ = run(
        {
            5: begins,
            60: lambda: aws.updating("Creating", "Launching 4 instance(s)."),
            200: lambda: aws.updating("Baking", "Baking for 600 seconds."),
            1000: ends_well(aws),
        }
    )
    assert verdict.outcome is Outcome.PROMOTED
    assert verdict.notes == ()
    assert said == [
        "Deploy not started, stack UPDATE_IN_PROGRESS, endpoint InService",
        "Deploy InProgress, stack UPDATE_IN_PROGRESS, endpoint InService",
        "Deploy InProgress, stack UPDATE_IN_PROGRESS, endpoint Updating, Creating (Launching 4 instance(s).)",
        "Deploy InProgress, stack UPDATE_IN_PROGRESS, endpoint Updating, Baking (Baking for 600 seconds.)",
        "Deploy Succeeded, stack UPDATE_COMPLETE, endpoint InService",
        "endpoint config config-3 is tagged tidegate:outcome: "
        "PROMOTED 20260101T001640Z after 2@20251230T204640Z/nfig-2",
    ]
    assert verdict.evidence.previous.name == "config-2"
    assert verdict.evidence.endpoint.live.model_package_arn.endswith("/3")
    assert aws.stamps == []


@pytest.mark.parametrize("stack_fails", [True, False])
def test_a_rollback_is_told_and_stamped_whichever_way_cloudformation_takes_it(
    stack_fails, run, aws, asked, stack_update
):
    stack_update()
    aws.deploy_action("InProgress")
    verdict, said, _ = run({60: aws.updating, 300: rolls_back(aws, stack_fails=stack_fails)})
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert f"alarm {asked.alarms[0]} went into ALARM at 00:04:10 (above the threshold)" in verdict.sentence
    assert aws.stamps == [
        {
            "ModelPackageArn": asked.model_package_arn,
            "ModelApprovalStatus": "PendingManualApproval",
            "ModelLifeCycle": {
                "Stage": "prod",
                "StageStatus": "RolledBack",
                "StageDescription": verdict.sentence,
            },
        }
    ]
    assert said[-2:] == [
        "version 3 is marked as rolled back and its approval taken back, "
        "so no later release chooses it until it is approved anew",
        "endpoint config config-3 is tagged tidegate:outcome: ROLLED_BACK 20260101T000500Z",
    ]


def test_a_package_is_not_stamped_twice(run, aws):
    life_cycle = {"Stage": "prod", "StageStatus": "RolledBack", "StageDescription": "as before"}
    aws.package = {"ModelApprovalStatus": "PendingManualApproval", "ModelLifeCycle": life_cycle}
    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 300: rolls_back(aws, stack_fails=True)})
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert aws.stamps == []


def test_a_stamp_that_is_refused_is_a_note_on_the_verdict(run, aws, refusal):
    aws.failing["UpdateModelPackage"] = refusal("AccessDeniedException", "not allowed")
    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 300: rolls_back(aws, stack_fails=True)})
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert "could not be marked as rolled back, so the next release would choose it again" in verdict.notes[-1]


def test_a_failure_before_the_endpoint_is_reached_is_told_by_its_first_reason(run, aws):
    def fails() -> None:
        aws.event("sagemaker-p-1-prod", STACK, "UPDATE_IN_PROGRESS", 5)
        aws.event("Model", MODEL, "CREATE_FAILED", 10, "access denied")
        aws.event("EndpointConfig", "AWS::SageMaker::EndpointConfig", "CREATE_FAILED", 11, "cancelled")
        aws.stack = "UPDATE_ROLLBACK_COMPLETE"
        aws.deploy_action("Failed")

    verdict, _, _ = run({20: fails})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "never reached" in verdict.sentence
    assert verdict.sentence.endswith("Model: access denied")
    assert aws.stamps == []


def test_what_an_earlier_update_of_the_stack_said_is_not_said_again(run, aws):
    aws.event("sagemaker-p-1-prod", STACK, "UPDATE_IN_PROGRESS", -5000)
    aws.event("Endpoint", ENDPOINT, "UPDATE_FAILED", -4900, "as it was then")
    aws.stack = "UPDATE_ROLLBACK_COMPLETE"

    def refused() -> None:
        aws.deploy_action("Failed")
        aws.actions[1]["output"] = {"executionResult": {"externalExecutionSummary": "the template is not valid"}}

    aws.deploy_action("InProgress")
    verdict, _, _ = run({30: refused})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.evidence.stack.failures == ()
    assert not verdict.evidence.stack.endpoint_touched
    assert verdict.sentence.endswith("the template is not valid")


def test_a_first_release_is_followed_from_nothing(run, aws):
    later = dict(aws.endpoint)
    aws.endpoint, aws.stack = None, None

    def creating() -> None:
        aws.endpoint = {**later, "EndpointStatus": "Creating", "EndpointConfigName": "config-3"}
        aws.stack = "CREATE_IN_PROGRESS"
        aws.deploy_action("InProgress")

    def created() -> None:
        aws.change(EndpointStatus="InService")
        aws.stack = "CREATE_COMPLETE"
        aws.deploy_action("Succeeded")

    verdict, said, _ = run({30: creating, 300: created})
    assert verdict.outcome is Outcome.PROMOTED
    assert "nothing guarded it" in verdict.notes[0]
    assert said[0] == "Deploy not started, stack not there, endpoint not there"


def test_a_lost_connection_is_survived(run, aws):
    lost = EndpointConnectionError(endpoint_url="https://sagemaker")
    aws.deploy_action("InProgress")
    verdict, said, _ = run(
        {
            10: lambda: aws.failing.update(DescribeEndpoint=lost),
            60: aws.failing.clear,
            70: aws.updating,
            1000: ends_well(aws),
        }
    )
    assert verdict.outcome is Outcome.PROMOTED
    assert any(line.startswith("no answer from AWS, trying again") for line in said)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_service_that_is_busy_is_asked_again(status, run, aws, refusal):
    aws.deploy_action("InProgress")
    aws.failing["DescribeStacks"] = refusal("Busy", "later", status=status)
    assert run({30: aws.failing.clear, 60: ends_well(aws)})[0].outcome is Outcome.PROMOTED


def test_a_refusal_is_said_at_once(run, aws, refusal):
    aws.failing["DescribeEndpoint"] = refusal("AccessDeniedException", "not allowed")
    with pytest.raises(TidegateError, match=r"shop-p-1-prod cannot be followed: .*not allowed"):
        run()


def test_evidence_that_cannot_be_read_is_noted_and_does_not_stop_the_verdict(run, aws, refusal):
    for name in ("DescribeAlarms", "DescribeStackEvents", "DescribeModel"):
        aws.failing[name] = refusal("AccessDeniedException", "not allowed")
    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 1000: ends_well(aws)})
    assert verdict.outcome is Outcome.PROMOTED
    assert {note.split(":")[1].strip() for note in verdict.notes} == {
        "model package of config-3",
        "model package of config-2",
        "stack events",
        "alarms",
    }


def test_evidence_that_a_lost_connection_keeps_back_is_waited_for(run, aws):
    aws.deploy_action("InProgress")

    def ends() -> None:
        ends_well(aws)()
        aws.failing["ListTags"] = EndpointConnectionError(endpoint_url="https://sagemaker")

    verdict, _, _ = run({60: aws.updating, 1000: ends, 1020: aws.failing.clear})
    assert verdict.outcome is Outcome.PROMOTED
    assert verdict.notes == ()


def test_tags_that_cannot_be_read_make_the_verdict_inconclusive(run, aws, refusal):
    aws.failing["ListTags"] = refusal("AccessDeniedException", "not allowed")
    aws.deploy_action("InProgress")
    assert run({60: aws.updating, 1000: ends_well(aws)})[0].outcome is Outcome.INCONCLUSIVE


def test_an_update_that_never_ends_is_given_up_after_its_time_limit_and_a_margin(run, aws):
    aws.deploy_action("InProgress")
    aws.updating()
    verdict, _, clock = run()
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert 6000 <= (clock.now() - aws.began).total_seconds() <= 6015


def test_pauses_grow_and_start_again_with_every_change(run, aws):
    aws.deploy_action("InProgress")
    _, _, clock = run({100: aws.updating, 200: ends_well(aws)})
    assert clock.pauses[:4] == [1.0, 1.25, 1.5625, 1.953125]
    assert clock.pauses.count(1.0) == 2
    assert max(clock.pauses) == 15.0


def test_a_deployment_that_never_shows_in_the_pipeline_is_judged_by_what_is_there(run, aws):
    aws.stack = "UPDATE_COMPLETE"
    aws.in_service("config-3", -10)
    verdict, _, clock = run()
    assert verdict.outcome is Outcome.PROMOTED
    assert 300 <= (clock.now() - aws.began).total_seconds() <= 315


def test_without_a_pipeline_the_stack_and_the_endpoint_are_followed(run, aws):
    def done() -> None:
        aws.in_service("config-3", 1000)
        aws.stack = "UPDATE_COMPLETE"

    verdict, said, _ = run({10: aws.updating, 1000: done}, deployment=None)
    assert verdict.outcome is Outcome.PROMOTED
    assert said[0] == "stack UPDATE_IN_PROGRESS, endpoint InService"


def test_the_newest_run_of_a_retried_action_counts(run, aws, asked):
    aws.deploy_action("InProgress")
    failed = {**aws.actions[1], "status": "Failed", "startTime": aws.began.replace(year=2025)}
    aws.actions.insert(1, failed)
    aws.in_service("config-3", 1000)
    verdict, said, _ = run({30: ends_well(aws)})
    assert "Deploy InProgress" in said[0]
    assert verdict.outcome is Outcome.PROMOTED


def test_an_endpoint_that_changes_on_when_its_deployment_has_ended_is_waited_for(run, aws):
    aws.deploy_action("InProgress")

    def abandoned() -> None:
        aws.stack = "UPDATE_ROLLBACK_COMPLETE"
        aws.deploy_action("Abandoned")

    verdict, _, clock = run({60: aws.updating, 100: abandoned, 400: lambda: aws.in_service("config-3", 400)})
    assert verdict.outcome is Outcome.PROMOTED
    assert (clock.now() - aws.began).total_seconds() >= 400
