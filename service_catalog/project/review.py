"""The check of a pull request in the deploy repository: validate, the repository's tests, and the plans.

It builds what nobody has looked at yet, so its role may read, and write nothing but a comment.
"""

import json

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from service_catalog.names import BRANCH
from service_catalog.policy import sub
from service_catalog.project.builds import add_build_project
from service_catalog.project.scope import Project

PART = "deploy"
MINUTES = 15


def add_review(
    stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], *, after: cdk.CfnResource
) -> codebuild.CfnProject:
    """Add the build that reviews pull requests; it comes after the seeds, which need nobody's review."""
    build = add_build_project(
        stack,
        project.names,
        project.storage,
        roles["review"],
        "review",
        does="Checks and plans what a pull request in the deploy repository would change",
        source=project.repositories.build_source(PART, "buildspec.review.yml", whole=True),
        source_version=f"refs/heads/{BRANCH}",
        minutes=MINUTES,
        triggers=project.repositories.webhook(),
    )
    build.add_resource_dependency(after)
    return build


def review_target(
    build: codebuild.CfnProject, project: Project, roles: dict[str, iam.CfnRole]
) -> events.CfnRule.TargetProperty:
    """Start the build at the pull request's own commit.

    EventBridge escapes nothing that it takes from an event, so nothing that a person wrote is taken: ids are
    CodeCommit's own.
    """
    taken = {"PULL_REQUEST_ID": "pullRequestId", "BEFORE_COMMIT": "destinationCommit", "AFTER_COMMIT": "sourceCommit"}
    variables = [{"name": name, "value": f"<{field}>", "type": "PLAINTEXT"} for name, field in taken.items()]
    variables.append({"name": "REPOSITORY", "value": project.names.repository(PART), "type": "PLAINTEXT"})
    template = {"sourceVersion": "<sourceCommit>", "environmentVariablesOverride": variables}
    return events.CfnRule.TargetProperty(
        id="review",
        arn=build.attr_arn,
        role_arn=roles["events"].attr_arn,
        input_transformer=events.CfnRule.InputTransformerProperty(
            input_paths_map={field: f"$.detail.{field}" for field in taken.values()},
            input_template=sub(json.dumps(template)),
        ),
    )
