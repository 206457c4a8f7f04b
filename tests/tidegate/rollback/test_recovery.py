"""The runbook: what is seen, what follows from it, and the calls that botocore's model accepts."""

import pytest

from tests.tidegate.small_fleet import ENDPOINT, STACK, SmallFleet
from tidegate.errors import TidegateError
from tidegate.rollback import Action, Seen, Step, perform, recovery_steps, see


@pytest.fixture
def mixed() -> SmallFleet:
    """Return a fleet in which the rollback of the third release failed; the second was verified to serve."""
    fleet = SmallFleet(1, 2, 3, live=2)
    fleet.outcome(1, "PROMOTED")
    fleet.outcome(2, "PROMOTED")
    fleet.endpoint |= {"EndpointStatus": "UpdateRollbackFailed", "FailureReason": "it did not go"}
    return fleet


def look(fleet: SmallFleet, to: str | None = None) -> Seen:
    return see(fleet.sagemaker, fleet.cloudformation, ENDPOINT, STACK, to)


def steps(fleet: SmallFleet, to: str | None = None) -> tuple[Step, ...]:
    return recovery_steps(look(fleet, to))


def take(fleet: SmallFleet, step: Step) -> list:
    perform(fleet.sagemaker, fleet.cloudformation, step)
    return [call for call in fleet.calls if not call[0].startswith(("Describe", "List"))]


class TestMixedFleet:
    def test_the_endpoint_is_taken_to_what_was_verified_last_all_at_once_and_without_alarms(self, mixed):
        first, then = steps(mixed)
        assert first.what == f"update {ENDPOINT} to endpoint config Config-2, all at once and without alarms"
        assert take(mixed, first) == [
            (
                "UpdateEndpoint",
                {
                    "EndpointName": ENDPOINT,
                    "EndpointConfigName": "Config-2",
                    "DeploymentConfig": {
                        "BlueGreenUpdatePolicy": {
                            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
                            "TerminationWaitInSeconds": 0,
                        }
                    },
                    "RetainAllVariantProperties": True,
                },
            )
        ]
        assert then.action is None
        assert "call AWS support" in then.what

    def test_where_capacity_is_missing_it_goes_one_instance_at_a_time(self, mixed):
        mixed.endpoint["FailureReason"] = "Unable to provision requested ML compute capacity"
        step = steps(mixed)[0]
        assert "one instance at a time" in step.what
        ((_, asked),) = take(mixed, step)
        assert asked["DeploymentConfig"] == {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                "WaitIntervalInSeconds": 0,
            }
        }

    def test_a_batch_of_a_large_fleet_is_the_smallest_that_sagemaker_takes(self, mixed):
        mixed.endpoint["FailureReason"] = "no capacity"
        mixed.configs["Config-2"]["ProductionVariants"] = [mixed.variant("Model-2", count=21)]
        step = steps(mixed)[0]
        assert "2 instances at a time" in step.what
        assert step.parameters["DeploymentConfig"]["RollingUpdatePolicy"]["MaximumBatchSize"]["Value"] == 2

    def test_a_fleet_is_as_large_as_autoscaling_has_made_it(self, mixed):
        mixed.endpoint["FailureReason"] = "no capacity"
        mixed.endpoint["ProductionVariants"] = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 41}]
        assert "3 instances at a time" in steps(mixed)[0].what

    def test_a_single_instance_cannot_roll(self, mixed):
        mixed.endpoint["FailureReason"] = "no capacity"
        mixed.configs["Config-2"]["ProductionVariants"] = [mixed.variant("Model-2", count=1)]
        assert "all at once" in steps(mixed)[0].what

    def test_the_config_to_go_back_to_can_be_named(self, mixed):
        assert steps(mixed, "Config-1")[0].parameters["EndpointConfigName"] == "Config-1"

    def test_what_no_release_made_cannot(self, mixed):
        mixed.release(4, sagemaker__deployment_stage="staging")
        with pytest.raises(
            TidegateError, match="made an endpoint config Config-4; it has Config-3, Config-2, Config-1"
        ):
            look(mixed, "Config-4")

    def test_counts_are_kept_only_for_variants_that_stay(self, mixed):
        mixed.configs["Config-1"]["ProductionVariants"] = [mixed.variant("Model-1", "Main")]
        assert "RetainAllVariantProperties" not in steps(mixed, "Config-1")[0].parameters

    def test_where_nothing_tells_which_is_good_a_person_has_to(self, mixed):
        for number in (1, 2):
            del mixed.tags[f"endpoint-config/config-{number}"]["tidegate:outcome"]
        (step,) = steps(mixed)
        assert step.action is None
        assert step.what == "name the endpoint config to go back to with --to: Config-3, Config-2, Config-1"

    def test_what_was_rolled_back_is_not_gone_back_to(self, mixed):
        mixed.outcome(2, "ROLLED_BACK")
        assert steps(mixed)[0].parameters["EndpointConfigName"] == "Config-1"

    def test_an_endpoint_that_no_release_made_is_said_to_be_one(self, mixed):
        mixed.release(2, tidegate__release="")
        (step,) = steps(mixed)
        assert step.action is None
        assert "which no release made" in step.why


class TestStack:
    @pytest.fixture
    def stuck(self) -> SmallFleet:
        fleet = SmallFleet(1, 2, live=1)
        fleet.stack["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
        fleet.resources[2]["ResourceStatus"] = "UPDATE_FAILED"
        return fleet

    def test_its_rollback_is_continued_past_what_could_not_be_rolled_back(self, stuck):
        first, then = steps(stuck)
        assert take(stuck, first) == [("ContinueUpdateRollback", {"StackName": STACK, "ResourcesToSkip": ["Endpoint"]})]
        assert then.what == "release a good version through the pipeline"

    def test_without_a_resource_that_failed_nothing_is_passed_over(self, stuck):
        stuck.resources[2]["ResourceStatus"] = "UPDATE_COMPLETE"
        (step,) = steps(stuck)
        assert step.parameters == {"StackName": STACK}

    def test_another_resource_than_the_endpoint_needs_no_release(self, stuck):
        stuck.resources = [
            stuck.resource("Scaling", "AWS::ApplicationAutoScaling::ScalableTarget", "x", "UPDATE_FAILED")
        ]
        (step,) = steps(stuck)
        assert step.parameters["ResourcesToSkip"] == ["Scaling"]

    def test_it_waits_for_an_endpoint_that_is_mixed_itself(self, stuck):
        stuck.endpoint["EndpointStatus"] = "UpdateRollbackFailed"
        stuck.outcome(1, "PROMOTED")
        assert [step.action for step in steps(stuck)] == [Action.UPDATE_ENDPOINT, None, None, None]

    @pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
    def test_one_that_was_never_made_is_for_a_person_to_delete(self, status):
        fleet = SmallFleet(1, live=1)
        fleet.endpoint = None
        fleet.stack["StackStatus"] = status
        (step,) = steps(fleet)
        assert step.action is None
        assert f"delete the stack {STACK}, and release again" in step.what


class TestNothingOfTheKind:
    @pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
    def test_what_is_at_rest_has_nothing_to_recover(self, status):
        fleet = SmallFleet(1, live=1)
        fleet.stack["StackStatus"] = status
        assert steps(fleet) == ()

    def test_neither_endpoint_nor_stack(self):
        fleet = SmallFleet(1, live=1)
        fleet.endpoint = fleet.stack = None
        assert steps(fleet) == ()

    @pytest.mark.parametrize("status", ["Updating", "Creating", "SystemUpdating", "RollingBack"])
    def test_what_is_on_its_way_is_waited_for(self, status):
        fleet = SmallFleet(1, live=1)
        fleet.endpoint["EndpointStatus"] = status
        (step,) = steps(fleet)
        assert (step.what, step.action) == ("wait until it is at rest, and look again", None)

    def test_a_failed_endpoint_can_only_be_deleted(self):
        fleet = SmallFleet(1, live=1)
        fleet.endpoint |= {"EndpointStatus": "Failed", "FailureReason": "no ping"}
        (step,) = steps(fleet)
        assert (step.what, step.action) == (f"delete the stack {STACK} and release again", None)
        assert "no ping" in step.why

    def test_a_config_to_go_back_to_without_an_endpoint(self):
        fleet = SmallFleet(1, live=1)
        fleet.endpoint = None
        with pytest.raises(TidegateError, match="there is no endpoint shop-p-1-prod to take back to Config-1"):
            look(fleet, "Config-1")


def test_a_step_for_a_person_is_not_taken():
    with pytest.raises(ValueError, match="a person has to take this step: wait"):
        perform(None, None, Step("wait", "so"))


def test_a_config_with_a_test_in_it_is_not_gone_back_to(mixed):
    mixed.tags["endpoint-config/config-2"]["tidegate:release"] = "r1.m2"
    assert steps(mixed)[0].parameters["EndpointConfigName"] == "Config-1"


def test_what_came_to_serve_last_is_gone_back_to_whenever_it_was_made(mixed):
    mixed.tags["endpoint-config/config-1"]["tidegate:outcome"] = "PROMOTED 20260401T000000Z"
    assert steps(mixed)[0].parameters["EndpointConfigName"] == "Config-1"
