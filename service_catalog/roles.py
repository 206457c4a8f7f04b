"""The roles of a project: who may assume each, and the least that it needs.

Every role lies under one path and within the permissions boundary that was published with the product.
SageMaker lower-cases its ARNs, so its resources are matched by the project id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from service_catalog.names import ROLE_PATH, ProjectNames, permissions_boundary
from service_catalog.policy import (
    Statement,
    allow,
    allow_on_any,
    arn,
    document,
    equals,
    iam_arn,
    passed_to,
    reasons,
    s3_arn,
    sub,
    trust,
    unless_other,
)
from service_catalog.storage import Storage

# A service that was asked by another account must not use the role. CodeBuild and SageMaker document that they say
# who asked; for the other services it is not settled, and a role that cannot be assumed would be worse.
OWN_ACCOUNT = unless_other("aws:SourceAccount", "${AWS::AccountId}")
PROJECT_TAG = "sagemaker:project-id"
# SageMaker developer guide, "SageMaker AI API Permissions".
LISTS = "SageMaker's List calls, but for ListTags, take no restriction by resource"


@dataclass(frozen=True)
class SeedLocation:
    """Where the published seed bundle lies."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Project:
    """What the statements of every role are written about."""

    names: ProjectNames
    storage: Storage
    seeds: SeedLocation

    @property
    def id(self) -> str:
        """The project's id."""
        return self.names.project_id

    def role_arn(self, purpose: str) -> str:
        """ARN of the project's role of that purpose."""
        return iam_arn(f"role{ROLE_PATH}{self.names.resource(purpose)}")

    def repository_arns(self) -> tuple[str, ...]:
        """ARNs of both repositories."""
        return tuple(arn("codecommit", self.names.repository(part)) for part in self.storage.repositories)

    def use_bucket(self) -> list[Statement]:
        """Read and write artefacts, with the key they are encrypted with."""
        return [
            allow(
                # CodeBuild and CodePipeline make sure whose bucket it is.
                ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"],
                on=[s3_arn(self.names.bucket)],
            ),
            allow(
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                on=[s3_arn(f"{self.names.bucket}/*")],
            ),
            allow(
                ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                on=["${Key.Arn}"],
            ),
        ]

    def encrypt_volumes(self) -> list[Statement]:
        """Let SageMaker encrypt the volumes of jobs and instances with the project's key.

        AWS's own policies bound such a grant by either condition; which one a volume's grant meets is not documented.
        """
        via = {"StringEquals": {"kms:ViaService": sub("sagemaker.${AWS::Region}.${AWS::URLSuffix}")}}
        for_a_service = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        return [allow(["kms:CreateGrant"], on=["${Key.Arn}"], when=when) for when in (for_a_service, via)]

    def write_build_log(self, purpose: str) -> Statement:
        """Write into the log group that the template made for a CodeBuild project."""
        return allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            on=[arn("logs", f"log-group:{self.names.build_log_group(purpose)}:*")],
        )

    def sagemaker(self, actions: Sequence[str], *resources: str, when: Mapping[str, Any] | None = None) -> Statement:
        """Act on SageMaker resources, each given as `kind/name`."""
        return allow(
            [f"sagemaker:{action}" for action in actions],
            on=[arn("sagemaker", resource) for resource in resources],
            when=when,
        )

    def group(self, *actions: str) -> Statement:
        """Act on the project's model package group."""
        return self.sagemaker(actions, f"model-package-group/*-{self.id}")

    def versions(self, *actions: str) -> Statement:
        """Act on the versions in the project's model package group."""
        return self.sagemaker(actions, f"model-package/*-{self.id}/*")

    def endpoints(self, *actions: str) -> Statement:
        """Act on the project's endpoints."""
        return self.sagemaker(actions, f"endpoint/*-{self.id}-*")

    def owned(self, kind: str, *actions: str, tag: str = "aws:ResourceTag") -> Statement:
        """Act on the project's models or endpoint configs: CloudFormation names them, so their tag tells."""
        return self.sagemaker(actions, f"{kind}/*", when=equals(f"{tag}/{PROJECT_TAG}", self.id))

    def not_anothers(self, kind: str, *actions: str) -> Statement:
        """Act on models or endpoint configs that are not known to be another project's.

        A tag may take a moment to reach authorisation, and whether each action is told of it is not documented.
        """
        return self.sagemaker(actions, f"{kind}/*", when=unless_other(f"aws:ResourceTag/{PROJECT_TAG}", self.id))

    def look_at_releases(self) -> list[Statement]:
        """See which version is live, which config serves it, and what its alarms say."""
        return [
            self.versions("DescribeModelPackage"),
            allow_on_any(["sagemaker:ListModelPackages"], because=LISTS),
            self.endpoints("DescribeEndpoint"),
            self.owned("endpoint-config", "DescribeEndpointConfig"),
            # The release tag is what a verdict rests on.
            self.not_anothers("endpoint-config", "ListTags"),
            self.owned("model", "DescribeModel"),
            allow(["cloudwatch:DescribeAlarms"], on=[arn("cloudwatch", "alarm:*")]),
        ]


def add_roles(stack: cdk.Stack, project: Project) -> dict[str, iam.CfnRole]:
    """Add every role of the project to `stack`; the keys are their purposes."""
    policies = {
        "seed": ("codebuild", _seed(project)),
        "build": ("codebuild", _build(project)),
        "render": ("codebuild", _render(project)),
        "verify": ("codebuild", _verify(project)),
        "pipeline": ("codepipeline", _pipeline(project)),
        "cloudformation": ("cloudformation", _cloudformation(project)),
        "execution": ("sagemaker", _execution(project)),
        "events": ("events", _events(project)),
    }
    return {
        purpose: add_role(stack, project.names, purpose, trust(service, OWN_ACCOUNT), statements)
        for purpose, (service, statements) in policies.items()
    }


def add_role(
    stack: cdk.Stack,
    names: ProjectNames,
    purpose: str,
    trusted: dict[str, object],
    statements: Sequence[Statement],
) -> iam.CfnRole:
    """Add the role `sagemaker-{id}-{purpose}` with one inline policy, within the permissions boundary."""
    role = iam.CfnRole(
        stack,
        f"{purpose.title().replace('-', '')}Role",
        role_name=sub(names.resource(purpose)),
        path=ROLE_PATH,
        assume_role_policy_document=trusted,
        permissions_boundary=sub(iam_arn(f"policy{ROLE_PATH}{permissions_boundary('${AWS::Region}')}")),
        policies=[iam.CfnRole.PolicyProperty(policy_name=purpose, policy_document=document(statements))],
    )
    for action, because in reasons(statements).items():
        role.add_metadata(action, because)
    return role


def _seed(project: Project) -> list[Statement]:
    return [
        project.write_build_log("seed"),
        allow(["s3:GetObject", "s3:GetObjectVersion"], on=[s3_arn(f"{project.seeds.bucket}/{project.seeds.key}")]),
        allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], on=[s3_arn(project.seeds.bucket)]),
        # The build project names the key; whether CodeBuild uses it where there is no artefact is not documented.
        allow(["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], on=["${Key.Arn}"]),
        allow(["codecommit:GitPull", "codecommit:GitPush"], on=project.repository_arns()),
    ]


def _build(project: Project) -> list[Statement]:
    return [
        project.write_build_log("build"),
        *project.use_bucket(),
        project.versions("DescribeModelPackage"),
        allow(
            [
                "sagemaker:AddTags",
                "sagemaker:CreatePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:DescribePipelineExecution",
                "sagemaker:StartPipelineExecution",
                "sagemaker:UpdatePipeline",
            ],
            on=[
                arn("sagemaker", f"pipeline/*-{project.id}"),
                arn("sagemaker", f"pipeline/*-{project.id}/execution/*"),
            ],
        ),
        allow_on_any(["sagemaker:ListPipelineExecutionSteps"], because=LISTS),
        allow(["iam:PassRole"], on=[project.role_arn("execution")], when=passed_to("sagemaker")),
    ]


def _render(project: Project) -> list[Statement]:
    return [project.write_build_log("render"), *project.use_bucket(), *project.look_at_releases()]


def _verify(project: Project) -> list[Statement]:
    return [
        project.write_build_log("verify"),
        *project.use_bucket(),
        *project.look_at_releases(),
        project.versions("UpdateModelPackage"),
        project.endpoints("InvokeEndpoint"),
        allow(["cloudwatch:DescribeAlarmHistory"], on=[arn("cloudwatch", "alarm:*")]),
        allow(
            ["cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"],
            on=[arn("cloudformation", f"stack/{project.names.resource('*')}/*")],
        ),
        allow(["codepipeline:ListActionExecutions"], on=[arn("codepipeline", project.names.pipeline("deploy"))]),
    ]


def _pipeline(project: Project) -> list[Statement]:
    return [
        *project.use_bucket(),
        allow(
            [
                "codecommit:CancelUploadArchive",
                "codecommit:GetBranch",
                "codecommit:GetCommit",
                "codecommit:GetRepository",
                "codecommit:GetUploadArchiveStatus",
                "codecommit:UploadArchive",
            ],
            on=project.repository_arns(),
        ),
        allow(
            ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
            on=[
                arn("codebuild", f"project/{project.names.resource(purpose)}")
                for purpose in ("build", "render", "verify")
            ],
        ),
        allow(
            [
                "cloudformation:CreateStack",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
                "cloudformation:TagResource",
                "cloudformation:UntagResource",
                "cloudformation:UpdateStack",
            ],
            on=[arn("cloudformation", f"stack/{project.names.resource('*')}/*")],
        ),
        allow(["iam:PassRole"], on=[project.role_arn("cloudformation")], when=passed_to("cloudformation")),
    ]


def _cloudformation(project: Project) -> list[Statement]:
    return [
        *_replace(project, "model", "Model"),
        *_replace(project, "endpoint-config", "EndpointConfig"),
        # An endpoint is created and updated on the authority of its endpoint config too.
        project.not_anothers("endpoint-config", "CreateEndpoint", "UpdateEndpoint"),
        project.endpoints(
            "AddTags",
            "CreateEndpoint",
            "DeleteEndpoint",
            "DeleteTags",
            "DescribeEndpoint",
            "ListTags",
            "UpdateEndpoint",
        ),
        # A model made from a version is created on the authority of that version too, as the policies that share
        # versions between accounts show.
        project.versions("CreateModel", "DescribeModelPackage"),
        *project.encrypt_volumes(),
        allow(["kms:DescribeKey"], on=["${Key.Arn}"]),
        allow(
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            on=[arn("cloudwatch", f"alarm:*-{project.id}-*")],
        ),
        allow(["cloudwatch:DescribeAlarms"], on=[arn("cloudwatch", "alarm:*")]),
        allow(["iam:PassRole"], on=[project.role_arn("execution")], when=passed_to("sagemaker")),
    ]


def _replace(project: Project, kind: str, name: str) -> list[Statement]:
    """Create, tag and delete resources of a kind that CloudFormation names, in this project only."""
    return [
        project.owned(kind, f"Create{name}", tag="aws:RequestTag"),
        # Tags given at creation come before there is a tag to know the resource by.
        project.sagemaker(
            ["AddTags"], f"{kind}/*", when={"StringEquals": {"sagemaker:TaggingAction": f"Create{name}"}}
        ),
        project.owned(kind, "AddTags", f"Delete{name}", "DeleteTags"),
        # CloudFormation reads back what it has only just created.
        project.not_anothers(kind, f"Describe{name}", "ListTags"),
    ]


def _execution(project: Project) -> list[Statement]:
    return [
        *project.use_bucket(),
        *project.encrypt_volumes(),
        _run_jobs(project, "processing-job", "ProcessingJob"),
        _run_jobs(project, "training-job", "TrainingJob"),
        project.group("CreateModelPackage", "DescribeModelPackageGroup"),
        project.versions("AddTags", "CreateModelPackage", "DescribeModelPackage"),
        allow(["iam:PassRole"], on=[project.role_arn("execution")], when=passed_to("sagemaker")),
        allow(
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                # Registering a version looks its image's digest up.
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
            ],
            # The account that publishes AWS's own images differs by region; their names do not.
            on=["arn:${AWS::Partition}:ecr:${AWS::Region}:*:repository/sagemaker-*"],
        ),
        allow_on_any(["ecr:GetAuthorizationToken"], because="a registry login has no resource"),
        allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            on=[arn("logs", "log-group:/aws/sagemaker/*")],
        ),
        allow_on_any(
            ["cloudwatch:PutMetricData"],
            because="metrics have no resource that IAM can name; the namespace is the bound",
            when={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}},
        ),
        # Auto-rollback reads its alarms with the execution role.
        allow(["cloudwatch:DescribeAlarms"], on=[arn("cloudwatch", "alarm:*")]),
    ]


def _run_jobs(project: Project, kind: str, name: str) -> Statement:
    """Run jobs as SageMaker Pipelines names them: `pipelines-{execution}-{step}-{random}`."""
    return project.sagemaker(
        ["AddTags", f"Create{name}", f"Describe{name}", "ListTags", f"Stop{name}"], f"{kind}/pipelines-*"
    )


def _events(project: Project) -> list[Statement]:
    pipelines = [arn("codepipeline", project.names.pipeline(part)) for part in ("build", "deploy")]
    return [allow(["codepipeline:StartPipelineExecution"], on=pipelines)]
