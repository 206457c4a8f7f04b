"""Given a stage with monitors, when it is deployed, then its schedules look at what was captured and tell of it."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from test_rendered_phases import Project
from workshop import BUCKET, Workshop

BASELINE = f"s3://{BUCKET}/baseline"
TRUTH = f"s3://{BUCKET}/ground-truth"
MONITORING = {
    "data_quality": {"schedule": "hourly", "baseline": BASELINE},
    "model_quality": {
        "schedule": "daily",
        "baseline": BASELINE,
        "ground_truth": TRUTH,
        "problem_type": "Regression",
        "inference_attribute": "0",
    },
}
FEATURES = [
    {"name": "rentals", "inferred_type": "Fractional", "completeness": 1.0},
    {"name": "hour", "inferred_type": "Integral", "completeness": 1.0},
    {
        "name": "weather",
        "inferred_type": "String",
        "completeness": 1.0,
        "string_constraints": {"domains": ["clear", "rain"]},
    },
]
STATISTICS = {
    "features": [
        {
            "name": "hour",
            "numerical_statistics": {
                "distribution": {"kll": {"buckets": [{"lower_bound": 0, "upper_bound": 12, "count": 1000}]}}
            },
        }
    ]
}
BUSY = ("Pending", "InProgress")


@pytest.fixture(scope="module")
def project(endpoint_sandbox: Any, eventually: Callable[..., Any]) -> Iterator[Project]:
    """A project whose only stage is deployed with both monitors."""
    workshop = Workshop(endpoint_sandbox, f"m-{uuid.uuid4().hex[:8]}", eventually)
    constraints = {"features": FEATURES, "regression_constraints": {}}
    constraints["regression_constraints"] = {"rmse": {"threshold": 1.0, "comparison_operator": "GreaterThanThreshold"}}
    for name, content in (("constraints", constraints), ("statistics", STATISTICS)):
        workshop.s3.put_object(Bucket=BUCKET, Key=f"baseline/{name}.json", Body=json.dumps(content))
    project = Project(workshop, monitoring=MONITORING, environment={"VERSION": "2"})
    project.approve()
    project.deploy(project.updates().release.files)
    yield project
    workshop.cloudformation.delete_stack(StackName=workshop.name)


def answer(project: Project, operation: str, **given: Any) -> Any:
    """Call an operation of SageMaker and hold its answer to botocore's shape."""
    client = project.workshop.sagemaker
    told = getattr(client, operation)(**given)
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).output_shape
    report = ParamValidator().validate({key: told[key] for key in told if key != "ResponseMetadata"}, shape)
    assert not report.has_errors(), report.generate_report()
    return told


def schedule(project: Project, kind: str) -> Any:
    listed = answer(
        project,
        "list_monitoring_schedules",
        EndpointName=project.endpoint,
        MonitoringTypeEquals=kind,
        NameContains=f"{kind.removesuffix('Quality')}-quality",
    )
    (found,) = listed["MonitoringScheduleSummaries"]
    return answer(project, "describe_monitoring_schedule", MonitoringScheduleName=found["MonitoringScheduleName"])


def run_now(project: Project, kind: str, name: str, start: str = "-PT2H", end: str = "-PT0H") -> Any:
    """Make a schedule that looks once at the last two hours, or others; return how its execution ended."""
    definition = schedule(project, kind)["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
    timing = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": start, "DataAnalysisEndTime": end}
    project.workshop.sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "MonitoringType": kind,
            "MonitoringJobDefinitionName": definition,
            "ScheduleConfig": timing,
        },
    )

    def ended() -> Any:
        found = answer(project, "list_monitoring_executions", MonitoringScheduleName=name)
        executions = found["MonitoringExecutionSummaries"]
        return executions and executions[0]["MonitoringExecutionStatus"] not in BUSY and executions[0]

    return project.workshop.eventually(ended, 60)


def capture(project: Project, *requests: tuple[str, str, str]) -> datetime:
    """Put captured requests of this moment, each an id, a body and its answer, where the endpoint would."""
    at: datetime = schedule(project, "DataQuality")["CreationTime"]
    lines = [
        json.dumps(
            {
                "captureData": {
                    "endpointInput": {"encoding": "CSV", "data": body},
                    "endpointOutput": {"encoding": "CSV", "data": answered},
                },
                "eventMetadata": {"eventId": "e", "inferenceId": name, "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
                "eventVersion": "0",
            }
        )
        for name, body, answered in requests
    ]
    described = project.workshop.sagemaker.describe_endpoint(EndpointName=project.endpoint)
    _, _, prefix = described["DataCaptureConfig"]["DestinationS3Uri"].removeprefix("s3://").partition("/")
    key = f"{prefix}/{project.endpoint}/AllTraffic/{at:%Y/%m/%d/%H}/{uuid.uuid4().hex}.jsonl"
    project.workshop.s3.put_object(Bucket=BUCKET, Key=key, Body="\n".join(lines))
    return at


def report(project: Project, execution: Any, name: str) -> Any:
    job = project.workshop.sagemaker.describe_processing_job(
        ProcessingJobName=execution["ProcessingJobArn"].rpartition("/")[2]
    )
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    bucket, _, key = output["S3Output"]["S3Uri"].removeprefix("s3://").partition("/")
    assert f"/{execution['MonitoringScheduleName']}/" in key
    body = project.workshop.s3.get_object(Bucket=bucket, Key=f"{key}/{name}")["Body"].read()
    return json.loads(body)


def test_a_stage_with_monitors_has_their_schedules_and_no_data_is_no_success(project: Project) -> None:
    for kind, expression in (("DataQuality", "cron(0 * ? * * *)"), ("ModelQuality", "cron(0 0 ? * * *)")):
        found = schedule(project, kind)
        assert found["MonitoringScheduleStatus"] == "Scheduled"
        assert found["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"] == expression
        assert project.workshop.name in found["MonitoringScheduleName"]
        definition = found["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
        describe = f"describe_{'data' if kind == 'DataQuality' else 'model'}_quality_job_definition"
        told = answer(project, describe, JobDefinitionName=definition)
        assert told[f"{kind}JobInput"]["EndpointInput"]["EndpointName"] == project.endpoint
    execution = run_now(project, "ModelQuality", f"{project.workshop.name}-nothing", "-P3D", "-P2D")
    assert (execution["MonitoringExecutionStatus"], execution["FailureReason"]) == ("Failed", "Job inputs had no data")


def test_data_quality_is_held_against_the_baseline_and_told_in_reports_and_metrics(project: Project) -> None:
    capture(
        project, *((f"r{n}", f"{n},clear", "9.5") for n in range(20)), ("odd", "x,snow", "7"), ("short", ",rain", "8")
    )
    name = f"{project.workshop.name}-data"
    execution = run_now(project, "DataQuality", name)

    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution.get("FailureReason")
    found = report(project, execution, "constraint_violations.json")["violations"]
    assert {(each["feature_name"], each["constraint_check_type"]) for each in found} >= {
        ("hour", "completeness_check"),
        ("hour", "data_type_check"),
        ("weather", "categorical_values_check"),
    }
    described = {each["name"]: each for each in report(project, execution, "statistics.json")["features"]}
    counts = described["weather"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert {"value": "snow", "count": 1} in counts
    dimensions = [
        {"Name": "Endpoint", "Value": project.endpoint},
        {"Name": "MonitoringSchedule", "Value": name},
    ]
    listed = project.workshop.cloudwatch.list_metrics(
        Namespace="aws/sagemaker/Endpoints/data-metrics", Dimensions=dimensions
    )["Metrics"]
    assert {"feature_non_null_hour", "feature_baseline_drift_hour"} <= {each["MetricName"] for each in listed}


def test_model_quality_joins_answers_with_the_truth_that_came_since(project: Project) -> None:
    at = capture(project, ("one", "1,clear", "10"), ("two", "2,clear", "20"), ("unknown", "3,rain", "30"))
    truths = [
        {"groundTruthData": {"data": truth, "encoding": "CSV"}, "eventMetadata": {"eventId": name}, "eventVersion": "0"}
        for name, truth in (("one", "13"), ("two", "16"))
    ]
    key = f"ground-truth/{at:%Y/%m/%d/%H}/truth.jsonl"
    project.workshop.s3.put_object(Bucket=BUCKET, Key=key, Body="\n".join(map(json.dumps, truths)))
    execution = run_now(project, "ModelQuality", f"{project.workshop.name}-model")

    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution.get("FailureReason")
    metrics = report(project, execution, "statistics.json")["regression_metrics"]
    assert (metrics["mae"]["value"], metrics["mse"]["value"]) == (3.5, 12.5)
    (violation,) = report(project, execution, "constraint_violations.json")["violations"]
    assert (violation["metric_name"], violation["constraint_check_type"]) == ("rmse", "GreaterThanThreshold")


def test_what_the_endpoint_captured_itself_is_what_a_monitor_reads(project: Project) -> None:
    for _ in range(3):
        project.workshop.runtime.invoke_endpoint(
            EndpointName=project.endpoint, Body=b"4,clear", ContentType="text/csv", Accept="text/csv"
        )
    described = project.workshop.sagemaker.describe_endpoint(EndpointName=project.endpoint)
    _, _, prefix = described["DataCaptureConfig"]["DestinationS3Uri"].removeprefix("s3://").partition("/")

    def captured() -> bool:
        listed = project.workshop.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/{project.endpoint}/")
        bodies = (
            project.workshop.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
            for each in listed.get("Contents", ())
        )
        return any(b"2:4,clear" in body for body in bodies)

    project.workshop.eventually(captured, 30)
    execution = run_now(project, "DataQuality", f"{project.workshop.name}-own")
    assert report(project, execution, "statistics.json")["dataset"]["item_count"] >= 3


def test_a_schedule_is_stopped_started_changed_and_deleted_and_its_executions_stay_listed(project: Project) -> None:
    client, name = project.workshop.sagemaker, f"{project.workshop.name}-hourly"
    config = schedule(project, "DataQuality")["MonitoringScheduleConfig"]
    client.create_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=config)
    with pytest.raises(ClientError, match="already exists"):
        client.create_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=config)

    def described() -> Any:
        return answer(project, "describe_monitoring_schedule", MonitoringScheduleName=name)

    client.stop_monitoring_schedule(MonitoringScheduleName=name)
    assert described()["MonitoringScheduleStatus"] == "Stopped"
    client.start_monitoring_schedule(MonitoringScheduleName=name)
    assert described()["MonitoringScheduleStatus"] == "Scheduled"
    daily = {**config, "ScheduleConfig": {"ScheduleExpression": "cron(0 17/12 ? * * *)"}}
    client.update_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=daily)
    assert described()["MonitoringScheduleConfig"] == daily
    wrong = {**config, "ScheduleConfig": {"ScheduleExpression": "cron(5 * ? * * *)"}}
    with pytest.raises(ClientError, match="is not hourly"):
        client.update_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=wrong)
    client.delete_monitoring_schedule(MonitoringScheduleName=name)
    with pytest.raises(ClientError, match="not found") as gone:
        described()
    assert gone.value.response["Error"]["Code"] == "ResourceNotFound"


def test_what_aws_refuses_or_the_simulation_lacks_is_refused(project: Project) -> None:
    client = project.workshop.sagemaker
    definition = schedule(project, "DataQuality")["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
    given = client.describe_data_quality_job_definition(JobDefinitionName=definition)
    request = {key: given[key] for key in given if key not in ("ResponseMetadata", "JobDefinitionArn", "CreationTime")}
    with pytest.raises(ClientError, match="already exists"):
        client.create_data_quality_job_definition(**request)
    request["JobDefinitionName"] = f"{project.workshop.name}-other"
    elsewhere = {"EndpointInput": {"EndpointName": "none", "LocalPath": "/opt/ml/processing/input"}}
    with pytest.raises(ClientError, match="'none' does not exist"):
        client.create_data_quality_job_definition(**request | {"DataQualityJobInput": elsewhere})
    application = request["DataQualityAppSpecification"] | {"RecordPreprocessorSourceUri": "s3://b/pre.py"}
    with pytest.raises(ClientError, match="not in the local simulation"):
        client.create_data_quality_job_definition(**request | {"DataQualityAppSpecification": application})


def test_a_stack_that_is_deleted_takes_its_monitors_with_it(
    endpoint_sandbox: Any, eventually: Callable[..., Any]
) -> None:
    workshop = Workshop(endpoint_sandbox, f"u-{uuid.uuid4().hex[:8]}", eventually)
    project = Project(workshop, monitoring={"data_quality": {"schedule": "hourly", "baseline": BASELINE}})
    project.approve()
    project.deploy(project.updates().release.files)
    assert schedule(project, "DataQuality")["EndpointName"] == project.endpoint
    workshop.cloudformation.delete_stack(StackName=workshop.name)

    def left() -> Any:
        monitors = workshop.sagemaker.list_monitoring_schedules(NameContains=workshop.name)
        definitions = workshop.sagemaker.list_data_quality_job_definitions(EndpointName=project.endpoint)
        return [*monitors["MonitoringScheduleSummaries"], *definitions["JobDefinitionSummaries"]]

    eventually(lambda: left() == [])
