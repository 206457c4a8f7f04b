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
_NETWORK = (
    'SageMaker developer guide, "Give hosted endpoints access to resources in your VPC": a stage file may name one'
)
_CONNECTION = "the variant whose repositories are behind a CodeConnection, whose journey is of its own"
_ACCOUNTS = "stages in other accounts (docs/accounts.md), whose journey is of its own; test_stage_accounts.py"
_PIPELINE_STEPS = 'SageMaker developer guide, "Define a pipeline": it runs its steps with this role, here in-process'
_SERVICE_CATALOG = 'Service Catalog administrator guide, "AWS Service Catalog launch constraints": a launch role has it'

DOCUMENTED: Mapping[str, Mapping[str, str]] = {
    "seed": {
        **_WITHOUT_ARTEFACTS,
        "s3:GetBucketAcl": _OF_ARTEFACTS["s3:GetBucketAcl"],
        "s3:GetBucketLocation": _OF_ARTEFACTS["s3:GetBucketLocation"],
        "s3:GetObjectVersion": "CodeBuild takes an S3 source by its version where the bucket has versions",
    },
    "build": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "sagemaker:DescribeModelPackage": "tests/seed_code/build: a run tells of the version that it registered",
    },
    "render": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "pricing:GetProducts": "tests/tidegate/plan: what a plan costs; the sandbox has no price list",
        "s3:ListBucket": "without it S3 answers for what is not there that it is forbidden",
    },
    "verify": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "s3:ListBucket": "without it S3 answers for what is not there that it is forbidden",
    },
    "decline": dict(_WITHOUT_ARTEFACTS),
    "pipeline": {
        **_OF_ARTEFACTS,
        **_OF_UPLOADS,
        "s3:ListBucket": "without it S3 answers for what is not there that it is forbidden",
        "cloudformation:TagResource": "a template's configuration may hold tags, and a stack is tagged with them",
        "cloudformation:UntagResource": "as cloudformation:TagResource",
        "codebuild:StopBuild": "an execution that is abandoned stops its builds: test_codepipeline_executions",
        "codecommit:CancelUploadArchive": 'CodePipeline user guide, "Service role": for CodeCommit sources',
        "codecommit:GetRepository": 'CodePipeline user guide, "Service role": for CodeCommit sources',
    },
    "cloudformation": {
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
        "codebuild:BatchGetBuilds": "tests/service_catalog/test_starter.py: a build that ended without an answer",
        "logs:CreateLogStream": "Lambda writes what a function prints with its role",
        "logs:PutLogEvents": "Lambda writes what a function prints with its role",
    },
    "tidegate-launch": {
        **dict.fromkeys(
            (
                "cloudformation:DeleteStack",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResource",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
                "cloudformation:GetTemplateSummary",
                "cloudformation:SetStackPolicy",
                "cloudformation:TagResource",
                "cloudformation:UntagResource",
                "cloudformation:UpdateStack",
                "cloudformation:ValidateTemplate",
            ),
            _SERVICE_CATALOG,
        ),
        **dict.fromkeys(
            (
                "codebuild:CreateWebhook",
                "codebuild:DeleteWebhook",
                "codebuild:UpdateWebhook",
                "codeconnections:GetConnection",
                "codeconnections:GetConnectionToken",
                "codeconnections:PassConnection",
                "codeconnections:UseConnection",
                "codestar-connections:GetConnection",
                "codestar-connections:GetConnectionToken",
                "codestar-connections:UseConnection",
            ),
            _CONNECTION,
        ),
        **dict.fromkeys(
            (
                "cloudformation:CreateStackInstances",
                "cloudformation:CreateStackSet",
                "cloudformation:DeleteStackInstances",
                "cloudformation:DeleteStackSet",
                "cloudformation:DescribeStackInstance",
                "cloudformation:DescribeStackSet",
                "cloudformation:DescribeStackSetOperation",
                "cloudformation:ListStackInstances",
                "cloudformation:ListStackSetOperationResults",
                "cloudformation:UpdateStackInstances",
                "cloudformation:UpdateStackSet",
            ),
            _ACCOUNTS,
        ),
        "sns:GetSubscriptionAttributes": "a launch that names an address for notices, which no journey does",
    },
    "tidegate-stackset-admin": {"sts:AssumeRole": _ACCOUNTS},
}

UNUSED_HERE: Mapping[str, str] = {
    "goodbye": "the project of this journey is not deleted; another's is (test_deleting.py), and test_goodbye.py",
    "review": "the journey's one pull request needs a part of it; the rest: test_product_permissions.py",
    "tidegate-launch-s3": "the role that launches from a template in S3 has the policies of the one that journeys use",
}
"""Roles of whose work a journey does little or nothing, and why what they may do is right all the same."""
