"""Given a pipeline's definition, when it is executed, then its jobs run, its branch is taken and its end is told."""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ONE_INSTANCE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
Request = Callable[..., dict[str, Any]]

PREPARE = """
import json, pathlib, sys
numbers = [int(line) for line in pathlib.Path("/opt/ml/processing/rows/rows.csv").read_text().split()]
pathlib.Path("/opt/ml/processing/train/train.json").write_text(json.dumps(numbers[: int(sys.argv[1])]))
"""
TRAIN = """
import json, pathlib
numbers = json.loads(pathlib.Path("/opt/ml/input/data/train/train.json").read_text())
depth = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())["depth"]
pathlib.Path("/opt/ml/model/model.json").write_text(json.dumps({"mean": sum(numbers) / len(numbers), "depth": depth}))
"""
EVALUATE = """
import json, pathlib, tarfile
base = pathlib.Path("/opt/ml/processing")
with tarfile.open(base / "model" / "model.tar.gz") as tar:
    model = json.load(tar.extractfile("model.json"))
(base / "report" / "report.json").write_text(json.dumps({"metrics": {"rmse": {"value": model["mean"]}}}))
"""
RMSE = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "metrics.rmse.value"}}

LIMIT = {"Get": "Parameters.MaxRmse"}


def run_folder(name: str, bucket: Any) -> dict[str, Any]:
    return {"Std:Join": {"On": "/", "Values": [bucket.uri("runs"), {"Get": "Execution.PipelineExecutionId"}, name]}}


@pytest.fixture
def journey(
    sandbox: Any, bucket: Any, name: str, processing_request: Request, training_request: Request, plain_image: str
) -> dict[str, Any]:
    """A definition that prepares, trains, evaluates, and registers a model whose metric is at most MaxRmse.

    Its model package group is not there yet.
    """
    rows = bucket.put("data/rows.csv", "1\n2\n3\n100\n")
    trained_on = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
    model = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    cache = {"Enabled": True, "ExpireAfter": "P1D"}
    steps = [
        {
            "Name": "Prepare",
            "Type": "Processing",
            "CacheConfig": cache,
            "Arguments": processing_request(
                PREPARE,
                {"rows": {"Get": "Parameters.Rows"}},
                {"train": run_folder("train", bucket)},
                arguments=[{"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Count"}]}}],
            ),
        },
        {
            "Name": "Train",
            "Type": "Training",
            "CacheConfig": cache,
            "Arguments": training_request(TRAIN, {"train": trained_on}, HyperParameters={"depth": "6"}),
        },
        {
            "Name": "Evaluate",
            "Type": "Processing",
            "Arguments": processing_request(EVALUATE, {"model": model}, {"report": run_folder("report", bucket)}),
            "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}],
        },
        {
            "Name": "GoodEnough",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "LessThanOrEqualTo", "LeftValue": RMSE, "RightValue": LIMIT}],
                "IfSteps": [
                    {
                        "Name": "Register",
                        "Type": "RegisterModel",
                        "Arguments": {
                            "ModelPackageGroupName": name,
                            "ModelApprovalStatus": "PendingManualApproval",
                            "InferenceSpecification": {
                                "Containers": [{"Image": plain_image, "ModelDataUrl": model}],
                                "SupportedContentTypes": ["text/csv"],
                                "SupportedResponseMIMETypes": ["text/csv"],
                            },
                        },
                    }
                ],
                "ElseSteps": [
                    {
                        "Name": "TooWeak",
                        "Type": "Fail",
                        "Arguments": {
                            "ErrorMessage": {"Std:Join": {"On": " ", "Values": ["RMSE", RMSE, "is above", LIMIT]}}
                        },
                    }
                ],
            },
        },
    ]
    parameters = [
        {"Name": "Rows", "Type": "String", "DefaultValue": rows},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 3},
        {"Name": "MaxRmse", "Type": "Float", "DefaultValue": 60.0},
    ]
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters, "Steps": steps}


class Pipeline:
    def __init__(self, sagemaker: Any, name: str, eventually: Any, fits: Any) -> None:
        self.sagemaker, self.name, self._eventually, self._fits = sagemaker, name, eventually, fits

    def create(self, definition: dict[str, Any], **more: Any) -> str:
        role = "arn:aws:iam::111122223333:role/pipeline"
        created = self.sagemaker.create_pipeline(
            PipelineName=self.name, PipelineDefinition=json.dumps(definition), RoleArn=role, **more
        )
        return str(created["PipelineArn"])

    def start(self, **parameters: str) -> str:
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        started = self.sagemaker.start_pipeline_execution(PipelineName=self.name, PipelineParameters=given)
        return str(started["PipelineExecutionArn"])

    def status(self, execution: str) -> str:
        return str(self.describe(execution)["PipelineExecutionStatus"])

    def describe(self, execution: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        self._fits("DescribePipelineExecution", answer)
        return answer

    def run(self, **parameters: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Execute it to the end; return the execution and its steps by name, in the order in which they began."""
        execution = self.start(**parameters)
        self._eventually(lambda: self.status(execution) not in ("Executing", "Stopping"))
        return self.describe(execution), self.steps(execution)

    def steps(self, execution: str) -> dict[str, dict[str, Any]]:
        paginator = self.sagemaker.get_paginator("list_pipeline_execution_steps")
        asked = {"PipelineExecutionArn": execution, "SortOrder": "Ascending", "PaginationConfig": {"PageSize": 2}}
        pages = list(paginator.paginate(**asked))
        for page in pages:
            self._fits("ListPipelineExecutionSteps", page)
        return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}


@pytest.fixture
def pipeline(sandbox: Any, name: str, eventually: Any, fits: Any) -> Pipeline:
    return Pipeline(sandbox.client("sagemaker"), name, eventually, fits)


def test_a_good_model_is_registered_then_from_the_cache_and_a_weak_one_fails_with_its_metric(
    pipeline: Pipeline, journey: dict[str, Any], name: str, bucket: Any
) -> None:
    pipeline.create(journey)
    execution, steps = pipeline.run()
    assert execution["PipelineExecutionStatus"] == "Succeeded", steps
    assert list(steps) == ["Prepare", "Train", "Evaluate", "GoodEnough", "Register"]
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
    assert steps["GoodEnough"]["Metadata"]["Condition"]["Outcome"] == "True"
    package = pipeline.sagemaker.describe_model_package(
        ModelPackageName=steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    )
    (container,) = package["InferenceSpecification"]["Containers"]
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    job = pipeline.sagemaker.describe_training_job(
        TrainingJobName=steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[-1]
    )
    assert container["ModelDataUrl"] == job["ModelArtifacts"]["S3ModelArtifacts"]
    assert bucket.get(container["ModelDataUrl"])

    again, cached = pipeline.run()
    assert again["PipelineExecutionStatus"] == "Succeeded"
    source = {"SourcePipelineExecutionArn": execution["PipelineExecutionArn"]}
    assert {step: each.get("CacheHitResult") for step, each in cached.items()} == {
        "Prepare": source,
        "Train": source,
        "Evaluate": None,
        "GoodEnough": None,
        "Register": None,
    }

    weak, steps = pipeline.run(Count="4", MaxRmse="20.5")
    assert (weak["PipelineExecutionStatus"], weak["FailureReason"]) == (
        "Failed",
        "Step failure: One or multiple steps failed.",
    )
    assert steps["GoodEnough"]["Metadata"]["Condition"]["Outcome"] == "False"
    assert steps["TooWeak"]["StepStatus"] == "Failed"
    assert steps["TooWeak"]["FailureReason"] == "RMSE 26.5 is above 20.5"
    assert steps["TooWeak"]["Metadata"]["Fail"]["ErrorMessage"] == "RMSE 26.5 is above 20.5"
    assert "CacheHitResult" not in steps["Prepare"]
    listed = pipeline.sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
    assert len(listed) == 2
    assert pipeline.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=weak["PipelineExecutionArn"])[
        "PipelineParameters"
    ] == [{"Name": "Count", "Value": "4"}, {"Name": "MaxRmse", "Value": "20.5"}]


def test_an_execution_and_its_steps_are_told_to_eventbridge(
    sandbox: Any, pipeline: Pipeline, name: str, eventually: Any
) -> None:
    events, sqs = sandbox.client("events"), sandbox.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = pipeline.create(fails_at_once())
    pattern = {"source": ["aws.sagemaker"], "detail": {"pipelineArn": [arn]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": sandbox.arn("sqs", name)}])
    execution, _ = pipeline.run()
    seen: list[tuple[str, str]] = []

    def all_there() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ()):
            event = json.loads(message["Body"])
            assert event["resources"] == [arn, execution["PipelineExecutionArn"]]
            detail = event["detail"]
            seen.append((event["detail-type"].removeprefix("SageMaker Model Building Pipeline Execution "),
                         detail.get("currentStepStatus") or detail["currentPipelineExecutionStatus"]))  # fmt: skip
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(seen) >= 4

    eventually(all_there)
    assert sorted(seen) == [
        ("Status Change", "Executing"),
        ("Status Change", "Failed"),
        ("Step Status Change", "Executing"),
        ("Step Status Change", "Failed"),
    ]


def fails_at_once(message: Any = "no") -> dict[str, Any]:
    fail = {"Name": "Fail", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    return {"Version": "2020-12-01", "Parameters": [], "Steps": [fail]}


def jobs(*steps: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    each = [{"Name": name, "Type": "Processing", "Arguments": arguments, **more} for name, arguments in steps]
    return {"Version": "2020-12-01", "Steps": each}


def test_steps_that_do_not_need_one_another_run_at_the_same_time(
    pipeline: Pipeline, processing_request: Request
) -> None:
    side_by_side = processing_request("import time; time.sleep(1)")
    pipeline.create(jobs(("One", side_by_side), ("Two", side_by_side)))
    _, steps = pipeline.run()
    assert steps["One"]["StartTime"] < steps["Two"]["EndTime"]
    assert steps["Two"]["StartTime"] < steps["One"]["EndTime"]

    pipeline.sagemaker.update_pipeline(
        PipelineName=pipeline.name, ParallelismConfiguration={"MaxParallelExecutionSteps": 1}
    )
    _, steps = pipeline.run()
    assert steps["One"]["EndTime"] <= steps["Two"]["StartTime"]


def test_after_a_failure_nothing_further_begins_and_what_runs_ends_by_itself(
    pipeline: Pipeline, processing_request: Request
) -> None:
    definition = jobs(
        ("Fails", processing_request("raise ValueError('no rows')")),
        ("Slow", processing_request("import time; time.sleep(1.5)")),
        ("After", processing_request("pass")),
    )
    definition["Steps"][2]["DependsOn"] = ["Slow"]
    pipeline.create(definition)
    execution, steps = pipeline.run()
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert {name: step["StepStatus"] for name, step in steps.items()} == {"Fails": "Failed", "Slow": "Succeeded"}
    assert steps["Fails"]["FailureReason"] == "AlgorithmError: ValueError: no rows, exit code: 1"


def test_an_execution_that_is_stopped_stops_its_jobs(
    pipeline: Pipeline, processing_request: Request, eventually: Any
) -> None:
    pipeline.create(jobs(("Slow", processing_request("import time; time.sleep(60)"))))
    execution = pipeline.start()
    eventually(lambda: "Metadata" in pipeline.steps(execution).get("Slow", {}))
    with pytest.raises(ClientError, match="has running executions"):
        pipeline.sagemaker.delete_pipeline(PipelineName=pipeline.name)
    once = {"PipelineExecutionArn": execution, "ClientRequestToken": uuid.uuid4().hex}
    for _ in range(2):
        pipeline.sagemaker.stop_pipeline_execution(**once)
    with pytest.raises(ClientError, match="Only pipelines with 'Executing' status can be stopped"):
        pipeline.sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    eventually(lambda: pipeline.status(execution) == "Stopped")
    (step,) = pipeline.steps(execution).values()
    job = step["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    assert step["StepStatus"] == "Stopped"
    described = pipeline.sagemaker.describe_processing_job(ProcessingJobName=job)
    assert described["ProcessingJobStatus"] == "Stopped"


def test_an_internal_fault_is_tried_again_as_often_as_the_policy_says(
    sandbox: Any, pipeline: Pipeline, processing_request: Request, plain_image: str
) -> None:
    (sandbox.home / "broken.txt").write_text("not-pinned\n")
    table = sandbox.home / "images.toml"
    if "broken" not in table.read_text():
        table.write_text(table.read_text() + '["team/broken"."1"]\nrequirements = "broken.txt"\n')
    arguments = processing_request("pass")
    arguments["AppSpecification"]["ImageUri"] = plain_image.replace("plain", "broken")
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 5, "MaxAttempts": 2}
    pipeline.create(jobs(("Broken", arguments), RetryPolicies=[policy]))
    _, steps = pipeline.run()
    assert steps["Broken"]["StepStatus"] == "Failed"
    assert steps["Broken"]["AttemptCount"] == 3
    assert "install its packages failed" in steps["Broken"]["FailureReason"]


def test_a_job_that_the_api_refuses_fails_its_step_with_the_apis_words(
    pipeline: Pipeline, processing_request: Request
) -> None:
    wrong = {**processing_request("pass"), "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}}}
    pipeline.create(jobs(("Wrong", wrong)))
    _, steps = pipeline.run()
    assert steps["Wrong"]["FailureReason"].startswith(
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: "
    )
    assert "VolumeSizeInGB" in steps["Wrong"]["FailureReason"]


def test_the_same_token_is_the_same_execution(pipeline: Pipeline) -> None:
    pipeline.create(fails_at_once())
    token = "t" * 32
    start = pipeline.sagemaker.start_pipeline_execution
    arns = {
        start(PipelineName=pipeline.name, ClientRequestToken=each)["PipelineExecutionArn"]
        for each in (token, token, "u" * 32)
    }
    assert len(arns) == 2
    listed = pipeline.sagemaker.list_pipeline_executions(PipelineName=pipeline.name)["PipelineExecutionSummaries"]
    assert {each["PipelineExecutionArn"] for each in listed} == arns


def test_a_pipeline_is_created_described_changed_listed_and_deleted(
    pipeline: Pipeline, bucket: Any, eventually: Any
) -> None:
    sagemaker, name = pipeline.sagemaker, pipeline.name
    arn = pipeline.create(fails_at_once("first"), Tags=[{"Key": "team", "Value": "one"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "one"}]
    with pytest.raises(ClientError, match="must be unique within an AWS account") as taken:
        pipeline.create(fails_at_once())
    assert taken.value.response["Error"]["Code"] == "ValidationException"

    first = pipeline.start()
    bucket.put("definition.json", json.dumps(fails_at_once("second")))
    sagemaker.update_pipeline(
        PipelineName=name,
        PipelineDefinitionS3Location={"Bucket": bucket.name, "ObjectKey": "definition.json"},
        PipelineDescription="changed",
    )
    described = sagemaker.describe_pipeline(PipelineName=arn)
    assert json.loads(described["PipelineDefinition"]) == fails_at_once("second")
    assert (described["PipelineDescription"], described["PipelineStatus"]) == ("changed", "Active")
    kept = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=first)
    assert json.loads(kept["PipelineDefinition"]) == fails_at_once("first")
    assert [
        each["PipelineName"] for each in sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    ] == [name]

    eventually(lambda: pipeline.status(first) == "Failed")
    sagemaker.delete_pipeline(PipelineName=name)
    for gone in (
        lambda: sagemaker.describe_pipeline(PipelineName=name),
        lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=first),
    ):
        with pytest.raises(ClientError) as error:
            gone()
        assert error.value.response["Error"]["Code"] == "ResourceNotFound"


def test_what_cannot_be_a_pipeline_or_an_execution_is_refused_before_anything_runs(
    pipeline: Pipeline, journey: dict[str, Any], processing_request: Request
) -> None:
    with pytest.raises(ClientError, match="is not JSON"):
        pipeline.sagemaker.create_pipeline(
            PipelineName=pipeline.name, PipelineDefinition="{", RoleArn="arn:aws:iam::111122223333:role/r"
        )
    pipeline.create(journey)
    for parameters, says in (
        ({"Counts": "3"}, "has no parameter Counts; it has Count, MaxRmse, Rows"),
        ({"Count": "many"}, "Count is of type Integer, and 'many' is not"),
    ):
        with pytest.raises(ClientError, match=says) as refused:
            pipeline.start(**parameters)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    for change, code, says in (
        ({"Type": "QualityCheck"}, "NotImplemented", "step Prepare is of type QualityCheck"),
        (
            {"Arguments": {"AppSpecification": {"ImageUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/x:1"}}},
            "ValidationException",
            "no stand-in",
        ),
    ):
        definition = {**journey, "Steps": [{"Name": "Prepare", "Type": "Processing", "Arguments": {}, **change}]}
        pipeline.sagemaker.update_pipeline(PipelineName=pipeline.name, PipelineDefinition=json.dumps(definition))
        with pytest.raises(ClientError, match=says) as refused:
            pipeline.start()
        assert refused.value.response["Error"]["Code"] == code
    assert pipeline.sagemaker.list_pipeline_executions(PipelineName=pipeline.name)["PipelineExecutionSummaries"] == []


def test_a_sandbox_that_is_killed_leaves_no_job_running(another_sandbox: Any, eventually: Any, name: str) -> None:
    mark = f"61.{int(name.removeprefix('t-'), 16)}"
    script = f"sleep {mark} & setsid sleep {mark} & wait"
    with another_sandbox() as killed:
        (killed.home / "plain.txt").write_text("")
        (killed.home / "images.toml").write_text('["team/plain"."1"]\nrequirements = "plain.txt"\n')
        killed.client("sagemaker").create_processing_job(
            ProcessingJobName=name,
            AppSpecification={
                "ImageUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/plain:1",
                "ContainerEntrypoint": ["bash", "-c", script],
            },
            ProcessingResources={"ClusterConfig": ONE_INSTANCE},
            RoleArn="arn:aws:iam::111122223333:role/r",
        )
        eventually(lambda: running(f"sleep {mark}") == 2)
        os.kill(killed.pid, signal.SIGKILL)
        eventually(lambda: running(f"sleep {mark}") == 0)


def running(command: str) -> int:
    return subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True).stdout.splitlines().count(command)
