"""SageMaker's operations on the job definitions of Model Monitor, one set for each kind."""

from collections.abc import Mapping
from typing import Any

from tidegate_sandbox import context, images
from tidegate_sandbox.context import scope
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.jobs.contract import refuse
from tidegate_sandbox.services.monitoring import cron
from tidegate_sandbox.services.monitoring.records import KINDS, JobDefinition, Kind, definitions
from tidegate_sandbox.services.paging import listed, page
from tidegate_sandbox.services.sagemaker import sagemaker
from tidegate_sandbox.state import Lock

_LACKS: Mapping[str, tuple[Any, ...]] = {
    "{kind}AppSpecification.RecordPreprocessorSourceUri": (),
    "{kind}AppSpecification.PostAnalyticsProcessorSourceUri": (),
    "{kind}BaselineConfig.BaseliningJobName": (),
    "{kind}JobInput.BatchTransformInput": (),
    "{kind}JobInput.EndpointInput.S3InputMode": ("File",),
    "{kind}JobInput.EndpointInput.FeaturesAttribute": (),
    "{kind}JobInput.EndpointInput.ExcludeFeaturesAttribute": (),
    "{kind}JobOutputConfig.MonitoringOutputs.*.S3Output.S3UploadMode": ("EndOfJob",),
    "JobResources.ClusterConfig.InstanceCount": (1,),
}

PATHS: Mapping[Kind, str] = {
    "DataQuality": "data-quality-job-definition",
    "ModelQuality": "model-quality-job-definition",
}
"""What a job definition is called in an ARN."""

_creating = Lock()


def _create(kind: Kind, parameters: dict[str, Any]) -> dict[str, Any]:
    name = parameters["JobDefinitionName"]
    refuse(parameters, {path.format(kind=kind): harmless for path, harmless in _LACKS.items()})
    arn = scope().arn("sagemaker", f"{PATHS[kind]}/{name.lower()}")
    made = JobDefinition(kind, name, arn, parameters, context.sandbox().clock.now())
    if "EndpointInput" not in made.input:
        raise AwsError("ValidationException", f"{kind}JobInput has no EndpointInput")
    if kind == "ModelQuality" and "S3Uri" not in made.input["GroundTruthS3Input"]:
        raise AwsError("ValidationException", "GroundTruthS3Input has no S3Uri")
    for member in ("StartTimeOffset", "EndTimeOffset"):
        if member in made.input["EndpointInput"]:
            try:
                cron.offset(made.input["EndpointInput"][member])
            except ValueError as error:
                raise AwsError("ValidationException", f"{member}: {error}") from error
    check_endpoint(made.endpoint)
    images.known(made.application["ImageUri"])
    with _creating:
        if (kind, name.lower()) in definitions.here():
            raise AwsError("ResourceInUse", f"Job definition {arn} already exists.")
        tags.set_tags(arn, parameters.get("Tags", ()))
        definitions.here()[kind, name.lower()] = made
    return {"JobDefinitionArn": arn}


def check_endpoint(name: str) -> Mapping[str, Any]:
    """Return what DescribeEndpoint tells of it; AwsError(ValidationException) for none, or one that captures none."""
    try:
        found: Mapping[str, Any] = sagemaker.operations["DescribeEndpoint"]({"EndpointName": name}) or {}
    except AwsError as error:
        raise AwsError("ValidationException", f"Endpoint '{name}' does not exist or is not valid") from error
    if not found.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise AwsError("ValidationException", f"Endpoint '{name}' captures no data, so there is nothing to monitor")
    return found


def definition(kind: Kind, name: str) -> JobDefinition:
    """Return the job definition; AwsError(ResourceNotFound) where there is none."""
    found = definitions.here().get((kind, name.lower()))
    if found is None:
        arn = scope().arn("sagemaker", f"{PATHS[kind]}/{name.lower()}")
        raise AwsError("ResourceNotFound", f"Could not find job definition {arn}.")
    return found


def _describe(kind: Kind, parameters: dict[str, Any]) -> dict[str, Any]:
    found = definition(kind, parameters["JobDefinitionName"])
    request = {key: value for key, value in found.request.items() if key != "Tags"}
    return {**request, "JobDefinitionArn": found.arn, "CreationTime": found.created}


def _list(kind: Kind, parameters: dict[str, Any]) -> dict[str, Any]:
    found = [
        {
            "MonitoringJobDefinitionName": each.name,
            "MonitoringJobDefinitionArn": each.arn,
            "CreationTime": each.created,
            "EndpointName": each.endpoint,
        }
        for (its, _), each in list(definitions.here().items())
        if its == kind and parameters.get("EndpointName", each.endpoint) == each.endpoint
    ]
    parameters = {"SortOrder": "Descending", **parameters}
    return page(listed(found, parameters, "MonitoringJobDefinitionName"), parameters, "JobDefinitionSummaries")


def _delete(kind: Kind, parameters: dict[str, Any]) -> None:
    found = definition(kind, parameters["JobDefinitionName"])
    with _creating:
        tags.drop(found.arn)
        definitions.here().pop((kind, found.name.lower()), None)


def _register(kind: Kind) -> None:
    @sagemaker.operation(f"Create{kind}JobDefinition")
    def create(parameters: dict[str, Any]) -> dict[str, Any]:
        return _create(kind, parameters)

    @sagemaker.operation(f"Describe{kind}JobDefinition")
    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        return _describe(kind, parameters)

    @sagemaker.operation(f"List{kind}JobDefinitions")
    def list_all(parameters: dict[str, Any]) -> dict[str, Any]:
        return _list(kind, parameters)

    @sagemaker.operation(f"Delete{kind}JobDefinition")
    def delete(parameters: dict[str, Any]) -> None:
        _delete(kind, parameters)


for _kind in KINDS:
    _register(_kind)
