"""Commands and functions, as actions and as rules of conditions, and rules that take their time."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipeline_journey import Journey

# Answers as its UserParameters say: the first time it is asked, and where it is asked to go on, the second time. It has
# 20 minutes of a clock that runs sixty times as fast, so it loads nothing that takes long.
FUNCTION = """
import json, os, urllib.request

def tell(operation, **body):
    scope = f"{os.environ['AWS_ACCESS_KEY_ID']}/20300101/{os.environ['AWS_REGION']}/codepipeline/aws4_request"
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": f"CodePipeline_20150709.{operation}",
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], json.dumps(body).encode(), headers)
    urllib.request.urlopen(request).read()

def handler(event, context):
    job = event["CodePipeline.job"]
    asked = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    if asked.get("silent"):
        return
    if asked.get("fail"):
        tell("PutJobFailureResult", jobId=job["id"], failureDetails={"type": "JobFailed", "message": asked["fail"]})
    elif asked.get("twice") and "continuationToken" not in job["data"]:
        tell("PutJobSuccessResult", jobId=job["id"], continuationToken="half way")
    else:
        variables = {
            "Token": job["data"].get("continuationToken", "none"),
            "Inputs": ",".join(one["name"] for one in job["data"]["inputArtifacts"]),
            "Key": job["data"]["artifactCredentials"]["accessKeyId"][:4],
        }
        details = {"summary": "looked at"}
        tell("PutJobSuccessResult", jobId=job["id"], outputVariables=variables, executionDetails=details)
"""


@pytest.fixture(scope="module")
def function(sandbox: Any) -> str:
    name, code = "answers-pipelines", io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    sandbox.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role="arn:aws:iam::111122223333:role/answers",
        Code={"ZipFile": code.getvalue()},
        Timeout=60,
    )
    return name


def rule(provider: str, name: str = "check", **rest: Any) -> dict[str, Any]:
    kind = {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "ruleTypeId": kind, **rest}


def asks(function: str, name: str = "function", **asked: Any) -> dict[str, Any]:
    configuration = {"FunctionName": function, "UserParameters": json.dumps(asked)}
    return rule("LambdaInvoke", name, configuration=configuration)


def when(result: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": [{"result": result, "rules": list(rules)}]}


def commands(journey: Journey, *lines: str, **rest: Any) -> dict[str, Any]:
    rest = {"inputArtifacts": [{"name": "Source"}], **rest}
    return journey.action("Commands", "Compute", "Commands", commands=list(lines), **rest)


def rules(journey: Journey, execution: str) -> dict[str, dict[str, Any]]:
    wanted = {"pipelineExecutionId": execution}
    listed = journey.client.list_rule_executions(pipelineName=journey.name, filter=wanted)["ruleExecutionDetails"]
    return {one["ruleName"]: one for one in listed}


def test_commands_run_without_a_project_and_hand_on_files_and_variables(
    journey: Journey, sandbox: Any, function: str
) -> None:
    action = commands(
        journey,
        'export GREETING="$WORD $(cat word.txt)"',
        "echo $GREETING > greeting.txt; touch other.txt; aws sts get-caller-identity --query Arn",
        namespace="Said",
        outputVariables=["GREETING"],
        outputArtifacts=[{"name": "Made", "files": ["greeting.*"]}],
        environmentVariables=[{"name": "WORD", "value": "oh", "type": "PLAINTEXT"}],
    )
    asked = {"FunctionName": function, "UserParameters": json.dumps({"twice": True, "said": "#{Said.GREETING}"})}
    invoke = journey.action(
        "Invoke",
        "Invoke",
        "Lambda",
        configuration=asked,
        inputArtifacts=[{"name": "Made"}],
        namespace="Looked",
    )
    execution = journey.create([action], [invoke])
    journey.becomes(execution, "Succeeded")

    assert journey.artifact(execution, "Commands").namelist() == ["greeting.txt"]
    done = journey.actions(execution)
    assert done["Commands"]["output"]["outputVariables"] == {"GREETING": "oh hello"}
    assert json.loads(done["Invoke"]["input"]["resolvedConfiguration"]["UserParameters"])["said"] == "oh hello"
    assert done["Invoke"]["output"]["outputVariables"] == {"Token": "half way", "Inputs": "Made", "Key": "ASIA"}
    assert journey.summary(execution, "Invoke") == "looked at"
    logs, group = sandbox.client("logs"), f"/aws/codepipeline/{journey.name}"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    assert any("assumed-role/any/" in event["message"] for event in events["events"]), "the pipeline's own role"


def test_rules_run_side_by_side_and_all_of_them_have_to_be_met(journey: Journey, function: str) -> None:
    sound, source = journey.project("sound", "grep hello word.txt"), [{"name": "Source"}]
    guarded = {
        "actions": [journey.approval()],
        "beforeEntry": when(
            "FAIL",
            rule("CodeBuild", "build", configuration={"ProjectName": sound}, inputArtifacts=source),
            rule("Commands", "commands", commands=["grep hello word.txt"], inputArtifacts=source),
            rule("DeploymentWindow", "window", configuration={"Cron": "* * * * * ?", "TimeZone": "Europe/Berlin"}),
            asks(function),
        ),
        "onSuccess": when("FAIL", rule("Commands", "after", commands=["echo tried; false"], inputArtifacts=source)),
    }
    execution = journey.create(guarded)
    journey.answer(journey.token())
    journey.becomes(execution, "Failed")

    found = rules(journey, execution)
    assert {name: one["status"] for name, one in found.items()} == {
        "build": "Succeeded",
        "commands": "Succeeded",
        "window": "Succeeded",
        "function": "Succeeded",
        "after": "Failed",
    }
    assert found["build"]["output"]["executionResult"]["externalExecutionId"].startswith(f"{sound}:")
    assert [one["name"] for one in found["commands"]["input"]["inputArtifacts"]] == ["Source"]
    assert found["after"]["output"]["executionResult"]["errorDetails"]["code"] == "JobFailed"
    state = journey.stage("S1")
    assert state["beforeEntryConditionState"]["latestExecution"]["status"] == "Succeeded"
    assert state["onSuccessConditionState"]["latestExecution"]["status"] == "Failed"
    assert (
        "Error while executing command: echo tried; false"
        in state["onSuccessConditionState"]["latestExecution"]["summary"]
    )


@pytest.mark.parametrize(
    ("name", "asked", "status", "code", "sentence"),
    [
        ("", {"fail": "not today"}, "Skipped", "JobFailed", "not today"),
        ("", {"silent": True}, "Failed", "TimeoutError", "longer than 5 minutes"),
        ("no-such-function", {}, "Failed", "ConfigurationError", "The function no-such-function cannot be called"),
    ],
    ids=["says no", "says nothing", "is not there"],
)
def test_a_stage_is_skipped_where_a_function_says_so_and_fails_where_it_cannot(
    journey: Journey, function: str, name: str, asked: dict[str, Any], status: str, code: str, sentence: str
) -> None:
    check = asks(name or function, **asked) | ({"timeoutInMinutes": 5} if asked.get("silent") else {})
    execution = journey.create({"actions": [journey.approval()], "beforeEntry": when("SKIP", check)})
    journey.becomes(execution, "Succeeded" if status == "Skipped" else "Failed")

    assert journey.stage("S1")["latestExecution"]["status"] == status
    told = rules(journey, execution)["function"]["output"]["executionResult"]["errorDetails"]
    assert told["code"] == code
    assert sentence in told["message"]


def test_a_stage_waits_for_its_deployment_window_until_the_execution_is_stopped(
    journey: Journey, eventually: Callable[..., Any]
) -> None:
    never = rule("DeploymentWindow", "window", configuration={"Cron": "* * * ? * * 1970"})
    execution = journey.create({"actions": [journey.approval()], "beforeEntry": when("FAIL", never)})
    eventually(lambda: rules(journey, execution).get("window"))
    assert rules(journey, execution)["window"]["status"] == "InProgress"
    assert journey.stage("S1")["beforeEntryConditionState"]["latestExecution"]["status"] == "InProgress"

    journey.client.stop_pipeline_execution(pipelineName=journey.name, pipelineExecutionId=execution)
    journey.becomes(execution, "Stopped")

    assert rules(journey, execution)["window"]["status"] == "Abandoned"
    assert set(journey.actions(execution)) == {"Source"}


def test_only_a_job_that_waits_is_answered(journey: Journey) -> None:
    job = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(journey.client.exceptions.JobNotFoundException):
        journey.client.put_job_success_result(jobId=job)
    with pytest.raises(journey.client.exceptions.JobNotFoundException):
        journey.client.put_job_failure_result(jobId=job, failureDetails={"type": "JobFailed", "message": "no"})
    with pytest.raises(ClientError, match="only where there is no continuationToken"):
        journey.client.put_job_success_result(jobId=job, continuationToken="x", outputVariables={"A": "b"})
    with pytest.raises(journey.client.exceptions.OutputVariablesSizeExceededException):
        journey.client.put_job_success_result(jobId=job, outputVariables={"A": "b" * 122_880})
