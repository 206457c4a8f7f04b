"""Planting the seeds: at launch one CodeBuild job renders both and pushes them to the project's repositories.

A custom resource starts the job, and the job answers CloudFormation: a function may run for 15 minutes and has
no git, a build may run for hours and has it. Where the job was killed, an event has the function answer for it. If
nothing answers all the same, CloudFormation gives up after SERVICE_TIMEOUT_SECONDS.
"""

from importlib.metadata import version
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from service_catalog.policy import allow, choose, sub
from service_catalog.project import network
from service_catalog.project.builds import add_build_project
from service_catalog.project.functions import add_function
from service_catalog.project.places import ELSEWHERE, PRODUCTION, STAGING, Place
from service_catalog.project.rules import add_rule
from service_catalog.project.scope import Project
from service_catalog.project.sources import PARTS

STARTER_SOURCE = Path(__file__).with_name("seed_starter.py")
BUILD_MINUTES = 20
# Longer than the build may take, queue and start included, and far from CloudFormation's own hour.
SERVICE_TIMEOUT_SECONDS = 30 * 60


def add_seeding(
    stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], accounts: cdk.CfnResource
) -> cdk.CfnResource:
    """Add the seed build, the function that starts it, and the custom resource that both repos wait for.

    It comes after `accounts`, the roles in the accounts of the stages: the pipelines, which come after it, look there.
    """
    names = project.names
    build = add_build_project(
        stack,
        names,
        project.storage,
        roles["seed"],
        "seed",
        does="Renders the seeds with the launch parameters and pushes them to the two new repositories",
        source=codebuild.CfnProject.SourceProperty(
            type="S3", location=sub(f"{project.seeds.bucket}/{project.seeds.key}")
        ),
        minutes=BUILD_MINUTES,
    )
    starter = _starter(stack, project, build)
    seeds = cdk.CfnResource(
        stack,
        "Seeds",
        type="Custom::TidegateSeeds",
        properties={
            "ServiceToken": starter.attr_arn,
            "ServiceTimeout": SERVICE_TIMEOUT_SECONDS,
            "Repositories": {part: project.repositories.remote(part) for part in PARTS},
            "Context": _context(stack, project, roles),
            "StageAccounts": choose(ELSEWHERE, accounts.ref),
        },
    )
    for each in _answers_for_a_killed_build(stack, project, build, starter):
        seeds.add_resource_dependency(each)
    return seeds


def _answers_for_a_killed_build(
    stack: cdk.Stack, project: Project, build: codebuild.CfnProject, starter: lambda_.CfnFunction
) -> tuple[cdk.CfnResource, ...]:
    """Have the function told of every bad end of the seed build: one that is killed cannot answer by itself."""
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {"project-name": [build.ref], "build-status": ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"]},
    }
    target = events.CfnRule.TargetProperty(id="answer", arn=starter.attr_arn)
    rule = add_rule(stack, project.names, "seed-ended", pattern, target)
    permission = lambda_.CfnPermission(
        stack,
        "SeedEndedPermission",
        action="lambda:InvokeFunction",
        function_name=starter.ref,
        principal="events.amazonaws.com",
        source_arn=rule.attr_arn,
    )
    return rule, permission


def _context(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole]) -> dict[str, str]:
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


def _starter(stack: cdk.Stack, project: Project, build: codebuild.CfnProject) -> lambda_.CfnFunction:
    return add_function(
        stack,
        project.names,
        "seed-starter",
        STARTER_SOURCE,
        does="Starts the build that plants the seeds; the build answers CloudFormation",
        statements=[allow(["codebuild:BatchGetBuilds", "codebuild:StartBuild"], on=["${SeedProject.Arn}"])],
        environment={"SEED_PROJECT": build.ref},
    )
