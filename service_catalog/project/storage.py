"""Where a project keeps things: one key, the artefact bucket with its access log, and the model registry."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from service_catalog.names import ProjectNames
from service_catalog.policy import VERSION, arn, iam_arn, if_, s3_arn, sub, unless_other
from service_catalog.project.places import ELSEWHERE
from service_catalog.project.sharing import bucket_statements, group_policy, key_statements

# What holds people's work outlives the project, but not a launch that failed.
KEPT = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
LOG_DAYS = 90
KEY = "Key"


@dataclass(frozen=True)
class Storage:
    """The resources that others refer to."""

    key: kms.CfnKey
    bucket: s3.CfnBucket
    group: sagemaker.CfnModelPackageGroup


def add_storage(stack: cdk.Stack, names: ProjectNames) -> Storage:
    """Add key, buckets and model package group to `stack`."""
    key = kms.CfnKey(
        stack,
        KEY,
        description=sub(f"Artefacts of SageMaker project {names.prefix}"),
        enable_key_rotation=True,
        key_policy={
            "Version": VERSION,
            "Statement": [_as_iam_decides(), _notices(), _logs(names), *key_statements(names)],
        },
    )
    key.apply_removal_policy(KEPT)
    bucket = _artefacts(stack, names, key)
    group = sagemaker.CfnModelPackageGroup(
        stack,
        "ModelPackageGroup",
        model_package_group_name=sub(names.model_package_group),
        model_package_group_description=sub(f"Model versions of SageMaker project {names.project_name}"),
        model_package_group_policy=if_(ELSEWHERE, group_policy(names)),
    )
    group.apply_removal_policy(KEPT)
    return Storage(key, bucket, group)


def _as_iam_decides() -> dict[str, Any]:
    """Let the account's own IAM policies decide; each role names this key."""
    return {"Effect": "Allow", "Principal": {"AWS": sub(iam_arn("root"))}, "Action": "kms:*", "Resource": "*"}


def _notices() -> dict[str, Any]:
    """Let EventBridge publish to the encrypted topic of notices, which it has no role to do with."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": unless_other("aws:SourceAccount", "${AWS::AccountId}"),
    }


def _logs(names: ProjectNames) -> dict[str, Any]:
    """Let CloudWatch Logs encrypt the project's log groups, and no others (its user guide, "Encrypt log data")."""
    groups = [names.build_log_group("*"), names.function_log_group("*")]
    return {
        "Effect": "Allow",
        "Principal": {"Service": sub("logs.${AWS::Region}.${AWS::URLSuffix}")},
        "Action": ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": [sub(arn("logs", f"log-group:{group}")) for group in groups]
            }
        },
    }


def _artefacts(stack: cdk.Stack, names: ProjectNames, key: kms.CfnKey) -> s3.CfnBucket:
    log, may_deliver = _access_log(stack, names)
    bucket = s3.CfnBucket(
        stack,
        "Bucket",
        bucket_name=sub(names.bucket),
        bucket_encryption=_encryption("aws:kms", key.attr_arn),
        public_access_block_configuration=_no_public_access(),
        ownership_controls=_owner_enforced(),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=log.ref, log_file_prefix="artefacts/"
        ),
        lifecycle_configuration=_expire(noncurrent_version_expiration_in_days=LOG_DAYS),
    )
    bucket.apply_removal_policy(KEPT)
    bucket.add_resource_dependency(may_deliver)
    _bucket_policy(stack, "BucketPolicy", bucket, *bucket_statements(names))
    return bucket


def _access_log(stack: cdk.Stack, names: ProjectNames) -> tuple[s3.CfnBucket, s3.CfnBucketPolicy]:
    log = s3.CfnBucket(
        stack,
        "AccessLog",
        bucket_name=sub(names.log_bucket),
        # S3 delivers access logs only to a bucket that is encrypted with S3's own keys.
        bucket_encryption=_encryption("AES256"),
        public_access_block_configuration=_no_public_access(),
        ownership_controls=_owner_enforced(),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        lifecycle_configuration=_expire(expiration_in_days=LOG_DAYS, noncurrent_version_expiration_in_days=LOG_DAYS),
    )
    log.apply_removal_policy(KEPT)
    delivery = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": sub(s3_arn(f"{names.log_bucket}/artefacts/*")),
        "Condition": {
            "ArnLike": {"aws:SourceArn": sub(s3_arn(names.bucket))},
            "StringEquals": {"aws:SourceAccount": sub("${AWS::AccountId}")},
        },
    }
    return log, _bucket_policy(stack, "AccessLogPolicy", log, delivery)


def _bucket_policy(stack: cdk.Stack, logical_id: str, bucket: s3.CfnBucket, *extra: Any) -> s3.CfnBucketPolicy:
    tls_only = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.attr_arn, cdk.Fn.join("", [bucket.attr_arn, "/*"])],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = s3.CfnBucketPolicy(
        stack,
        logical_id,
        bucket=bucket.ref,
        policy_document={"Version": VERSION, "Statement": [tls_only, *extra]},
    )
    policy.apply_removal_policy(KEPT)
    return policy


def _encryption(algorithm: str, key_arn: str | None = None) -> s3.CfnBucket.BucketEncryptionProperty:
    return s3.CfnBucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[
            s3.CfnBucket.ServerSideEncryptionRuleProperty(
                bucket_key_enabled=True if key_arn else None,
                server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                    sse_algorithm=algorithm, kms_master_key_id=key_arn
                ),
            )
        ]
    )


def _no_public_access() -> s3.CfnBucket.PublicAccessBlockConfigurationProperty:
    return s3.CfnBucket.PublicAccessBlockConfigurationProperty(
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )


def _owner_enforced() -> s3.CfnBucket.OwnershipControlsProperty:
    return s3.CfnBucket.OwnershipControlsProperty(
        rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
    )


def _expire(**days: int) -> s3.CfnBucket.LifecycleConfigurationProperty:
    return s3.CfnBucket.LifecycleConfigurationProperty(
        rules=[
            s3.CfnBucket.RuleProperty(
                id="expire",
                status="Enabled",
                abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                    days_after_initiation=7
                ),
                **days,
            )
        ]
    )
