"""CodeBuild projects: one image, one size, a log group of their own that forgets."""

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from service_catalog.names import ProjectNames
from service_catalog.policy import sub
from service_catalog.project import network
from service_catalog.project.storage import KEY, Storage

IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:6.0"
COMPUTE = "BUILD_GENERAL1_SMALL"
LOG_RETENTION_DAYS = 90


def add_log_group(stack: cdk.Stack, logical_id: str, name: str) -> logs.CfnLogGroup:
    """Add a log group that goes with the project."""
    group = logs.CfnLogGroup(
        stack,
        logical_id,
        log_group_name=sub(name),
        retention_in_days=LOG_RETENTION_DAYS,
        # The project's key, whose policy lets CloudWatch Logs use it for these groups.
        kms_key_id=sub(f"${{{KEY}.Arn}}"),
    )
    group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    return group


def add_build_project(
    stack: cdk.Stack,
    names: ProjectNames,
    storage: Storage,
    role: iam.CfnRole,
    purpose: str,
    *,
    does: str,
    source: codebuild.CfnProject.SourceProperty,
    minutes: int,
    source_version: str | None = None,
    environment: dict[str, str] | None = None,
    triggers: codebuild.CfnProject.ProjectTriggersProperty | None = None,
) -> codebuild.CfnProject:
    """Add the CodeBuild project `sagemaker-{id}-{purpose}`; `minutes` is when it is given up.

    With a CodePipeline source, artefacts go back to CodePipeline; with any other there are none. `source_version` is
    the reference that is built of a Git source.
    """
    log_group = add_log_group(stack, f"{purpose.title()}Log", names.build_log_group(purpose))
    variable = codebuild.CfnProject.EnvironmentVariableProperty
    return codebuild.CfnProject(
        stack,
        f"{purpose.title()}Project",
        name=sub(names.resource(purpose)),
        description=does,
        service_role=role.attr_arn,
        encryption_key=storage.key.attr_arn,
        source=source,
        source_version=source_version,
        triggers=triggers,
        artifacts=codebuild.CfnProject.ArtifactsProperty(
            type="CODEPIPELINE" if source.type == "CODEPIPELINE" else "NO_ARTIFACTS"
        ),
        environment=codebuild.CfnProject.EnvironmentProperty(
            type="LINUX_CONTAINER",
            image=IMAGE,
            compute_type=COMPUTE,
            privileged_mode=False,
            environment_variables=[variable(name=name, value=value) for name, value in (environment or {}).items()]
            or None,
        ),
        timeout_in_minutes=minutes,
        # Not in the bucket: whoever may write there, such as a training job, could hand a release its packages.
        cache=codebuild.CfnProject.ProjectCacheProperty(type="LOCAL", modes=["LOCAL_CUSTOM_CACHE"]),
        vpc_config=network.of_builds(),
        logs_config=codebuild.CfnProject.LogsConfigProperty(
            cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                status="ENABLED", group_name=log_group.ref
            )
        ),
    )
