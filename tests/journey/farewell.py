"""The walk of a goodbye in three accounts: a project that releases to two others is deleted, and again after it failed.

Goes on in the sandbox that a journey left up, beside that journey's own project. The project here serves a model of
that one: so it has all that a release leaves, and trains nothing.
"""

import time
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from service_catalog.names import PRODUCT_NAMES, ProjectNames
from tests.journey.inventory import inventory
from tidegate.render.images import monitor_image
from tidegate_sandbox import lifecycle
from tidegate_sandbox.journey.account import Account as Journeyman
from tidegate_sandbox.journey.journey import APPROVE

STAGING, PRODUCTION = "222222222222", "333333333333"
NAME = "kept"
REPOSITORY_PARTS = ("build", "deploy")
FOUND_WITHIN = 600.0
"""Seconds of the wall in which a launch, a release or a deletion has to end."""

Inventory = set[tuple[str, str]]


@dataclass(frozen=True)
class Place:
    """The sandbox that was left up, and the accounts in it."""

    environment: dict[str, str]

    @property
    def home(self) -> str:
        """The account of the projects."""
        return self.environment["AWS_ACCESS_KEY_ID"]

    @property
    def region(self) -> str:
        return self.environment["AWS_DEFAULT_REGION"]

    def client(self, service: str, account: str = "") -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.region,
            aws_access_key_id=account or self.home,
            aws_secret_access_key="local",
        )

    def inventory(self, account: str = "") -> Inventory:
        return inventory(lambda service: self.client(service, account))

    def inventories(self) -> dict[str, Inventory]:
        """Return what there is in each of the three accounts."""
        return {account: self.inventory(account) for account in (self.home, STAGING, PRODUCTION)}

    def settled(self, project: str) -> tuple[str, str]:
        """Wait until a project's launch or deletion has ended; return its status and what is said of it."""
        until = time.monotonic() + FOUND_WITHIN
        while True:
            found = self.client("sagemaker").describe_project(ProjectName=project)
            if not found["ProjectStatus"].endswith("InProgress"):
                details = found["ServiceCatalogProvisionedProductDetails"]
                return found["ProjectStatus"], details.get("ProvisionedProductStatusMessage", "")
            assert time.monotonic() < until, "the project does not come to rest"
            time.sleep(0.3)

    def launch(self, name: str, **parameters: str) -> str:
        """Launch a project whose repositories are in CodeCommit; return its id."""
        products = self.client("servicecatalog").search_products()["ProductViewSummaries"]
        (product,) = [each["ProductId"] for each in products if each["Name"] == PRODUCT_NAMES["codecommit"]]
        given = [{"Key": key, "Value": value} for key, value in parameters.items()]
        made = self.client("sagemaker").create_project(
            ProjectName=name,
            ServiceCatalogProvisioningDetails={"ProductId": product, "ProvisioningParameters": given},
        )
        assert self.settled(name) == ("CreateCompleted", "")
        return str(made["ProjectId"])

    def delete(self, project: str) -> tuple[str, str]:
        self.client("sagemaker").delete_project(ProjectName=project)
        return self.settled(project)


@dataclass(frozen=True)
class Deleted:
    """What was found on the way, by account; `before` is from before the launch."""

    names: ProjectNames
    before: dict[str, Inventory]
    released: dict[str, Inventory]
    pushed: dict[str, str]
    refused: tuple[str, str]
    halfway: dict[str, Inventory]
    ended: tuple[str, str]
    after: dict[str, Inventory]


def walk(told: dict[str, Any]) -> Deleted:
    """Launch a project with its stages in two other accounts, release to both, and delete it.

    The first time its production may not go.
    """
    place = place_of(told)
    before = place.inventories()
    made = place.launch(NAME, StagingAccount=STAGING, ProductionAccount=PRODUCTION, NotifyEmail="ml-team@example.com")
    names = ProjectNames(NAME, made, place.home, place.region)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in place.environment.items():
            environment.setenv(name, value)
        _release(place, names, told["project"]["outputs"]["ModelPackages"])
    _leave_logs(place, names)
    _leave_schedules(place, names)
    released = place.inventories()
    pushed = {
        part: place.client("codecommit").get_branch(repositoryName=names.repository(part), branchName="main")["branch"][
            "commitId"
        ]
        for part in REPOSITORY_PARTS
    }
    _build_again(place, names)
    stack, there = names.endpoint_stack("prod"), place.client("cloudformation", PRODUCTION)
    there.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    refused = place.delete(NAME)
    halfway = place.inventories()
    there.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    ended = place.delete(NAME)
    return Deleted(names, before, released, pushed, refused, halfway, ended, place.inventories())


def place_of(told: dict[str, Any]) -> Place:
    """Return the sandbox that a journey left up."""
    running = lifecycle.find(told["home"])
    assert running is not None
    return Place(running.environment())


def _release(place: Place, names: ProjectNames, another: str) -> None:
    """Release the first version of `another` registry, as this project's own, to staging and production."""
    account, pipeline = Journeyman(lambda _: None), names.pipeline("deploy")
    # What the launch has started builds a model that nobody waits for.
    _stop(place, names.pipeline("build"))
    for execution in account.executions(pipeline):
        account.follow(pipeline, execution)
    known = account.executions(pipeline)
    first = account.package(account.packages(another)[-1]["ModelPackageArn"])
    account.sagemaker.create_model_package(
        ModelPackageGroupName=names.model_package_group,
        ModelApprovalStatus="Approved",
        InferenceSpecification=_copied(place, names, first["InferenceSpecification"]),
    )
    execution = account.follow(pipeline, account.next_execution(pipeline, known))
    assert execution.waiting_for == APPROVE, execution.failures()
    account.answer(execution, "staging answers well")

    def ended() -> Any:
        found = account.execution(pipeline, execution.id)
        return found if found.ended else None

    released = account.until("the release", ended)
    assert released.status == "Succeeded", released.failures()


def _copied(place: Place, names: ProjectNames, specification: dict[str, Any]) -> dict[str, Any]:
    """Copy the models of a specification into the project's bucket, and return the specification of the copies."""
    containers = []
    for container in specification["Containers"]:
        bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
        place.client("s3").copy_object(Bucket=names.bucket, Key=key, CopySource={"Bucket": bucket, "Key": key})
        kept = {name: value for name, value in container.items() if name != "ImageDigest"}
        containers.append({**kept, "ModelDataUrl": f"s3://{names.bucket}/{key}"})
    return {**specification, "Containers": containers}


def _stop(place: Place, pipeline: str) -> None:
    """Stop what runs of a pipeline, once it does, and wait until it has stopped."""
    client, until = place.client("codepipeline"), time.monotonic() + FOUND_WITHIN
    while True:
        runs = client.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
        if runs and all(each["status"] not in ("InProgress", "Stopping") for each in runs):
            return
        for each in runs:
            if each["status"] == "InProgress":
                client.stop_pipeline_execution(
                    pipelineName=pipeline, pipelineExecutionId=each["pipelineExecutionId"], abandon=True
                )
        assert time.monotonic() < until, f"{pipeline} does not stop"
        time.sleep(0.3)


def _leave_logs(place: Place, names: ProjectNames) -> None:
    """Make the log groups that SageMaker makes for endpoints, which the simulation does not."""
    for stage, account in (("staging", STAGING), ("prod", PRODUCTION)):
        group = f"/aws/sagemaker/Endpoints/{names.endpoint(stage)}"
        place.client("logs", account).create_log_group(logGroupName=group)


def _leave_schedules(place: Place, names: ProjectNames) -> None:
    """Make a monitoring schedule by hand for each endpoint, which no stack knows of; none of them runs."""
    for stage, account in (("staging", STAGING), ("prod", PRODUCTION)):
        sagemaker, name = place.client("sagemaker", account), f"{names.endpoint(stage)}-by-hand"
        role = place.client("iam", account).get_role(RoleName=names.role("execution"))["Role"]["Arn"]
        output = {"LocalPath": "/opt/ml/processing/output", "S3Uri": f"s3://{names.bucket}/monitoring/{stage}"}
        instance = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
        endpoint = {"EndpointName": names.endpoint(stage), "LocalPath": "/opt/ml/processing/input/endpoint"}
        sagemaker.create_data_quality_job_definition(
            JobDefinitionName=name,
            DataQualityAppSpecification={"ImageUri": monitor_image(place.region)},
            DataQualityJobInput={"EndpointInput": endpoint},
            DataQualityJobOutputConfig={"MonitoringOutputs": [{"S3Output": output}]},
            JobResources={"ClusterConfig": instance},
            RoleArn=role,
        )
        sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={
                "MonitoringType": "DataQuality",
                "MonitoringJobDefinitionName": name,
                "ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"},
            },
        )
        sagemaker.stop_monitoring_schedule(MonitoringScheduleName=name)


def _build_again(place: Place, names: ProjectNames) -> None:
    """Have a build run, so that there is one to be stopped."""
    codepipeline, codebuild = place.client("codepipeline"), place.client("codebuild")
    codepipeline.start_pipeline_execution(name=names.pipeline("build"))
    until = time.monotonic() + FOUND_WITHIN
    while True:
        ids = codebuild.list_builds_for_project(projectName=names.resource("build"))["ids"]
        builds = codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
        if any(each["buildStatus"] == "IN_PROGRESS" for each in builds):
            return
        assert time.monotonic() < until, "no build begins"
        time.sleep(0.3)
