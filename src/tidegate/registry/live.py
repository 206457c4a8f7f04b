"""What serves: an endpoint's live config, the release that its tag tells, and the model package behind each variant."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tidegate.aws import aws_errors, is_missing
from tidegate.registry.package import version_in

RELEASE_TAG: Final = "tidegate:release"
"""The tag of an endpoint config that says which release it is."""

PROJECT_TAG: Final = "sagemaker:project-id"
STAGE_TAG: Final = "sagemaker:deployment-stage"
"""The tags of all that a release makes, whose it is; Studio shows an endpoint among its project's by them."""

_SERVING: Final = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"})


@dataclass(frozen=True, slots=True)
class LiveVariant:
    """A variant of the live endpoint config.

    `instance_count` is what is asked for now, which autoscaling may have changed; `initial_instance_count` is what the
    config says. Both are 0, and the type empty, for a serverless variant. `model_package_arn` is empty for a model
    that was made from no package.
    """

    name: str
    model_name: str
    model_package_arn: str
    instance_type: str
    instance_count: int
    initial_instance_count: int
    weight: float
    shadow: bool

    @property
    def version(self) -> int | None:
        """The version in the ARN of its model package, None where it has none."""
        return version_in(self.model_package_arn)


@dataclass(frozen=True, slots=True)
class Live:
    """An endpoint as it is: `release_id` is "" for a config that no release made."""

    endpoint_name: str
    status: str
    config_name: str
    release_id: str
    variants: tuple[LiveVariant, ...]
    last_deployment_config: Mapping[str, Any] | None = None

    @property
    def serves(self) -> bool:
        """Whether requests are answered: not while it is being created, and not once it has failed."""
        return self.status in _SERVING

    def production(self, variant_name: str) -> LiveVariant | None:
        """Return the production variant of that name, None where there is none."""
        return next((each for each in self.variants if each.name == variant_name and not each.shadow), None)


def read_live(sagemaker: Any, endpoint_name: str) -> Live | None:
    """Return what the endpoint serves, None where there is no endpoint.

    Raises what the client raises where AWS does not answer.
    """
    described = describe_endpoint(sagemaker, endpoint_name)
    if described is None:
        return None
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    tags = read_tags(sagemaker, config["EndpointConfigArn"])
    return Live(
        endpoint_name=endpoint_name,
        status=described["EndpointStatus"],
        config_name=described["EndpointConfigName"],
        release_id=tags.get(RELEASE_TAG, ""),
        variants=tuple(variants_of(config, partial(model_package_of, sagemaker), described)),
        last_deployment_config=described.get("LastDeploymentConfig"),
    )


def describe_endpoint(sagemaker: Any, name: str) -> dict[str, Any] | None:
    """Return what DescribeEndpoint does, None if there is no such endpoint."""
    try:
        described: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
    except aws_errors() as error:
        if is_missing(error):
            return None
        raise
    return described


def read_tags(sagemaker: Any, arn: str) -> dict[str, str]:
    """Return all tags of a SageMaker resource."""
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page.get("Tags", [])}


def model_package_of(sagemaker: Any, model_name: str) -> str:
    """Return the ARN of the model package that a model was made from, "" if it was made from none."""
    return package_in(sagemaker.describe_model(ModelName=model_name))


def package_in(model: Mapping[str, Any]) -> str:
    """Return the ARN of the model package in what a model is made of, "" if there is none."""
    containers = [model.get("PrimaryContainer") or {}, *(model.get("Containers") or [])]
    return next((str(each["ModelPackageName"]) for each in containers if each.get("ModelPackageName")), "")


def variants_of(
    config: Mapping[str, Any], package_of: Callable[[str], str], endpoint: Mapping[str, Any] | None = None
) -> Iterator[LiveVariant]:
    """Yield the variants of an endpoint config, production first; `package_of` a model's name tells its package.

    `endpoint` is what DescribeEndpoint says of the endpoint that the config serves, for the instances of now.
    """
    for kind, shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
        now = {each["VariantName"]: each for each in (endpoint or {}).get(kind) or []}
        for variant in config.get(kind) or []:
            name, model = variant["VariantName"], variant.get("ModelName", "")
            initial = variant.get("InitialInstanceCount", 0)
            yield LiveVariant(
                name=name,
                model_name=model,
                model_package_arn=package_of(model) if model else "",
                instance_type=variant.get("InstanceType", ""),
                instance_count=now.get(name, {}).get("DesiredInstanceCount", initial),
                initial_instance_count=initial,
                weight=variant.get("InitialVariantWeight", 1.0),
                shadow=shadow,
            )
