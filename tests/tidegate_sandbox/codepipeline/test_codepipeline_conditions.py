"""Conditions of a stage's entry: what they are, what they let in, and what is told of a stage that was passed over."""

import json
from copy import deepcopy
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from pipeline_journey import Journey

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.conditions import Rule, check, read, state_of_alarm

KIND = {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"}


def rule(variable: str, operator: str, value: str, name: str = "check") -> dict[str, Any]:
    configuration = {"Variable": variable, "Operator": operator, "Value": value}
    return {"name": name, "ruleTypeId": KIND, "configuration": configuration}


def alarm(**configuration: str) -> dict[str, Any]:
    return {"name": "quiet", "ruleTypeId": {**KIND, "provider": "CloudWatchAlarm"}, "configuration": configuration}


def other(provider: str, **rest: Any) -> dict[str, Any]:
    return {"name": "check", "ruleTypeId": {**KIND, "provider": provider}, **rest}


def entry(result: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": [{"result": result, "rules": list(rules)}]}


@pytest.mark.parametrize(
    ("operator", "found", "wanted", "passes"),
    [
        ("EQ", "yes", "yes", True),
        ("EQ", "yes", "Yes", False),
        ("NE", "yes", "no", True),
        ("NE", "yes", "yes", False),
        ("CONTAINS", "an update", "update", True),
        ("CONTAINS", "an update", "release", False),
        ("MATCHES", "release-12", "release-[0-9]+", True),
        ("MATCHES", "a release-12", "release-[0-9]+", False),
    ],
)
def test_a_variable_is_held_against_a_value(operator: str, found: str, wanted: str, passes: bool) -> None:
    checked = check(Rule("r", {"Variable": "#{A.B}", "Operator": operator, "Value": wanted}), {"A": {"B": found}})

    assert checked.passed is passes
    assert checked.configuration == {"Variable": found, "Operator": operator, "Value": wanted}
    assert found in checked.summary
    assert wanted in checked.summary


@pytest.mark.parametrize(
    ("states", "found", "passes"),
    [
        ({}, "ALARM", False),
        ({}, "OK", True),
        ({}, "INSUFFICIENT_DATA", True),
        ({"AlarmStates": "ALARM, INSUFFICIENT_DATA"}, "INSUFFICIENT_DATA", False),
        ({"AlarmStates": "OK"}, "ALARM", True),
        ({}, None, False),
    ],
)
def test_an_alarm_is_held_against_the_states_that_it_must_not_be_in(
    states: dict[str, str], found: str | None, passes: bool
) -> None:
    rule = Rule("r", {"AlarmName": "#{A.B}", **states}, "CloudWatchAlarm")

    checked = state_of_alarm(rule, {"A": {"B": "demo"}}, {"demo": found}.__getitem__)

    assert checked.passed is passes
    assert "alarm demo" in checked.summary


@given(st.text(), st.text())
def test_equals_and_does_not_equal_are_opposites(found: str, wanted: str) -> None:
    def passes(operator: str) -> bool:
        configuration = {"Variable": "#{A.B}", "Operator": operator, "Value": "#{A.C}"}
        return check(Rule("r", configuration), {"A": {"B": found, "C": wanted}}).passed

    assert passes("EQ") is not passes("NE")


@pytest.mark.parametrize(
    ("configuration", "sentence"),
    [
        ({"Variable": "#{A.ABSENT}", "Operator": "NE", "Value": "x"}, "#{A.ABSENT} has no value"),
        ({"Variable": "#{A.B}", "Operator": "MATCHES", "Value": "["}, "is no regular expression"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_does_not_pass_and_says_why(
    configuration: dict[str, str], sentence: str
) -> None:
    checked = check(Rule("r", configuration), {"A": {"B": "yes"}})

    assert (checked.passed, checked.error_code) == (False, "ConfigurationError")
    assert sentence in checked.summary


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a result of failures": (entry("ROLLBACK", rule("a", "EQ", "b")), "is FAIL or SKIP, not ROLLBACK"),
    "no rule": (entry("SKIP"), "at least one rule"),
    "two of a name": (entry("SKIP", rule("a", "EQ", "b"), rule("a", "NE", "b")), "each of a name of its own"),
    "another provider": (
        entry("FAIL", {**rule("a", "EQ", "b"), "ruleTypeId": {**KIND, "provider": "Jenkins"}}),
        "Jenkins is not in the local simulation, which has VariableCheck, CloudWatchAlarm, DeploymentWindow",
    ),
    "an operator that is none": (entry("SKIP", rule("a", "GT", "1")), "Operator is GT; it must be one of EQ, NE"),
    "a key too few": (
        entry("SKIP", {**rule("a", "EQ", "b"), "configuration": {"Variable": "a", "Operator": "EQ"}}),
        "configuration lacks Value",
    ),
    "no alarm": (entry("FAIL", alarm()), "configuration lacks AlarmName"),
    "a state that is none": (entry("FAIL", alarm(AlarmName="a", AlarmStates="ALARM,BAD")), "AlarmStates has BAD"),
    "no minutes": (entry("FAIL", alarm(AlarmName="a", WaitTime="1 h")), "WaitTime is 1 h"),
    "an alarm that skips": (
        entry("SKIP", alarm(AlarmName="a")),
        "whose result is SKIP are LambdaInvoke and VariableCheck, not CloudWatchAlarm",
    ),
    "no window": (
        entry("FAIL", other("DeploymentWindow", configuration={"Cron": "0 9 * * ?"})),
        "it has six fields or seven",
    ),
    "no commands": (entry("FAIL", other("Commands", inputArtifacts=[{"name": "Source"}])), "commands are missing"),
    "commands of several lines": (
        entry("FAIL", other("Commands", commands=["true\nfalse"], inputArtifacts=[{"name": "Source"}])),
        "a command is one line",
    ),
    "commands on nothing": (entry("FAIL", other("Commands", commands=["true"])), "has 0 input artifacts"),
    "a build of nothing": (entry("FAIL", other("CodeBuild")), "configuration lacks ProjectName"),
    "commands": (
        entry("FAIL", {**rule("a", "EQ", "b"), "commands": ["true"]}),
        "commands are for Commands, not for VariableCheck",
    ),
    "another region": (entry("FAIL", {**rule("a", "EQ", "b"), "region": "eu-west-2"}), "rules in other regions"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_condition_that_is_wrong_or_not_simulated_is_refused_by_name(case: str) -> None:
    declared, sentence = REFUSED[case]

    with pytest.raises(AwsError) as refused:
        read(deepcopy(declared), "Prod", "eu-west-1")

    assert refused.value.code == "InvalidStageDeclarationException"
    assert refused.value.message.startswith("stage Prod")
    assert sentence in refused.value.message


def test_a_rule_may_refer_only_to_what_ran_before_its_stage(journey: Journey) -> None:
    late = {"actions": [journey.approval(namespace="Late")], "beforeEntry": entry("SKIP", rule("#{Late.X}", "EQ", "1"))}

    with pytest.raises(ClientError, match=r"stage S1, rule check: #\{Late.X\} is of no namespace of an action"):
        journey.create(late)


def test_a_rule_may_look_only_at_what_was_made_before_it(journey: Journey) -> None:
    looks = other("Commands", commands=["true"], inputArtifacts=[{"name": "Late"}])
    late = {
        "actions": [journey.build("Build", "any", outputArtifacts=[{"name": "Late"}])],
        "beforeEntry": entry("FAIL", looks),
    }

    with pytest.raises(ClientError, match="stage S1, rule check: input artifact Late is no output of an action"):
        journey.create(late)


def test_conditions_need_a_pipeline_of_type_v2(journey: Journey) -> None:
    guarded = {"actions": [journey.approval()], "beforeEntry": entry("SKIP", rule("#{Source.BranchName}", "EQ", "x"))}

    with pytest.raises(ClientError, match="conditions of stages need a pipeline of type V2"):
        journey.create(guarded, pipelineType="V1", executionMode="SUPERSEDED")


def test_a_variable_of_a_build_decides_which_stages_are_passed_over(journey: Journey) -> None:
    render = journey.project(
        "render",
        "printf 'APPROVAL=none\\nRELEASE=yes\\n' > pipeline.env",
        "set -a; . ./pipeline.env; set +a",
        env={"shell": "bash", "exported-variables": ["APPROVAL", "RELEASE"]},
    )
    mark = journey.project("mark", "true")

    execution = journey.create(
        [journey.build("Render", render, namespace="Render")],
        {"actions": [journey.approval()], "beforeEntry": entry("SKIP", rule("#{Render.APPROVAL}", "EQ", "manual"))},
        {
            "actions": [journey.build("Release", mark)],
            "beforeEntry": entry(
                "SKIP",
                rule("#{Render.RELEASE}", "EQ", "yes", "release"),
                rule("#{Source.BranchName}", "EQ", "main", "branch"),
            ),
        },
    )
    journey.becomes(execution, "Succeeded")

    assert set(journey.actions(execution)) == {"Source", "Render", "Release"}
    passed_over, entered = journey.stage("S2"), journey.stage("S3")
    assert passed_over["latestExecution"] == {"pipelineExecutionId": execution, "status": "Skipped"}
    assert passed_over["beforeEntryConditionState"]["latestExecution"]["status"] == "Failed"
    assert "#{Render.APPROVAL} is none" in passed_over["beforeEntryConditionState"]["latestExecution"]["summary"]
    assert entered["latestExecution"]["status"] == "Succeeded"
    assert entered["beforeEntryConditionState"]["latestExecution"] == {"status": "Succeeded"}
    rules = {
        one["ruleName"]: one
        for one in journey.client.list_rule_executions(
            pipelineName=journey.name, filter={"pipelineExecutionId": execution}
        )["ruleExecutionDetails"]
    }
    assert {name: one["status"] for name, one in rules.items()} == {
        "check": "Failed",
        "release": "Succeeded",
        "branch": "Succeeded",
    }
    assert rules["check"]["input"]["resolvedConfiguration"]["Variable"] == "none"
    with pytest.raises(journey.client.exceptions.StageNotRetryableException):
        journey.client.retry_stage_execution(
            pipelineName=journey.name, stageName="S2", pipelineExecutionId=execution, retryMode="ALL_ACTIONS"
        )
    succeeded_there = {"succeededInStage": {"stageName": "S2"}}
    listed = journey.client.list_pipeline_executions(pipelineName=journey.name, filter=succeeded_there)
    assert listed["pipelineExecutionSummaries"] == [], "a stage that was passed over has not succeeded"


@pytest.mark.parametrize(
    ("result", "variable", "condition", "sentence"),
    [
        ("FAIL", "#{Source.BranchName}", "Failed", "#{Source.BranchName} is main"),
        ("SKIP", "#{Source.Absent}", "Errored", "#{Source.Absent} has no value"),
    ],
    ids=["not met", "cannot be evaluated"],
)
def test_a_stage_that_may_not_be_entered_fails_the_execution_without_an_action(
    journey: Journey, result: str, variable: str, condition: str, sentence: str
) -> None:
    guarded = {"actions": [journey.approval()], "beforeEntry": entry(result, rule(variable, "EQ", "release"))}

    execution = journey.create(guarded)
    journey.becomes(execution, "Failed")

    stage = journey.stage("S1")
    assert stage["latestExecution"]["status"] == "Failed"
    assert stage["beforeEntryConditionState"]["latestExecution"]["status"] == condition
    assert set(journey.actions(execution)) == {"Source"}
    found = journey.client.get_pipeline_execution(pipelineName=journey.name, pipelineExecutionId=execution)
    assert sentence in found["pipelineExecution"]["statusSummary"]


def test_an_execution_that_passes_a_stage_over_lets_the_next_one_in(journey: Journey) -> None:
    last = {"actions": [journey.approval()], "beforeEntry": entry("SKIP", rule("#{variables.ASK}", "EQ", "yes"))}
    journey.client.create_pipeline(
        pipeline=journey.declaration(last, variables=[{"name": "ASK", "defaultValue": "no"}])
    )
    first = str(journey.executions()[0]["pipelineExecutionId"])
    journey.becomes(first, "Succeeded")

    second = journey.start(variables=[{"name": "ASK", "value": "yes"}])
    journey.answer(journey.token())
    journey.becomes(second, "Succeeded")

    assert set(journey.actions(second)) == {"Source", "Approve"}
    assert journey.stage("S1")["latestExecution"] == {"pipelineExecutionId": second, "status": "Succeeded"}


def test_cloudformation_takes_conditions_as_the_api_does(journey: Journey, sandbox: Any) -> None:
    declared = journey.declaration(
        {"actions": [journey.approval()], "beforeEntry": entry("SKIP", rule("#{Source.BranchName}", "EQ", "x"))}
    )
    properties = _pascal(declared) | {"DisableInboundStageTransitions": [{"StageName": "S1", "Reason": "not yet"}]}
    template = {"Resources": {"Pipeline": {"Type": "AWS::CodePipeline::Pipeline", "Properties": properties}}}
    cloudformation = sandbox.client("cloudformation")

    cloudformation.create_stack(StackName=journey.name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=journey.name, WaiterConfig={"Delay": 0.2})

    execution = str(journey.executions()[0]["pipelineExecutionId"])
    transition = journey.stage("S1")["inboundTransitionState"]
    assert (transition["enabled"], transition["disabledReason"]) == (False, "not yet")
    journey.client.enable_stage_transition(pipelineName=journey.name, stageName="S1", transitionType="Inbound")
    journey.becomes(execution, "Succeeded")
    assert journey.stage("S1")["latestExecution"]["status"] == "Skipped"


def _pascal(value: Any, key: str = "") -> Any:
    """Spell a declaration as CloudFormation does; what is in a configuration is spelt by its action or rule."""
    if isinstance(value, dict) and key != "configuration":
        return {name[0].upper() + name[1:]: _pascal(each, name) for name, each in value.items()}
    return [_pascal(each) for each in value] if isinstance(value, list) else value
