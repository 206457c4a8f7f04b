"""What CloudFormation calls for a resource of a stack: what its schema of the type (`handlers`) says, but for a few.

The schemas' permissions are in handlers.json (tests/tidegate_sandbox/test_stack_calls.py says how it is made). A schema
names what every property of a type could need; what concerns properties that are rarely given, or that no template of
Tidegate has, is in NEVER with the reason, and is not checked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tidegate_sandbox.authorisation import sagemaker
from tidegate_sandbox.checks import Unplaced

STEPS = {"create": ("create", "read"), "update": ("update", "read"), "delete": ("delete", "read")}

NO_SCHEMA = {
    "AWS::CodeBuild::Project": {
        "create": {"codebuild:CreateProject", "codebuild:CreateWebhook"},
        "read": {"codebuild:BatchGetProjects"},
        "update": {"codebuild:UpdateProject", "codebuild:UpdateWebhook"},
        "delete": {"codebuild:DeleteProject", "codebuild:DeleteWebhook"},
    },
}
"""Types whose schema names no permissions: the actions of the same names as the API's operations."""

NEVER: Mapping[str, str] = {
    r"application-autoscaling:(Put|Delete)ScheduledAction": "no template schedules a scaling",
    r"codecommit:(CreateCommit|UpdateRepositoryEncryptionKey)|s3:GetObjectVersion": "repositories are made empty",
    r"codepipeline:(Enable|Disable)StageTransition": "no template shuts a stage",
    r"codepipeline:StartPipelineExecution": "no pipeline starts because it was updated",
    r"ec2:Describe(NetworkInterfaces|SecurityGroups|Subnets|Vpcs)": "no function is in a network",
    r"elasticfilesystem:.*|s3files:.*": "no function has a file system",
    r"firehose:.*|logs:CreateLogDelivery|logs:.*ResourcePolicy|s3:REST\.PUT\.OBJECT": "no log is delivered elsewhere",
    r"iam:(Attach|Detach)RolePolicy": "it is asked for by the policies that a new role is given",
    r"iam:DeleteRolePermissionsBoundary": "no role may leave its boundary",
    r"iam:(Get|Put|Delete)(Group|User)Policy": "a policy of its own that a template has is of roles",
    r"iam:UpdateRoleDescription": "no role has a description",
    r"kms:DisableKey(Rotation)?|kms:EnableKey": "a project's key is enabled and rotates from beginning to end",
    r"kms:(Decrypt|Encrypt|GenerateDataKey)": "no function has a key of its own",
    r"lambda:.*(ProvisionedConcurrency|CapacityProvider|Layer|RuntimeAlias|PublishVersion).*": "no function has them",
    r"sns:PutDataProtectionPolicy": "no topic has one",
    r"sns:SetSubscriptionAttributes": "no subscription has any",
    r"lambda:(Put|Delete)(FunctionConcurrency|Function\w+Config|RuntimeManagementConfig).*": "functions keep defaults",
    r"lambda:(GetCodeSigningConfig|DeleteFunctionCodeSigningConfig)": "no function's code is signed",
    r"logs:Put(DataProtection|Index)Policy|logs:DeleteIndexPolicy|logs:PutBearer\w+": "no log group has one",
    r"logs:PutLogGroupDeletionProtection": "a project's log groups go with it",
    r"s3:(Create|Delete|Update)BucketMetadata.*|s3tables:.*": "no bucket has metadata tables",
    r"s3:Delete(Object|Bucket(AnalyticsConfiguration|Cors|Encryption|Lifecycle|MetricsConfiguration|Replication|Website))":
        "what a project's buckets have is never taken away",
    r"s3:Put(Accelerate|Analytics|IntelligentTiering|Inventory|Metrics|Replication)Configuration": "no bucket has one",
    r"s3:PutBucket(Abac|Acl|CORS|Notification|ObjectLockConfiguration|Replication|Website)": "no bucket has one",
    r"s3:PutObject(Acl|LockConfiguration)": "no bucket has one",
}  # fmt: skip

NEVER_AT_FIRST: Mapping[str, str] = {
    "kms:PutKeyPolicy": 'a key\'s first policy is given to CreateKey (KMS developer guide, "Creating a KMS key")',
}

SPARED: Mapping[str, Mapping[str, str]] = {
    "AWS::CodeBuild::Project": {r"codebuild:BatchGetProjects": ""},
    "AWS::CodeCommit::Repository": {
        r"codecommit:(GetRepositoryTriggers|ListTagsForResource)": "",
        r"codecommit:PutRepositoryTriggers": "Triggers",
        r"codecommit:(Tag|Untag)Resource": "Tags",
    },
    "AWS::CodePipeline::Pipeline": {
        r"codepipeline:ListTagsForResource|iam:GetRole": "",
        r"codepipeline:(Tag|Untag)Resource": "Tags",
        r"(codeconnections|codestar-connections):PassConnection": "ConnectionArn",
    },
    "AWS::Events::Rule": {
        r"events:List(TagsForResource|TargetsByRule)": "",
        r"events:(Tag|Untag)Resource": "Tags",
    },
    "AWS::S3::Bucket": {
        r"s3:(Get|List)\w+": "",
        r"s3:PutBucketOwnershipControls": "OwnershipControls",
        r"s3:PutBucketTagging|s3:(Tag|Untag)Resource": "Tags",
        r"s3:PutBucketVersioning": "VersioningConfiguration",
        r"s3:PutEncryptionConfiguration": "BucketEncryption",
        r"s3:PutLifecycleConfiguration": "LifecycleConfiguration",
    },
    "AWS::SageMaker::EndpointConfig": {r"kms:DescribeKey": "KmsKeyId"},
}
"""By type, the permissions without which CloudFormation makes a resource all the same, unless the template gives the
property, wherever in it: AWS's own policy for launching projects lacks them
(AmazonSageMakerAdmin-ServiceCatalogProductsServiceRolePolicy), and what is launched with it has these types."""

PASSED = {
    "AWS::CodeBuild::Project": (("ServiceRole",), "codebuild"),
    "AWS::CodePipeline::Pipeline": (("RoleArn",), "codepipeline"),
    "AWS::Events::Rule": (("Targets", "RoleArn"), "events"),
    "AWS::Lambda::Function": (("Role",), "lambda"),
    "AWS::SageMaker::DataQualityJobDefinition": (("RoleArn",), "sagemaker"),
    "AWS::SageMaker::Model": (("ExecutionRoleArn",), "sagemaker"),
    "AWS::SageMaker::ModelQualityJobDefinition": (("RoleArn",), "sagemaker"),
}
"""By type, where a resource names a role, and the service that it is handed to."""


def handlers(kind: str) -> Mapping[str, set[str]]:
    """Return what CloudFormation may call for each step of a resource of that type, what is never called left out.

    Empty for a type of which that is not known.
    """
    if kind.startswith("Custom::"):
        return {step: {"lambda:InvokeFunction"} for step in ("create", "update", "delete")}
    found = NO_SCHEMA.get(kind) or of_schemas().get(kind, {})
    return {step: {each for each in permissions if not never(each)} for step, permissions in found.items()}


@cache
def of_schemas() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the permissions that the schemas name, by type and step."""
    read: dict[str, dict[str, list[str]]] = json.loads(files(__package__).joinpath("handlers.json").read_text("utf-8"))
    return read


def never(action: str) -> bool:
    """Whether no template of ours makes CloudFormation call it."""
    return any(re.fullmatch(pattern, action) for pattern in NEVER)


def checks(line: Mapping[str, Any]) -> Iterator[Unplaced]:
    """Return what AWS checks for a line of the journal about a resource of a stack.

    What an action of another service is checked on, the schema does not tell.
    """
    operation, _, kind = line["action"].removeprefix("cloudformation/").partition(" ")
    told = line["keys"]
    properties, tags = told["properties"], _tags(told["properties"])
    requested: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    owned = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    if kind.startswith("AWS::SageMaker::") and operation != "delete":
        requested |= sagemaker.TABLE.told(properties)
    if boundary := properties.get("PermissionsBoundary"):
        requested["iam:PermissionsBoundary"] = boundary
    known = handlers(kind)
    for step in STEPS[operation]:
        for action in sorted(known.get(step, ())):
            if action == "iam:PassRole" or (step == "create" and action in NEVER_AT_FIRST):
                continue
            if action.endswith("Webhook") and not properties.get("Triggers", {}).get("Webhook"):
                continue
            keys = dict(requested) if step == "create" else {**requested, **owned}
            if step == "create" and action.endswith((":AddTags", ":TagResource")):
                keys["sagemaker:TaggingAction"] = f"Create{kind.rpartition('::')[2]}"
            if "autoscaling" in action:
                keys["application-autoscaling:service-namespace"] = "sagemaker"
            yield action, _arn(line, kind, action), keys
    if operation == "create" and kind == "AWS::IAM::Role":
        for policy in properties.get("ManagedPolicyArns") or ():
            yield (
                "iam:AttachRolePolicy",
                _arn(line, kind, "iam:AttachRolePolicy"),
                {**requested, "iam:PolicyARN": policy},
            )
    if operation != "delete" and kind in PASSED:
        path, service = PASSED[kind]
        for role in _members(properties, path):
            yield "iam:PassRole", role, {"iam:PassedToService": f"{service}.amazonaws.com"}


def needed(line: Mapping[str, Any]) -> Iterator[Unplaced]:
    """Return those of the `checks` without which the resource fails."""
    kind, given = line["action"].rpartition(" ")[2], line["keys"]["properties"]
    spared = SPARED.get(kind, {})
    for action, resource, keys in checks(line):
        if not any(re.fullmatch(each, action) and not _has(given, name) for each, name in spared.items()):
            yield action, resource, keys


def _has(given: Any, name: str) -> bool:
    """Whether a property of that name is given, at whatever depth; one without a name never is."""
    if isinstance(given, list):
        return any(_has(each, name) for each in given)
    return isinstance(given, Mapping) and (bool(given.get(name)) or any(_has(each, name) for each in given.values()))


def _arn(line: Mapping[str, Any], kind: str, action: str) -> str | None:
    """Return the ARN of the resource, if the action is of the service that has it."""
    told, region, account = line["keys"], line["region"], line["role"].split(":")[4]
    if kind.startswith("Custom::"):
        return str(told["properties"]["ServiceToken"])
    names = {
        "AWS::CodePipeline::Pipeline": f"arn:aws:codepipeline:{region}:{account}:{told['id']}",
        "AWS::CloudWatch::Dashboard": f"arn:aws:cloudwatch::{account}:dashboard/{told['id']}",
        "AWS::S3::BucketPolicy": f"arn:aws:s3:::{told['properties'].get('Bucket')}",
        # IAM knows no subscriptions (Service Authorization Reference, SNS).
        "AWS::SNS::Subscription": str(told["properties"].get("TopicArn")),
    }
    arn = names.get(kind) or told["attributes"].get("Arn") or line["resource"]
    if not arn.startswith("arn:"):
        return None
    return str(arn) if arn.split(":")[2] == action.partition(":")[0] else None


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    tags = properties.get("Tags") or ()
    return dict(tags) if isinstance(tags, Mapping) else {tag["Key"]: tag["Value"] for tag in tags}


def _members(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _members(each, path)
    elif not path:
        yield str(value)
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _members(value[path[0]], path[1:])
