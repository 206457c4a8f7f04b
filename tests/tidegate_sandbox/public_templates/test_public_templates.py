"""Project templates that others wrote run here as they are, with IAM enforced and no permission of ours.

They need a clone of github.com/aws-samples/sagemaker-custom-project-templates, which `TIDEGATE_PUBLIC_TEMPLATES` names:

    git clone https://github.com/aws-samples/sagemaker-custom-project-templates /somewhere
    TIDEGATE_PUBLIC_TEMPLATES=/somewhere pytest tests/tidegate_sandbox/public_templates -n 0

The walks take minutes. What comes of them is told in docs/sandbox.md, "Templates that others wrote".
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from public_template import COMMIT, Checkout, Walk, abalones

NAMED = os.environ.get("TIDEGATE_PUBLIC_TEMPLATES", "")
CHECKOUT = Checkout(Path(NAMED))
TRUST_OF_THE_ACCOUNT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
        ],
    }
)
USED = "AmazonSageMakerServiceCatalogProductsUseRole"

pytestmark = [
    pytest.mark.skipif(not NAMED, reason="TIDEGATE_PUBLIC_TEMPLATES names no clone of the public templates"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def enforcing(another_sandbox: Callable[..., Any]) -> Iterator[Any]:
    assert CHECKOUT.has_the_commit(), f"{NAMED} is no clone of the repository that has the commit {COMMIT}"
    with another_sandbox(speed=60, iam="enforce") as running:
        put_what_is_awss_own(running)
        yield running


def put_what_is_awss_own(sandbox: Any) -> None:
    """Put what the templates take from buckets of AWS: data like its own, and seeds that were made from its own."""
    s3 = sandbox.client("s3")
    for region in (sandbox.region, "us-east-1"):
        place = {"LocationConstraint": sandbox.region}
        s3.create_bucket(Bucket=f"sagemaker-servicecatalog-seedcode-{region}", CreateBucketConfiguration=place)
    bucket = f"sagemaker-servicecatalog-seedcode-{sandbox.region}"
    s3.put_object(Bucket=bucket, Key="dataset/abalone-dataset.csv", Body=abalones())
    for key, part in {"model-building-workflow": "build", "mpg-deployment-config": "deploy"}.items():
        seed = CHECKOUT.seed(f"mlops-deployment-patterns/seedcode/{part}")
        s3.put_object(Bucket="sagemaker-servicecatalog-seedcode-us-east-1", Key=f"toolchain/{key}-v1.0.zip", Body=seed)


@pytest.fixture
def walk(enforcing: Any, eventually: Callable[..., Any]) -> Callable[..., Walk]:
    return lambda folder, **more: Walk(enforcing, CHECKOUT, folder, eventually, **more)


def test_deployment_patterns_releases_two_versions_through_staging_to_production(walk: Callable[..., Walk]) -> None:
    template = walk("mlops-deployment-patterns")
    template.launch(template.publish("create-mlops-deployment-pattern-product.yaml"))
    # Part 3 of its README: without it the alarm of its production stage is refused.
    template.iam.attach_role_policy(RoleName=USED, PolicyArn="arn:aws:iam::aws:policy/CloudWatchFullAccess")
    released_two_versions(template)
    production = template.sagemaker.describe_endpoint(EndpointName=f"{template.name}-prod")
    routing = production["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "CANARY"


def test_shadow_deployment_releases_two_versions_with_and_without_its_shadow(walk: Callable[..., Walk]) -> None:
    template = walk("mlops-shadow-deployment")
    template.launch(template.publish("create-mlops-shadow-deployment-product.yaml"))
    released_two_versions(template)
    told = template.told("modeldeploy")
    assert "DeployShadowResourcesProd Succeeded" in told
    assert "DeployResourcesProd Succeeded" in told


def test_encrypted_buckets_launches_and_is_refused_its_own_role(walk: Callable[..., Walk]) -> None:
    template = walk("encrypted-buckets", prefix="custom-project")
    admin = template.iam.create_role(RoleName="admin", AssumeRolePolicyDocument=TRUST_OF_THE_ACCOUNT)["Role"]["Arn"]
    template.launch(template.publish("create-encrypted-buckets-product.yaml", KMSAdministratorARNParameter=admin))
    # Its own, on AWS too: the role may hand on roles named *custom-project*, and its own is SMCustomProject-….
    assert template.follow("modelbuild", 1, within=1200) == "Failed"
    own = "role/SMCustomProject-EncryptedBuckets-SCUseRole"
    assert f"iam:PassRole on resource: arn:aws:iam::{template.sandbox.account}:{own}" in template.told("modelbuild")


def released_two_versions(template: Walk) -> None:
    """See its build register a version, and that one and the next reach production, each by its approval."""
    assert template.follow("modeldeploy", 1) == "Failed"  # nothing is approved yet, as on AWS
    assert template.follow("modelbuild", 1, within=1200) == "Succeeded", template.told("modelbuild")
    before = len(template.runs("modeldeploy"))
    for number in (1, 2):
        if number == 2:
            template.train_again()
        assert len(template.versions()) == number
        template.approve_newest()
        assert template.follow("modeldeploy", before + number) == "Succeeded", template.told("modeldeploy")
        for stage in ("staging", "prod"):
            assert 0 < float(template.answer(stage)) < 30  # an abalone's rings
