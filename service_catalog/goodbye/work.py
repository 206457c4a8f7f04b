"""What holds people's work: it is bundled and marked, or removed, once all else is gone."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from .aws import ERRORS, Client, is_gone, pages, why
from .project import Ledger, Project, Repository

FOLDER = "goodbye"
# What is kept says of which project it was, and since when that is deleted.
DELETED_PROJECT_TAG = "tidegate:deleted-project"
DELETED_AT_TAG = "tidegate:deleted-at"
# KMS waits for 7 to 30 days; until then a key can be had back.
KEY_DAYS = 30
OBJECTS_AT_ONCE = 1000
# S3 delivers access logs late, so a bucket may fill once more.
EMPTYING_ATTEMPTS = 5


def bundle(client: Client, project: Project, ledger: Ledger) -> None:
    """Put a git bundle of each repository that goes with the project into the bucket; one without commits has none."""
    for repository in project.repositories:
        try:
            client("codecommit").get_repository(repositoryName=repository.name)
        except ERRORS as error:
            if not is_gone(error):
                ledger.complain(f"Repository {repository.name} cannot be looked at: {why(error)}.")
            continue
        key = f"{FOLDER}/{repository.part}.bundle"
        try:
            with tempfile.TemporaryDirectory() as scratch:
                file = _bundle(repository, Path(scratch))
                if file is None:
                    ledger.tell(f"Repository {repository.name} has no commits, so there is no bundle of it.")
                    continue
                client("s3").upload_file(str(file), project.bucket, key)
        except (*ERRORS, OSError, _GitError) as error:
            ledger.complain(f"Repository {repository.name} cannot be bundled, so it is not deleted: {why(error)}.")
        else:
            ledger.tell(
                f"Repository {repository.name} is bundled and will be deleted: its work is in "
                f"s3://{project.bucket}/{key}, which `git clone` takes."
            )


class _GitError(Exception):
    """What git said."""


def _bundle(repository: Repository, scratch: Path) -> Path | None:
    mirror, file = scratch / "mirror.git", scratch / "all.bundle"
    _git("clone", "--quiet", "--mirror", repository.remote, str(mirror))
    if not _git("--git-dir", str(mirror), "for-each-ref", "--count=1"):
        return None
    _git("--git-dir", str(mirror), "bundle", "create", "--quiet", str(file), "--all")
    return file


def _git(*arguments: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _GitError(done.stderr.strip()[-500:])
    return done.stdout


def keep(client: Client, project: Project, ledger: Ledger, now: datetime | None = None) -> None:
    """Mark registry, buckets, images and key as what is left of the project, with a report beside the bundles."""
    at = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    marks = {DELETED_PROJECT_TAG: project.prefix, DELETED_AT_TAG: at}
    marked = [{"Key": key, "Value": value} for key, value in marks.items()]

    def group() -> None:
        sagemaker = client("sagemaker")
        sagemaker.add_tags(ResourceArn=_group_arn(sagemaker, project), Tags=marked)

    def images() -> None:
        ecr = client("ecr")
        (found,) = ecr.describe_repositories(repositoryNames=[project.images])["repositories"]
        ecr.tag_resource(resourceArn=found["repositoryArn"], tags=marked)

    def key() -> None:
        client("kms").tag_resource(
            KeyId=project.key, Tags=[{"TagKey": name, "TagValue": value} for name, value in marks.items()]
        )

    steps: dict[str, Callable[[], None]] = {
        f"Model package group {project.group}": group,
        f"Bucket {project.bucket}": lambda: _mark_bucket(client("s3"), project.bucket, marks),
        f"Bucket {project.access_log}": lambda: _mark_bucket(client("s3"), project.access_log, marks),
        f"Image repository {project.images}": images,
        f"Key {project.key}": key,
    }
    for what, mark in steps.items():
        try:
            mark()
        except ERRORS as error:
            if not is_gone(error):
                # A mark that is missing loses nothing, so it keeps nobody from deleting the project.
                ledger.tell(f"{what} is kept, and could not be tagged: {why(error)}.")
        else:
            ledger.tell(f"{what} is kept, with the tags {DELETED_PROJECT_TAG} and {DELETED_AT_TAG}.")
    report = f"Project {project.prefix}, deleted at {at}\n\n" + "".join(f"- {each}\n" for each in ledger.done)
    try:
        client("s3").put_object(Bucket=project.bucket, Key=f"{FOLDER}/report.txt", Body=report.encode())
    except ERRORS as error:
        if not is_gone(error):
            ledger.complain(f"The report cannot be put into bucket {project.bucket}: {why(error)}.")


def _mark_bucket(s3: Any, bucket: str, marks: dict[str, str]) -> None:
    # Tags are put as a whole, those included that AWS itself gave the bucket: it lets nobody take them off.
    try:
        tags = {each["Key"]: each["Value"] for each in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchTagSet":
            raise
        tags = {}
    tags |= marks
    s3.put_bucket_tagging(
        Bucket=bucket, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
    )


def _group_arn(sagemaker: Any, project: Project) -> str:
    arn: str = sagemaker.describe_model_package_group(ModelPackageGroupName=project.group)["ModelPackageGroupArn"]
    return arn


def remove(client: Client, project: Project, ledger: Ledger, sleep: Callable[[float], None] = time.sleep) -> None:
    """Remove registry, images and buckets, then the key, which is pending deletion for KEY_DAYS days."""
    _attempt(ledger, f"Model package group {project.group}", lambda: _remove_group(client("sagemaker"), project))
    _attempt(ledger, f"Image repository {project.images}", lambda: _remove_images(client("ecr"), project.images))
    for bucket in (project.bucket, project.access_log):
        _attempt(ledger, f"Bucket {bucket}", partial(_remove_bucket, client("s3"), bucket, sleep))
    # Without it nothing of the above could be read any more, whatever had to be kept after all.
    if not ledger.problems:
        _attempt(ledger, f"Key {project.key}", lambda: _remove_key(client("kms"), project.key))


def empty(client: Client, project: Project, ledger: Ledger) -> None:
    """Take everything out of registry and buckets, so that CloudFormation can delete them: the launch failed."""
    _attempt(ledger, f"Model package group {project.group}", lambda: _empty_group(client("sagemaker"), project))
    for bucket in (project.bucket, project.access_log):
        _attempt(ledger, f"Bucket {bucket}", partial(_empty_bucket, client("s3"), bucket))


def _attempt(ledger: Ledger, what: str, step: Callable[[], str]) -> None:
    try:
        ledger.tell(f"{what} {step()}.")
    except ERRORS as error:
        if not is_gone(error):
            ledger.complain(f"{what} cannot be removed: {why(error)}.")


def _empty_group(sagemaker: Any, project: Project) -> str:
    versions = list(
        pages(sagemaker, "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=project.group)
    )
    for version in versions:
        sagemaker.delete_model_package(ModelPackageName=version["ModelPackageArn"])
    return f"has lost its {len(versions)} versions"


def _remove_group(sagemaker: Any, project: Project) -> str:
    said = _empty_group(sagemaker, project)
    sagemaker.delete_model_package_group(ModelPackageGroupName=project.group)
    return f"{said} and is deleted"


def _empty_bucket(s3: Any, bucket: str) -> str:
    """Delete every version of every object."""
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1000}):
        objects = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for each in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        ]
        for first in range(0, len(objects), OBJECTS_AT_ONCE):
            some = objects[first : first + OBJECTS_AT_ONCE]
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
            if errors := answer.get("Errors"):
                raise s3.exceptions.ClientError({"Error": errors[0]}, "DeleteObjects")
            deleted += len(some)
    return f"has lost its {deleted} versions of objects"


def _remove_bucket(s3: Any, bucket: str, sleep: Callable[[float], None]) -> str:
    for attempt in range(EMPTYING_ATTEMPTS):
        said = _empty_bucket(s3, bucket)
        try:
            s3.delete_bucket(Bucket=bucket)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "BucketNotEmpty" or attempt == EMPTYING_ATTEMPTS - 1:
                raise
            sleep(5.0)
        else:
            break
    return f"{said} and is deleted"


def _remove_images(ecr: Any, repository: str) -> str:
    ecr.delete_repository(repositoryName=repository, force=True)
    return "is deleted with all that was in it"


def _remove_key(kms: Any, key: str) -> str:
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion":
        return "is pending deletion already"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)
    return f"is pending deletion for {KEY_DAYS} days"
