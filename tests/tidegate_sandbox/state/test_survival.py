"""What a sandbox holds, and what is under way in it, goes on in the next one: after `down`, and after `kill -9`."""

import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
import uuid
import zipfile
from collections import Counter
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from tidegate_sandbox import lifecycle
from tidegate_sandbox.faults.client import Injector

ACCOUNT, REGION, SPEED = "111122223333", "eu-west-1", 60
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/survival:1"
CLUSTER = {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
SERVICES = [f"{each}.amazonaws.com" for each in ("codebuild", "codepipeline", "lambda", "sagemaker")]
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sts:AssumeRole"}],
    }
)
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


class Life:
    """A home, and the sandboxes that live in it one after the other."""

    def __init__(self, home):
        self.home = home
        self.url = ""

    def command(self, name, *options):
        words = [sys.executable, "-m", "tidegate_sandbox.cli", name, "--home", self.home, *options]
        return subprocess.run(words, capture_output=True, text=True)

    def up(self):
        ran = self.command("up", "--port", "0", "--speed", str(SPEED))
        assert ran.returncode == 0, ran.stderr
        self.url = lifecycle.find(self.home).url
        return ran.stdout

    def killed(self):
        """Kill the sandbox, and start the next one; return what that says."""
        os.kill(lifecycle.find(self.home).pid, signal.SIGKILL)
        while lifecycle._is_locked(self.home):
            time.sleep(0.02)
        return self.up()

    def down(self):
        lifecycle.end(lifecycle.find(self.home), self.home)

    def kept(self):
        """Wait until what was done so far is kept."""
        file = self.home / "state" / "snapshot"
        before = file.stat().st_mtime_ns if file.exists() else 0
        self.client("sts").get_caller_identity()
        self.client("ssm").put_parameter(Name=f"/kept/{uuid.uuid4()}", Value="x", Type="String")
        until = time.monotonic() + 30
        while not file.exists() or file.stat().st_mtime_ns == before:
            assert time.monotonic() < until
            time.sleep(0.05)

    def client(self, service, account=ACCOUNT):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=account,
            aws_secret_access_key="local",
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, read_timeout=120),
        )


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    living = Life(tmp_path_factory.mktemp("life") / "home")
    living.up()
    iam = living.client("iam")
    iam.create_role(RoleName="any", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="any", PolicyName="all", PolicyDocument=ALL)
    yield living
    if lifecycle.find(living.home):
        living.down()
    assert not re.findall(r"the disk: \w+ failed", (living.home / "log" / "sandbox.log").read_text())


@pytest.fixture
def name():
    return f"s-{uuid.uuid4().hex[:8]}"


def test_records_of_every_kind_of_service_survive_a_kill(life, name, eventually):
    s3 = life.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.put_object(Bucket=name, Key="a/b", Body=body)
    key = life.client("kms").create_key()["KeyMetadata"]["KeyId"]
    secret = life.client("kms").encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    role = life.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    life.client("sagemaker").create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "k", "Value": "v"}])
    life.client("sagemaker", "222222222222").create_model_package_group(ModelPackageGroupName=f"{name}-elsewhere")
    repository = life.client("codecommit").create_repository(repositoryName=name)["repositoryMetadata"]
    queue = life.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    life.client("sqs").send_message(QueueUrl=queue, MessageBody="still here")
    life.client("events").put_rule(Name=name, EventPattern='{"source": ["a"]}')
    life.client("cloudwatch").put_metric_alarm(
        AlarmName=name, Namespace="n", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    injector = Injector(lifecycle.find(life.home).port)
    injector.set({"kind": "errors", "endpoint": name, "share": "5%", "for": "300d", "times": 7})
    injector.jump("+30d")
    faults = injector.every()
    life.kept()
    bodies = life.home / "s3" / ".versions" / ACCOUNT / name
    lost = bodies / "no-version-that-anybody-knows"
    lost.mkdir()
    (lost / "body").write_bytes(b"nobody's")
    for folder in bodies.iterdir():
        os.utime(folder, (0, 0))  # none of them is being written

    said = life.killed()

    assert "It goes on where the one before it was killed" in said
    again = Injector(lifecycle.find(life.home).port).every()
    assert again["faults"] == faults["faults"]
    assert again["clock"] > faults["clock"]
    s3 = life.client("s3")
    assert [each["Key"] for each in s3.list_object_versions(Bucket=name)["Versions"]] == ["a/b", "a/b"]
    eventually(lambda: not lost.exists(), 60)
    versions = [each["VersionId"] for each in s3.list_object_versions(Bucket=name)["Versions"]]
    read = [s3.get_object(Bucket=name, Key="a/b", VersionId=each)["Body"].read() for each in versions]
    assert read == [b"two", b"one"]
    assert s3.get_object(Bucket=name, Key="a/b")["Body"].read() == b"two"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert life.client("kms").decrypt(CiphertextBlob=secret)["Plaintext"] == b"secret"
    assert life.client("iam").get_role(RoleName=name)["Role"]["Arn"] == role
    sagemaker = life.client("sagemaker")
    group = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    assert sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"] == [{"Key": "k", "Value": "v"}]
    listed = sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupName"] for each in listed] == [name]
    found = life.client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]
    assert found["repositoryId"] == repository["repositoryId"]
    [message] = life.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "still here"
    assert life.client("events").describe_rule(Name=name)["EventPattern"] == '{"source": ["a"]}'
    assert life.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]


def test_down_returns_when_no_process_and_no_mount_is_left_and_what_ran_goes_on(life, name, model_data, eventually):
    sagemaker, codebuild = life.client("sagemaker"), life.client("codebuild")
    config = endpoint_config(life, name, model_data)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    job = {"ImageUri": IMAGE, "ContainerEntrypoint": ["python", "-c", "import time; time.sleep(900)"]}
    sagemaker.create_processing_job(
        ProcessingJobName=name, RoleArn=ROLE, AppSpecification=job, ProcessingResources={"ClusterConfig": CLUSTER}
    )
    # One that leaves its process group, as a daemon does.
    spec = {"version": "0.2", "phases": {"build": {"commands": ["setsid sleep 900 & sleep 901"]}}}
    codebuild.create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "any", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=ROLE,
    )
    build = codebuild.start_build(projectName=name)["build"]["id"]
    eventually(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService", 240)
    eventually(lambda: "ProcessingStartTime" in sagemaker.describe_processing_job(ProcessingJobName=name), 60)
    mark = f"TIDEGATE_SANDBOX_RUN={lifecycle.find(life.home).run}"
    eventually(lambda: {"sleep\x00900", "sleep\x00901"} <= told_of(mark), 60)
    before = sagemaker.describe_processing_job(ProcessingJobName=name)["CreationTime"]

    said = life.command("down")

    left = told_of(mark)
    assert said.returncode == 0, said.stderr
    assert left == set()
    assert str(life.home) not in Path("/proc/self/mountinfo").read_text()

    time.sleep(0.5)
    life.up()

    sagemaker = life.client("sagemaker")
    again = sagemaker.describe_processing_job(ProcessingJobName=name)
    assert (again["ProcessingJobStatus"], again["CreationTime"]) == ("InProgress", before)
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    after = sagemaker.describe_model_package_group(ModelPackageGroupName=name)["CreationTime"]
    assert before < after, "the clock goes on from where it stood"
    life.client("codebuild").stop_build(id=build)
    sagemaker.stop_processing_job(ProcessingJobName=name)
    sagemaker.delete_endpoint(EndpointName=name)


def told_of(mark):
    """Return the command lines of the processes that have `mark` in their environment."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (process / "environ").read_bytes():
                found.add((process / "cmdline").read_bytes().rstrip(b"\0").decode())
    return found


def test_a_pipeline_goes_on_where_it_was_with_its_build_and_the_approval_it_waits_for(life, name, tmp_path, eventually):
    s3, codebuild, codepipeline = (life.client(each) for each in ("s3", "codebuild", "codepipeline"))
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    repository(life, name, tmp_path)
    runs, may_end = tmp_path / "runs", tmp_path / "may-end"
    wait = f"echo run >> {runs}; while [ ! -e {may_end} ]; do sleep 0.1; done"
    spec = {"version": "0.2", "phases": {"build": {"commands": [wait, "export WORD=told"]}}}
    spec["env"] = {"exported-variables": ["WORD"]}
    codebuild.create_project(
        name=name,
        source={"type": "CODEPIPELINE", "buildspec": json.dumps(spec)},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "any", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=ROLE,
    )
    codepipeline.create_pipeline(pipeline=pipeline(name))
    [started] = codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
    execution = started["pipelineExecutionId"]
    eventually(lambda: runs.exists(), 60)
    life.kept()

    assert "go on" in life.killed()

    # The build is run again, as one whose machine was lost; its source action, which had ended, is not.
    eventually(lambda: runs.read_text().count("run") == 2, 60)
    may_end.touch()
    eventually(lambda: approval(life, name), 60)
    actions = all_actions(life, name, execution)
    assert [each["actionName"] for each in actions] == ["Source", "Build", "Approve"]
    assert actions[1]["output"]["outputVariables"] == {"WORD": "told"}
    token = approval(life, name)
    life.kept()

    life.killed()

    assert eventually(lambda: approval(life, name), 60) == token
    life.client("codepipeline").put_approval_result(
        pipelineName=name, stageName="Last", actionName="Approve", token=token,
        result={"summary": "", "status": "Approved"},
    )  # fmt: skip
    eventually(lambda: status(life, name, execution) != "InProgress", 60)
    assert status(life, name, execution) == "Succeeded"
    assert len(all_actions(life, name, execution)) == 3


def repository(life, name, folder):
    url = life.client("codecommit").create_repository(repositoryName=name)["repositoryMetadata"]["cloneUrlHttp"]
    checkout = folder / "checkout"
    checkout.mkdir()
    (checkout / "word.txt").write_text("hello\n")
    who = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "One"], ["push", "-q", url, "main"]):
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "NO_PROXY": "127.0.0.1"}
        subprocess.run(["git", *who, *command], cwd=checkout, check=True, env=environment)


def test_what_git_has_and_nobody_was_told_of_is_told_by_the_next_sandbox_once(life, name, tmp_path, eventually):
    queue = life.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    events = life.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.codecommit"]}))
    target = {"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}
    events.put_targets(Rule=name, Targets=[target])
    repository(life, name, tmp_path)

    def told():
        sqs = life.client("sqs")
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:  # else each is seen again after half a minute
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        details = [json.loads(message["Body"])["detail"] for message in messages]
        return [(each["event"], each["commitId"]) for each in details if each["repositoryName"] == name]

    eventually(told)
    life.kept()
    life.down()
    # As if it had been killed between git's taking a push and its being told of.
    [bare] = (life.home / "codecommit").glob(f"*/*/{name}.git")
    push = ["git", "push", "-q", str(bare), "main:other"]
    unheard = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "PUSHED_REFERENCES": os.devnull}
    subprocess.run(push, cwd=tmp_path / "checkout", check=True, env=unheard)
    commit = subprocess.run(
        ["git", "rev-parse", "main"], cwd=tmp_path / "checkout", check=True, capture_output=True, text=True
    ).stdout.strip()

    life.up()
    assert eventually(told) == [("referenceCreated", commit)]
    life.kept()
    life.killed()

    life.kept()
    assert told() == []


def action(name, category, provider, **rest):
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **rest}


def pipeline(name):
    source = {"RepositoryName": name, "BranchName": "main", "PollForSourceChanges": "false"}
    return {
        "name": name,
        "roleArn": ROLE,
        "pipelineType": "V2",
        "executionMode": "QUEUED",
        "artifactStore": {"type": "S3", "location": name},
        "stages": [
            {
                "name": "First",
                "actions": [
                    action("Source", "Source", "CodeCommit", configuration=source, outputArtifacts=[{"name": "Source"}])
                ],
            },
            {
                "name": "Middle",
                "actions": [
                    action(
                        "Build", "Build", "CodeBuild", configuration={"ProjectName": name},
                        inputArtifacts=[{"name": "Source"}],
                    )
                ],
            },
            {"name": "Last", "actions": [action("Approve", "Approval", "Manual")]},
        ],
    }  # fmt: skip


def approval(life, name):
    states = life.client("codepipeline").get_pipeline_state(name=name)["stageStates"]
    [asked] = states[-1]["actionStates"]
    return asked.get("latestExecution", {}).get("token")


def status(life, name, execution):
    found = life.client("codepipeline").get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution)
    return found["pipelineExecution"]["status"]


def all_actions(life, name, execution):
    wanted = {"pipelineExecutionId": execution}
    details = life.client("codepipeline").list_action_executions(pipelineName=name, filter=wanted)
    return details["actionExecutionDetails"][::-1]


WRITES_DOWN_WHERE_TO_ANSWER = """
def handler(event, context):
    with open(event["ResourceProperties"]["Where"], "a") as asked:
        asked.write(event["ResponseURL"] + "\\n")
"""


def test_a_stack_in_flight_is_seen_through_and_nothing_of_it_is_made_twice(life, name, eventually):
    function = lambda_function(life, name, WRITES_DOWN_WHERE_TO_ANSWER)
    asked = life.home.parent / f"{name}.asked"
    template = {
        "Resources": {
            "First": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}},
            "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "First"},
            "Asked": {
                "Type": "Custom::Something",
                "DependsOn": "Topic",
                "Properties": {"ServiceToken": function, "Where": str(asked)},
            },
            "Last": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": {"Fn::GetAtt": ["Asked", "Name"]}},
            },
        }
    }
    life.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    eventually(lambda: asked.exists() and asked.read_text().endswith("\n"), 60)
    time.sleep(0.5)  # the function returns, and what it was asked for is left to others
    life.kept()

    life.killed()

    answer = {"Status": "SUCCESS", "PhysicalResourceId": "made", "Data": {"Name": f"{name}-last"}}
    [address] = asked.read_text().splitlines()
    respond(address, answer)
    eventually(lambda: stack_status(life, name) != "CREATE_IN_PROGRESS", 60)
    assert stack_status(life, name) == "CREATE_COMPLETE"
    assert asked.read_text().splitlines() == [address]
    groups = life.client("sagemaker").list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert sorted(each["ModelPackageGroupName"] for each in groups) == [name, f"{name}-last"]
    events = life.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    told = [(each["LogicalResourceId"], each["ResourceStatus"]) for each in events]
    assert told.count(("First", "CREATE_COMPLETE")) == 1
    assert told.count(("Topic", "CREATE_COMPLETE")) == 1
    topics = [each["TopicArn"] for each in life.client("sns").list_topics()["Topics"] if name in each["TopicArn"]]
    assert len(topics) == 1


def test_a_nested_stack_in_flight_goes_on_under_its_name_and_so_does_its_change_set(life, name, eventually):
    asks = asking(life, name)
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}}
    child = {
        "Resources": {
            "First": group,
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Asked": {**asks("asked"), "DependsOn": ["First", "Topic"]},
        },
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Asked", "Name"]}}},
    }
    s3 = life.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=name, Key="child.json", Body=json.dumps(child).encode())
    url = f"https://{name}.s3.{REGION}.amazonaws.com/child.json"
    template = {
        "Resources": {
            "Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}},
            "Last": {**group, "Properties": {"ModelPackageGroupName": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}},
        }
    }
    life.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    [address] = was_asked(life, name, "asked", eventually)

    life.killed()

    respond(address, {"Status": "SUCCESS", "PhysicalResourceId": "made", "Data": {"Name": f"{name}-last"}})
    eventually(lambda: stack_status(life, name) != "CREATE_IN_PROGRESS", 60)
    assert stack_status(life, name) == "CREATE_COMPLETE"
    stacks = life.client("cloudformation")
    [nested] = [each for each in stacks.describe_stacks()["Stacks"] if each["StackName"].startswith(f"{name}-Child-")]
    assert nested["StackStatus"] == "CREATE_COMPLETE"
    summary = stacks.list_stack_resources(StackName=name)["StackResourceSummaries"]
    assert nested["StackId"] in [each["PhysicalResourceId"] for each in summary]
    told = [
        (each["LogicalResourceId"], each["ResourceStatus"])
        for each in stacks.describe_stack_events(StackName=nested["StackName"])["StackEvents"]
    ]
    for each in ("First", "Topic", nested["StackName"]):
        assert (told.count((each, "CREATE_IN_PROGRESS")), told.count((each, "CREATE_COMPLETE"))) == (1, 1)
    topics = [each["TopicArn"] for each in life.client("sns").list_topics()["Topics"] if name in each["TopicArn"]]
    assert len(topics) == 1

    # Changed by a change set: a topic comes, the first group goes, and what asks for its answer is asked anew.
    child["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue"}
    child["Resources"]["Asked"] = {**asks("again"), "DependsOn": ["Topic", "Queue"]}
    del child["Resources"]["First"]
    s3 = life.client("s3")
    s3.put_object(Bucket=name, Key="changed.json", Body=json.dumps(child).encode())
    template["Resources"]["Child"]["Properties"]["TemplateURL"] = url.replace("child.json", "changed.json")
    stacks.create_change_set(StackName=name, ChangeSetName="change", TemplateBody=json.dumps(template))
    stacks.get_waiter("change_set_create_complete").wait(
        StackName=name, ChangeSetName="change", WaiterConfig={"Delay": 1}
    )
    stacks.execute_change_set(StackName=name, ChangeSetName="change")
    [address] = was_asked(life, name, "again", eventually)

    life.killed()

    stacks = life.client("cloudformation")
    assert stack_status(life, name) == "UPDATE_IN_PROGRESS"
    change_set = {"StackName": name, "ChangeSetName": "change"}
    assert stacks.describe_change_set(**change_set)["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
    respond(address, {"Status": "SUCCESS", "PhysicalResourceId": "made", "Data": {"Name": f"{name}-last"}})
    eventually(lambda: not stack_status(life, name).endswith("IN_PROGRESS"), 60)
    assert stack_status(life, name) == "UPDATE_COMPLETE"
    assert stacks.describe_change_set(**change_set)["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert stack_status(life, nested["StackName"]) == "UPDATE_COMPLETE"
    assert len(life.client("sqs").list_queues(QueueNamePrefix=nested["StackName"][:40])["QueueUrls"]) == 1
    groups = life.client("sagemaker").list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupName"] for each in groups] == [f"{name}-last"]
    told = Counter(
        (each["LogicalResourceId"], each["ResourceStatus"])
        for each in stacks.describe_stack_events(StackName=nested["StackName"])["StackEvents"]
    )
    assert told["Asked", "UPDATE_COMPLETE"] == 1
    assert {number for (_, status), number in told.items() if status.endswith("_COMPLETE")} == {1}


def test_a_stack_that_is_to_be_deleted_where_it_fails_is_deleted_by_whichever_sandbox_sees_that(life, name, eventually):
    asks = asking(life, name)
    template = {
        "Resources": {
            "First": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}},
            "Second": {**asks("second"), "DependsOn": "First"},
            "Third": {**asks("third"), "DependsOn": "Second"},
        }
    }
    stacks = life.client("cloudformation")
    stack = stacks.create_stack(StackName=name, TemplateBody=json.dumps(template), OnFailure="DELETE")["StackId"]
    [address] = was_asked(life, name, "second", eventually)
    respond(address, {"Status": "SUCCESS", "PhysicalResourceId": "made"})
    [address] = was_asked(life, name, "third", eventually)

    life.killed()

    respond(address, {"Status": "FAILED", "Reason": "It cannot be."})
    address = was_asked(life, name, "third", eventually, times=2)[-1]  # to take back what it may have made
    respond(address, {"Status": "SUCCESS"})
    address = was_asked(life, name, "second", eventually, times=2)[-1]
    assert stack_status(life, stack) == "ROLLBACK_IN_PROGRESS"

    life.killed()

    respond(address, {"Status": "SUCCESS"})
    eventually(lambda: stack_status(life, stack) not in ("ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"), 60)
    assert stack_status(life, stack) == "DELETE_COMPLETE"
    assert not life.client("sagemaker").list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    events = life.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    assert "It cannot be." in json.dumps(events, default=str)


def asking(life, name):
    """Return what makes a custom resource whose function writes down, by a name, where it is to be answered."""
    function = lambda_function(life, name, WRITES_DOWN_WHERE_TO_ANSWER)
    return lambda what: {
        "Type": "AWS::CloudFormation::CustomResource",
        "Properties": {"ServiceToken": function, "Where": str(life.home.parent / f"{name}.{what}")},
    }


def was_asked(life, name, what, eventually, times=1):
    """Wait until the function was asked so many times, has returned, and that is kept; return where to answer."""
    asked = life.home.parent / f"{name}.{what}"
    eventually(lambda: asked.exists() and asked.read_text().count("\n") >= times, 60)
    time.sleep(0.5)  # the function returns, and what it was asked for is left to others
    life.kept()
    return asked.read_text().splitlines()


def lambda_function(life, name, program):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", program)
    made = life.client("lambda").create_function(
        FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=ROLE, Code={"ZipFile": code.getvalue()}
    )
    return made["FunctionArn"]


def respond(address, answer):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(address, data=json.dumps(answer).encode(), method="PUT")).read()


def stack_status(life, name):
    return life.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def test_killed_at_any_moment_of_a_stack_the_next_sandboxes_see_it_through(life, name, eventually):
    """A stack of thirty groups, each of which needs the one before; the sandbox is killed as it comes."""
    chance = random.Random(name)
    resources = {}
    for number in range(30):
        resources[f"G{number}"] = {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Properties": {"ModelPackageGroupName": f"{name}-{number}"},
            **({"DependsOn": f"G{number - 1}"} if number else {}),
        }
    life.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    life.kept()
    for _ in range(2):
        time.sleep(chance.random() * 0.3)
        life.killed()
    eventually(lambda: stack_status(life, name) != "CREATE_IN_PROGRESS", 60)
    assert stack_status(life, name) == "CREATE_COMPLETE"
    summary = life.client("cloudformation").list_stack_resources(StackName=name)["StackResourceSummaries"]
    assert len(summary) == 30


PROGRAM = """
import os

def model_fn(folder):
    return os.environ["VERSION"]

def transform_fn(model, body, content_type, accept):
    return model, accept
"""


@pytest.fixture(scope="module")
def model_data(life):
    """Give the home an image and an archive for models; return the archive's address."""
    lock = Path(__file__).parents[1] / "endpoints" / "plain-python.txt"
    (life.home / "images.toml").write_text(f'[survival."1"]\nrequirements = "{lock}"\n')
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(PROGRAM)
        tar.addfile(entry, io.BytesIO(PROGRAM.encode()))
    s3 = life.client("s3")
    s3.create_bucket(Bucket="survival", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="survival", Key="model.tar.gz", Body=archive.getvalue())
    return "s3://survival/model.tar.gz"


def endpoint_config(life, name, model_data):
    sagemaker = life.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": model_data, "Environment": {"VERSION": name}}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "All", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 4}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return name


def test_an_update_of_an_endpoint_goes_on_in_its_bake_with_both_fleets(life, name, model_data, eventually):
    def describe():
        return life.client("sagemaker").describe_endpoint(EndpointName=name)

    def invoke():
        answer = life.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"x", ContentType="text/csv")
        return answer["Body"].read().decode()

    def baking():
        summary = describe().get("PendingDeploymentSummary", {})
        return [each.get("VariantStatus", [{}])[0].get("Status") for each in summary.get("ProductionVariants", [])]

    old, new = (endpoint_config(life, f"{name}-{version}", model_data) for version in ("old", "new"))
    life.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=old)
    eventually(lambda: describe()["EndpointStatus"] != "Creating", 240)
    life.kept()
    life.killed()
    assert describe()["EndpointStatus"] == "InService"
    assert invoke() == old

    routing = {
        "Type": "CANARY",
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 1200,
    }
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    life.client("sagemaker").update_endpoint(
        EndpointName=name, EndpointConfigName=new, DeploymentConfig={"BlueGreenUpdatePolicy": policy}
    )
    eventually(lambda: baking() == ["Baking"], 120)
    started = describe()["PendingDeploymentSummary"]["StartTime"]
    life.kept()
    life.killed()

    assert describe()["EndpointStatus"] == "Updating"
    assert describe()["EndpointConfigName"] == old
    assert describe()["PendingDeploymentSummary"]["StartTime"] == started
    assert baking() == ["Baking"]
    assert {invoke() for _ in range(60)} == {old, new}
    eventually(lambda: describe()["EndpointStatus"] != "Updating", 120)
    assert describe()["EndpointStatus"] == "InService"
    assert describe()["EndpointConfigName"] == new
    assert {invoke() for _ in range(10)} == {new}
    life.client("sagemaker").delete_endpoint(EndpointName=name)


def test_reset_forgets_what_was_held_and_keeps_what_took_long_to_make(tmp_path):
    home = tmp_path / "home"
    living = Life(home)
    living.up()
    living.client("s3").create_bucket(Bucket="gone", CreateBucketConfiguration={"LocationConstraint": REGION})
    (home / "images").mkdir(exist_ok=True)
    (home / "images" / "marker").touch()
    command = [sys.executable, "-m", "tidegate_sandbox.cli", "reset", "--home", home]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 1
    assert f"a sandbox runs in {home}" in refused.stderr
    living.down()

    asked = subprocess.run(command, capture_output=True, text=True, input="n\n")
    assert asked.returncode == 1
    assert "Forget all that the sandbox" in asked.stdout
    assert (home / "s3" / ACCOUNT / "gone").exists()

    done = subprocess.run([*command, "--yes"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (home / "images" / "marker").exists()
    assert not (home / "s3").exists()
    assert not (home / "state").exists()
