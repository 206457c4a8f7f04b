"""The two CodePipelines of a project, and the events that start them.

Verify runs beside Deploy, not after it: whether CloudFormation fails a stack whose endpoint SageMaker rolled
back is not documented, and a Verify that came later would then never tell. It follows Deploy and judges once
Deploy has ended, whichever way.
"""

import json
from typing import TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from service_catalog.builds import add_build_project
from service_catalog.names import BRANCH
from service_catalog.policy import arn, sub
from service_catalog.roles import Project

Action: TypeAlias = codepipeline.CfnPipeline.ActionDeclarationProperty
Stage: TypeAlias = codepipeline.CfnPipeline.StageDeclarationProperty

SOURCE, RENDERED = "Source", "Rendered"
# SageMaker's longest release is 8 hours (MaximumExecutionTimeoutInSeconds 28800), and Verify outlives it by
# a rollback, which takes as long as starting a fleet.
VERIFY_MINUTES = 9 * 60
RENDER_MINUTES = 30
# The build follows the execution that it starts, so it lasts as long as the training does.
BUILD_MINUTES = 8 * 60


def add_pipelines(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole], *, after: cdk.CfnResource) -> None:
    """Add both pipelines with their CodeBuild projects and event rules.

    They come after the seeds: creating a pipeline runs it at once, and that first run needs the seeded commit.
    """
    build = _add_pipeline(stack, project, roles, "build", _build_stages(stack, project, roles))
    deploy = _add_pipeline(stack, project, roles, "deploy", _deploy_stages(stack, project, roles))
    for part, pipeline in (("build", build), ("deploy", deploy)):
        pipeline.add_resource_dependency(after)
        _add_rule(stack, project, roles, f"{part}-push", pipeline, _push_pattern(project, part))
    _add_rule(stack, project, roles, "approval", deploy, _approval_pattern(project))


def _build_stages(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole]) -> list[Stage]:
    build = _project(
        stack, project, roles, "build", "Compiles the model's pipeline and starts it", "buildspec.yml", BUILD_MINUTES
    )
    return [_source_stage(project, "build"), Stage(name="Build", actions=[_codebuild("Build", build, [SOURCE])])]


def _deploy_stages(stack: cdk.Stack, project: Project, roles: dict[str, iam.CfnRole]) -> list[Stage]:
    render = _project(
        stack,
        project,
        roles,
        "render",
        "Validates every stage file and renders what each becomes",
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
    approve = Action(
        name="Approve",
        action_type_id=_action_type("Approval", "Manual"),
        configuration={"CustomData": "Release to production what staging has verified?"},
    )
    return [
        _source_stage(project, "deploy"),
        Stage(name="Render", actions=[_codebuild("Render", render, [SOURCE], outputs=[RENDERED])]),
        _release_stage("Staging", "staging", project, roles, verify),
        Stage(name="Approve", actions=[approve]),
        _release_stage("Production", "prod", project, roles, verify),
    ]


def _source_stage(project: Project, part: str) -> Stage:
    source = Action(
        name="Source",
        action_type_id=_action_type("Source", "CodeCommit"),
        output_artifacts=_outputs([SOURCE]),
        configuration={
            "RepositoryName": project.storage.repositories[part].attr_name,
            "BranchName": BRANCH,
            "PollForSourceChanges": False,
        },
    )
    return Stage(name="Source", actions=[source])


def _release_stage(
    name: str, stage: str, project: Project, roles: dict[str, iam.CfnRole], verify: codebuild.CfnProject
) -> Stage:
    deploy = Action(
        name="Deploy",
        run_order=1,
        action_type_id=_action_type("Deploy", "CloudFormation"),
        input_artifacts=_inputs([RENDERED]),
        configuration={
            "ActionMode": "CREATE_UPDATE",
            "StackName": sub(project.names.endpoint_stack(stage)),
            "RoleArn": roles["cloudformation"].attr_arn,
            "TemplatePath": f"{RENDERED}::{stage}.template.yaml",
            "TemplateConfiguration": f"{RENDERED}::{stage}.config.json",
        },
    )
    follow = _codebuild(
        "Verify",
        verify,
        [SOURCE, RENDERED],
        environment={"STAGE": stage, "PIPELINE_EXECUTION_ID": "#{codepipeline.PipelineExecutionId}"},
    )
    return Stage(name=name, actions=[deploy, follow])


def _codebuild(
    name: str,
    build: codebuild.CfnProject,
    inputs: list[str],
    *,
    outputs: list[str] | None = None,
    environment: dict[str, str] | None = None,
) -> Action:
    configuration = {"ProjectName": build.ref}
    if len(inputs) > 1:
        configuration["PrimarySource"] = inputs[0]
    if environment:
        variables = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in environment.items()]
        configuration["EnvironmentVariables"] = json.dumps(variables)
    return Action(
        name=name,
        run_order=1,
        action_type_id=_action_type("Build", "CodeBuild"),
        input_artifacts=_inputs(inputs),
        output_artifacts=_outputs(outputs) if outputs else None,
        configuration=configuration,
    )


def _project(
    stack: cdk.Stack,
    project: Project,
    roles: dict[str, iam.CfnRole],
    purpose: str,
    does: str,
    buildspec: str,
    minutes: int,
) -> codebuild.CfnProject:
    pipeline = {"PIPELINE_NAME": sub(project.names.pipeline("deploy"))} if purpose == "verify" else None
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


def _add_rule(
    stack: cdk.Stack,
    project: Project,
    roles: dict[str, iam.CfnRole],
    purpose: str,
    pipeline: codepipeline.CfnPipeline,
    pattern: dict[str, object],
) -> None:
    logical_id = "".join(word.title() for word in purpose.split("-")) + "Rule"
    events.CfnRule(
        stack,
        logical_id,
        name=sub(project.names.resource(purpose)),
        state="ENABLED",
        event_pattern=pattern,
        targets=[
            events.CfnRule.TargetProperty(
                id="pipeline",
                arn=sub(arn("codepipeline", f"${{{pipeline.node.id}}}")),
                role_arn=roles["events"].attr_arn,
            )
        ],
    )


def _push_pattern(project: Project, part: str) -> dict[str, object]:
    return {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        "resources": [project.storage.repositories[part].attr_arn],
        "detail": {
            "event": ["referenceCreated", "referenceUpdated"],
            "referenceType": ["branch"],
            "referenceName": [BRANCH],
        },
    }


def _approval_pattern(project: Project) -> dict[str, object]:
    """Match a version that was approved or rejected, but not one whose other fields were edited.

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
            "ModelApprovalStatus": [{"anything-but": ["PendingManualApproval"]}],
            "$or": [{changed: ["ModelApprovalStatus"]}, {changed: [{"exists": False}]}],
        },
    }


def _action_type(category: str, provider: str) -> codepipeline.CfnPipeline.ActionTypeIdProperty:
    return codepipeline.CfnPipeline.ActionTypeIdProperty(category=category, owner="AWS", provider=provider, version="1")


def _inputs(names: list[str]) -> list[codepipeline.CfnPipeline.InputArtifactProperty]:
    return [codepipeline.CfnPipeline.InputArtifactProperty(name=name) for name in names]


def _outputs(names: list[str]) -> list[codepipeline.CfnPipeline.OutputArtifactProperty]:
    return [codepipeline.CfnPipeline.OutputArtifactProperty(name=name) for name in names]
