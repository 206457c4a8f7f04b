"""Stages that are rolled back, conditions that are overridden, transitions that are closed, executions side by side."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipeline_journey import Journey

RULE = {"category": "Rule", "owner": "AWS", "version": "1"}


def condition(result: str, provider: str, **configuration: str) -> dict[str, Any]:
    rule = {"name": provider, "ruleTypeId": {**RULE, "provider": provider}, "configuration": configuration}
    return {"conditions": [{"result": result, "rules": [rule]}]}


def told(journey: Journey, execution: str) -> dict[str, Any]:
    return dict(
        journey.client.get_pipeline_execution(pipelineName=journey.name, pipelineExecutionId=execution)[
            "pipelineExecution"
        ]
    )


def rollbacks(journey: Journey) -> list[dict[str, Any]]:
    return [one for one in journey.executions() if one["executionType"] == "ROLLBACK"]


def test_a_stage_that_fails_is_rolled_back_to_the_last_execution_that_succeeded_in_it(journey: Journey) -> None:
    deploy = journey.project("deploy", "grep hello word.txt")
    after = journey.project("after", "true")
    first = journey.create(
        {"actions": [journey.build("Deploy", deploy)], "onFailure": {"result": "ROLLBACK"}},
        [journey.build("After", after)],
    )
    journey.becomes(first, "Succeeded")
    journey.push({"word.txt": "broken"})

    second = journey.start()
    journey.becomes(second, "Failed")
    [back] = journey.eventually(lambda: rollbacks(journey))
    journey.becomes(back["pipelineExecutionId"], "Succeeded")

    assert set(journey.actions(back["pipelineExecutionId"])) == {"Deploy"}, "no stage but the one that failed"
    found = told(journey, back["pipelineExecutionId"])
    assert found["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": first}
    assert found["trigger"] == {"triggerType": "AutomatedRollback", "triggerDetail": second}
    assert found["artifactRevisions"] == told(journey, first)["artifactRevisions"]

    by_hand = journey.client.rollback_stage(pipelineName=journey.name, stageName="S2", targetPipelineExecutionId=first)[
        "pipelineExecutionId"
    ]
    journey.becomes(by_hand, "Succeeded")
    assert told(journey, by_hand)["trigger"]["triggerType"] == "ManualRollback"

    for stage, target in (("Source", first), ("S1", second), ("S1", by_hand)):
        with pytest.raises(journey.client.exceptions.UnableToRollbackStageException):
            journey.client.rollback_stage(pipelineName=journey.name, stageName=stage, targetPipelineExecutionId=target)


def test_what_may_not_be_rolled_back_to_leaves_a_failure_as_it_is(journey: Journey) -> None:
    broken = journey.project("broken", "false")

    execution = journey.create({"actions": [journey.build("Deploy", broken)], "onFailure": {"result": "ROLLBACK"}})
    journey.becomes(execution, "Failed")

    assert rollbacks(journey) == []
    assert "no execution that S1 could be rolled back to" in told(journey, execution)["statusSummary"]


def test_conditions_at_both_ends_of_a_stage_stop_it_until_they_are_overridden(journey: Journey, sandbox: Any) -> None:
    cloudwatch, sound = sandbox.client("cloudwatch"), journey.project("sound", "true")
    cloudwatch.put_metric_alarm(
        AlarmName=journey.name,
        Namespace=journey.name,
        MetricName="none",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
    )
    guarded = {
        "actions": [journey.build("Deploy", sound)],
        "beforeEntry": condition("FAIL", "CloudWatchAlarm", AlarmName=journey.name, WaitTime="1"),
        "onSuccess": condition("FAIL", "VariableCheck", Variable="#{Source.BranchName}", Operator="EQ", Value="x"),
    }
    execution = journey.create(guarded, [journey.build("After", sound)])

    def override(when: str) -> None:
        journey.client.override_stage_condition(
            pipelineName=journey.name, stageName="S1", pipelineExecutionId=execution, conditionType=when
        )

    journey.becomes(execution, "Failed")
    assert set(journey.actions(execution)) == {"Source"}
    assert f"the alarm {journey.name} is in state ALARM" in told(journey, execution)["statusSummary"]
    with pytest.raises(journey.client.exceptions.ConditionNotOverridableException):
        override("ON_SUCCESS")

    override("BEFORE_ENTRY")
    journey.eventually(lambda: "onSuccessConditionState" in journey.stage("S1"))
    journey.becomes(execution, "Failed")
    assert journey.actions(execution)["Deploy"]["status"] == "Succeeded"
    assert journey.stage("S1")["latestExecution"]["status"] == "Failed"

    override("ON_SUCCESS")
    journey.becomes(execution, "Succeeded")
    assert "After" in journey.actions(execution)
    state = journey.stage("S1")
    assert state["beforeEntryConditionState"]["latestExecution"]["status"] == "Overridden"
    assert state["onSuccessConditionState"]["latestExecution"]["status"] == "Overridden"
    listed = journey.client.list_rule_executions(pipelineName=journey.name)["ruleExecutionDetails"]
    assert [one["input"]["ruleTypeId"]["provider"] for one in listed] == ["VariableCheck", "CloudWatchAlarm"]


def test_nobody_enters_a_stage_whose_transition_is_disabled(journey: Journey) -> None:
    sound = journey.project("sound", "true")
    first = journey.create([journey.build("Deploy", sound)])
    journey.becomes(first, "Succeeded")
    transition = {"pipelineName": journey.name, "stageName": "S1", "transitionType": "Inbound"}
    journey.client.disable_stage_transition(**transition, reason="a holiday")

    second = journey.start()
    waiting = journey.eventually(lambda: (now := journey.stage("S1")).get("inboundExecution") and now)
    assert waiting["inboundExecution"] == {"pipelineExecutionId": second, "status": "InProgress"}
    assert waiting["inboundTransitionState"]["disabledReason"] == "a holiday"
    assert set(journey.actions(second)) == {"Source"}

    journey.client.enable_stage_transition(**transition)
    journey.becomes(second, "Succeeded")
    assert journey.stage("S1")["inboundTransitionState"] == {"enabled": True}


def test_nobody_leaves_a_stage_whose_outbound_transition_is_disabled(journey: Journey) -> None:
    transition = {"pipelineName": journey.name, "stageName": "S1", "transitionType": "Outbound"}
    execution = journey.create([journey.approval()], [journey.approval()])
    token = journey.token()
    journey.client.disable_stage_transition(**transition, reason="tests by hand")
    journey.answer(token)

    waiting = journey.eventually(lambda: (now := journey.stage("S2")).get("inboundExecution") and now)
    assert waiting["inboundExecution"] == {"pipelineExecutionId": execution, "status": "InProgress"}
    assert waiting["inboundTransitionState"]["disabledReason"] == "tests by hand"
    assert journey.stage("S1")["latestExecution"]["status"] == "Succeeded"

    journey.client.enable_stage_transition(**transition)
    journey.answer(journey.token("S2"), stage="S2")
    journey.becomes(execution, "Succeeded")
    with pytest.raises(ClientError, match="S2 is the last, so no transition leads out of it"):
        journey.client.disable_stage_transition(**{**transition, "stageName": "S2"}, reason="none")


def test_in_parallel_mode_executions_are_in_a_stage_at_the_same_time(journey: Journey) -> None:
    first = journey.create([journey.approval()], executionMode="PARALLEL")
    second = journey.start()

    def asked(execution: str) -> Any:
        return journey.actions(execution).get("Approve", {}).get("status") == "InProgress"

    journey.eventually(lambda: asked(first) and asked(second))

    for execution in (first, second):
        journey.client.stop_pipeline_execution(pipelineName=journey.name, pipelineExecutionId=execution, abandon=True)
        journey.becomes(execution, "Stopped")
