"""SageMaker's operations on processing and training jobs."""

from typing import Any

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.jobs import inventory
from tidegate_sandbox.services.jobs.contract import artifacts_uri
from tidegate_sandbox.services.jobs.job import Job, Kind
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.services.sagemaker import present, sagemaker


def describe(job: Job) -> dict[str, Any]:
    """Return what Describe{kind}Job answers; the steps of a pipeline are referred to by it too."""
    with job.lock:
        return _describe_processing(job) if job.kind == "Processing" else _describe_training(job)


def _describe_processing(job: Job) -> dict[str, Any]:
    request = {key: value for key, value in job.request.items() if key != "Tags"}
    return request | present(
        ProcessingJobArn=job.arn,
        ProcessingJobStatus=job.status,
        ExitMessage=job.exit_message,
        FailureReason=job.failure_reason,
        CreationTime=job.created,
        ProcessingStartTime=job.started,
        ProcessingEndTime=job.ended,
        LastModifiedTime=job.modified,
    )


def _describe_training(job: Job) -> dict[str, Any]:
    request = {key: value for key, value in job.request.items() if key != "Tags"}
    times = [*(moment for _, moment in job.transitions[1:]), job.ended]
    seconds = int((job.ended - job.started).total_seconds()) if job.started and job.ended else None
    metrics = [
        {"MetricName": name, "Value": value, "Timestamp": moment} for name, (value, moment) in job.metrics.items()
    ]
    return {"StoppingCondition": {"MaxRuntimeInSeconds": job.container.max_runtime}, **request} | present(
        TrainingJobArn=job.arn,
        TrainingJobStatus=job.status,
        SecondaryStatus=job.secondary_status,
        SecondaryStatusTransitions=[
            present(Status=status, StartTime=start, EndTime=end)
            for (status, start), end in zip(job.transitions, times, strict=True)
        ],
        ModelArtifacts={"S3ModelArtifacts": f"{artifacts_uri(request)}/model.tar.gz"},
        FinalMetricDataList=metrics or None,
        FailureReason=job.failure_reason,
        CreationTime=job.created,
        TrainingStartTime=job.started,
        TrainingEndTime=job.ended,
        LastModifiedTime=job.modified,
        TrainingTimeInSeconds=seconds,
        BillableTimeInSeconds=seconds,
    )


def _summary(job: Job) -> dict[str, Any]:
    members = [f"{job.kind}JobName", f"{job.kind}JobArn", f"{job.kind}JobStatus", f"{job.kind}EndTime"]
    members += ["CreationTime", "LastModifiedTime"]
    members += ["FailureReason", "ExitMessage"] if job.kind == "Processing" else ["SecondaryStatus"]
    described = describe(job)
    return {member: described[member] for member in members if member in described}


def _list(kind: Kind, parameters: dict[str, Any]) -> dict[str, Any]:
    for unsupported in ("WarmPoolStatusEquals", "TrainingPlanArnEquals"):
        if unsupported in parameters:
            raise AwsError("NotImplemented", f"{unsupported} is not in the local simulation", 501)
    keys = {
        "Name": lambda job: job.name,
        "CreationTime": lambda job: job.created,
        "Status": lambda job: job.status,
    }
    found = [job for job in inventory.every(kind) if _wanted(job, parameters)]
    found.sort(
        key=keys[parameters.get("SortBy", "CreationTime")],
        reverse=parameters.get("SortOrder", "Descending") == "Descending",
    )
    return page([_summary(job) for job in found], parameters, f"{kind}JobSummaries")


def _wanted(job: Job, parameters: dict[str, Any]) -> bool:
    return (
        parameters.get("NameContains", "") in job.name
        and parameters.get("StatusEquals", job.status) == job.status
        and parameters.get("CreationTimeAfter", job.created) <= job.created
        and parameters.get("CreationTimeBefore", job.created) >= job.created
        and parameters.get("LastModifiedTimeAfter", job.modified) <= job.modified
        and parameters.get("LastModifiedTimeBefore", job.modified) >= job.modified
    )


@sagemaker.operation("CreateProcessingJob")
def create_processing_job(parameters: dict[str, Any]) -> dict[str, Any]:
    """Start a processing job."""
    return {"ProcessingJobArn": inventory.create("Processing", parameters).arn}


@sagemaker.operation("DescribeProcessingJob")
def describe_processing_job(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a processing job."""
    return describe(inventory.find("Processing", parameters["ProcessingJobName"]))


@sagemaker.operation("ListProcessingJobs")
def list_processing_jobs(parameters: dict[str, Any]) -> dict[str, Any]:
    """List processing jobs, the newest first unless asked otherwise."""
    return _list("Processing", parameters)


@sagemaker.operation("StopProcessingJob")
def stop_processing_job(parameters: dict[str, Any]) -> dict[str, Any]:
    """Stop a processing job."""
    inventory.find("Processing", parameters["ProcessingJobName"]).stop()
    return {}


@sagemaker.operation("CreateTrainingJob")
def create_training_job(parameters: dict[str, Any]) -> dict[str, Any]:
    """Start a training job."""
    return {"TrainingJobArn": inventory.create("Training", parameters).arn}


@sagemaker.operation("DescribeTrainingJob")
def describe_training_job(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a training job."""
    return describe(inventory.find("Training", parameters["TrainingJobName"]))


@sagemaker.operation("ListTrainingJobs")
def list_training_jobs(parameters: dict[str, Any]) -> dict[str, Any]:
    """List training jobs, the newest first unless asked otherwise."""
    return _list("Training", parameters)


@sagemaker.operation("StopTrainingJob")
def stop_training_job(parameters: dict[str, Any]) -> dict[str, Any]:
    """Stop a training job; what it saved until then is kept."""
    inventory.find("Training", parameters["TrainingJobName"]).stop()
    return {}
