"""Models and endpoint configurations: what is kept of them, what is refused, and where a model package comes in."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from workshop import BUCKET, IMAGE, ROLE, Workshop

from tests.tidegate_sandbox.networks import lay


def package(workshop: Workshop, **environment: str) -> str:
    group = f"{workshop.name}-{uuid.uuid4().hex[:4]}"
    workshop.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = workshop.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": IMAGE,
                    "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
                    "Environment": environment,
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    return str(arn)


def test_a_model_of_a_package_runs_with_the_packages_environment_and_its_own(workshop: Workshop) -> None:
    arn = package(workshop, VERSION="from-the-package", SECONDS="0")
    workshop.sagemaker.create_model(
        ModelName=workshop.name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"ModelPackageName": arn, "Environment": {"SECONDS": "0.01"}},
    )
    variants = [workshop.variant(workshop.name)]
    workshop.sagemaker.create_endpoint_config(EndpointConfigName=workshop.name, ProductionVariants=variants)

    workshop.endpoint(workshop.name)

    assert workshop.invoke() == "from-the-package:x"
    described = workshop.sagemaker.describe_model(ModelName=workshop.name)
    assert described["PrimaryContainer"]["ModelPackageName"] == arn


@pytest.mark.parametrize(
    ("container", "sentence"),
    [
        ({"ModelDataUrl": f"s3://{BUCKET}/absent.tar.gz"}, f'model data at .*role "{ROLE}" exists .*404'),
        ({"ModelDataUrl": "https://bucket/model.tar.gz"}, "s3:// address"),
        ({"Mode": "MultiModel"}, "MultiModel is not in the local simulation"),
        ({"ModelDataUrl": ""}, "modelDataUrl"),
        ({"Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/c.tar.gz"}}, "SAGEMAKER_SUBMIT_DIRECTORY"),
    ],
)
def test_a_model_that_could_not_serve_is_refused(workshop: Workshop, container: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        workshop.sagemaker.create_model(
            ModelName=workshop.name, ExecutionRoleArn=ROLE, PrimaryContainer={**workshop.container(), **container}
        )


@pytest.mark.parametrize(
    ("variant", "options", "sentence"),
    [
        ({"ModelName": "absent"}, {}, "Could not find model"),
        ({"InstanceType": "ml.no.such"}, {}, "instanceType"),
        ({"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}}, {}, "ServerlessConfig is not in"),
        ({"VariantName": "not_a_name"}, {}, "variantName"),
        (
            {},
            {
                "DataCaptureConfig": {
                    "InitialSamplingPercentage": 101,
                    "DestinationS3Uri": "s3://b/p",
                    "CaptureOptions": [{"CaptureMode": "Input"}],
                }
            },
            "initialSamplingPercentage",
        ),
    ],
)
def test_a_configuration_that_could_not_work_is_refused(
    workshop: Workshop, variant: dict[str, Any], options: dict[str, Any], sentence: str
) -> None:
    model = workshop.config("v1")

    with pytest.raises(ClientError, match=sentence):
        workshop.sagemaker.create_endpoint_config(
            EndpointConfigName=f"{workshop.name}-c",
            ProductionVariants=[{**workshop.variant(model), **variant}],
            **options,
        )


@pytest.mark.parametrize("member", ["Image", "ModelDataUrl"])
def test_a_container_needs_an_image_and_model_data(workshop: Workshop, member: str) -> None:
    container = workshop.container()
    del container[member]

    with pytest.raises(ClientError, match="needs an Image and a ModelDataUrl, or a ModelPackageName"):
        workshop.sagemaker.create_model(ModelName=workshop.name, ExecutionRoleArn=ROLE, PrimaryContainer=container)


@pytest.mark.parametrize("member", ["ModelName", "InstanceType", "InitialInstanceCount"])
def test_a_variant_needs_a_model_and_instances(workshop: Workshop, member: str) -> None:
    model = workshop.config("v1")
    variant = workshop.variant(model)
    del variant[member]

    with pytest.raises(ClientError, match=f"Production variant AllTraffic needs {member}"):
        workshop.config("v2", variants=[variant])


def test_two_variants_of_one_name_are_refused(workshop: Workshop) -> None:
    model = workshop.config("v1")

    with pytest.raises(ClientError, match="AllTraffic is there more than once"):
        workshop.config("v2", variants=[workshop.variant(model), workshop.variant(model)])


def test_names_are_taken_once(workshop: Workshop) -> None:
    name = workshop.config("v1")

    with pytest.raises(ClientError, match="Cannot create already existing model"):
        workshop.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=workshop.container())
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        workshop.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[workshop.variant(name)])


def test_what_was_created_is_described_listed_and_deleted(workshop: Workshop) -> None:
    name = workshop.config("v1", Tags=[{"Key": "k", "Value": "v"}])
    described = workshop.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    configs = workshop.sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
    models = workshop.sagemaker.list_models(NameContains=name)["Models"]

    assert described["ProductionVariants"][0]["InitialVariantWeight"] == 1.0
    assert workshop.sagemaker.list_tags(ResourceArn=described["EndpointConfigArn"])["Tags"] == [
        {"Key": "k", "Value": "v"}
    ]
    assert ([c["EndpointConfigName"] for c in configs], [m["ModelName"] for m in models]) == ([name], [name])

    workshop.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    workshop.sagemaker.delete_model(ModelName=name)

    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        workshop.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    with pytest.raises(ClientError, match="Could not find model"):
        workshop.sagemaker.describe_model(ModelName=name)


def test_a_shadow_goes_with_exactly_one_production_variant(workshop: Workshop) -> None:
    model = workshop.config("v1")
    variant = workshop.variant
    three = [variant(model, name) for name in ("A", "B", "Shadow")]

    for production, shadows in ((three[:2], three[2:]), (three[:1], three[1:])):
        with pytest.raises(ClientError, match="exactly one production variant and one shadow variant"):
            workshop.config("v2", variants=production, ShadowProductionVariants=shadows)
    with pytest.raises(ClientError, match="AllTraffic is there more than once"):
        workshop.config("v2", ShadowProductionVariants=[variant(model)])
    with pytest.raises(ClientError, match="Could not find model"):
        workshop.config("v2", ShadowProductionVariants=[variant("absent", "Shadow")])


def test_a_shadow_is_described_with_its_weight(workshop: Workshop) -> None:
    model = workshop.config("v1")
    name = workshop.config("v2", ShadowProductionVariants=[workshop.variant(model, "Shadow")])

    described = workshop.sagemaker.describe_endpoint_config(EndpointConfigName=name)

    assert described["ShadowProductionVariants"] == [{**workshop.variant(model, "Shadow"), "InitialVariantWeight": 1.0}]


def test_network_volumes_and_timeouts_are_described_as_they_were_given(workshop: Workshop) -> None:
    network = {"VpcConfig": lay(workshop.sandbox.client).of_sagemaker, "EnableNetworkIsolation": True}
    given = {
        "VolumeSizeInGB": 20,
        "ModelDataDownloadTimeoutInSeconds": 600,
        "ContainerStartupHealthCheckTimeoutInSeconds": 90,
    }
    workshop.sagemaker.create_model(
        ModelName=workshop.name, ExecutionRoleArn=ROLE, PrimaryContainer=workshop.container(), **network
    )
    name = workshop.config("v1", variants=[workshop.variant(workshop.name, **given)])

    model = workshop.sagemaker.describe_model(ModelName=workshop.name)
    (variant,) = workshop.sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]

    assert {key: model[key] for key in network} == network
    assert {key: variant[key] for key in given} == given
    assert workshop.endpoint(name) == "InService"
    assert workshop.invoke() == "v1:x"


def test_a_model_is_in_a_network_that_is_there_and_is_one(workshop: Workshop) -> None:
    one, other = lay(workshop.sandbox.client), lay(workshop.sandbox.client)
    mixed = one.of_sagemaker | {"SecurityGroupIds": [other.group]}
    for sentence, network in {
        "The subnet ID 'subnet-0a1b2c3d' does not exist": one.of_sagemaker | {"Subnets": ["subnet-0a1b2c3d"]},
        "belong to different networks": mixed,
    }.items():
        with pytest.raises(ClientError, match=sentence) as refused:
            workshop.sagemaker.create_model(
                ModelName=workshop.name,
                ExecutionRoleArn=ROLE,
                PrimaryContainer=workshop.container(),
                VpcConfig=network,
            )
        assert refused.value.response["Error"]["Code"] == "ValidationException"
