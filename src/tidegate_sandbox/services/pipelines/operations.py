"""SageMaker's operations on pipelines and their executions."""

import threading
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context, images
from tidegate_sandbox.context import scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.services.pipelines import runner
from tidegate_sandbox.services.pipelines.definition import (
    Definition,
    DefinitionError,
    UnsupportedError,
    check_runnable,
    parse,
)
from tidegate_sandbox.services.pipelines.execution import RUNNING, Execution, Pipeline, StepRun, pipelines
from tidegate_sandbox.services.pipelines.selection import select
from tidegate_sandbox.services.sagemaker import present, sagemaker
from tidegate_sandbox.state.tasks import begin

changing_pipelines = threading.Lock()


@sagemaker.operation("CreatePipeline")
def create_pipeline(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a pipeline; the same request token again answers the same pipeline."""
    name = parameters["PipelineName"]
    text, definition = _definition(parameters)
    arn = scope().arn("sagemaker", f"pipeline/{name.lower()}")
    now = context.sandbox().clock.now()
    with changing_pipelines:
        there = pipelines.here().get(name.lower())
        if there is not None:
            if there.token == parameters["ClientRequestToken"]:
                return {"PipelineArn": there.arn}
            raise AwsError(
                "ValidationException",
                f"Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) "
                "already exists.",
            )
        tags.set_tags(arn, parameters.get("Tags", ()))
        pipelines.here()[name.lower()] = Pipeline(
            name=name,
            arn=arn,
            text=text,
            definition=definition,
            role=parameters["RoleArn"],
            token=parameters["ClientRequestToken"],
            created=now,
            modified=now,
            display_name=parameters.get("PipelineDisplayName", name),
            description=parameters.get("PipelineDescription"),
            most_parallel=_most_parallel(parameters),
        )
    return {"PipelineArn": arn}


@sagemaker.operation("UpdatePipeline")
def update_pipeline(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change a pipeline; executions that run keep the definition they began with."""
    pipeline = _pipeline(parameters["PipelineName"])
    changes: dict[str, Any] = {}
    if "PipelineDefinition" in parameters or "PipelineDefinitionS3Location" in parameters:
        changes["text"], changes["definition"] = _definition(parameters)
    members = {"RoleArn": "role", "PipelineDisplayName": "display_name", "PipelineDescription": "description"}
    changes |= {attribute: parameters[member] for member, attribute in members.items() if member in parameters}
    if "ParallelismConfiguration" in parameters:
        changes["most_parallel"] = _most_parallel(parameters)
    with changing_pipelines:
        for attribute, value in changes.items():
            setattr(pipeline, attribute, value)
        pipeline.modified = context.sandbox().clock.now()
    return {"PipelineArn": pipeline.arn}


@sagemaker.operation("DescribePipeline")
def describe_pipeline(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a pipeline, its definition included."""
    _refuse(parameters, "PipelineVersionId")
    pipeline = _pipeline(parameters["PipelineName"])
    return _summary(pipeline) | present(
        PipelineDefinition=pipeline.text,
        PipelineStatus="Active",
        LastRunTime=pipeline.last_run,
        ParallelismConfiguration=_parallelism(pipeline.most_parallel),
    )


@sagemaker.operation("ListPipelines")
def list_pipelines(parameters: dict[str, Any]) -> dict[str, Any]:
    """List pipelines, the newest first unless asked otherwise."""
    found = [
        pipeline
        for pipeline in list(pipelines.here().values())
        if pipeline.name.startswith(parameters.get("PipelineNamePrefix", "")) and _within(pipeline.created, parameters)
    ]
    by_name = parameters.get("SortBy") == "Name"
    _sort(found, parameters, lambda each: each.name if by_name else each.created)
    members = [{**_summary(each), **present(LastExecutionTime=each.last_run)} for each in found]
    return page(members, parameters, "PipelineSummaries")


@sagemaker.operation("DeletePipeline")
def delete_pipeline(parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete a pipeline that no execution of is running."""
    pipeline = _pipeline(parameters["PipelineName"])
    with changing_pipelines:
        if any(execution.status in RUNNING for execution in pipeline.executions):
            raise AwsError("ConflictException", f"{pipeline.arn} has running executions: stop them first.")
        tags.drop(pipeline.arn)
        pipelines.here().pop(pipeline.name.lower(), None)
    return {"PipelineArn": pipeline.arn}


@sagemaker.operation("StartPipelineExecution")
def start_pipeline_execution(parameters: dict[str, Any]) -> dict[str, Any]:
    """Start an execution; the same request token again answers the same execution."""
    _refuse(parameters, "PipelineVersionId", "MlflowExperimentName")
    pipeline = _pipeline(parameters["PipelineName"])
    with changing_pipelines:
        for earlier in pipeline.executions:
            if earlier.token == parameters["ClientRequestToken"]:
                return {"PipelineExecutionArn": earlier.arn}
        given = {each["Name"]: each["Value"] for each in parameters.get("PipelineParameters", ())}
        try:
            values = pipeline.definition.values(given)
            check_runnable(pipeline.definition)
        except DefinitionError as error:
            raise AwsError("ValidationException", f"{pipeline.name}: {error}") from error
        except UnsupportedError as error:
            raise AwsError("NotImplemented", f"{pipeline.name}: {error}", 501) from error
        _check_images(pipeline.definition)
        execution = Execution(pipeline, values, parameters)
        if "SelectiveExecutionConfig" in parameters:
            _select(execution, parameters["SelectiveExecutionConfig"])
        pipeline.executions.append(execution)
        pipeline.last_run = execution.created
        begin(runner.run, execution, name=f"pipeline-{execution.id}")
    return {"PipelineExecutionArn": execution.arn}


def _select(execution: Execution, config: Mapping[str, Any]) -> None:
    """Let `execution` run the selected steps alone; AwsError(ValidationException) where it cannot."""
    arn = config.get("SourcePipelineExecutionArn")
    source = next((each for each in execution.pipeline.executions if each.arn == arn), None)
    try:
        selection = select(execution.definition, [each["StepName"] for each in config["SelectedSteps"]])
    except DefinitionError as error:
        raise AwsError("ValidationException", f"SelectedSteps: {error}") from error
    if arn is not None and source is None:
        raise AwsError("ValidationException", f"{arn} is no execution of {execution.pipeline.name}")
    if source is not None and source.status not in ("Succeeded", "Failed"):
        raise AwsError("ValidationException", f"{arn} is {source.status}, and must have succeeded or failed")
    left = {run.step.name for run in source.begun() if run.status == "Succeeded"} if source else set()
    if missing := sorted(selection.reused - left):
        what = (
            f"SourcePipelineExecutionArn {arn} has no outputs of" if arn else "SourcePipelineExecutionArn is needed for"
        )
        raise AwsError("ValidationException", f"{what} {', '.join(missing)}, which the selected steps depend on")
    execution.reuse(selection, config, source)


@sagemaker.operation("RetryPipelineExecution")
def retry_pipeline_execution(parameters: dict[str, Any]) -> dict[str, Any]:
    """Run again what failed or was stopped, with the definition that the execution began with."""
    execution, token = _execution(parameters["PipelineExecutionArn"]), parameters["ClientRequestToken"]
    with changing_pipelines:
        if token in execution.retries:
            return {"PipelineExecutionArn": execution.arn}
        if not execution.try_again(token, _most_parallel(parameters)):
            raise AwsError(
                "ConflictException",
                f"{execution.arn} is {execution.status}: only an execution that failed or was stopped is retried.",
            )
        begin(runner.run, execution, name=f"pipeline-{execution.id}")
    return {"PipelineExecutionArn": execution.arn}


@sagemaker.operation("UpdatePipelineExecution")
def update_pipeline_execution(parameters: dict[str, Any]) -> dict[str, Any]:
    """Change how an execution is described, and how many of its steps run at once."""
    execution = _execution(parameters["PipelineExecutionArn"])
    with changing_pipelines:
        execution.display_name = parameters.get("PipelineExecutionDisplayName", execution.display_name)
        execution.description = parameters.get("PipelineExecutionDescription", execution.description)
        execution.most_parallel = _most_parallel(parameters) or execution.most_parallel
        execution.modified = context.sandbox().clock.now()
    return {"PipelineExecutionArn": execution.arn}


@sagemaker.operation("StopPipelineExecution")
def stop_pipeline_execution(parameters: dict[str, Any]) -> dict[str, Any]:
    """Stop an execution and the jobs of its steps."""
    execution = _execution(parameters["PipelineExecutionArn"])
    if not execution.stop(parameters["ClientRequestToken"]):
        raise AwsError(
            "ValidationException",
            f"{execution.arn} is {execution.status}. Only pipelines with 'Executing' status can be stopped",
        )
    return {"PipelineExecutionArn": execution.arn}


@sagemaker.operation("DescribePipelineExecution")
def describe_pipeline_execution(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe an execution."""
    execution = _execution(parameters["PipelineExecutionArn"])
    status = execution.status  # first: what belongs to it is there by then
    return present(
        PipelineArn=execution.pipeline.arn,
        PipelineExecutionArn=execution.arn,
        PipelineExecutionDisplayName=execution.display_name,
        PipelineExecutionDescription=execution.description,
        PipelineExecutionStatus=status,
        FailureReason=execution.failure_reason,
        CreationTime=execution.created,
        LastModifiedTime=execution.modified,
        ParallelismConfiguration=_parallelism(execution.most_parallel),
        SelectiveExecutionConfig=execution.selected_by,
    )


@sagemaker.operation("ListPipelineExecutions")
def list_pipeline_executions(parameters: dict[str, Any]) -> dict[str, Any]:
    """List a pipeline's executions, the newest first unless asked otherwise."""
    pipeline = _pipeline(parameters["PipelineName"])
    found = [each for each in pipeline.executions if _within(each.created, parameters)]
    by_arn = parameters.get("SortBy") == "PipelineExecutionArn"
    _sort(found, parameters, lambda each: each.arn if by_arn else each.created)
    members = [
        present(
            PipelineExecutionArn=each.arn,
            StartTime=each.created,
            PipelineExecutionStatus=each.status,
            PipelineExecutionDescription=each.description,
            PipelineExecutionDisplayName=each.display_name,
            PipelineExecutionFailureReason=each.failure_reason,
        )
        for each in found
    ]
    return page(members, parameters, "PipelineExecutionSummaries")


@sagemaker.operation("ListPipelineExecutionSteps")
def list_pipeline_execution_steps(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the steps that have begun, the newest first unless asked otherwise."""
    if "PipelineExecutionArn" not in parameters:
        raise AwsError("ValidationException", "PipelineExecutionArn is missing")
    runs = _execution(parameters["PipelineExecutionArn"]).begun()
    if parameters.get("SortOrder", "Descending") == "Descending":
        runs.reverse()
    return page([_step(run) for run in runs], parameters, "PipelineExecutionSteps")


@sagemaker.operation("ListPipelineParametersForExecution")
def list_pipeline_parameters_for_execution(parameters: dict[str, Any]) -> dict[str, Any]:
    """List the parameters that an execution was given."""
    return page(_execution(parameters["PipelineExecutionArn"]).given, parameters, "PipelineParameters")


@sagemaker.operation("DescribePipelineDefinitionForExecution")
def describe_pipeline_definition_for_execution(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the definition that an execution runs."""
    execution = _execution(parameters["PipelineExecutionArn"])
    return {"PipelineDefinition": execution.text, "CreationTime": execution.created}


# ---------------------------------------------------------------- what they share
def _pipeline(name_or_arn: str) -> Pipeline:
    name = name_or_arn.rpartition(":pipeline/")[2].lower()
    pipeline = pipelines.here().get(name)
    if pipeline is None or name_or_arn.lower() not in (name, pipeline.arn):
        raise AwsError("ResourceNotFound", f"Pipeline {name_or_arn!r} does not exist.")
    return pipeline


def _execution(arn: str) -> Execution:
    name = arn.rpartition(":pipeline/")[2].partition("/")[0]
    pipeline = pipelines.here().get(name)
    for execution in pipeline.executions if pipeline else ():
        if execution.arn == arn:
            return execution
    raise AwsError("ResourceNotFound", f"Pipeline execution {arn!r} does not exist.")


def _definition(parameters: Mapping[str, Any]) -> tuple[str, Definition]:
    text, location = parameters.get("PipelineDefinition"), parameters.get("PipelineDefinitionS3Location")
    if (text is None) == (location is None):
        raise AwsError(
            "ValidationException", "one of PipelineDefinition and PipelineDefinitionS3Location is needed, not both"
        )
    if location is not None:
        version = {"VersionId": location["VersionId"]} if "VersionId" in location else {}
        try:
            found = scope().client("s3").get_object(Bucket=location["Bucket"], Key=location["ObjectKey"], **version)
            text = found["Body"].read().decode()
        except (ClientError, UnicodeDecodeError) as error:
            raise AwsError("ValidationException", f"the definition cannot be read from {location}: {error}") from error
    try:
        return str(text), parse(str(text))
    except DefinitionError as error:
        raise AwsError("ValidationException", f"the definition of {parameters['PipelineName']}: {error}") from error


def _check_images(definition: Definition) -> None:
    """Refuse before anything runs what no container here can stand in for; an expression is looked at in its step."""
    for step in definition.every_step():
        for group, member in (("AppSpecification", "ImageUri"), ("AlgorithmSpecification", "TrainingImage")):
            image = step.arguments.get(group, {}).get(member)
            if isinstance(image, str):
                images.known(image)


def _refuse(parameters: Mapping[str, Any], *unsupported: str) -> None:
    for member in unsupported:
        if member in parameters:
            raise AwsError("NotImplemented", f"{member} is not in the local simulation", 501)


def _step(run: StepRun) -> dict[str, Any]:
    return present(
        StepName=run.step.name,
        StepDisplayName=run.step.display_name,
        StepDescription=run.step.description,
        StartTime=run.started,
        EndTime=run.ended,
        StepStatus=run.status,
        CacheHitResult={"SourcePipelineExecutionArn": run.cached_from} if run.cached_from else None,
        FailureReason=run.failure_reason,
        Metadata=dict(run.metadata) or None,
        AttemptCount=run.attempts,
        SelectiveExecutionResult={"SourcePipelineExecutionArn": run.reused_from} if run.reused_from else None,
    )


def _summary(pipeline: Pipeline) -> dict[str, Any]:
    return present(
        PipelineArn=pipeline.arn,
        PipelineName=pipeline.name,
        PipelineDisplayName=pipeline.display_name,
        PipelineDescription=pipeline.description,
        RoleArn=pipeline.role,
        CreationTime=pipeline.created,
        LastModifiedTime=pipeline.modified,
    )


def _within(created: Any, parameters: Mapping[str, Any]) -> bool:
    return bool(
        parameters.get("CreatedAfter", created) <= created and parameters.get("CreatedBefore", created) >= created
    )


def _sort(found: list[Any], parameters: Mapping[str, Any], key: Any) -> None:
    found.sort(key=key, reverse=parameters.get("SortOrder", "Descending") == "Descending")


def _most_parallel(parameters: Mapping[str, Any]) -> int | None:
    most: int | None = parameters.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps")
    return most


def _parallelism(most: int | None) -> dict[str, int] | None:
    return {"MaxParallelExecutionSteps": most} if most else None
