"""The two CodePipelines of a project, and the events that start them."""

import json

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from service_catalog.names import BRANCH
from service_catalog.policy import arn, sub
from service_catalog.project.actions import SOURCE, Stage, build_action, tried_again
from service_catalog.project.builds import add_build_project
from service_catalog.project.choices import STARTS, present_if
from service_catalog.project.notices import add_notices, failure_pattern, tells
from service_catalog.project.parameters import ON_APPROVAL, ON_PUSH, ON_REJECTION
from service_catalog.project.releases import DECIDE, RELEASES, RENDER, RENDERED, Release, release_stages
from service_catalog.project.review import add_review, review_target
from service_catalog.project.rules import add_rule
from service_catalog.project.scope import Project

# SageMaker's longest release is 8 hours (MaximumExecutionTimeoutInSeconds 28800), and Verify outlives it by
# a rollback, which takes as long as starting a fleet.
VERIFY_MINUTES = 9 * 60
RENDER_MINUTES = 30
DECLINE_MINUTES = 15
# The build follows the execution that it starts, so it lasts as long as the training does.
BUILD_MINUTES = 8 * 60


def add_pipelines(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], *, after: cdk.CfnResource) -> None:
    """Add both pipelines with their CodeBuild projects and event rules.

    They come after the seeds: creating a pipeline runs it at once, and that first run needs the seeded commit.
    """
    topic = add_notices(stack, project.names, project.storage.key)
    build = _add_pipeline(stack, project, roles, "build", _build_stages(stack, project, roles))
    deploy = _add_pipeline(stack, project, roles, "deploy", _deploy_stages(stack, project, roles, topic.ref))
    for part, pipeline in (("build", build), ("deploy", deploy)):
        pipeline.add_resource_dependency(after)
        chosen = STARTS[ON_PUSH] if part == "deploy" else None
        if triggers := project.repositories.triggers(part):
            pipeline.add_property_override("Triggers", present_if(chosen, triggers) if chosen else triggers)
        if pattern := project.repositories.push_pattern(part):
            add_rule(stack, project.names, f"{part}-push", pattern, _starts(pipeline, roles), only_if=chosen)
    # Two rules, so that a run says by its rule's name which of the two started it.
    for purpose, status, choice in (("approval", "Approved", ON_APPROVAL), ("rejection", "Rejected", ON_REJECTION)):
        decided, starts = _decision_pattern(project, status), _starts(deploy, roles)
        add_rule(stack, project.names, purpose, decided, starts, only_if=STARTS[choice])
    review = add_review(stack, project, roles, after=after)
    if pattern := project.repositories.request_pattern("deploy"):
        add_rule(stack, project.names, "review", pattern, review_target(review, project, roles))
    decline = _add_decline(stack, project, roles)
    for release in RELEASES:
        target = _declines(decline, release, roles)
        add_rule(stack, project.names, f"decline-{release.stage}", _decline_pattern(project, release), target)
    add_rule(stack, project.names, "failed", failure_pattern(project.names), tells(topic))


def _build_stages(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole]) -> list[Stage]:
    build = _project(
        stack, project, roles, "build", "Compiles the model's pipeline and starts it", "buildspec.yml", BUILD_MINUTES
    )
    return [
        project.repositories.source_stage("build"),
        Stage(name="Build", actions=[build_action("Build", build, [SOURCE])]),
    ]


def _deploy_stages(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], topic: str) -> list[Stage]:
    render = _project(
        stack,
        project,
        roles,
        "render",
        "Validates every stage file, renders what each becomes, and plans it",
        "buildspec.yml",
        RENDER_MINUTES,
    )
    verify = _project(
        stack,
        project,
        roles,
        "verify",
        "Follows a release, says how it ended, and runs the repository's tests",
        "buildspec.verify.yml",
        VERIFY_MINUTES,
    )
    this_run = {"PIPELINE_EXECUTION_ID": "#{codepipeline.PipelineExecutionId}"}
    rendering = build_action("Render", render, [SOURCE], outputs=[RENDERED], namespace=RENDER, environment=this_run)
    return [
        project.repositories.source_stage("deploy"),
        # It only reads, and depends on package index, registry and price list: a failure may pass with a minute.
        Stage(name="Render", actions=[rendering], on_failure=tried_again()),
        *(stage for release in RELEASES for stage in release_stages(release, project, roles, verify, topic)),
    ]


def _project(
    stack: cdk.Stack,
    project: Project,
    roles: dict[str, iam.CfnRole],
    purpose: str,
    does: str,
    buildspec: str,
    minutes: int,
) -> codebuild.CfnProject:
    pipeline = {"PIPELINE_NAME": sub(project.names.pipeline("deploy"))} if purpose != "build" else None
    return add_build_project(
        stack,
        project.names,
        project.storage,
        roles[purpose],
        purpose,
        does=does,
        source=codebuild.CfnProject.SourceProperty(type="CODEPIPELINE", build_spec=buildspec),
        minutes=minutes,
        environment=pipeline,
    )


def _add_decline(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole]) -> codebuild.CfnProject:
    """Add what takes a version's approval back when its test was not passed: a build, for the pipeline has failed."""
    return add_build_project(
        stack,
        project.names,
        project.storage,
        roles["decline"],
        "decline",
        does="Sets the version that a test was about to Rejected",
        source=project.repositories.build_source("deploy", "buildspec.decline.yml"),
        source_version=f"refs/heads/{BRANCH}",
        minutes=DECLINE_MINUTES,
    )


def _add_pipeline(
    stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], part: str, stages: list[Stage]
) -> codepipeline.CfnPipeline:
    storage = project.storage
    return codepipeline.CfnPipeline(
        stack,
        f"Model{part.title()}",
        name=sub(project.names.pipeline(part)),
        pipeline_type="V2",
        # A release that has begun is never overtaken; a build may be, by a newer commit.
        execution_mode="QUEUED" if part == "deploy" else "SUPERSEDED",
        role_arn=roles["pipeline"].attr_arn,
        restart_execution_on_update=False,
        artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
            type="S3",
            location=storage.bucket.ref,
            encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(id=storage.key.attr_arn, type="KMS"),
        ),
        stages=stages,
    )


def _starts(pipeline: codepipeline.CfnPipeline, roles: dict[str, iam.CfnRole]) -> events.CfnRule.TargetProperty:
    return events.CfnRule.TargetProperty(
        id="pipeline",
        arn=sub(arn("codepipeline", f"${{{pipeline.node.id}}}")),
        role_arn=roles["events"].attr_arn,
    )


def _declines(
    decline: codebuild.CfnProject, release: Release, roles: dict[str, iam.CfnRole]
) -> events.CfnRule.TargetProperty:
    """Start the build with the stage's name, and the execution's id so that the registry can tell who decided.

    EventBridge escapes nothing that it takes from an event, so nothing that a person wrote is taken: an id is
    CodePipeline's own.
    """
    template = {
        "environmentVariablesOverride": [
            {"name": "STAGE", "value": release.stage, "type": "PLAINTEXT"},
            {"name": "PIPELINE_EXECUTION_ID", "value": "<execution>", "type": "PLAINTEXT"},
        ]
    }
    return events.CfnRule.TargetProperty(
        id="decline",
        arn=decline.attr_arn,
        role_arn=roles["events"].attr_arn,
        input_transformer=events.CfnRule.InputTransformerProperty(
            input_paths_map={"execution": "$.detail.execution-id"}, input_template=json.dumps(template)
        ),
    )


def _decision_pattern(project: Project, status: str) -> dict[str, object]:
    """Match a version that was set to `status`, but not one whose other fields were edited.

    Stamping a version after its release is such an edit, and would start the next release. Whether SageMaker
    always says which fields changed is not documented, so an event that does not say starts a release too:
    one with nothing new changes nothing.
    """
    changed = "UpdatedModelPackageFields"
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": [sub(project.names.model_package_group)],
            "ModelApprovalStatus": [status],
            "$or": [{changed: ["ModelApprovalStatus"]}, {changed: [{"exists": False}]}],
        },
    }


def _decline_pattern(project: Project, release: Release) -> dict[str, object]:
    """Match a decision on a test that was a rejection, or that nobody made in time: both fail the action."""
    return {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Action Execution State Change"],
        "detail": {
            "pipeline": [sub(project.names.pipeline("deploy"))],
            "stage": [release.test],
            "action": [DECIDE],
            "state": ["FAILED"],
        },
    }
