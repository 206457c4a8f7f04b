"""What runs again by itself, who is told of what waits, and what an event that comes twice does."""

import json
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipeline_journey import Journey

AGAIN = {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
ALL_AGAIN = {"result": "RETRY", "retryConfiguration": {"retryMode": "ALL_ACTIONS"}}


def runs(journey: Journey, execution: str, action: str) -> list[str]:
    details = journey.client.list_action_executions(
        pipelineName=journey.name, filter={"pipelineExecutionId": execution}
    )["actionExecutionDetails"]
    return [one["status"] for one in reversed(details) if one["actionName"] == action]


def counted(journey: Journey, name: str) -> str:
    """Make a build that fails the first time and then succeeds, by an object in the bucket."""
    journey.sandbox.client("s3").put_object(Bucket=journey.name, Key="left", Body=b"1")
    look = (
        f"import boto3, sys; s3 = boto3.client('s3'); k = dict(Bucket={journey.name!r}, Key='left'); "
        "left = int(s3.get_object(**k)['Body'].read()); s3.put_object(Body=str(left - 1).encode(), **k); "
        "sys.exit(left > 0)"
    )
    return journey.project(name, f"{sys.executable} -c {json.dumps(look)}")


@pytest.mark.parametrize(("mode", "other_ran"), [(AGAIN, 1), (ALL_AGAIN, 2)])
def test_a_failed_stage_is_run_once_more_where_it_says_so(
    journey: Journey, mode: dict[str, Any], other_ran: int
) -> None:
    flaky, sound = counted(journey, "flaky"), journey.project("sound", "true")

    execution = journey.create(
        {"actions": [journey.build("Flaky", flaky), journey.build("Sound", sound)], "onFailure": mode}
    )

    journey.becomes(execution, "Succeeded")
    assert runs(journey, execution, "Flaky") == ["Failed", "Succeeded"]
    assert runs(journey, execution, "Sound") == ["Succeeded"] * other_ran


def test_a_stage_that_fails_again_has_failed(journey: Journey) -> None:
    broken = journey.project("broken", "false")

    execution = journey.create({"actions": [journey.build("Broken", broken)], "onFailure": AGAIN})

    journey.becomes(execution, "Failed")
    assert runs(journey, execution, "Broken") == ["Failed", "Failed"]


@pytest.mark.parametrize("result", ["FAIL", "SKIP"])
def test_what_else_a_failure_may_lead_to_is_refused_by_name(journey: Journey, result: str) -> None:
    with pytest.raises(ClientError, match="the result of onFailure is RETRY or ROLLBACK"):
        journey.create({"actions": [journey.approval()], "onFailure": {"result": result}})


def topic_and_mail(journey: Journey) -> tuple[str, Any]:
    """Make a topic; return its ARN and what reads the messages that were published to it."""
    sns, sqs = journey.sandbox.client("sns"), journey.sandbox.client("sqs")
    topic = sns.create_topic(Name=journey.name)["TopicArn"]
    queue = sqs.create_queue(QueueName=journey.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def mail() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(one["Body"]) for one in found]

    return topic, mail


def test_who_is_to_approve_is_told_of_the_question_and_where_to_look(journey: Journey) -> None:
    topic, mail = topic_and_mail(journey)
    configuration = {
        "CustomData": "Release it?",
        "ExternalEntityLink": "https://plan.example",
        "NotificationArn": topic,
    }

    journey.create([journey.approval(configuration=configuration)])
    token = journey.token()

    (message,) = journey.eventually(mail)
    assert message["Subject"].startswith("APPROVAL NEEDED: AWS CodePipeline")
    approval = json.loads(message["Message"])["approval"]
    assert (approval["pipelineName"], approval["stageName"], approval["actionName"]) == (journey.name, "S1", "Approve")
    assert (approval["customData"], approval["externalEntityLink"]) == ("Release it?", "https://plan.example")
    assert approval["token"] == token


def test_an_approval_that_nobody_can_be_told_of_fails_with_a_sentence(journey: Journey) -> None:
    gone = journey.sandbox.arn("sns", f"{journey.name}-gone")

    execution = journey.create([journey.approval(configuration={"NotificationArn": gone})])

    journey.becomes(execution, "Failed")
    assert "The notice could not be published" in journey.summary(execution, "Approve")


def test_an_events_target_may_give_variables_and_the_revision_of_a_source(journey: Journey) -> None:
    older = journey.git("rev-parse", "HEAD")
    journey.push({"word.txt": "newer\n"})
    journey.create([journey.approval()], pipelineType="V2", variables=[{"name": "Word", "defaultValue": "none"}])
    events, source = journey.sandbox.client("events"), f"test.{journey.name}"
    events.put_rule(Name=journey.name, EventPattern=json.dumps({"source": [source]}))
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": older}
    given = {"sourceRevisions": revision, "variables": [{"name": "Word", "value": "given"}]}
    role, arn = "arn:aws:iam::111122223333:role/any", journey.sandbox.arn("codepipeline", journey.name)
    events.put_targets(
        Rule=journey.name, Targets=[{"Id": "1", "Arn": arn, "RoleArn": role, "Input": json.dumps(given)}]
    )

    events.put_events(Entries=[{"Source": source, "DetailType": "any", "Detail": "{}"}])

    journey.eventually(lambda: len(journey.executions()) == 2)
    newest = journey.executions()[0]["pipelineExecutionId"]
    told = {"pipelineName": journey.name, "pipelineExecutionId": newest}
    journey.eventually(lambda: "Source" in journey.actions(newest) and journey.executions()[0].get("sourceRevisions"))
    assert [one["revisionId"] for one in journey.executions()[0]["sourceRevisions"]] == [older]
    found = journey.client.get_pipeline_execution(**told)["pipelineExecution"]["variables"]
    assert found == [{"name": "Word", "resolvedValue": "given"}]


def test_an_event_that_comes_twice_starts_two_runs_that_each_name_the_rule(journey: Journey) -> None:
    first = journey.create([journey.approval()])
    events, bus = journey.sandbox.client("events"), f"{journey.name}-bus"
    events.create_event_bus(Name=bus)
    events.put_rule(Name=journey.name, EventBusName=bus, EventPattern=json.dumps({"source": ["of.the.test"]}))
    target = {
        "Id": "1",
        "Arn": journey.sandbox.arn("codepipeline", journey.name),
        "RoleArn": "arn:aws:iam::111122223333:role/any",
    }
    events.put_targets(Rule=journey.name, EventBusName=bus, Targets=[target])

    entry = {"Source": "of.the.test", "DetailType": "any", "Detail": "{}", "EventBusName": bus}
    events.put_events(Entries=[entry, entry])

    journey.eventually(lambda: len(journey.executions()) == 3)
    started = [one for one in journey.executions() if one["pipelineExecutionId"] != first]
    assert {one["trigger"]["triggerType"] for one in started} == {"CloudWatchEvent"}
    assert {one["trigger"]["triggerDetail"].rpartition("/")[2] for one in started} == {journey.name}
