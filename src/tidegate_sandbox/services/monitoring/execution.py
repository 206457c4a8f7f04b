"""Executes a monitoring schedule once: finds what was captured, and starts a processing job over it.

The container's contract is that of Model Monitor's own containers:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-contract-inputs.html
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_sandbox import context, credentials
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.jobs import inventory
from tidegate_sandbox.services.jobs.storage import DataError, bucket_and_key
from tidegate_sandbox.services.monitoring import cron
from tidegate_sandbox.services.monitoring.definitions import check_endpoint
from tidegate_sandbox.services.monitoring.records import Execution, JobDefinition, Schedule
from tidegate_sandbox.services.sagemaker import present

NO_DATA = "Job inputs had no data"

CAPTURED = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}

_BASELINE = PurePosixPath("/opt/ml/processing/baseline")
_GROUND_TRUTH = PurePosixPath("/opt/ml/processing/groundtruth")

Window = tuple[datetime, datetime]


def prepare(schedule: Schedule, scheduled: datetime) -> dict[str, Any] | str:
    """Return the parameters of the processing job for the time `scheduled`, or a sentence why there will be none."""
    try:
        return request_of(schedule, scheduled) or NO_DATA
    except AwsError as error:
        return error.message
    except (DataError, ClientError, BotoCoreError) as error:
        return str(error)


def execute(schedule: Schedule, scheduled: datetime, prepared: dict[str, Any] | str) -> Execution:
    """Run `schedule` as prepared; what keeps it from running is the execution's FailureReason."""
    definition, now = schedule.definition, context.sandbox().clock.now()
    made = Execution(schedule.name, definition.name, definition.kind, definition.endpoint, scheduled, now)
    if isinstance(prepared, str):
        made.why_none = prepared
        return made
    try:
        made.job = inventory.create("Processing", prepared)
    except AwsError as error:
        made.why_none = error.message
    return made


def window(schedule: Schedule, scheduled: datetime) -> Window:
    """Return from when until when the execution at `scheduled` looks."""
    timing, given = schedule.config["ScheduleConfig"], schedule.definition.input["EndpointInput"]
    start = given.get("StartTimeOffset") or timing.get("DataAnalysisStartTime")
    end = given.get("EndTimeOffset") or timing.get("DataAnalysisEndTime")
    recurrence = cron.parse(timing["ScheduleExpression"])
    length = recurrence.interval if recurrence else cron.HOUR
    until = scheduled - cron.offset(end) if end else scheduled
    return scheduled - (cron.offset(start) if start else length), until


def request_of(schedule: Schedule, scheduled: datetime) -> dict[str, Any] | None:
    """Return the parameters of CreateProcessingJob for the execution at `scheduled`, None where there is no data."""
    definition, (start, end) = schedule.definition, window(schedule, scheduled)
    request = definition.request
    with credentials.acting_as(request["RoleArn"], "sagemaker", schedule.name):
        s3 = context.scope().client("s3")
        inputs = [*_captured(s3, definition, start, end)]
        truth = [*_ground_truth(s3, definition, start, end)]
    if not inputs or (definition.kind == "ModelQuality" and not truth):
        return None
    baseline, environment = _baseline(definition)
    local = definition.output["MonitoringOutputs"][0]["S3Output"]["LocalPath"]
    return present(
        ProcessingJobName=f"model-monitoring-{scheduled:%Y%m%d%H%M}-{secrets.token_hex(12)}",
        ProcessingInputs=[*inputs, *truth, *baseline],
        ProcessingOutputConfig=_outputs(schedule, scheduled),
        ProcessingResources=request["JobResources"],
        StoppingCondition=request.get("StoppingCondition"),
        AppSpecification={
            key: value
            for key, value in definition.application.items()
            if key in ("ImageUri", "ContainerEntrypoint", "ContainerArguments")
        },
        Environment={
            **environment,
            **_analysis(definition),
            "dataset_format": json.dumps(CAPTURED),
            "dataset_source": definition.input["EndpointInput"]["LocalPath"],
            "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "output_path": local,
            "publish_cloudwatch_metrics": "Disabled",
            "sagemaker_endpoint_name": definition.endpoint,
            "sagemaker_monitoring_schedule_name": schedule.name,
            **definition.application.get("Environment", {}),
        },
        NetworkConfig=request.get("NetworkConfig"),
        RoleArn=request["RoleArn"],
    )


def _captured(s3: Any, definition: JobDefinition, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    endpoint = check_endpoint(definition.endpoint)
    below = PurePosixPath(definition.input["EndpointInput"]["LocalPath"])
    for variant in endpoint["ProductionVariants"]:
        for hour in cron.hours(start, end):
            path = f"{definition.endpoint}/{variant['VariantName']}/{hour:%Y/%m/%d/%H}"
            uri = f"{endpoint['DataCaptureConfig']['DestinationS3Uri'].rstrip('/')}/{path}"
            yield from _input(s3, f"endpoint-{variant['VariantName']}-{hour:%Y%m%d%H}", uri, below / path)


def _ground_truth(s3: Any, definition: JobDefinition, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    if definition.kind == "ModelQuality":
        root = definition.input["GroundTruthS3Input"]["S3Uri"].rstrip("/")
        for hour in cron.hours(start, end):
            path = f"{hour:%Y/%m/%d/%H}"
            yield from _input(s3, f"groundtruth-{hour:%Y%m%d%H}", f"{root}/{path}", _GROUND_TRUTH / path)


def _input(s3: Any, name: str, uri: str, local: PurePosixPath) -> Iterator[dict[str, Any]]:
    """Yield the input, if there is anything in it."""
    bucket, key = bucket_and_key(f"{uri}/")
    if s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"):
        yield _s3_input(name, uri, local)


def _s3_input(name: str, uri: str, local: PurePosixPath) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": str(local), "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def _baseline(definition: JobDefinition) -> tuple[list[dict[str, Any]], dict[str, str]]:
    inputs, environment = [], {}
    for member, name, variable in (
        ("ConstraintsResource", "constraints", "baseline_constraints"),
        ("StatisticsResource", "stats", "baseline_statistics"),
    ):
        if uri := definition.baseline.get(member, {}).get("S3Uri"):
            inputs.append(_s3_input(name, uri, _BASELINE / name))
            environment[variable] = str(_BASELINE / name / uri.rpartition("/")[2])
    return inputs, environment


def _analysis(definition: JobDefinition) -> dict[str, str]:
    given = definition.input["EndpointInput"]
    told: Mapping[str, Any] = {
        "analysis_type": {"DataQuality": "DATA_QUALITY", "ModelQuality": "MODEL_QUALITY"}[definition.kind],
        "problem_type": definition.application.get("ProblemType"),
        "inference_attribute": given.get("InferenceAttribute"),
        "probability_attribute": given.get("ProbabilityAttribute"),
        "probability_threshold_attribute": given.get("ProbabilityThresholdAttribute"),
        "ground_truth_source": str(_GROUND_TRUTH) if definition.kind == "ModelQuality" else None,
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _outputs(schedule: Schedule, scheduled: datetime) -> dict[str, Any]:
    config, endpoint = schedule.definition.output, schedule.definition.endpoint
    outputs = []
    for number, each in enumerate(config["MonitoringOutputs"], 1):
        given = each["S3Output"]
        uri = f"{given['S3Uri'].rstrip('/')}/{endpoint}/{schedule.name}/{scheduled:%Y/%m/%d/%H}"
        output = {"S3Uri": uri, "LocalPath": given["LocalPath"], "S3UploadMode": "EndOfJob"}
        outputs.append({"OutputName": f"output_{number}", "S3Output": output})
    return present(Outputs=outputs, KmsKeyId=config.get("KmsKeyId"))
