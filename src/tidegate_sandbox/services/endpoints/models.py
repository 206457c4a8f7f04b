"""SageMaker's operations on models and endpoint configurations."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from tidegate_sandbox import context, credentials
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import networks, tags
from tidegate_sandbox.services.endpoints.records import (
    Capture,
    Container,
    EndpointConfig,
    Model,
    Plan,
    Variant,
    inventory,
)
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.services.sagemaker import sagemaker

_STARTUP_TIMEOUT = 300.0

_UNSIMULATED_IN_CONTAINERS = (
    "ModelDataSource",
    "AdditionalModelDataSources",
    "MultiModelConfig",
    "InferenceSpecificationName",
    "ContainerMetricsConfig",
)
_UNSIMULATED_IN_CONFIGS = ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig")
_UNSIMULATED_IN_VARIANTS = (
    "ServerlessConfig",
    "InstancePools",
    "ManagedInstanceScaling",
    "CapacityReservationConfig",
    "AcceleratorType",
    "CoreDumpConfig",
)

R = TypeVar("R")


def _invalid(sentence: str) -> AwsError:
    return AwsError("ValidationException", sentence)


def refuse_unsimulated(given: Mapping[str, Any], members: Iterable[str], where: str = "") -> None:
    """Raise AwsError for a member that would change what happens and is not simulated."""
    for member in members:
        if given.get(member):
            raise _invalid(f"{where}{member} is not in the local simulation")


# ---------------------------------------------------------------- models
@sagemaker.operation("CreateModel")
def create_model(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create a model of one container; its model data must exist."""
    name = parameters["ModelName"]
    arn = context.scope().arn("sagemaker", f"model/{name.lower()}")
    if name in inventory.here().models:
        raise _invalid(f'Cannot create already existing model "{arn}".')
    containers = [*filter(None, [parameters.get("PrimaryContainer")]), *parameters.get("Containers", [])]
    if len(containers) != 1:
        raise _invalid(f"A model in the local simulation has one container, and {len(containers)} were given.")
    container = _container(containers[0])
    role = parameters.get("ExecutionRoleArn")
    with credentials.acting_as(role, "sagemaker", name):
        _check_model_data(container.model_data_url, role)
        networks.check_of_sagemaker(parameters.get("VpcConfig"))
    given = {key: value for key, value in parameters.items() if key != "Tags"}
    tags.set_tags(arn, parameters.get("Tags", []))
    inventory.here().models[name] = Model(name, arn, container, _now(), given)
    return {"ModelArn": arn}


def _container(given: Mapping[str, Any]) -> Container:
    refuse_unsimulated(given, _UNSIMULATED_IN_CONTAINERS)
    if given.get("Mode", "SingleModel") != "SingleModel":
        raise _invalid(f"Mode {given['Mode']} is not in the local simulation")
    if "ModelPackageName" in given:
        container = _of_package(given["ModelPackageName"], given.get("Environment", {}))
    elif given.get("Image") and given.get("ModelDataUrl"):
        container = Container(given["Image"], given["ModelDataUrl"], given.get("Environment", {}))
    else:
        raise _invalid("A container needs an Image and a ModelDataUrl, or a ModelPackageName.")
    if container.environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "").startswith("s3://"):
        raise _invalid(
            "SAGEMAKER_SUBMIT_DIRECTORY in S3 is not in the local simulation: put the code into the model data's code/"
        )
    return container


def _of_package(name: str, environment: Mapping[str, str]) -> Container:
    from botocore.exceptions import ClientError

    try:
        package = context.scope().client("sagemaker").describe_model_package(ModelPackageName=name)
    except ClientError as error:
        raise _invalid(error.response["Error"]["Message"]) from error
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(containers) != 1 or not containers[0].get("ModelDataUrl"):
        raise _invalid(f"The model package {name} has no inference specification of one container with model data.")
    (specified,) = containers
    return Container(
        specified["Image"],
        specified["ModelDataUrl"],
        {**specified.get("Environment", {}), **environment},
        package["ModelPackageArn"],
    )


def _check_model_data(url: str, role: str | None) -> None:
    from botocore.exceptions import ClientError

    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not key:
        raise _invalid(f"ModelDataUrl {url} is not the s3:// address of an object.")
    try:
        context.scope().client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise _invalid(
            f'Could not access model data at {url}. Please ensure that the role "{role}" exists and that its trust '
            'relationship policy allows the action "sts:AssumeRole" for the service principal '
            '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object '
            f"is located in {context.scope().region}. (local simulation: S3 answers {error.response['Error']['Code']})"
        ) from error


@sagemaker.operation("DescribeModel")
def describe_model(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe a model as it was created."""
    model = model_named(parameters["ModelName"])
    return {**model.parameters, "ModelArn": model.arn, "CreationTime": model.created}


@sagemaker.operation("DeleteModel")
def delete_model(parameters: dict[str, Any]) -> None:
    """Delete a model; endpoints that it serves are not touched."""
    model = model_named(parameters["ModelName"])
    tags.drop(model.arn)
    del inventory.here().models[model.name]


@sagemaker.operation("ListModels")
def list_models(parameters: dict[str, Any]) -> dict[str, Any]:
    """List models, newest first unless asked otherwise."""
    models = listed(parameters, inventory.here().models.values(), lambda model: (model.name, model.created))
    summaries = [{"ModelName": m.name, "ModelArn": m.arn, "CreationTime": m.created} for m in models]
    return page(summaries, parameters, "Models")


def model_named(name: str) -> Model:
    """Return the model `name` of the scope that is being served, or raise AwsError."""
    model = inventory.here().models.get(name)
    if model is None:
        raise _invalid(f'Could not find model "{context.scope().arn("sagemaker", f"model/{name.lower()}")}".')
    return model


# ---------------------------------------------------------------- endpoint configurations
@sagemaker.operation("CreateEndpointConfig")
def create_endpoint_config(parameters: dict[str, Any]) -> dict[str, Any]:
    """Create an endpoint configuration; its models must exist."""
    name = parameters["EndpointConfigName"]
    arn = context.scope().arn("sagemaker", f"endpoint-config/{name.lower()}")
    if name in inventory.here().configs:
        raise _invalid(f'Cannot create already existing endpoint configuration "{arn}".')
    refuse_unsimulated(parameters, _UNSIMULATED_IN_CONFIGS)
    variants = {
        kind: [_with_defaults(variant) for variant in parameters[kind]]
        for kind in ("ProductionVariants", "ShadowProductionVariants")
        if parameters.get(kind)
    }
    _check_variants(variants["ProductionVariants"], variants.get("ShadowProductionVariants", []))
    capture = parameters.get("DataCaptureConfig")
    if capture is not None and not capture["DestinationS3Uri"].startswith("s3://"):
        raise _invalid("DataCaptureConfig.DestinationS3Uri must be an s3:// address.")
    given = {key: value for key, value in parameters.items() if key != "Tags"} | variants
    config = EndpointConfig(name, arn, _now(), given)
    plan_of(config)  # every model is there
    tags.set_tags(arn, parameters.get("Tags", []))
    inventory.here().configs[name] = config
    return {"EndpointConfigArn": arn}


def _with_defaults(variant: Mapping[str, Any]) -> dict[str, Any]:
    return {"InitialVariantWeight": 1.0, **variant}


def _check_variants(production: list[dict[str, Any]], shadow: list[dict[str, Any]]) -> None:
    if shadow and (len(production), len(shadow)) != (1, 1):
        raise _invalid(
            "With ShadowProductionVariants there is exactly one production variant and one shadow variant, and "
            f"{len(production)} and {len(shadow)} were given."
        )
    variants = [*production, *shadow]
    for variant in variants:
        refuse_unsimulated(variant, _UNSIMULATED_IN_VARIANTS, f"Production variant {variant['VariantName']}: ")
        for member in ("ModelName", "InstanceType", "InitialInstanceCount"):
            if not variant.get(member):
                raise _invalid(f"Production variant {variant['VariantName']} needs {member}.")
    twice = [name for name, count in Counter(variant["VariantName"] for variant in variants).items() if count > 1]
    if twice:
        raise _invalid(f"Production variant names must differ, and {', '.join(twice)} is there more than once.")


@sagemaker.operation("DescribeEndpointConfig")
def describe_endpoint_config(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe an endpoint configuration as it was created."""
    config = config_named(parameters["EndpointConfigName"])
    return {**config.parameters, "EndpointConfigArn": config.arn, "CreationTime": config.created}


@sagemaker.operation("DeleteEndpointConfig")
def delete_endpoint_config(parameters: dict[str, Any]) -> None:
    """Delete an endpoint configuration; SageMaker does so even under a live endpoint, which then goes on."""
    config = config_named(parameters["EndpointConfigName"])
    tags.drop(config.arn)
    del inventory.here().configs[config.name]


@sagemaker.operation("ListEndpointConfigs")
def list_endpoint_configs(parameters: dict[str, Any]) -> dict[str, Any]:
    """List endpoint configurations, newest first unless asked otherwise."""
    configs = listed(parameters, inventory.here().configs.values(), lambda config: (config.name, config.created))
    summaries = [{"EndpointConfigName": c.name, "EndpointConfigArn": c.arn, "CreationTime": c.created} for c in configs]
    return page(summaries, parameters, "EndpointConfigs")


def config_named(name: str) -> EndpointConfig:
    """Return the endpoint configuration `name` of the scope that is being served, or raise AwsError."""
    config = inventory.here().configs.get(name)
    if config is None:
        arn = context.scope().arn("sagemaker", f"endpoint-config/{name.lower()}")
        raise _invalid(f'Could not find endpoint configuration "{arn}".')
    return config


def plan_of(config: EndpointConfig) -> Plan:
    """Return what `config` asks a fleet to be; AwsError where a model is not there."""
    shadows = _variants(config.parameters.get("ShadowProductionVariants", ()))
    plan = Plan(config.name, _variants(config.parameters["ProductionVariants"]), None, shadows)
    return replace(plan, capture=_capture(config.parameters.get("DataCaptureConfig"), plan.role))


def _variants(described: Iterable[Mapping[str, Any]]) -> tuple[Variant, ...]:
    return tuple(
        Variant(
            name=given["VariantName"],
            model=given["ModelName"],
            container=model_named(given["ModelName"]).container,
            role=model_named(given["ModelName"]).parameters.get("ExecutionRoleArn"),
            instance_type=given["InstanceType"],
            instance_count=given["InitialInstanceCount"],
            weight=float(given["InitialVariantWeight"]),
            startup_timeout=float(given.get("ContainerStartupHealthCheckTimeoutInSeconds", _STARTUP_TIMEOUT)),
        )
        for given in described
    )


def _capture(given: Mapping[str, Any] | None, role: str | None) -> Capture | None:
    if given is None:
        return None
    types = given.get("CaptureContentTypeHeader", {})
    modes = frozenset(option["CaptureMode"] for option in given["CaptureOptions"])
    return Capture(
        enabled=given.get("EnableCapture", True),
        sampling=given["InitialSamplingPercentage"],
        destination=given["DestinationS3Uri"],
        modes=frozenset({"Input", "Output"}) if "InputAndOutput" in modes else modes,
        csv_types=frozenset(kind.lower() for kind in types.get("CsvContentTypes", ())),
        json_types=frozenset(kind.lower() for kind in types.get("JsonContentTypes", ())),
        kms_key=given.get("KmsKeyId", ""),
        role=role,
    )


# ---------------------------------------------------------------- lists
def listed(
    parameters: Mapping[str, Any],
    items: Iterable[R],
    name_and_created: Callable[[R], tuple[str, datetime]],
) -> list[R]:
    """Return the items that a List operation's parameters ask for, in the order that they ask for."""
    after, before = parameters.get("CreationTimeAfter"), parameters.get("CreationTimeBefore")
    part = parameters.get("NameContains", "").lower()

    def wanted(item: R) -> bool:
        name, created = name_and_created(item)
        return part in name.lower() and (after is None or created > after) and (before is None or created < before)

    by_name = parameters.get("SortBy", "CreationTime") == "Name"
    return sorted(
        filter(wanted, list(items)),
        key=lambda item: name_and_created(item)[0 if by_name else 1],
        reverse=parameters.get("SortOrder", "Descending") == "Descending",
    )


def _now() -> datetime:
    return context.sandbox().clock.now()
