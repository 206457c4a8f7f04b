"""Deleting a project: what is left of it in the account, and what a deletion that failed half-way does next.

Goes on in the sandbox that a journey left up, beside that journey's own project. What releases leave behind stands
there as far as it is not an endpoint: those are in tests/service_catalog/test_goodbye.py.
"""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from service_catalog.names import PRODUCT_NAMES
from tests.journey.inventory import inventory
from tidegate_sandbox import lifecycle

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

# The log groups of all of an account's jobs: SageMaker makes them once, whoever's job is the first.
OF_THE_ACCOUNT = {("log group", f"/aws/sagemaker/{kind}Jobs") for kind in ("Processing", "Training")}


@dataclass(frozen=True)
class Place:
    """The sandbox that was left up."""

    environment: dict[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="local",
        )

    def inventory(self) -> set[tuple[str, str]]:
        return inventory(self.client)

    def settled(self, project: str) -> tuple[str, str]:
        """Wait until a project's launch or deletion has ended; return its status and what is said of it."""
        until = time.monotonic() + 600
        while True:
            found = self.client("sagemaker").describe_project(ProjectName=project)
            if not found["ProjectStatus"].endswith("InProgress"):
                details = found["ServiceCatalogProvisionedProductDetails"]
                return found["ProjectStatus"], details.get("ProvisionedProductStatusMessage", "")
            assert time.monotonic() < until, "the project does not come to rest"
            time.sleep(0.3)

    def delete(self, project: str) -> tuple[str, str]:
        self.client("sagemaker").delete_project(ProjectName=project)
        return self.settled(project)


@dataclass(frozen=True)
class Deleted:
    """What was found on the way; `before` is from before the launch."""

    id: str
    before: set[tuple[str, str]]
    launched: set[tuple[str, str]]
    pushed: dict[str, str]
    refused: tuple[str, str]
    halfway: set[tuple[str, str]]
    ended: tuple[str, str]
    after: set[tuple[str, str]]


@pytest.fixture(scope="module")
def place(told_where_the_stack_succeeds: dict[str, Any]) -> Place:
    running = lifecycle.find(told_where_the_stack_succeeds["home"])
    assert running is not None
    return Place(running.environment())


@pytest.fixture(scope="module")
def deleted(place: Place) -> Deleted:
    """Launch a project and delete it, the first time with an endpoint stack that may not go."""
    before = place.inventory()
    project_id = _launch(place, "kept")
    _leave_behind(place, f"kept-{project_id}", project_id)
    launched = place.inventory()
    repositories = names(launched - before, "repository")
    pushed = {
        name: place.client("codecommit").get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
        for name in repositories
    }
    stack, cloudformation = f"sagemaker-{project_id}-prod", place.client("cloudformation")
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    refused = place.delete("kept")
    halfway = place.inventory()
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    ended = place.delete("kept")
    return Deleted(project_id, before, launched, pushed, refused, halfway, ended, place.inventory())


def _launch(place: Place, name: str, **parameters: str) -> str:
    """Launch a project whose repositories are in CodeCommit; return its id."""
    products = place.client("servicecatalog").search_products()["ProductViewSummaries"]
    (product,) = [each["ProductId"] for each in products if each["Name"] == PRODUCT_NAMES["codecommit"]]
    given = [{"Key": key, "Value": value} for key, value in parameters.items()]
    made = place.client("sagemaker").create_project(
        ProjectName=name,
        ServiceCatalogProvisioningDetails={"ProductId": product, "ProvisioningParameters": given},
    )
    assert place.settled(name) == ("CreateCompleted", "")
    return str(made["ProjectId"])


def _leave_behind(place: Place, prefix: str, project_id: str) -> None:
    """Make a stack for each stage, and a log group that SageMaker would have made."""
    cloudformation = place.client("cloudformation")
    for stage in ("staging", "prod"):
        properties = {"DashboardName": f"{prefix}-{stage}", "DashboardBody": "{}"}
        template = {"Resources": {"Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}}}
        name = f"sagemaker-{project_id}-{stage}"
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        place.client("logs").create_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{prefix}-{stage}")


def names(found: set[tuple[str, str]], kind: str) -> set[str]:
    return {name for of, name in found if of == kind}


def test_given_an_endpoint_stack_that_may_not_go_then_the_deletion_fails_with_its_name_and_the_reason(
    deleted: Deleted,
) -> None:
    status, said = deleted.refused
    assert status == "DeleteFailed"
    assert f"Stack sagemaker-{deleted.id}-prod cannot be deleted" in said
    assert "TerminationProtection" in said
    assert "delete the project again" in said


def test_then_what_does_not_depend_on_it_is_gone_and_what_it_needs_is_there(deleted: Deleted) -> None:
    prefix, own = f"kept-{deleted.id}", f"sagemaker-{deleted.id}"
    left, launched = deleted.halfway - deleted.before, deleted.launched - deleted.before
    assert names(launched, "stack") >= {f"{own}-staging", f"{own}-prod"}
    assert f"{own}-staging" not in names(left, "stack")
    assert f"{own}-prod" in names(left, "stack")
    assert len(names(launched, "pipeline")) == 2
    assert not names(left, "pipeline"), "nothing is released any more"
    assert names(left, "repository") == {f"{prefix}-modelbuild", f"{prefix}-modeldeploy"}
    assert any(role.startswith(f"{own}-cloudformation") for role in names(left, "role"))
    assert f"{own}-goodbye" in names(left, "build project")


def test_given_the_deletion_is_repeated_then_all_that_is_left_of_the_project_is_what_is_documented_as_kept(
    deleted: Deleted,
) -> None:
    assert deleted.ended[0] == "DeleteCompleted"
    left = deleted.after - deleted.before - OF_THE_ACCOUNT
    kinds = sorted(kind for kind, _ in left)
    assert kinds == ["bucket", "bucket", "key", "model package group"]
    assert deleted.before - deleted.after == set(), "nothing of another project went"


def test_then_what_is_kept_says_of_which_project_it_is(deleted: Deleted, place: Place) -> None:
    expected = ("tidegate:deleted-project", f"kept-{deleted.id}")
    kms, s3, sagemaker = (place.client(each) for each in ("kms", "s3", "sagemaker"))
    for kind, name in deleted.after - deleted.before - OF_THE_ACCOUNT:
        if kind == "key":
            tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=name)["Tags"]}
        elif kind == "bucket":
            tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
        else:
            arn = sagemaker.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
            tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        assert expected in tags.items(), f"{kind} {name}"
        assert "tidegate:deleted-at" in tags, f"{kind} {name}"


def test_then_each_repository_can_be_had_back_from_its_bundle(deleted: Deleted, place: Place, tmp_path: Path) -> None:
    (bucket,) = (each for each in names(deleted.after - deleted.before, "bucket") if each[-4:] != "-log")
    assert len(deleted.pushed) == 2
    for name, commit in deleted.pushed.items():
        part = name.rpartition("-model")[2]
        bundle, clone = tmp_path / f"{part}.bundle", tmp_path / part
        place.client("s3").download_file(bucket, f"goodbye/{part}.bundle", str(bundle))
        subprocess.run(["git", "clone", "--quiet", bundle, clone], check=True, capture_output=True)
        last = subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True)
        assert last.stdout.strip() == commit


@pytest.mark.usefixtures("deleted")
def test_given_remove_then_nothing_is_left_of_a_project_but_its_key_which_is_pending_deletion(place: Place) -> None:
    before = place.inventory()
    _launch(place, "gone", OnDeletion="remove")
    assert ("project", "gone") in place.inventory()

    assert place.delete("gone") == ("DeleteCompleted", "")

    ((kind, key),) = place.inventory() - before - OF_THE_ACCOUNT
    assert before - place.inventory() == set()
    assert kind == "key"
    assert place.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
