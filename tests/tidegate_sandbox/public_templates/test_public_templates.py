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
from public_template import COMMIT, Checkout, Walk, model_data

NAMED = os.environ.get("TIDEGATE_PUBLIC_TEMPLATES", "")
CHECKOUT = Checkout(Path(NAMED))
SMALL = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/public-templates:1"
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
        lock = Path(__file__).parents[1] / "endpoints" / "plain-python.txt"
        (running.home / "images.toml").write_text(f'[public-templates."1"]\nrequirements = "{lock}"\n')
        yield running


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


def test_encrypted_buckets(walk: Callable[..., Walk]) -> None:
    template = walk("encrypted-buckets", prefix="custom-project")
    # The template takes its seeds from a bucket of AWS's own. Those of its sibling, which was made from them, stand in.
    bucket = "sagemaker-servicecatalog-seedcode-us-east-1"
    template.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": template.sandbox.region})
    for key, part in {"model-building-workflow": "build", "mpg-deployment-config": "deploy"}.items():
        seed = CHECKOUT.seed(f"mlops-deployment-patterns/seedcode/{part}")
        template.s3.put_object(Bucket=bucket, Key=f"toolchain/{key}-v1.0.zip", Body=seed)
    admin = template.iam.create_role(RoleName="admin", AssumeRolePolicyDocument=TRUST_OF_THE_ACCOUNT)["Role"]["Arn"]
    template.launch(template.publish("create-encrypted-buckets-product.yaml", KMSAdministratorARNParameter=admin))
    assert template.follow("modeldeploy", 1) == "Failed"
    print(template.told("modeldeploy"))
    print(template.follow("modelbuild", 1))
    print(template.told("modelbuild"))
    assert 0


def released_two_versions(template: Walk) -> None:
    """See what started with the project end, with nothing to deploy, and two versions reach production by approval."""
    assert template.follow("modeldeploy", 1) == "Failed"  # nothing is approved yet, as on AWS
    before = len(template.runs("modeldeploy"))
    for number, version in enumerate(("v1", "v2"), 1):
        template.register(f"sagemaker-project-{template.id}", SMALL, model_data(), version)
        template.approve_newest()
        assert template.follow("modeldeploy", before + number) == "Succeeded", template.told("modeldeploy")
        assert template.answer("staging") == f"{version}:1,2"
        assert template.answer("prod") == f"{version}:1,2"
