"""A release followed to its end on a clock that does not wait, against answers that botocore's model accepts."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.tidegate.small_registry import package_arn
from tidegate.clock import ManualClock
from tidegate.errors import TidegateError
from tidegate.render import Phase
from tidegate.verify import Deployment, Outcome, verify_release, watch

PACKAGE = package_arn(0).removesuffix("/0")
DEPLOYMENT = Deployment("sagemaker-p-1-modeldeploy", "execution-1")


class ScriptedClock(ManualClock):
    """A clock on which things happen: at each time given, its step is taken, once."""

    def __init__(self, start, steps) -> None:
        super().__init__(start)
        self._start, self._steps = start, dict(sorted(steps.items()))
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.pauses.append(seconds)
        passed = (self.now() - self._start).total_seconds()
        for due in [due for due in self._steps if due <= passed]:
            self._steps.pop(due)()


@pytest.fixture
def run(aws, asked):
    """Verify the release while the steps are taken; return the verdict, what was reported, and the clock."""

    def verify(steps=None, deployment=DEPLOYMENT, asked=asked, **more):
        clock, said = ScriptedClock(aws.began, steps or {}), []
        verdict = verify_release(
            asked, aws.clients(), clock, deployment=deployment, progress=said.append, spread=float, **more
        )
        return verdict, said, clock

    return verify


ENDPOINT, STACK, MODEL = "AWS::SageMaker::Endpoint", "AWS::CloudFormation::Stack", "AWS::SageMaker::Model"


@pytest.fixture
def stack_update(aws):
    """Let the stack's own events and the endpoint's be those of an update that began at 5 s."""

    def begin() -> None:
        aws.event("Endpoint", ENDPOINT, "UPDATE_FAILED", -5000, "an older failure")
        aws.event("sagemaker-p-1-prod", STACK, "UPDATE_IN_PROGRESS", 5)
        aws.event("Endpoint", ENDPOINT, "UPDATE_IN_PROGRESS", 50)

    return begin


def ends_well(aws):
    def step() -> None:
        aws.in_service("config-3", 1000)
        aws.stack = "UPDATE_COMPLETE"
        aws.deploy_action("Succeeded")

    return step


def rolls_back(aws, *, stack_fails: bool):
    def step() -> None:
        aws.in_service("config-2", 300)
        aws.alarm_fires(-4000, "in an earlier release")
        aws.alarm_fires(250)
        aws.stack = "UPDATE_ROLLBACK_COMPLETE" if stack_fails else "UPDATE_COMPLETE"
        if stack_fails:
            aws.event("Endpoint", ENDPOINT, "UPDATE_FAILED", 310, "the endpoint did not take the config")
        aws.deploy_action("Failed" if stack_fails else "Succeeded")

    return step


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


# What follows from a verdict


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


# Interrupted and resumed


class Interrupted(BaseException):
    """What Ctrl-C is to the code that it interrupts."""


def interrupt():
    raise Interrupted


def half_way(run, aws, file):
    """Interrupt the verify of a release of which a bake has been seen, and let the release end meanwhile."""
    aws.deploy_action("InProgress")
    with pytest.raises(Interrupted):
        run({60: aws.updating, 200: interrupt}, evidence=file)


def test_what_has_been_seen_is_in_the_file_while_it_is_watched(run, aws, tmp_path):
    file = tmp_path / "evidence" / "prod.json"
    half_way(run, aws, file)
    written = json.loads(file.read_text("utf-8"))
    assert (written["schema"], written["outcome"], written["exit_code"]) == ("tidegate.evidence/1", None, None)
    assert written["deployment"] == asdict(DEPLOYMENT)
    seen = written["evidence"]["seen"]
    assert seen["first_config"] == "config-2"
    assert [each["endpoint_status"] for each in seen["timeline"]] == ["InService", "Updating"]
    assert [path.name for path in file.parent.iterdir()] == ["prod.json"]


def test_an_interrupted_verify_is_resumed_and_judges_by_all_that_was_seen(run, aws, tmp_path):
    file = tmp_path / "prod.json"
    half_way(run, aws, file)
    rolls_back(aws, stack_fails=False)()
    verdict, said, _ = run(evidence=file, resume=True)
    assert said[0] == f"going on from 2 sightings in {file}"
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert verdict.evidence.previous.name == "config-2"
    assert verdict.evidence.tried.name == "config-3"
    assert [each.variant_status for each in verdict.evidence.timeline] == ["", "Baking", ""]
    assert json.loads(file.read_text("utf-8"))["outcome"] == "ROLLED_BACK"


def test_resuming_what_has_its_verdict_gives_the_same_again(run, aws, tmp_path):
    file = tmp_path / "prod.json"
    aws.deploy_action("InProgress")
    first, _, _ = run({60: aws.updating, 300: rolls_back(aws, stack_fails=True)}, evidence=file)
    again, _, _ = run(evidence=file, resume=True)
    assert (again.outcome, again.sentence) == (first.outcome, first.sentence)


def test_without_resume_nothing_of_the_file_is_taken(run, aws, tmp_path):
    file = tmp_path / "prod.json"
    half_way(run, aws, file)
    ends_well(aws)()
    verdict, _, _ = run(evidence=file)
    assert [each.config_name for each in verdict.evidence.timeline] == ["config-3"]


@pytest.mark.parametrize(
    "other", [{}, {"release_id": "newer"}, {"phase": Phase.LIVE}, {"endpoint_name": "shop-p-1-staging"}]
)
def test_what_was_seen_of_another_release_or_another_execution_is_not_evidence(other, run, aws, asked, tmp_path):
    file = tmp_path / "prod.json"
    half_way(run, aws, file)
    ends_well(aws)()
    change = {"asked": asked.model_copy(update=other)} if other else {"deployment": None}
    _, said, _ = run(evidence=file, resume=True, **change)
    assert said[0] == "there is nothing to go on from"


def test_resuming_from_nothing_is_beginning(run, aws, tmp_path):
    aws.deploy_action("InProgress")
    verdict, said, _ = run({60: aws.updating, 1000: ends_well(aws)}, evidence=tmp_path / "prod.json", resume=True)
    assert said[0] == "there is nothing to go on from"
    assert verdict.outcome is Outcome.PROMOTED


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "another"}', "instances: 4\n", "null"])
def test_a_file_that_is_no_evidence_is_not_written_over(content, run, tmp_path):
    file = tmp_path / "prod.yml"
    file.write_text(content)
    with pytest.raises(TidegateError, match="is no evidence of a release"):
        run(evidence=file, resume=True)
    assert file.read_text() == content


WRITES_FOR_EVER = """
import sys
from pathlib import Path
from tidegate.verify.record import write_document
number = 0
while True:
    number += 1
    write_document({"number": number, "ballast": ["x" * 1000] * 200, "again": number}, Path(sys.argv[1]))
"""


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path):
    file = tmp_path / "prod.json"
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER, str(file)])
        deadline = time.monotonic() + 30
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.03)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        written = json.loads(file.read_text("utf-8"))
        assert written["number"] == written["again"]


def test_the_evidence_of_a_verdict_is_written_as_json(run, aws, tmp_path):
    aws.deploy_action("InProgress")
    file = tmp_path / "evidence" / "prod.json"
    run({60: aws.updating, 300: rolls_back(aws, stack_fails=False)}, evidence=file)
    written = json.loads(file.read_text("utf-8"))
    assert (written["outcome"], written["exit_code"]) == ("ROLLED_BACK", 3)
    assert written["evidence"]["previous"]["release_id"] == "old"
    assert written["evidence"]["tried"]["release_id"] == "new"


# What the stack tells of the release


CONFIG = "AWS::SageMaker::EndpointConfig"


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
