"""Deleting a project: what is left of it in each of its accounts, and what a deletion that failed half-way does next.

Goes on in the sandbox that a journey left up, beside that journey's own project (tests/journey/farewell.py).
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.journey.farewell import PRODUCTION, REPOSITORY_PARTS, STAGING, Deleted, Inventory, Place, place_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]

# The log groups of all of an account's jobs: SageMaker makes them once, whoever's job is the first.
OF_THE_ACCOUNT = {("log group", f"/aws/sagemaker/{kind}Jobs") for kind in ("Processing", "Training")}
STAGES = {STAGING: "staging", PRODUCTION: "prod"}
OF_A_RELEASE = {"alarm", "dashboard", "endpoint", "endpoint config", "log group", "model", "stack"}
"""What a release and its endpoint have in the account of their stage."""
BY_HAND = {"monitoring schedule"}
"""What somebody made there for the endpoint, and no stack knows of."""
ROLES = {"cloudformation", "deploy", "execution", "goodbye", "look"}
"""What a project's roles in an account of a stage are for."""


@pytest.fixture(scope="module")
def place(told_where_the_stack_succeeds: dict[str, Any]) -> Place:
    return place_of(told_where_the_stack_succeeds)


def names(found: Inventory, kind: str) -> set[str]:
    return {name for of, name in found if of == kind}


def added(deleted: Deleted, found: dict[str, Inventory], account: str) -> Inventory:
    """Return what there is in an account that was not there before the launch."""
    return found[account] - deleted.before[account] - OF_THE_ACCOUNT


def kinds(found: Inventory) -> set[str]:
    return {kind for kind, _ in found}


@pytest.mark.parametrize("account", STAGES)
def test_given_a_release_then_the_stage_has_its_stack_its_endpoint_and_the_projects_roles_there(
    deleted: Deleted, account: str
) -> None:
    released = added(deleted, deleted.released, account)
    assert kinds(released) == OF_A_RELEASE | BY_HAND | {"role"}
    assert names(released, "endpoint") == {deleted.names.endpoint(STAGES[account])}
    assert names(released, "role") == {deleted.names.role(purpose) for purpose in ROLES}
    accounts = {each for each in names(released, "stack") if each.startswith(f"StackSet-{deleted.names.stack_set}-")}
    assert names(released, "stack") - accounts == {deleted.names.endpoint_stack(STAGES[account])}
    assert len(accounts) == 1


def test_given_an_endpoint_stack_that_may_not_go_then_the_deletion_fails_with_where_it_is_and_the_reason(
    deleted: Deleted,
) -> None:
    status, said = deleted.refused
    assert status == "DeleteFailed"
    assert f"Stack {deleted.names.endpoint_stack('prod')} in account {PRODUCTION} cannot be deleted" in said
    assert "TerminationProtection" in said
    assert "delete the project again" in said


def test_then_of_the_other_stage_only_the_roles_are_left_with_which_the_deletion_goes_on(deleted: Deleted) -> None:
    left = added(deleted, deleted.halfway, STAGING)
    assert kinds(left) == {"role", "stack"}
    assert names(left, "role") == {deleted.names.role(purpose) for purpose in ROLES}
    assert all(each.startswith("StackSet-") for each in names(left, "stack"))


def test_then_what_may_not_go_serves_on_and_all_that_its_deletion_needs_is_there(deleted: Deleted) -> None:
    assert deleted.halfway[PRODUCTION] == deleted.released[PRODUCTION]
    home = next(iter(deleted.before))
    left, released = (added(deleted, found, home) for found in (deleted.halfway, deleted.released))
    assert len(names(released, "pipeline")) == 2
    assert not names(left, "pipeline"), "nothing is released any more"
    assert names(left, "repository") == {deleted.names.repository(part) for part in REPOSITORY_PARTS}
    assert deleted.names.role("goodbye") in names(left, "role")
    assert deleted.names.resource("goodbye") in names(left, "build project")


@pytest.mark.parametrize("account", STAGES)
def test_given_the_deletion_is_repeated_then_nothing_of_the_project_is_left_in_the_accounts_of_its_stages(
    deleted: Deleted, account: str
) -> None:
    assert deleted.ended[0] == "DeleteCompleted"
    assert added(deleted, deleted.after, account) == set()
    assert deleted.before[account] - deleted.after[account] == set(), "nothing of another project went"


def test_then_all_that_is_left_in_its_own_account_is_what_is_documented_as_kept(deleted: Deleted, place: Place) -> None:
    left = added(deleted, deleted.after, place.home)
    assert sorted(kind for kind, _ in left) == ["bucket", "bucket", "image repository", "key", "model package group"]
    assert deleted.before[place.home] - deleted.after[place.home] == set(), "nothing of another project went"


def test_then_what_was_said_when_it_failed_is_said_no_more(deleted: Deleted) -> None:
    assert deleted.ended == ("DeleteCompleted", "")


def test_then_what_is_kept_says_of_which_project_it_is(deleted: Deleted, place: Place) -> None:
    expected = ("tidegate:deleted-project", deleted.names.prefix)
    ecr, kms, s3, sagemaker = (place.client(each) for each in ("ecr", "kms", "s3", "sagemaker"))
    for kind, name in added(deleted, deleted.after, place.home):
        if kind == "key":
            tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=name)["Tags"]}
        elif kind == "image repository":
            (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
            listed = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
            tags = {tag["Key"]: tag["Value"] for tag in listed}
        elif kind == "bucket":
            tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
        else:
            arn = sagemaker.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
            tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        assert expected in tags.items(), f"{kind} {name}"
        assert "tidegate:deleted-at" in tags, f"{kind} {name}"


def test_then_the_report_tells_what_went_in_which_account(deleted: Deleted, place: Place) -> None:
    found = place.client("s3").get_object(Bucket=deleted.names.bucket, Key="goodbye/report.txt")
    report = found["Body"].read().decode()
    assert f"Stack {deleted.names.endpoint_stack('prod')} in account {PRODUCTION} is deleted." in report
    for kind in ("endpoint config", "model"):
        (name,) = names(added(deleted, deleted.released, PRODUCTION), kind)
        assert f"{kind.capitalize()} {name} in account {PRODUCTION} is deleted." in report


@pytest.mark.parametrize("part", REPOSITORY_PARTS)
def test_then_each_repository_can_be_had_back_from_its_bundle(
    deleted: Deleted, place: Place, tmp_path: Path, part: str
) -> None:
    bundle, clone = tmp_path / f"{part}.bundle", tmp_path / part
    place.client("s3").download_file(deleted.names.bucket, f"goodbye/{part}.bundle", str(bundle))
    subprocess.run(["git", "clone", "--quiet", bundle, clone], check=True, capture_output=True)
    last = subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True)
    assert last.stdout.strip() == deleted.pushed[part]


@pytest.mark.usefixtures("deleted")
def test_given_remove_then_nothing_is_left_of_a_project_but_its_key_which_is_pending_deletion(place: Place) -> None:
    before = place.inventory()
    place.launch("gone", OnDeletion="remove")
    assert ("project", "gone") in place.inventory()

    assert place.delete("gone") == ("DeleteCompleted", "")

    ((kind, key),) = place.inventory() - before - OF_THE_ACCOUNT
    assert before - place.inventory() == set()
    assert kind == "key"
    assert place.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
