"""What a launch role may do: create, change and delete exactly what one launch creates, under its own names.

Service Catalog assumes one whenever someone launches, updates or terminates a project, and CloudFormation the other for
projects from a template in S3; so the people who launch need none of this themselves. Either can make roles only under
one path and only within the permissions boundary, so a launch can never make a role that is more than a project's.
"""

from collections.abc import Sequence
from typing import Any

from service_catalog.names import (
    ROLE_PATH,
    permissions_boundary,
    stack_set_administration,
)
from service_catalog.policy import (
    Statement,
    allow,
    allow_on_any,
    arn,
    iam_arn,
    passed_to,
    s3_arn,
    sub,
)
from service_catalog.project.every_project import ANY, ROLES, bounds, make_roles
from service_catalog.project.scope import PROJECT_TAG

# What a stack set's instances are authorised on besides the set: each account that they are in.
STACK_SETS = (("stackset", ""), ("stackset-target", "/*"))
BOUNDARY = permissions_boundary("${AWS::Region}")


def launch_statements(stage_roles: Sequence[str]) -> dict[str, list[Statement]]:
    """Return what both launch roles may do, by policy: all of it is longer than IAM lets one policy be.

    `stage_roles` is as an `Offer` has it.
    """
    return {
        "roles": _roles(),
        "storage": _storage(),
        "images": _images(),
        "work": [*_work(), *_connections(), *_stage_accounts(stage_roles)],
    }


def boundary_statements() -> list[Statement]:
    """Return the most that any role of a project may be given, whatever its own policy says."""
    services = (
        "application-autoscaling",
        "cloudformation",
        "cloudwatch",
        "codebuild",
        "codecommit",
        "codeconnections",
        "codepipeline",
        "codestar-connections",
        "ecr",
        "kms",
        "logs",
        "pricing",
        "s3",
        "sagemaker",
        "sns",
    )
    return [
        *bounds(services),
        # Its roles in the accounts of its stages, whichever these are: those accounts have a say too.
        allow(["sts:AssumeRole"], on=[iam_arn(f"role{ROLE_PATH}{ANY.role('*')}", "*")]),
    ]


def provisioning_statements() -> list[Statement]:
    """Return what Service Catalog needs besides: the stack of what it provisions is changed with its launch role."""
    return [
        allow(
            _actions(
                "cloudformation",
                "CreateStack",
                "DeleteStack",
                "DescribeStackEvents",
                "DescribeStackResource",
                "DescribeStackResources",
                "DescribeStacks",
                "GetTemplate",
                "SetStackPolicy",
                "TagResource",
                "UntagResource",
                "UpdateStack",
            ),
            # Service Catalog names the stacks of what it provisions SC-{account}-pp-{id}.
            on=[arn("cloudformation", "stack/SC-*/*")],
        ),
        allow_on_any(
            ["cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"],
            because="they look at a template before there is a stack",
        ),
        allow_on_any(
            ["s3:GetObject"],
            because="the template lies in a bucket of Service Catalog's own; the tag is the bound",
            when={"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
        ),
    ]


def _roles() -> list[Statement]:
    return [
        *make_roles(BOUNDARY),
        allow(["iam:PassRole"], on=[ROLES], when=passed_to("codebuild", "codepipeline", "events", "lambda")),
    ]


def _storage() -> list[Statement]:
    owned: dict[str, Any] = {"StringLike": {f"aws:ResourceTag/{PROJECT_TAG}": ANY.project_id}}
    return [
        allow_on_any(
            ["kms:CreateKey"],
            because="a key has no name before it is made; the tag it is made with is the bound",
            when={"StringLike": {f"aws:RequestTag/{PROJECT_TAG}": ANY.project_id}},
        ),
        allow(
            ["kms:TagResource"],
            on=[arn("kms", "key/*")],
            when={"StringLike": {f"aws:RequestTag/{PROJECT_TAG}": ANY.project_id}},
        ),
        allow(
            _actions(
                "kms",
                "DescribeKey",
                "EnableKeyRotation",
                "GetKeyPolicy",
                "GetKeyRotationStatus",
                "ListResourceTags",
            ),
            # CloudFormation does these right after CreateKey, and a tag takes up to five minutes to reach
            # authorisation (KMS developer guide, "Use tags to control access to KMS keys").
            on=[arn("kms", "key/*")],
        ),
        allow(
            _actions(
                "kms",
                "PutKeyPolicy",
                "ScheduleKeyDeletion",
                "UntagResource",
                "UpdateKeyDescription",
            ),
            on=[arn("kms", "key/*")],
            when=owned,
        ),
        allow(
            _actions(
                "s3",
                "CreateBucket",
                "DeleteBucket",
                "DeleteBucketPolicy",
                "GetAccelerateConfiguration",
                "GetAnalyticsConfiguration",
                "GetBucketAbac",
                "GetBucketAcl",
                "GetBucketCORS",
                "GetBucketLogging",
                "GetBucketMetadataTableConfiguration",
                "GetBucketNotification",
                "GetBucketObjectLockConfiguration",
                "GetBucketOwnershipControls",
                "GetBucketPolicy",
                "GetBucketPublicAccessBlock",
                "GetBucketTagging",
                "GetBucketVersioning",
                "GetBucketWebsite",
                "GetEncryptionConfiguration",
                "GetIntelligentTieringConfiguration",
                "GetInventoryConfiguration",
                "GetLifecycleConfiguration",
                "GetMetricsConfiguration",
                "GetReplicationConfiguration",
                "ListBucket",
                "ListTagsForResource",
                "PutBucketLogging",
                "PutBucketOwnershipControls",
                "PutBucketPolicy",
                "PutBucketPublicAccessBlock",
                "PutBucketTagging",
                "PutBucketVersioning",
                "PutEncryptionConfiguration",
                "PutLifecycleConfiguration",
                "TagResource",
                "UntagResource",
            ),
            on=[s3_arn(ANY.bucket), s3_arn(ANY.log_bucket)],
        ),
        allow(
            _actions(
                "codecommit",
                "CreateRepository",
                "DeleteRepository",
                "GetRepository",
                "GetRepositoryTriggers",
                "ListTagsForResource",
                "PutRepositoryTriggers",
                "TagResource",
                "UntagResource",
                "UpdateRepositoryDescription",
                "UpdateRepositoryName",
            ),
            on=[arn("codecommit", ANY.repository(part)) for part in ("build", "deploy")],
        ),
        allow_on_any(
            ["codecommit:ListRepositories"],
            because="CloudFormation knows a repository by its id and finds its name by listing all",
        ),
        allow(
            _actions(
                "sagemaker",
                "AddTags",
                "CreateModelPackageGroup",
                "DeleteModelPackageGroup",
                "DeleteModelPackageGroupPolicy",
                "DeleteTags",
                "DescribeModelPackageGroup",
                "GetModelPackageGroupPolicy",
                "ListTags",
                "PutModelPackageGroupPolicy",
            ),
            on=[arn("sagemaker", f"model-package-group/{ANY.model_package_group}")],
        ),
    ]


def _images() -> list[Statement]:
    of_a_project = {f"aws:ResourceTag/{PROJECT_TAG}": ANY.project_id}
    return [
        allow(
            _actions(
                "ecr",
                "CreateRepository",
                "DeleteLifecyclePolicy",
                "DeleteRepository",
                "DeleteRepositoryPolicy",
                "DescribeRepositories",
                "GetLifecyclePolicy",
                "GetRepositoryPolicy",
                "ListTagsForResource",
                "PutImageScanningConfiguration",
                "PutImageTagMutability",
                "PutLifecyclePolicy",
                "SetRepositoryPolicy",
                "TagResource",
                "UntagResource",
            ),
            on=[arn("ecr", f"repository/{ANY.image_repository}")],
        ),
        # ECR has grants to a repository's key, in the name of who creates and deletes it (ECR user guide, "Encryption
        # at rest"). It is made right after the key, whose tag authorisation may not know by then.
        allow(
            _actions("kms", "CreateGrant", "RetireGrant"),
            on=[arn("kms", "key/*")],
            when={
                "StringEquals": {"kms:ViaService": sub("ecr.${AWS::Region}.${AWS::URLSuffix}")},
                "StringLikeIfExists": of_a_project,
            },
        ),
    ]


def _work() -> list[Statement]:
    return [
        allow(
            _actions(
                "codebuild",
                "BatchGetProjects",
                "CreateProject",
                "CreateWebhook",
                "DeleteProject",
                "DeleteWebhook",
                "UpdateProject",
                "UpdateWebhook",
            ),
            on=[arn("codebuild", f"project/{ANY.resource('*')}")],
        ),
        allow(
            _actions(
                "codepipeline",
                "CreatePipeline",
                "DeletePipeline",
                "GetPipeline",
                "GetPipelineState",
                "ListTagsForResource",
                "TagResource",
                "UntagResource",
                "UpdatePipeline",
            ),
            on=[arn("codepipeline", ANY.resource("*"))],
        ),
        allow(
            _actions(
                "events",
                "DeleteRule",
                "DescribeRule",
                "ListTagsForResource",
                "ListTargetsByRule",
                "PutRule",
                "PutTargets",
                "RemoveTargets",
                "TagResource",
                "UntagResource",
            ),
            on=[arn("events", f"rule/{ANY.resource('*')}")],
        ),
        allow(
            _actions(
                "sns",
                "CreateTopic",
                "DeleteTopic",
                "GetDataProtectionPolicy",
                "GetTopicAttributes",
                "ListSubscriptionsByTopic",
                "ListTagsForResource",
                "SetTopicAttributes",
                "Subscribe",
                "TagResource",
                "UntagResource",
            ),
            on=[arn("sns", ANY.resource("notices"))],
        ),
        allow_on_any(
            _actions("sns", "GetSubscriptionAttributes", "Unsubscribe"),
            because="a subscription is no resource that IAM knows (Service Authorization Reference, SNS)",
        ),
        allow(
            _actions(
                "lambda",
                "AddPermission",
                "CreateFunction",
                "DeleteFunction",
                "GetFunction",
                "GetFunctionCodeSigningConfig",
                "GetFunctionRecursionConfig",
                "GetFunctionScalingConfig",
                "GetPolicy",
                "GetRuntimeManagementConfig",
                "InvokeFunction",
                "RemovePermission",
                "TagResource",
                "UntagResource",
                "UpdateFunctionCode",
                "UpdateFunctionConfiguration",
            ),
            on=[arn("lambda", f"function:{ANY.resource('*')}")],
        ),
        allow(
            _actions(
                "logs",
                "AssociateKmsKey",
                "CreateLogGroup",
                "DeleteDataProtectionPolicy",
                "DeleteLogGroup",
                "DeleteRetentionPolicy",
                "DisassociateKmsKey",
                "GetDataProtectionPolicy",
                "ListTagsForResource",
                "PutRetentionPolicy",
                "TagResource",
                "UntagResource",
            ),
            on=[
                arn("logs", f"log-group:{group}{suffix}")
                for group in (ANY.build_log_group("*"), ANY.function_log_group("*"))
                for suffix in ("", ":*")
            ],
        ),
        allow_on_any(
            _actions("logs", "DescribeIndexPolicies", "DescribeLogGroups", "DescribeResourcePolicies"),
            because="CloudFormation looks a log group up by listing, which has no narrower resource",
        ),
    ]


def _connections() -> list[Statement]:
    """Let pipelines and builds be made that use a connection, if its owner tagged it for SageMaker.

    Both names of the service, for a connection keeps the one it was made under. AWS's own roles for projects ask for
    the same tag, and take its value in any case.
    """
    tagged = {"StringEqualsIgnoreCase": {"aws:ResourceTag/sagemaker": "true"}}
    services = ("codeconnections", "codestar-connections")
    return [
        allow(
            [
                each
                for service in services
                for each in _actions(service, "GetConnection", "GetConnectionToken", "PassConnection", "UseConnection")
            ],
            on=[f"arn:${{AWS::Partition}}:{service}:*:*:connection/*" for service in services],
            when=tagged,
        )
    ]


def _stage_accounts(templates: Sequence[str]) -> list[Statement]:
    instances = [arn("cloudformation", f"{kind}/{ANY.stack_set}:*{rest}") for kind, rest in STACK_SETS]
    return [
        allow(
            _actions(
                "cloudformation",
                "CreateStackInstances",
                "CreateStackSet",
                "DeleteStackInstances",
                "DeleteStackSet",
                "DescribeStackInstance",
                "DescribeStackSet",
                "DescribeStackSetOperation",
                "ListStackInstances",
                "ListStackSetOperationResults",
                "TagResource",
                "UntagResource",
                "UpdateStackInstances",
                "UpdateStackSet",
            ),
            on=instances,
        ),
        # The template of the roles there.
        allow(["s3:GetObject"], on=[s3_arn(each) for each in templates]),
        allow(
            ["iam:PassRole"],
            on=[iam_arn(f"role{ROLE_PATH}{stack_set_administration('${AWS::Region}')}")],
            when=passed_to("cloudformation"),
        ),
    ]


def _actions(service: str, *names: str) -> list[str]:
    return [f"{service}:{name}" for name in names]
