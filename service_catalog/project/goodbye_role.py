"""What the role of the goodbye may do: take away what the project made, and nothing that is anybody else's.

It keeps or removes by the launch's own choice, but a launch that failed keeps nothing, whatever was chosen: so it may
always remove. That it does is settled by the project's custom resource, which only CloudFormation deletes.
"""

from service_catalog.policy import Statement, allow, allow_on_any, arn, equals, s3_arn
from service_catalog.project.scope import LISTS, Project, Scope

FINDS = "what is to be found by its name or its tag is listed first, and no list takes a restriction by resource"


def goodbye(project: Project) -> list[Statement]:
    """Look at the project's own stack, stop what runs, remove what was made, and keep or remove what holds work."""
    return [
        project.write_build_log("goodbye"),
        *project.take_bundle(),
        allow(["cloudformation:DescribeStacks"], on=["${AWS::StackId}"]),
        *_stop(project),
        *endpoints(project),
        *project.assume("goodbye"),
        *_repositories(project),
        *_keep(project),
        *_remove(project),
    ]


def endpoints(project: Scope) -> list[Statement]:
    """Delete the endpoint stacks of an account, and what they leave there."""
    return [
        allow(
            ["cloudformation:DeleteStack", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"],
            on=[arn("cloudformation", f"stack/{project.names.resource('*')}/*")],
        ),
        allow_on_any(
            [
                "sagemaker:ListEndpointConfigs",
                "sagemaker:ListEndpoints",
                "sagemaker:ListModels",
                "sagemaker:ListMonitoringSchedules",
            ],
            because=LISTS,
        ),
        project.endpoints("DeleteEndpoint"),
        project.sagemaker(["DeleteMonitoringSchedule"], f"monitoring-schedule/*-{project.id}-*"),
        *(project.not_anothers(kind, "ListTags") for kind in ("endpoint-config", "model")),
        project.owned("endpoint-config", "DeleteEndpointConfig"),
        project.owned("model", "DeleteModel"),
        allow(["cloudwatch:DeleteAlarms"], on=[arn("cloudwatch", f"alarm:*-{project.id}-*")]),
        allow(["cloudwatch:DescribeAlarms"], on=[arn("cloudwatch", "alarm:*")]),
        allow(
            ["cloudwatch:DeleteDashboards"],
            on=[f"arn:${{AWS::Partition}}:cloudwatch::${{AWS::AccountId}}:dashboard/*-{project.id}-*"],
        ),
        allow_on_any(["cloudwatch:ListDashboards", "logs:DescribeLogGroups"], because=FINDS),
        allow(
            ["logs:DeleteLogGroup"],
            on=[arn("logs", f"log-group:/aws/sagemaker/Endpoints/*-{project.id}-*{suffix}") for suffix in ("", ":*")],
        ),
    ]


def _stop(project: Project) -> list[Statement]:
    pipeline = f"pipeline/*-{project.id}"
    return [
        allow(
            ["codebuild:BatchGetBuilds", "codebuild:ListBuildsForProject", "codebuild:StopBuild"],
            on=[arn("codebuild", f"project/{project.names.resource('*')}")],
        ),
        allow_on_any(["sagemaker:ListPipelineExecutions"], because=LISTS),
        project.sagemaker(["StopPipelineExecution"], f"{pipeline}/execution/*"),
        project.sagemaker(["DeletePipeline"], pipeline),
    ]


def _repositories(project: Project) -> list[Statement]:
    """Clone what the project's own repositories hold, so that it can be bundled."""
    return project.repositories.bundle()


def _keep(project: Project) -> list[Statement]:
    """Put bundles and the report beside what is kept, and mark what is kept."""
    buckets = [s3_arn(project.names.bucket), s3_arn(project.names.log_bucket)]
    return [
        allow(["s3:AbortMultipartUpload", "s3:PutObject"], on=[s3_arn(f"{project.names.bucket}/goodbye/*")]),
        allow(["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:TagResource"], on=["${Key.Arn}"]),
        allow(["s3:GetBucketTagging", "s3:PutBucketTagging"], on=buckets),
        project.group("AddTags"),
        allow(["ecr:DescribeRepositories", "ecr:TagResource"], on=[project.images()]),
    ]


def _remove(project: Project) -> list[Statement]:
    """Remove every version and image, both buckets with all in them, and the key, which waits for its days."""
    buckets = [s3_arn(project.names.bucket), s3_arn(project.names.log_bucket)]
    return [
        allow_on_any(["sagemaker:ListModelPackages"], because=LISTS),
        project.versions("DeleteModelPackage"),
        project.group("DeleteModelPackageGroup", "DescribeModelPackageGroup"),
        allow(["s3:DeleteBucket", "s3:ListBucketVersions"], on=buckets),
        allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], on=[f"{each}/*" for each in buckets]),
        allow(["ecr:DeleteRepository"], on=[project.images()]),
        # ECR retires its grants in the name of who deletes a repository.
        allow(
            ["kms:RetireGrant"],
            on=["${Key.Arn}"],
            when=equals("kms:ViaService", "ecr.${AWS::Region}.${AWS::URLSuffix}"),
        ),
        allow(["kms:ScheduleKeyDeletion"], on=["${Key.Arn}"]),
    ]
