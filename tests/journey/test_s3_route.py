"""The other gallery: beside the product that the journey launched, a project from the template in S3."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox import lifecycle

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

CHECKOUT = Path(__file__).parents[2]
NAME = "from-s3"


@pytest.fixture
def script(told: dict[str, Any]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs `scripts/NAME` with arguments, in the sandbox that the journey left up."""
    running = lifecycle.find(told["home"])
    assert running is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= running.environment()

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", f"service_catalog.publishing.{name}", *arguments]
        return subprocess.run(
            command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    return run


def test_a_template_in_s3_is_published_launched_with_its_role_deleted_and_taken_back(
    script: Callable[..., subprocess.CompletedProcess[str]], aws: Callable[[str], Any]
) -> None:
    sagemaker = aws("sagemaker")
    domain = sagemaker.list_domains()["Domains"][0]["DomainId"]
    person = sagemaker.describe_domain(DomainId=domain)["DefaultUserSettings"]["ExecutionRole"]
    published = script("publish", "--route", "s3", "--domain-id", domain, "--principal", person)
    assert published.returncode == 0, published.stderr
    assert f"as S3 templates, in domain {domain}" in published.stdout

    outputs = aws("cloudformation").describe_stacks(StackName="tidegate-portfolio")["Stacks"][0]["Outputs"]
    role = next(each["OutputValue"] for each in outputs if each["OutputKey"] == "S3LaunchRoleArn")
    assert role in published.stdout
    sagemaker.create_project(
        ProjectName=NAME,
        TemplateProviders=[
            {"CfnTemplateProvider": {"TemplateName": "tidegate", "TemplateURL": shown_to(aws, domain), "RoleARN": role}}
        ],
    )
    project = settled(sagemaker)
    assert project["ProjectStatus"] == "CreateCompleted", project
    for part in ("build", "deploy"):
        repository = f"{NAME}-{project['ProjectId']}-model{part}"
        assert aws("codecommit").get_branch(repositoryName=repository, branchName="main")["branch"]["commitId"]

    refused = script("unpublish", "--route", "s3")
    assert refused.returncode == 1
    assert f"{NAME}-{project['ProjectId']} (CreateCompleted)" in refused.stderr
    sagemaker.delete_project(ProjectName=NAME)
    assert settled(sagemaker)["ProjectStatus"] == "DeleteCompleted"
    taken = script("unpublish", "--route", "s3")
    assert taken.returncode == 0, taken.stderr
    assert f"tag of Studio domain {domain}" in taken.stdout


def shown_to(aws: Callable[[str], Any], domain: str) -> str:
    """Return the address of the template for CodeCommit that Studio shows in `domain`, found as Studio finds it."""
    sagemaker, s3 = aws("sagemaker"), aws("s3")
    arn = sagemaker.describe_domain(DomainId=domain)["DomainArn"]
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    bucket, _, prefix = tags["sagemaker:projectS3TemplatesLocation"].removeprefix("s3://").partition("/")
    visible = {"Key": "sagemaker:studio-visibility", "Value": "true"}
    (key,) = (
        each["Key"]
        for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        if visible in s3.get_object_tagging(Bucket=bucket, Key=each["Key"])["TagSet"] and "codecommit" in each["Key"]
    )
    return f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}"


def settled(sagemaker: Any) -> dict[str, Any]:
    """Wait until nothing happens to the project any more, and return it."""
    give_up = time.monotonic() + 300
    while time.monotonic() < give_up:
        project: dict[str, Any] = sagemaker.describe_project(ProjectName=NAME)
        if not project["ProjectStatus"].endswith("InProgress"):
            return project
        time.sleep(0.5)
    raise AssertionError(f"{NAME} is still {project['ProjectStatus']}")
