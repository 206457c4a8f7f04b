"""Planting the seeds: at launch one CodeBuild job renders both and pushes them to the project's repositories.

A custom resource has the job started, and the job answers CloudFormation (see starting.py). If nothing answers all the
same, CloudFormation gives up after SERVICE_TIMEOUT_SECONDS.
"""

from importlib.metadata import version

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam

from service_catalog.policy import choose, sub
from service_catalog.project import network
from service_catalog.project.builds import add_build_project
from service_catalog.project.places import ELSEWHERE, PRODUCTION, STAGING, Place
from service_catalog.project.scope import Project
from service_catalog.project.sources import PARTS
from service_catalog.project.starting import Starter, add_started_build

BUILD_MINUTES = 20
# Longer than the build may take, queue and start included, and far from CloudFormation's own hour.
SERVICE_TIMEOUT_SECONDS = 30 * 60


def add_seeding(
    stack: cdk.Stack,
    project: Project,
    roles: dict[str, iam.CfnRole],
    starter: Starter,
    accounts: cdk.CfnResource,
    images: ecr.CfnRepository,
) -> cdk.CfnResource:
    """Add the seed build, and the custom resource that has it started and that both repos wait for.

    It comes after `accounts`, the roles in the accounts of the stages: the pipelines, which come after it, look there.
    """
    build = add_build_project(
        stack,
        project.names,
        project.storage,
        roles["seed"],
        "seed",
        does="Renders the seeds with the launch parameters and pushes them to the two new repositories",
        source=codebuild.CfnProject.SourceProperty(
            type="S3", location=sub(f"{project.seeds.bucket}/{project.seeds.key}")
        ),
        minutes=BUILD_MINUTES,
    )
    return add_started_build(
        stack,
        "Seeds",
        starter,
        build,
        on="Create",
        seconds=SERVICE_TIMEOUT_SECONDS,
        properties={
            "Repositories": {part: project.repositories.remote(part) for part in PARTS},
            "Context": _context(stack, project, roles, images),
            "StageAccounts": choose(ELSEWHERE, accounts.ref),
        },
    )


def _context(
    stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], images: ecr.CfnRepository
) -> dict[str, str]:
    storage, names = project.storage, project.names
    return {
        "project_name": sub(names.project_name),
        "project_id": sub(names.project_id),
        "account": stack.account,
        "region": stack.region,
        "bucket": storage.bucket.ref,
        "kms_key_arn": storage.key.attr_arn,
        "model_package_group": sub(names.model_package_group),
        "execution_role_arn": roles["execution"].attr_arn,
        "image_repository": images.attr_repository_uri,
        "deploy_pipeline": sub(names.pipeline("deploy")),
        "staging_account": _account(stack, STAGING),
        "production_account": _account(stack, PRODUCTION),
        "tidegate_version": version("tidegate"),
        "seed_bucket": sub(project.seeds.bucket),
        "seed_key": sub(project.seeds.key),
        "subnets": network.subnets(),
        "security_groups": network.security_groups(),
    }


def _account(stack: cdk.Stack, place: Place) -> str:
    return choose(place.elsewhere, sub(place.account), stack.account)
