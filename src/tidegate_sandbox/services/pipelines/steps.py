"""Performs one step: resolves its arguments, checks them against the API's shapes, does it, tells what came of it."""

import json
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_sandbox import authorisation, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults import standing
from tidegate_sandbox.faults.subjects import Call
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services import registry
from tidegate_sandbox.services.jobs import inventory
from tidegate_sandbox.services.jobs.job import Job, Kind
from tidegate_sandbox.services.jobs.operations import describe
from tidegate_sandbox.services.jobs.storage import DataError, bucket_and_key
from tidegate_sandbox.services.pipelines.conditions import holds
from tidegate_sandbox.services.pipelines.definition import Step
from tidegate_sandbox.services.pipelines.execution import Execution
from tidegate_sandbox.services.pipelines.expressions import ExpressionError, Values, resolve
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import going_on

_LONGEST_NAME = 63


class StepFailed(Exception):  # noqa: N818 - as the service calls it
    """A step that failed: FailureReason in the service's words, and which of FAULTS it was, if one."""

    def __init__(self, reason: str, fault: str | None = None) -> None:
        super().__init__(reason)
        self.fault = fault


class StepStopped(Exception):  # noqa: N818
    """A step that was stopped with its execution."""


Properties = Mapping[str, Any]


def arguments(step: Step, execution: Execution) -> dict[str, Any]:
    """Return the step's arguments with every expression resolved; StepFailed where one cannot be."""
    try:
        resolved: dict[str, Any] = resolve(dict(step.own_arguments), values(execution))
    except ExpressionError as error:
        raise StepFailed(f"ClientError: {error}") from error
    return resolved


def perform(step: Step, execution: Execution, given: Mapping[str, Any]) -> Properties:
    """Do the step with its resolved arguments and return its properties; StepFailed or StepStopped.

    Its metadata is recorded as soon as it is known.
    """
    return _PERFORM[step.type](step, execution, given)


def outcome(step: Step, execution: Execution) -> bool:
    """Tell whether the conditions of a Condition step hold, all of them; StepFailed where that cannot be told."""
    known = values(execution)
    try:
        held = all(holds(condition, known) for condition in step.arguments["Conditions"])
    except ExpressionError as error:
        raise StepFailed(f"ClientError: {error}") from error
    execution.change(step.name, metadata={"Condition": {"Outcome": str(held)}}, properties={"Outcome": str(held)})
    return held


def values(execution: Execution) -> Values:
    """Return what expressions of the execution come to now."""
    finished = {run.step.name: run for run in execution.begun() if run.status == "Succeeded"}

    def read_json(uri: str) -> Any:
        try:
            bucket, key = bucket_and_key(uri)
            body = execution.scope.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            return json.loads(body)
        except (DataError, ClientError, BotoCoreError) as error:
            raise ExpressionError(f"{uri} cannot be read: {error}") from error
        except ValueError as error:
            raise ExpressionError(f"{uri} is not JSON: {error}") from error

    def read_property_file(step: str, name: str) -> Any:
        if step not in finished:
            raise ExpressionError(f"step {step} has not run")
        files = {file.property_file_name: file for file in finished[step].step.property_files}
        outputs = finished[step].properties.get("ProcessingOutputConfig", {}).get("Outputs", ())
        folders = [o["S3Output"]["S3Uri"] for o in outputs if o["OutputName"] == files[name].output_name]
        if not folders:
            raise ExpressionError(f"step {step} has no output {files[name].output_name}")
        return read_json(f"{folders[0].rstrip('/')}/{files[name].file_path}")

    return Values(
        parameters=execution.parameters,
        execution=execution.variables,
        steps={name: run.properties for name, run in finished.items()},
        read_property_file=read_property_file,
        read_json=read_json,
    )


def _job(kind: Kind) -> Callable[[Step, Execution, Mapping[str, Any]], Properties]:
    def perform(step: Step, execution: Execution, given: Mapping[str, Any]) -> Properties:
        job = _begun(kind, step, execution) or create(step, execution, given)
        execution.follow(job)
        if job.status == "Completed":
            return describe(job)
        if execution.stopping:
            raise StepStopped
        raise StepFailed(*_why(job))

    def create(step: Step, execution: Execution, given: Mapping[str, Any]) -> Job:
        operation, region = f"Create{kind}Job", execution.scope.region
        request = {**given, f"{kind}JobName": _name(execution, step, given.get(f"{kind}JobName"))}
        request.setdefault("RoleArn", execution.role)
        try:
            if throttled := standing.throttles(Call(execution.scope.account, "sagemaker", operation)):
                raise throttled
            journal.write(execution.scope.credentials, authorisation.checks("sagemaker", operation, request), region)
            with changing():
                job = inventory.create(kind, request)
                execution.change(step.name, metadata={f"{kind}Job": {"Arn": job.arn}})
        except AwsError as error:
            raise StepFailed(_not_invoked(operation, error.message), _fault(error.code, error.status)) from error
        return job

    return perform


def _begun(kind: Kind, step: Step, execution: Execution) -> Job | None:
    """Return the job that a sandbox before this one began for the step; None where it began none, or one that failed.

    One that had failed was about to be told of, or to be tried again: it is tried again.
    """
    told = execution.runs[step.name].metadata.get(f"{kind}Job") if going_on() else None
    job = inventory.find(kind, told["Arn"].rpartition("/")[2]) if told else None
    return None if job is not None and job.status in ("Failed", "Stopped") else job


def _why(job: Job) -> tuple[str, str | None]:
    if job.failure_reason is None:
        limit = job.container.max_runtime
        late = job.secondary_status == "MaxRuntimeExceeded"
        return f"ClientError: the job {job.name} was stopped" + (f" after {limit} s, its limit" if late else ""), None
    kind = job.failure_reason.partition(":")[0]
    faults = {"InternalServerError": "SageMaker.JOB_INTERNAL_ERROR", "CapacityError": "SageMaker.CAPACITY_ERROR"}
    return job.failure_reason, faults.get(kind)


def _register(step: Step, execution: Execution, given: Mapping[str, Any]) -> Properties:
    """Register a version; the group comes to be with its first one, as templates of AWS rely on."""
    operation = "CreateModelPackage"
    sagemaker = execution.scope.client("sagemaker")
    group = given.get("ModelPackageGroupName", "")
    try:
        check_parameters("sagemaker", operation, dict(given))
        if group and not group.startswith("arn:") and not registry.has_group(group):
            operation = "CreateModelPackageGroup"
            sagemaker.create_model_package_group(ModelPackageGroupName=group)
            operation = "CreateModelPackage"
        with changing():
            told = execution.runs[step.name].metadata.get("RegisterModel") if going_on() else None
            arn = told["Arn"] if told else sagemaker.create_model_package(**given)["ModelPackageArn"]
            execution.change(step.name, metadata={"RegisterModel": {"Arn": arn}})
        described: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
    except AwsError as error:
        raise StepFailed(_not_invoked(operation, error.message), _fault(error.code, error.status)) from error
    except ClientError as error:
        told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise StepFailed(_not_invoked(operation, told["Message"]), _fault(told["Code"], status)) from error
    except BotoCoreError as error:
        raise StepFailed(_not_invoked(operation, str(error)), "Step.SERVICE_FAULT") from error
    described.pop("ResponseMetadata", None)
    return described


def _fail(step: Step, execution: Execution, given: Mapping[str, Any]) -> Properties:
    message = str(given.get("ErrorMessage", ""))
    execution.change(step.name, metadata={"Fail": {"ErrorMessage": message}})
    raise StepFailed(message)


_PERFORM: Mapping[str, Callable[[Step, Execution, Mapping[str, Any]], Properties]] = {
    "Processing": _job("Processing"),
    "Training": _job("Training"),
    "RegisterModel": _register,
    "Fail": _fail,
}


def _name(execution: Execution, step: Step, prefix: str | None) -> str:
    """Return a job's name as the service makes it: from the execution and the step, or from a prefix of one's own."""
    end = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(10))
    begin = f"{prefix or 'pipelines'}-{execution.id}" + ("" if prefix else f"-{step.name.replace('_', '-')}")
    return f"{begin[: _LONGEST_NAME - len(end) - 1].rstrip('-')}-{end}"


def _not_invoked(operation: str, details: str) -> str:
    return f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {details}"


def _fault(code: str, status: int) -> str | None:
    if "Throttl" in code:
        return "Step.THROTTLING"
    if code == "ResourceLimitExceeded":
        return "SageMaker.RESOURCE_LIMIT"
    # 501 says that the simulation lacks something, and will lack it the next time too.
    return "Step.SERVICE_FAULT" if status >= 500 and status != 501 else None
