"""What roles may do though no journey makes them: reviewed, each with where it is said that it is needed.

What the sandbox cannot show is here: what AWS does on its own machines, what stands in no journey, and what is
allowed because it is not documented that it is not needed. A case that a journey does come to call fails the test,
and so does one that no policy allows any more: the table stays as short as it can be.
"""

from collections.abc import Mapping

_OF_ARTEFACTS = {
    "s3:GetBucketAcl": 'CodeBuild user guide, "Create a CodeBuild service role"; CodePipeline, "Service role"',
    "s3:GetBucketLocation": 'CodeBuild user guide, "Create a CodeBuild service role"; CodePipeline, "Service role"',
    "s3:GetBucketVersioning": 'CodePipeline user guide, "Service role policy"; its builds take its artefacts',
    "s3:GetObjectVersion": "CodePipeline and CodeBuild read an artefact by its version; the sandbox by its key",
}
_BY_VERSION = "CodeBuild takes an S3 source by its version where the bucket has versions"
_OF_UPLOADS = {
    "s3:AbortMultipartUpload": "an upload in parts that fails is taken back, and no journey's fails",
    "kms:DescribeKey": 'CodePipeline user guide, "Configure server-side encryption": what a role does with a key',
    "kms:Encrypt": 'CodePipeline user guide, "Configure server-side encryption": what a role does with a key',
}
_WITHOUT_ARTEFACTS = {
    "kms:Decrypt": "the build project names the key; whether CodeBuild uses it without artefacts is not documented",
    "kms:DescribeKey": "as kms:Decrypt",
    "kms:GenerateDataKey": "as kms:Decrypt",
}
_PRICES = "tests/tidegate/plan: what a plan costs; the sandbox has no price list"
_FORBIDDEN = "without it S3 answers for what is not there that it is forbidden"
_NETWORK = (
    'SageMaker developer guide, "Give hosted endpoints access to resources in your VPC": a stage file may name one'
)
_LAMBDA = "Lambda writes what a function prints with its role"
_CONNECTION = (
    "docs/git-hosts.md: who makes a pipeline or a build that uses a connection may use and pass it; the sandbox does "
    "not ask that"
)
_OLD_NAME = "docs/git-hosts.md: a connection keeps the name of the service that it was made under; a journey makes one"
_OF_A_TEMPLATE = "docs/accounts.md: which role CloudFormation reads a template of another account with is not settled"
_STACK_SETS = "docs/accounts.md: which calls of a stack set's instances reach this role is not documented"
_TAGS_OF_STACKS = "a template's configuration may hold tags, and a stack is tagged with them"
_STILL_RUNS = "tests/service_catalog/test_goodbye.py: what runs is stopped before what serves is removed"
_LEFT_BEHIND = "tests/service_catalog/test_goodbye.py: what an endpoint left that no stack deleted"
_PIPELINE_STEPS = 'SageMaker developer guide, "Define a pipeline": it runs its steps with this role, here in-process'
_SERVICE_CATALOG = 'Service Catalog administrator guide, "AWS Service Catalog launch constraints": a launch role has it'


def _of_the_old_name(*actions: str) -> tuple[str, ...]:
    return tuple(f"codestar-connections:{action}" for action in actions)


DOCUMENTED: Mapping[str, Mapping[str, str]] = {
    "seed": {
        **_WITHOUT_ARTEFACTS,
        "s3:GetBucketAcl": _OF_ARTEFACTS["s3:GetBucketAcl"],
        "s3:GetBucketLocation": _OF_ARTEFACTS["s3:GetBucketLocation"],
        "s3:GetObjectVersion": _BY_VERSION,
        **dict.fromkeys(_of_the_old_name("UseConnection"), _OLD_NAME),
    },
    "goodbye": {
        **dict.fromkeys(
            (
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DeleteDashboards",
                "sagemaker:DeleteEndpoint",
            ),
            _LEFT_BEHIND,
        ),
        "cloudformation:DescribeStackEvents": "tests/service_catalog/test_goodbye.py: why a stack does not go",
        "kms:Decrypt": _WITHOUT_ARTEFACTS["kms:Decrypt"],
        "kms:RetireGrant": 'ECR user guide, "Encryption at rest": ECR does it for whoever deletes a repository',
        "s3:AbortMultipartUpload": _OF_UPLOADS["s3:AbortMultipartUpload"],
        "s3:GetBucketAcl": _OF_ARTEFACTS["s3:GetBucketAcl"],
        "s3:GetBucketLocation": _OF_ARTEFACTS["s3:GetBucketLocation"],
        "s3:GetObjectVersion": _BY_VERSION,
    },
    "build": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "sagemaker:DescribeModelPackage": "tests/seed_code/build: a run tells of the version that it registered",
    },
    "render": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "pricing:GetProducts": _PRICES,
        "s3:ListBucket": _FORBIDDEN,
    },
    "verify": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "s3:ListBucket": _FORBIDDEN,
    },
    "decline": {
        **_WITHOUT_ARTEFACTS,
        **dict.fromkeys(_of_the_old_name("GetConnection", "GetConnectionToken", "UseConnection"), _OLD_NAME),
    },
    "review": {
        **_WITHOUT_ARTEFACTS,
        **dict.fromkeys(_of_the_old_name("GetConnection", "GetConnectionToken", "UseConnection"), _OLD_NAME),
        "pricing:GetProducts": _PRICES,
    },
    "connection": {
        **dict.fromkeys(_of_the_old_name("GetConnection", "GetHost"), _OLD_NAME),
        "codeconnections:GetHost": "tests/service_catalog/test_connection_lookup.py: a host of one's own",
        "logs:CreateLogStream": _LAMBDA,
        "logs:PutLogEvents": _LAMBDA,
    },
    "deploy": {
        "cloudformation:DescribeStackEvents": "why a stack failed; those of other accounts do not, in a journey",
        "cloudformation:TagResource": _TAGS_OF_STACKS,
        "cloudformation:UntagResource": _TAGS_OF_STACKS,
        "kms:DescribeKey": _OF_UPLOADS["kms:DescribeKey"],
        "s3:GetBucketLocation": _OF_A_TEMPLATE,
        "s3:GetObjectVersion": _OF_ARTEFACTS["s3:GetObjectVersion"],
        "s3:ListBucket": _FORBIDDEN,
    },
    "pipeline": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "s3:ListBucket": _FORBIDDEN,
        "cloudformation:TagResource": _TAGS_OF_STACKS,
        "cloudformation:UntagResource": _TAGS_OF_STACKS,
        "codecommit:CancelUploadArchive": 'CodePipeline user guide, "Service role": for CodeCommit sources',
        "codecommit:GetRepository": 'CodePipeline user guide, "Service role": for CodeCommit sources',
        **dict.fromkeys(_of_the_old_name("UseConnection"), _OLD_NAME),
    },
    "cloudformation": {
        **dict.fromkeys(
            ("kms:Decrypt", "s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"),
            _OF_A_TEMPLATE,
        ),
        "kms:CreateGrant": "SageMaker makes a grant for the volumes of instances, on the authority of who creates",
        "sagemaker:UpdateEndpointWeightsAndCapacities": "who registers a variant has to be able to scale it",
    },
    "execution": {
        **_OF_UPLOADS,
        "cloudwatch:PutMetricData": "SageMaker writes metrics of jobs and monitors with this role; here in-process",
        **dict.fromkeys(
            (
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ),
            _NETWORK,
        ),
        **dict.fromkeys(
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:DescribeImages",
                "ecr:GetAuthorizationToken",
                "ecr:GetDownloadUrlForLayer",
            ),
            "images are pulled with this role; the sandbox has stand-ins for them",
        ),
        "kms:CreateGrant": "SageMaker makes a grant for the volumes of jobs and instances with this role",
        "logs:DescribeLogStreams": 'SageMaker developer guide, "How to use SageMaker execution roles"',
        **dict.fromkeys(
            (
                "sagemaker:AddTags",
                "sagemaker:DescribeModelPackageGroup",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:ListTags",
                "sagemaker:StopProcessingJob",
                "sagemaker:StopTrainingJob",
            ),
            _PIPELINE_STEPS,
        ),
    },
    "starter": {
        "logs:CreateLogStream": _LAMBDA,
        "logs:PutLogEvents": _LAMBDA,
    },
    "tidegate-launch": dict.fromkeys(
        (
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStackResource",
            "cloudformation:DescribeStackResources",
            "cloudformation:DescribeStacks",
            "cloudformation:GetTemplate",
            "cloudformation:SetStackPolicy",
            "cloudformation:UpdateStack",
            "cloudformation:ValidateTemplate",
        ),
        _SERVICE_CATALOG,
    ),
    "tidegate-launch-work": {
        **dict.fromkeys(
            (
                "codeconnections:GetConnection",
                "codeconnections:GetConnectionToken",
                "codeconnections:PassConnection",
                "codeconnections:UseConnection",
            ),
            _CONNECTION,
        ),
        **dict.fromkeys(_of_the_old_name("GetConnection", "GetConnectionToken", "UseConnection"), _OLD_NAME),
    },
    "tidegate-stackset": dict.fromkeys(
        (
            "cloudformation:CancelUpdateStack",
            "cloudformation:ContinueUpdateRollback",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStackResources",
            "cloudformation:GetStackPolicy",
            "cloudformation:GetTemplate",
            "cloudformation:GetTemplateSummary",
            "cloudformation:ListStackResources",
            "cloudformation:SetStackPolicy",
            "cloudformation:TagResource",
            "cloudformation:UntagResource",
            "cloudformation:UpdateStack",
            "cloudformation:UpdateTerminationProtection",
            "cloudformation:ValidateTemplate",
        ),
        _STACK_SETS,
    ),
}

BY_CHANCE: Mapping[str, Mapping[str, str]] = {
    "goodbye": {
        **dict.fromkeys(
            ("codebuild:StopBuild", "sagemaker:DeletePipeline", "sagemaker:StopPipelineExecution"), _STILL_RUNS
        ),
        "sagemaker:DeleteModelPackage": "tests/service_catalog/test_goodbye.py: versions that are to be removed",
    },
    "pipeline": {
        "codebuild:StopBuild": "an execution that is abandoned stops its builds: test_codepipeline_executions",
    },
}
"""Documented as those above are; a journey comes to call them or not, by what runs just then that is stopped."""

REFUSED: Mapping[str, Mapping[str, str]] = {
    "review": {"sts:AssumeRole": "docs/accounts.md: who runs what nobody has looked at yet looks at no other account"},
}
"""What roles ask for and may not have, by purpose and action, and where it is said that this is right."""
