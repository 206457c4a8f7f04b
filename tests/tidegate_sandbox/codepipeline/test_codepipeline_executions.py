"""Pipelines as they run against CodeCommit, CodeBuild, CloudFormation and people, seen through boto3."""

import json
import os
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipeline_journey import ROLE, Journey

QUEUE_TEMPLATE = {
    "Parameters": {"Name": {"Type": "String"}},
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}},
    "Outputs": {"QueueName": {"Value": {"Ref": "Name"}}},
}


def test_a_commit_travels_through_builds_as_artifacts_and_variables(journey: Journey) -> None:
    commit = journey.push({"word.txt": "tide\n"}, "Change the word")
    make = journey.project(
        "make",
        'test "$(cat word.txt)" = tide',
        'test "$CODEBUILD_RESOLVED_SOURCE_VERSION" = "$COMMIT"',
        "mkdir out && tr a-z A-Z < word.txt > out/loud.txt && chmod +x out/loud.txt",
        "export LOUD=$(cat out/loud.txt)",
        env={"exported-variables": ["LOUD"]},
        artifacts={"files": ["**/*"], "base-directory": "out"},
    )
    check = journey.project(
        "check",
        'test "$(cat "$CODEBUILD_SRC_DIR_Loud/loud.txt")" = "$LOUD"',
        'test -x "$CODEBUILD_SRC_DIR_Loud/loud.txt"',
        "test -f word.txt",
        'test -n "$EXECUTION"',
    )
    variables = json.dumps([{"name": "COMMIT", "value": "#{Source.CommitId}"}])
    more = json.dumps(
        [
            {"name": "LOUD", "value": "#{Make.LOUD}"},
            {"name": "EXECUTION", "value": "#{codepipeline.PipelineExecutionId}"},
        ]
    )

    execution = journey.create(
        [
            journey.build(
                "Make",
                make,
                namespace="Make",
                configuration={"EnvironmentVariables": variables},
                outputArtifacts=[{"name": "Loud"}],
            )
        ],
        [
            journey.build(
                "Check",
                check,
                inputArtifacts=[{"name": "Loud"}, {"name": "Source"}],
                configuration={"PrimarySource": "Source", "EnvironmentVariables": more},
            )
        ],
    )
    journey.becomes(execution, "Succeeded")

    actions = journey.actions(execution)
    assert actions["Source"]["output"]["outputVariables"]["CommitId"] == commit
    assert actions["Source"]["output"]["executionResult"]["externalExecutionSummary"] == "Change the word"
    assert actions["Make"]["output"]["outputVariables"] == {"LOUD": "TIDE"}
    assert commit in actions["Make"]["input"]["resolvedConfiguration"]["EnvironmentVariables"]
    assert journey.artifact(execution, "Make").namelist() == ["loud.txt"]
    [summary] = journey.executions()
    assert summary["trigger"]["triggerType"] == "CreatePipeline"
    assert summary["sourceRevisions"][0]["revisionId"] == commit


def test_a_failed_build_fails_its_action_with_the_command_and_the_pipeline_stops_there(journey: Journey) -> None:
    broken, after = journey.project("broken", "exit 3"), journey.project("after", "true")

    execution = journey.create([journey.build("Broken", broken)], [journey.build("After", after)])
    journey.becomes(execution, "Failed")

    actions = journey.actions(execution)
    result = actions["Broken"]["output"]["executionResult"]
    assert result["errorDetails"]["code"] == "JobFailed"
    assert "Error while executing command: exit 3. Reason: exit status 3" in result["errorDetails"]["message"]
    assert result["externalExecutionId"].startswith(broken)
    assert "After" not in actions


def test_actions_of_one_run_order_run_side_by_side_and_all_end_before_the_stage_is_judged(journey: Journey) -> None:
    # Each waits for the other's mark, so neither could end alone; one fails long before the other ends.
    marks = journey.folder
    first = journey.project(
        "first", f"touch {marks}/first", f"until test -e {marks}/second; do sleep 0.05; done", "false"
    )
    second = journey.project(
        "second", f"touch {marks}/second", f"until test -e {marks}/first; do sleep 0.05; done", "sleep 2"
    )

    execution = journey.create(
        [journey.build("First", first), journey.build("Second", second), journey.approval(runOrder=2)]
    )
    journey.becomes(execution, "Failed")

    actions = journey.actions(execution)
    assert (actions["First"]["status"], actions["Second"]["status"]) == ("Failed", "Succeeded")
    assert "Approve" not in actions
    assert actions["First"]["lastUpdateTime"] < actions["Second"]["lastUpdateTime"]


def test_several_outputs_come_from_secondary_artifacts(journey: Journey) -> None:
    project = journey.project(
        "two",
        "echo a > a.txt; echo b > b.txt",
        artifacts={"secondary-artifacts": {"A": {"files": ["a.txt"]}, "B": {"files": ["b.txt"]}}},
    )

    execution = journey.create([journey.build("Two", project, outputArtifacts=[{"name": "A"}, {"name": "B"}])])
    journey.becomes(execution, "Succeeded")

    outputs = journey.actions(execution)["Two"]["output"]["outputArtifacts"]
    assert [one["name"] for one in outputs] == ["A", "B"]


def test_an_approval_waits_for_its_token_and_lets_the_execution_go_on(journey: Journey) -> None:
    execution = journey.create([journey.approval(configuration={"CustomData": "Look at #{Source.CommitMessage}"})])
    token = journey.token()

    with pytest.raises(journey.client.exceptions.InvalidApprovalTokenException):
        journey.answer(str(uuid.uuid4()))
    assert journey.status(execution) == "InProgress"
    journey.answer(token, summary="looks good")
    journey.becomes(execution, "Succeeded")

    approve = journey.actions(execution)["Approve"]
    assert approve["input"]["resolvedConfiguration"]["CustomData"] == "Look at A commit"
    assert approve["output"]["executionResult"]["externalExecutionSummary"] == "looks good"
    with pytest.raises(ClientError) as again:
        journey.answer(token)
    assert again.value.response["Error"]["Code"] in (
        "InvalidApprovalTokenException",
        "ApprovalAlreadyCompletedException",
    )


def test_a_rejection_fails_the_execution_with_what_was_said(journey: Journey) -> None:
    execution = journey.create([journey.approval()])

    journey.answer(journey.token(), "Rejected", "not this one")
    journey.becomes(execution, "Failed")

    assert journey.summary(execution, "Approve") == "not this one"


def test_an_approval_that_nobody_answers_fails_when_its_time_is_up(journey: Journey) -> None:
    # Five minutes of the sandbox's clock, which runs sixty times the wall.
    execution = journey.create([journey.approval(timeoutInMinutes=5)])

    journey.becomes(execution, "Failed")

    assert journey.summary(execution, "Approve") == "Nobody answered within 5 minutes"


def test_a_stack_is_created_updated_left_alone_and_its_failure_explained(journey: Journey, sandbox: Any) -> None:
    def files(queue: str, template: dict[str, Any] = QUEUE_TEMPLATE) -> dict[str, str]:
        settings = {"Parameters": {"Name": queue}, "Tags": {"team": "tide"}}
        return {"t.json": json.dumps(template), "c.json": json.dumps(settings)}

    deploy = journey.action(
        "Deploy",
        "Deploy",
        "CloudFormation",
        namespace="Stack",
        inputArtifacts=[{"name": "Source"}],
        configuration={
            "ActionMode": "CREATE_UPDATE",
            "StackName": journey.name,
            "RoleArn": ROLE,
            "TemplatePath": "Source::t.json",
            "TemplateConfiguration": "Source::c.json",
            "Capabilities": "CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND",
        },
    )
    cloudformation = sandbox.client("cloudformation")

    def stack() -> dict[str, Any]:
        return dict(cloudformation.describe_stacks(StackName=journey.name)["Stacks"][0])

    journey.push(files(f"{journey.name}-a"))
    created = journey.create([deploy])
    journey.becomes(created, "Succeeded")
    assert stack()["StackStatus"] == "CREATE_COMPLETE"
    assert stack()["Tags"] == [{"Key": "team", "Value": "tide"}]
    assert journey.actions(created)["Deploy"]["output"]["outputVariables"] == {"QueueName": f"{journey.name}-a"}

    unchanged = journey.start()
    journey.becomes(unchanged, "Succeeded")
    assert "No updates are to be performed" in journey.summary(unchanged, "Deploy")

    journey.push(files(f"{journey.name}-b"))
    updated = journey.start()
    journey.becomes(updated, "Succeeded")
    assert stack()["StackStatus"] == "UPDATE_COMPLETE"

    broken = json.loads(json.dumps(QUEUE_TEMPLATE))
    broken["Resources"]["Repository"] = {
        "Type": "AWS::CodeCommit::Repository",
        "Properties": {"RepositoryName": journey.name},
    }
    journey.push(files(f"{journey.name}-b", broken))
    failed = journey.start()
    journey.becomes(failed, "Failed")
    assert "Repository (AWS::CodeCommit::Repository)" in journey.summary(failed, "Deploy")
    assert "already exists" in journey.summary(failed, "Deploy")


def test_a_stack_is_replaced_where_it_failed_changed_by_a_change_set_and_deleted(
    journey: Journey, sandbox: Any
) -> None:
    def deploy(name: str, order: int, mode: str, **configuration: Any) -> dict[str, Any]:
        return journey.action(
            name,
            "Deploy",
            "CloudFormation",
            runOrder=order,
            inputArtifacts=[{"name": "Source"}],
            configuration={"ActionMode": mode, "StackName": journey.name, **configuration},
        )

    cloudformation, sqs = sandbox.client("cloudformation"), sandbox.client("sqs")
    taken = {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}}
    cloudformation.create_stack(StackName=journey.name, TemplateBody=json.dumps({"Resources": taken}))

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName=journey.name)["Stacks"][0]["StackStatus"])

    journey.eventually(lambda: status() == "ROLLBACK_COMPLETE")
    journey.push({"t.json": json.dumps(QUEUE_TEMPLATE)})
    template = {"RoleArn": ROLE, "TemplatePath": "Source::t.json"}
    first, second = (json.dumps({"Name": f"{journey.name}-{which}"}) for which in "ab")
    change = {"ChangeSetName": "change"}
    execution = journey.create(
        [
            deploy("Replace", 1, "REPLACE_ON_FAILURE", **template, ParameterOverrides=first),
            deploy("Change", 2, "CHANGE_SET_REPLACE", **template, **change, ParameterOverrides=second),
            deploy("Execute", 3, "CHANGE_SET_EXECUTE", **change),
            deploy("Again", 4, "CHANGE_SET_REPLACE", **template, **change, ParameterOverrides=second),
            deploy("Nothing", 5, "CHANGE_SET_EXECUTE", **change),
        ],
        [journey.approval()],
        [deploy("Delete", 1, "DELETE_ONLY", RoleArn=ROLE)],
    )
    token = journey.token("S2")

    outputs = {name: action["output"].get("outputVariables") for name, action in journey.actions(execution).items()}
    assert outputs["Replace"] == {"QueueName": f"{journey.name}-a"}
    assert outputs["Execute"] == outputs["Nothing"] == {"QueueName": f"{journey.name}-b"}
    assert "didn't contain changes" in journey.summary(execution, "Nothing")
    journey.answer(token, stage="S2")
    journey.becomes(execution, "Succeeded")
    assert journey.summary(execution, "Delete") == f"Stack {journey.name} is deleted"
    assert not sqs.list_queues(QueueNamePrefix=journey.name).get("QueueUrls")


def test_a_template_that_is_not_in_the_artifact_fails_by_name(journey: Journey) -> None:
    configuration = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": journey.name,
        "RoleArn": ROLE,
        "TemplatePath": "Source::absent.json",
    }
    deploy = journey.action(
        "Deploy", "Deploy", "CloudFormation", inputArtifacts=[{"name": "Source"}], configuration=configuration
    )

    execution = journey.create([deploy])
    journey.becomes(execution, "Failed")

    assert journey.summary(execution, "Deploy") == "File [absent.json] does not exist in artifact [Source]"


def test_queued_executions_wait_for_the_stage_in_their_order(journey: Journey) -> None:
    first = journey.create([journey.approval()])
    token = journey.token()
    second, third = journey.start(), journey.start()

    def waiting() -> list[str]:
        state = journey.client.get_pipeline_state(name=journey.name)["stageStates"][1]
        return [one["pipelineExecutionId"] for one in state.get("inboundExecutions", [])]

    journey.eventually(lambda: waiting() == [second, third])
    journey.answer(token)
    journey.becomes(first, "Succeeded")
    for following in (second, third):
        assert journey.status(following) == "InProgress"
        journey.eventually(lambda token=token: journey.token() != token)
        token = journey.token()
        journey.answer(token)
        journey.becomes(following, "Succeeded")


def test_in_superseded_mode_a_newer_execution_replaces_the_one_that_waits(journey: Journey) -> None:
    first = journey.create([journey.approval()], executionMode="SUPERSEDED")
    token = journey.token()
    second = journey.start()
    journey.eventually(
        lambda: journey.client.get_pipeline_state(name=journey.name)["stageStates"][1].get("inboundExecution")
    )

    third = journey.start()
    journey.becomes(second, "Superseded")
    journey.answer(token)
    journey.becomes(first, "Succeeded")

    journey.eventually(lambda: journey.token() != token)
    journey.answer(journey.token())
    journey.becomes(third, "Succeeded")


def test_a_push_starts_the_pipeline_through_an_event_rule(journey: Journey, sandbox: Any) -> None:
    first = journey.create([journey.approval()])
    journey.answer(journey.token())
    journey.becomes(first, "Succeeded")
    pattern = {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        "resources": [sandbox.arn("codecommit", journey.name)],
        "detail": {"event": ["referenceCreated", "referenceUpdated"], "referenceName": ["main"]},
    }
    events = sandbox.client("events")
    events.put_rule(Name=journey.name, EventPattern=json.dumps(pattern))
    target = {"Id": "pipeline", "Arn": sandbox.arn("codepipeline", journey.name), "RoleArn": ROLE}
    events.put_targets(Rule=journey.name, Targets=[target])

    commit = journey.push({"word.txt": "pushed\n"})
    journey.eventually(lambda: len(journey.executions()) == 2)
    newest = journey.executions()[0]
    assert newest["trigger"]["triggerType"] == "CloudWatchEvent"
    journey.answer(journey.token())
    journey.becomes(newest["pipelineExecutionId"], "Succeeded")

    source = journey.actions(newest["pipelineExecutionId"])["Source"]
    assert source["output"]["outputVariables"]["CommitId"] == commit
    assert len(journey.executions()) == 2


def test_executions_tell_of_themselves_by_events(journey: Journey, sandbox: Any) -> None:
    queue = sandbox.client("sqs").create_queue(QueueName=journey.name)["QueueUrl"]
    pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [journey.name]}}
    sandbox.client("events").put_rule(Name=journey.name, EventPattern=json.dumps(pattern))
    sandbox.client("events").put_targets(
        Rule=journey.name, Targets=[{"Id": "queue", "Arn": sandbox.arn("sqs", journey.name)}]
    )
    journey.create([journey.approval()])
    journey.answer(journey.token(), "Rejected")
    told: list[tuple[str, str]] = []

    def all_told() -> bool:
        answer = sandbox.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            sandbox.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            told.append((event["detail-type"].split()[1], event["detail"]["state"]))
        return told.count(("Pipeline", "FAILED")) == 1

    journey.eventually(all_told)
    assert told == [
        ("Pipeline", "STARTED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "SUCCEEDED"),
        ("Stage", "SUCCEEDED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "FAILED"),
        ("Stage", "FAILED"),
        ("Pipeline", "FAILED"),
    ]


@pytest.mark.parametrize("abandon", [True, False])
def test_an_execution_can_be_stopped(journey: Journey, abandon: bool) -> None:
    execution = journey.create([journey.approval()], [journey.approval()])
    token = journey.token()

    journey.client.stop_pipeline_execution(
        pipelineName=journey.name, pipelineExecutionId=execution, abandon=abandon, reason="enough"
    )

    if not abandon:
        assert journey.status(execution) == "Stopping", "what runs is waited for"
        journey.answer(token)
    journey.becomes(execution, "Stopped")
    assert journey.actions(execution)["Approve"]["status"] == ("Abandoned" if abandon else "Succeeded")
    assert journey.executions()[0]["stopTrigger"] == {"reason": "enough"}
    with pytest.raises(journey.client.exceptions.PipelineExecutionNotStoppableException):
        journey.client.stop_pipeline_execution(pipelineName=journey.name, pipelineExecutionId=execution)


@pytest.mark.parametrize("retried", [False, True])
def test_what_an_abandoned_build_runs_is_ended_also_where_its_stage_is_retried_at_once(
    journey: Journey, retried: bool
) -> None:
    began = journey.folder / "began"
    project = journey.project("long", f"test ! -e {began}", f"echo $$ > {began}", "sleep 600 & wait")
    execution = journey.create([journey.build("Long", project)])
    shell = int(journey.eventually(lambda: began.exists() and began.read_text()))

    journey.client.stop_pipeline_execution(
        pipelineName=journey.name, pipelineExecutionId=execution, abandon=True, reason="enough"
    )
    journey.becomes(execution, "Stopped")
    if retried:
        journey.client.retry_stage_execution(
            pipelineName=journey.name, stageName="S1", pipelineExecutionId=execution, retryMode="ALL_ACTIONS"
        )
        journey.becomes(execution, "Failed")

    journey.eventually(lambda: not is_alive(shell), 60)


def is_alive(group: int) -> bool:
    """Whether anything runs in a process group; a shell of a build leads one."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_failed_stage_can_be_retried_from_what_failed(journey: Journey) -> None:
    mark = journey.folder / "mark"
    once = journey.project("once", "true")
    flaky = journey.project("flaky", f"test -e {mark}")
    execution = journey.create([journey.build("Once", once), journey.build("Flaky", flaky)])
    journey.becomes(execution, "Failed")
    before = journey.actions(execution)
    mark.touch()

    journey.client.retry_stage_execution(
        pipelineName=journey.name, stageName="S1", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
    )

    journey.becomes(execution, "Succeeded")
    after = journey.actions(execution)
    assert after["Once"]["actionExecutionId"] == before["Once"]["actionExecutionId"]
    assert after["Flaky"]["actionExecutionId"] != before["Flaky"]["actionExecutionId"]


def test_the_same_request_token_starts_one_execution_and_variables_need_values(journey: Journey) -> None:
    approval = journey.approval(configuration={"CustomData": "#{variables.WORD}"})
    declaration = journey.declaration([approval], variables=[{"name": "WORD"}])
    journey.client.create_pipeline(pipeline=declaration)
    assert journey.executions() == [], "no first execution where a variable has no value"

    with pytest.raises(ClientError, match="WORD has no default"):
        journey.start()
    word = [{"name": "WORD", "value": "tide"}]
    first, again = (journey.start(variables=word, clientRequestToken="token") for _ in range(2))

    assert first == again
    journey.answer(journey.token())
    journey.becomes(first, "Succeeded")
    assert journey.actions(first)["Approve"]["input"]["resolvedConfiguration"] == {"CustomData": "tide"}


def test_a_source_revision_can_be_asked_for(journey: Journey) -> None:
    old = journey.git("rev-parse", "HEAD")
    journey.push({"word.txt": "newer\n"})
    journey.create([journey.approval()])
    journey.answer(journey.token())

    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": old}
    execution = journey.start(sourceRevisions=[revision])

    journey.eventually(lambda: journey.actions(execution).get("Source", {}).get("status") == "Succeeded")
    assert journey.artifact(execution, "Source").read("word.txt") == b"hello\n"


def test_a_pipeline_is_read_changed_listed_and_deleted(journey: Journey) -> None:
    journey.create([journey.approval()])
    declaration = journey.client.get_pipeline(name=journey.name)["pipeline"]
    assert declaration["version"] == 1

    declaration["executionMode"] = "SUPERSEDED"
    assert journey.client.update_pipeline(pipeline=declaration)["pipeline"]["version"] == 2

    listed = {one["name"]: one for one in journey.client.list_pipelines()["pipelines"]}
    assert listed[journey.name]["executionMode"] == "SUPERSEDED"
    with pytest.raises(journey.client.exceptions.PipelineNameInUseException):
        journey.client.create_pipeline(pipeline=declaration)
    journey.client.delete_pipeline(name=journey.name)
    with pytest.raises(journey.client.exceptions.PipelineNotFoundException):
        journey.client.get_pipeline(name=journey.name)


def test_cloudformation_makes_a_pipeline_that_starts_and_updates_it(journey: Journey, sandbox: Any) -> None:
    def template(custom_data: str) -> str:
        source = journey.source()["configuration"]
        kind = {"Owner": "AWS", "Version": "1"}
        properties = {
            "Name": journey.name,
            "RoleArn": ROLE,
            "PipelineType": "V2",
            "ExecutionMode": "QUEUED",
            "ArtifactStore": {"Type": "S3", "Location": journey.name},
            "Stages": [
                {
                    "Name": "Source",
                    "Actions": [
                        {
                            "Name": "Source",
                            "ActionTypeId": {**kind, "Category": "Source", "Provider": "CodeCommit"},
                            "Configuration": {**source, "PollForSourceChanges": False},
                            "OutputArtifacts": [{"Name": "Source"}],
                            "RunOrder": "1",
                        }
                    ],
                },
                {
                    "Name": "S1",
                    "Actions": [
                        {
                            "Name": "Approve",
                            "ActionTypeId": {**kind, "Category": "Approval", "Provider": "Manual"},
                            "Configuration": {"CustomData": custom_data},
                        }
                    ],
                },
            ],
        }
        resources = {"Pipeline": {"Type": "AWS::CodePipeline::Pipeline", "Properties": properties}}
        outputs = {
            "Name": {"Value": {"Ref": "Pipeline"}},
            "Version": {"Value": {"Fn::GetAtt": ["Pipeline", "Version"]}},
        }
        return json.dumps({"Resources": resources, "Outputs": outputs})

    cloudformation = sandbox.client("cloudformation")
    wait = {"StackName": journey.name, "WaiterConfig": {"Delay": 0.2}}
    cloudformation.create_stack(StackName=journey.name, TemplateBody=template("one"))
    cloudformation.get_waiter("stack_create_complete").wait(**wait)

    [first] = journey.executions()
    journey.answer(journey.token())
    journey.becomes(first["pipelineExecutionId"], "Succeeded")
    cloudformation.update_stack(StackName=journey.name, TemplateBody=template("two"))
    cloudformation.get_waiter("stack_update_complete").wait(**wait)

    outputs = cloudformation.describe_stacks(StackName=journey.name)["Stacks"][0]["Outputs"]
    assert {one["OutputKey"]: one["OutputValue"] for one in outputs} == {"Name": journey.name, "Version": "2"}
    assert len(journey.executions()) == 1, "an update starts nothing"
    cloudformation.delete_stack(StackName=journey.name)
    cloudformation.get_waiter("stack_delete_complete").wait(**wait)
    assert journey.name not in [one["name"] for one in journey.client.list_pipelines()["pipelines"]]
