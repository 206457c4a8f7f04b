"""What the stack and the alarms tell of a release, also to one who comes late."""

from datetime import timedelta

import pytest

from tests.tidegate.verify.following import CONFIG, ENDPOINT, STACK, rolls_back
from tidegate.verify import Outcome


@pytest.fixture
def stack_made(aws):
    """Let the newest update of the stack have made a config, and updated the endpoint to it."""

    def made(config: str, status: str = "UPDATE_COMPLETE") -> None:
        aws.stack = status
        aws.in_service("config-2", -4000)
        aws.event("sagemaker-p-1-prod", STACK, "UPDATE_IN_PROGRESS", -5000)
        aws.event("EndpointConfig", CONFIG, "UPDATE_COMPLETE", -4900)
        aws.events[0]["PhysicalResourceId"] = config
        aws.event("Endpoint", ENDPOINT, "UPDATE_COMPLETE", -4800)

    return made


@pytest.mark.parametrize("made", ["config-3", "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/config-3"])
def test_without_a_pipeline_the_stacks_newest_config_tells_that_a_release_was_tried(made, run, aws, stack_made):
    stack_made(made)
    verdict, _, _ = run(deployment=None)
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert verdict.evidence.stack.release_id == "new"
    assert len(aws.stamps) == 1
    assert aws.tagged["config-3"].startswith("ROLLED_BACK ")


@pytest.mark.parametrize("made", ["config-2", "", "gone"])
def test_without_a_pipeline_a_release_that_the_stack_did_not_make_is_not_said_to_be_rolled_back(
    made, run, aws, stack_made, refusal
):
    stack_made(made)
    if made == "gone":
        described = aws._describe_endpoint_config

        def gone(EndpointConfigName):  # noqa: N803
            if EndpointConfigName == "gone":
                raise refusal("ValidationException", "Could not find endpoint configuration")
            return described(EndpointConfigName)

        aws._describe_endpoint_config = gone
    verdict, _, _ = run(deployment=None)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.sentence.startswith("nothing tells that version 3 was ever on its way")
    assert verdict.notes == ()
    assert aws.stamps == []


def test_a_release_that_served_and_was_replaced_by_hand_is_not_said_to_be_rolled_back(run, aws):
    aws.tagged["config-3"] = "PROMOTED 20250101T000000Z"
    aws.stack = "UPDATE_COMPLETE"
    aws.event("sagemaker-p-1-prod", STACK, "UPDATE_IN_PROGRESS", -5000)
    aws._stack_resources = lambda StackName: {  # noqa: N803
        "StackResources": [
            {
                "LogicalResourceId": "EndpointConfig",
                "PhysicalResourceId": "config-3",
                "ResourceType": CONFIG,
                "ResourceStatus": "UPDATE_COMPLETE",
                "Timestamp": aws.began,
            }
        ]
    }
    aws.in_service("config-2", -1000)
    aws.deploy_action("InProgress")
    verdict, _, _ = run({20: lambda: aws.deploy_action("Succeeded")})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "which has served: something else has updated the endpoint since" in verdict.sentence
    assert aws.stamps == []


def test_a_mixed_fleet_marks_the_version_whose_alarm_fired(run, aws):
    def mixed() -> None:
        rolls_back(aws, stack_fails=True)()
        aws.change(EndpointStatus="UpdateRollbackFailed", FailureReason="the rollback failed too")

    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 300: mixed})
    assert verdict.outcome is Outcome.MIXED_FLEET
    assert aws.stamps[0]["ModelApprovalStatus"] == "PendingManualApproval"
    assert aws.tagged == {}
    assert aws.removed == []


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("ends", ["OK", "ALARM"])
def test_an_alarm_that_stood_before_the_release_marks_no_version(ends, data, run, aws):
    def rolled_back() -> None:
        aws.in_service("config-2", 300)
        aws.stack = "UPDATE_ROLLBACK_COMPLETE"
        aws.deploy_action("Failed")
        if ends == "OK":
            aws.alarm_ends(290, data=data)
        else:
            aws.alarm_state = "ALARM"

    aws.alarm_fires(-4000, "before")
    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 300: rolled_back})
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert "was in ALARM before its release began" in verdict.notes[-1]
    assert verdict.evidence.alarms[0].fired == ()
    assert aws.stamps == []


def test_what_the_stacks_own_rollback_did_is_not_taken_for_the_update(run, aws, stack_made):
    stack_made("config-3", "UPDATE_ROLLBACK_COMPLETE")
    aws.events.pop(0)
    aws.event("Endpoint", ENDPOINT, "UPDATE_FAILED", -4800, "it did not take it")
    aws.event("sagemaker-p-1-prod", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", -4700)
    aws.event("EndpointConfig", CONFIG, "UPDATE_COMPLETE", -4600)
    aws.events[0]["PhysicalResourceId"] = "config-2"
    aws.event("Endpoint", ENDPOINT, "UPDATE_COMPLETE", -4500)
    verdict, _, _ = run(deployment=None)
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert verdict.evidence.stack.release_id == "new"
    assert not verdict.evidence.stack.endpoint_updated


def test_an_alarm_that_fired_in_the_first_of_two_updates_is_not_missed(run, aws):
    def again() -> None:
        rolls_back(aws, stack_fails=True)()
        aws.updating()
        aws.endpoint["PendingDeploymentSummary"]["StartTime"] = aws.began + timedelta(seconds=320)

    aws.deploy_action("InProgress")
    verdict, _, _ = run({60: aws.updating, 300: again, 400: lambda: aws.in_service("config-2", 400)})
    assert len(verdict.evidence.alarms[0].fired) == 1
    assert "went into ALARM at 00:04:10" in verdict.sentence
