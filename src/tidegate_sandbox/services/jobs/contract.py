"""What a container is given and what is taken from it, by SageMaker's container contract; a pure description.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tidegate_sandbox.errors import AwsError

ML = PurePosixPath("/opt/ml")


@dataclass(frozen=True)
class Download:
    """Objects of S3 and where they go below /opt/ml; `name` is the input's or channel's."""

    name: str
    uri: str
    to: PurePosixPath


@dataclass(frozen=True)
class Upload:
    """A folder below /opt/ml and where it goes in S3: file by file, or as one tar.gz where `packed`.

    `always` is what is taken from a failed container too.
    """

    source: PurePosixPath
    uri: str
    kms_key: str | None = None
    packed: bool = False
    always: bool = False


@dataclass(frozen=True)
class Container:
    """A container to run: its image, command and environment, and what is put into and taken from its /opt/ml."""

    image: str
    command: tuple[str, ...]
    max_runtime: int
    """Seconds of the wall."""
    instance_type: str
    network: bool
    vpc: Mapping[str, Any] | None = None
    """The VpcConfig that was asked for."""
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    """JSON documents by their path below /opt/ml."""
    folders: tuple[PurePosixPath, ...] = ()
    downloads: tuple[Download, ...] = ()
    uploads: tuple[Upload, ...] = ()
    remarks: tuple[str, ...] = ()
    """What of the request is passed over, in sentences for whoever reads the job's log."""
    metrics: str | None = None
    """The namespace that the metrics go to which a monitor's container leaves in output/metrics/cloudwatch."""


def refuse(request: Mapping[str, Any], unsupported: Mapping[str, tuple[Any, ...]]) -> None:
    """Raise AwsError(NotImplemented) where `request` has a member, at a dotted path, that the simulation lacks.

    `unsupported` gives for each path the values that it can do as if they were left out; `*` goes over a list.
    """
    for path, harmless in unsupported.items():
        for value in _at(request, path.split(".")):
            if value not in harmless:
                raise AwsError("NotImplemented", f"{path}={value!r} is not in the local simulation", 501)


def _at(value: Any, path: list[str]) -> list[Any]:
    if not path:
        return [value]
    head, *rest = path
    if head == "*":
        return [found for element in value for found in _at(element, rest)]
    return _at(value[head], rest) if head in value else []


def _below(base: str, path: str, what: str) -> PurePosixPath:
    """Return `path` relative to /opt/ml; AwsError(ValidationException) where it is not below `base`."""
    inside = PurePosixPath(path)
    if not inside.is_relative_to(base) or ".." in inside.parts:
        raise AwsError("ValidationException", f"{what} has LocalPath {path!r}, which must lie below {base}")
    return inside.relative_to(ML)


# ---------------------------------------------------------------- processing
_PROCESSING_LACKS: Mapping[str, tuple[Any, ...]] = {
    "ProcessingResources.ClusterConfig.InstanceCount": (1,),
    "ProcessingInputs.*.AppManaged": (False,),
    "ProcessingInputs.*.DatasetDefinition": (),
    "ProcessingInputs.*.S3Input.S3DataType": ("S3Prefix",),
    "ProcessingInputs.*.S3Input.S3InputMode": ("File",),
    "ProcessingInputs.*.S3Input.S3CompressionType": ("None",),
    "ProcessingOutputConfig.Outputs.*.AppManaged": (False,),
    "ProcessingOutputConfig.Outputs.*.FeatureStoreOutput": (),
    "ProcessingOutputConfig.Outputs.*.S3Output.S3UploadMode": ("EndOfJob",),
}


def processing(request: Mapping[str, Any], arn: str, own_entrypoint: tuple[str, ...] = ()) -> Container:
    """Return the container of a CreateProcessingJob request, whose image has `own_entrypoint`.

    AwsError where the request asks for what AWS refuses or the simulation lacks.
    """
    refuse(request, _PROCESSING_LACKS)
    application = request["AppSpecification"]
    entrypoint = application.get("ContainerEntrypoint", own_entrypoint)
    if not entrypoint:
        raise AwsError(
            "NotImplemented", "a processing job without ContainerEntrypoint is not in the local simulation", 501
        )
    base = "/opt/ml/processing"
    downloads, uploads = [], []
    for given in request.get("ProcessingInputs", ()):
        source, name = given.get("S3Input"), given["InputName"]
        if not source or "LocalPath" not in source:
            raise AwsError("ValidationException", f"the input {name!r} has no S3Input with a LocalPath")
        downloads.append(Download(name, source["S3Uri"], _below(base, source["LocalPath"], f"the input {name!r}")))
    outputs = request.get("ProcessingOutputConfig", {})
    for given in outputs.get("Outputs", ()):
        target, name = given.get("S3Output"), given["OutputName"]
        if not target or "LocalPath" not in target:
            raise AwsError("ValidationException", f"the output {name!r} has no S3Output with a LocalPath")
        folder = _below(base, target["LocalPath"], f"the output {name!r}")
        uploads.append(Upload(folder, target["S3Uri"], outputs.get("KmsKeyId")))
    instance = request["ProcessingResources"]["ClusterConfig"]["InstanceType"]
    return Container(
        image=application["ImageUri"],
        command=(*entrypoint, *application.get("ContainerArguments", ())),
        max_runtime=request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400),
        instance_type=instance,
        network=not request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
        vpc=request.get("NetworkConfig", {}).get("VpcConfig"),
        environment={**request.get("Environment", {}), "PROCESSING_JOB_ARN": arn},
        metrics=_metrics(request.get("Environment", {})),
        files={
            "config/processingjobconfig.json": {"ProcessingJobArn": arn, **request},
            "config/resourceconfig.json": _resources(instance),
        },
        folders=(PurePosixPath("output"), *(upload.source for upload in uploads)),
        downloads=tuple(downloads),
        uploads=tuple(uploads),
    )


def _metrics(environment: Mapping[str, str]) -> str | None:
    """Return the namespace of a monitor's metrics, None for other jobs, and where they are not wanted.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-cloudwatch.html, the namespaces by
    model-monitor-model-quality-cw.html and AWS's own dashboards for monitors.
    """
    if environment.get("publish_cloudwatch_metrics") != "Enabled" or not environment.get("sagemaker_endpoint_name"):
        return None
    kind = "model" if environment.get("analysis_type") == "MODEL_QUALITY" else "data"
    return f"aws/sagemaker/Endpoints/{kind}-metrics"


# ---------------------------------------------------------------- training
_TRAINING_LACKS: Mapping[str, tuple[Any, ...]] = {
    "AlgorithmSpecification.AlgorithmName": (),
    "AlgorithmSpecification.TrainingInputMode": ("File", "FastFile"),
    "ResourceConfig.InstanceCount": (1,),
    "ResourceConfig.InstanceGroups": ([],),
    "OutputDataConfig.CompressionType": ("GZIP",),
    "InputDataConfig.*.CompressionType": ("None",),
    "InputDataConfig.*.RecordWrapperType": ("None",),
    "InputDataConfig.*.InputMode": ("File", "FastFile"),
    "InputDataConfig.*.ShuffleConfig": (),
    "InputDataConfig.*.DataSource.FileSystemDataSource": (),
    "InputDataConfig.*.DataSource.DatasetSource": (),
    "InputDataConfig.*.DataSource.S3DataSource.S3DataType": ("S3Prefix",),
    "CheckpointConfig": (),
    "DebugHookConfig.CollectionConfigurations": ([],),
    "DebugHookConfig.HookParameters": ({},),
    "DebugRuleConfigurations": ([],),
    "ServerlessJobConfig": (),
    "ModelPackageConfig": (),
    "MlflowConfig": (),
    "SessionChainingConfig": (),
}

_PASSED_OVER = {
    "DebugHookConfig": "local simulation: DebugHookConfig is passed over, no tensors are saved",
    "ProfilerRuleConfigurations": "local simulation: ProfilerRuleConfigurations are passed over, nothing is profiled",
}
"""What the SageMaker SDK asks for unasked, and what is not done for it here."""


def training(request: Mapping[str, Any], arn: str, own_command: tuple[str, ...] = ()) -> Container:
    """Return the container of a CreateTrainingJob request, whose image trains by `own_command`.

    AwsError where the request asks for what AWS refuses or the simulation lacks.
    """
    refuse(request, _TRAINING_LACKS)
    algorithm, name = request["AlgorithmSpecification"], request["TrainingJobName"]
    entrypoint = algorithm.get("ContainerEntrypoint", own_command)
    if "TrainingImage" not in algorithm or not entrypoint:
        raise AwsError(
            "NotImplemented",
            "a training job without TrainingImage and ContainerEntrypoint is not in the local simulation",
            501,
        )
    for metric in algorithm.get("MetricDefinitions", ()):
        try:
            re.compile(metric["Regex"])
        except re.error as error:
            what = f"the metric {metric['Name']!r} has the Regex {metric['Regex']!r}, which is none: {error}"
            raise AwsError("ValidationException", what) from error
    if "ResourceConfig" not in request:
        raise AwsError("ValidationException", "ResourceConfig is missing")
    downloads, channels = [], {}
    for channel in request.get("InputDataConfig", ()):
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise AwsError("ValidationException", f"the channel {channel['ChannelName']!r} has no S3DataSource")
        to = _below(f"{ML}/input/data", f"{ML}/input/data/{channel['ChannelName']}", "a channel")
        downloads.append(Download(channel["ChannelName"], source["S3Uri"], to))
        channels[channel["ChannelName"]] = {
            "TrainingInputMode": channel.get("InputMode", algorithm["TrainingInputMode"]),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": "None",
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
    model, output = PurePosixPath("model"), PurePosixPath("output/data")
    kms_key = request["OutputDataConfig"].get("KmsKeyId")
    artifacts = artifacts_uri(request)
    return Container(
        image=algorithm["TrainingImage"],
        command=(*entrypoint, *algorithm.get("ContainerArguments", ())),
        max_runtime=request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400),
        remarks=tuple(remark for member, remark in _PASSED_OVER.items() if request.get(member)),
        instance_type=request["ResourceConfig"]["InstanceType"],
        network=not request.get("EnableNetworkIsolation", False),
        vpc=request.get("VpcConfig"),
        environment={**request.get("Environment", {}), "TRAINING_JOB_NAME": name, "TRAINING_JOB_ARN": arn},
        files={
            "input/config/hyperparameters.json": request.get("HyperParameters", {}),
            "input/config/inputdataconfig.json": channels,
            "input/config/resourceconfig.json": _resources(request["ResourceConfig"]["InstanceType"]),
        },
        folders=(model, output, PurePosixPath("checkpoints"), PurePosixPath("input/data")),
        downloads=tuple(downloads),
        uploads=(
            Upload(model, f"{artifacts}/model.tar.gz", kms_key, packed=True),
            Upload(output, f"{artifacts}/output.tar.gz", kms_key, packed=True, always=True),
        ),
    )


def artifacts_uri(request: Mapping[str, Any]) -> str:
    """Return where a training job's output goes in S3, without a slash at the end."""
    return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"


def _resources(instance_type: str) -> dict[str, Any]:
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": ["algo-1"]}
    return {
        "current_host": "algo-1",
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
