"""What is done about each member that ministack passes over, by rules that were looked at one by one.

A rule names ministack's service, an operation and a member, each with `*` for any; the first that fits decides. What
none fits is refused: an answer as though it had been heeded would be untrue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Does = Literal["refuse", "say", "nothing"]


@dataclass(frozen=True)
class Decision:
    """What is done where a member is given, and why: the end of a sentence for whoever reads log or answer."""

    does: Does
    why: str


@dataclass(frozen=True)
class Rule:
    """Decides for the members it names."""

    service: str
    operation: str
    member: str
    decision: Decision

    def fits(self, service: str, operation: str, member: str) -> bool:
        """Whether it decides for this member."""
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(member.replace("[]", "").replace("{}", ""), self.member)
        )


def _quiet(service: str, operation: str, member: str, why: str) -> Rule:
    return Rule(service, operation, member, Decision("nothing", why))


def _said(service: str, operation: str, member: str, why: str) -> Rule:
    return Rule(service, operation, member, Decision("say", why))


REFUSED = Decision("refuse", "it would be passed over")

RULES: tuple[Rule, ...] = (
    # Nobody can tell that these were passed over.
    _quiet("*", "*", "ClientToken", "a request is served once, or says what it finds"),
    *(
        _quiet("*", "*", name, "all there is is answered at once")
        for name in ("MaxResults", "nextToken", "ExclusiveStartDestinationId")
    ),
    _quiet("cloudformation", "*", "Parameters.ResolvedValue", "it stands in answers"),
    _quiet("ec2", "*", "IncludeManagedResources", "there are none"),
    _quiet("events", "*", "Force", "no rule is one that AWS manages"),
    _quiet("events", "PutEvents", "Entries.TraceHeader", "nothing is traced"),
    _quiet("iam", "Simulate*Policy", "ContextEntries.ContextKeyType", "an operator says what its values are"),
    _quiet("kms", "*", "GrantTokens", "a grant holds at once"),
    _quiet("logs", "PutLogEvents", "sequenceToken", "AWS passes over it too"),
    _quiet("logs", "FilterLogEvents", "interleaved", "AWS passes over it too"),
    _quiet("monitoring", "PutMetricData", "StrictEntityValidation", "there are no entities"),
    _quiet("s3", "*", "RequestPayer", "nobody pays"),
    _quiet("s3", "CompleteMultipartUpload", "MultipartUpload.Parts.Checksum*", "each part's was checked when it came"),
    _quiet("s3", "ListObject*", "OptionalObjectAttributes", "nothing is archived"),
    _quiet("s3", "PutBucketLogging", "*", "the operation says so"),
    _quiet("s3", "PutBucketWebsite", "*", "the operation says so"),
    _quiet("sqs", "*", "*ListValues", "AWS has no use for it either"),
    _quiet("states", "*", "traceHeader", "nothing is traced"),
    _quiet("states", "GetActivityTask", "workerName", "it stands in the history alone"),
    _quiet("sts", "*", "MinimumSessionTokenSize", "a token has the length it has"),
    # These are kept, or ask for what is not simulated and nobody waits for.
    _said("cloudformation", "CreateChangeSet", "IncludeNestedStacks", "nested stacks have no change sets of their own"),
    _said("cloudformation", "DescribeChangeSet", "IncludePropertyValues", "changes are told without values"),
    _said("dynamodb", "UpdateContinuousBackups", "PointInTimeRecoverySpecification.RecoveryPeriodInDays", "it is kept"),
    _said("ec2", "Create*", "LaunchTemplateData.*", "it is kept, and no instance is started with it"),
    _said("ecr", "BatchGetImage", "acceptedMediaTypes", "an image is answered in the form it has"),
    _said("ecr", "CreateRepository", "encryptionConfiguration.kmsKey", "it is kept, and nothing is encrypted with it"),
    _said("events", "*", "LogConfig.*", "a bus writes no log"),
    _said("events", "*", "*.IsValueSecret", "it is kept, and nothing is hidden"),
    _said("events", "PutTargets", "Targets.RetryPolicy", "it is kept, and a delivery that failed is not tried again"),
    _said("firehose", "*Dest*", "*.*", "it is kept, and what is delivered is not changed by it"),
    _said("firehose", "CreateDeliveryStream", "*.*", "it is kept, and what is delivered is not changed by it"),
    _said("kms", "*", "BypassPolicyLockoutSafetyCheck", "a policy is taken though it locks everybody out"),
    _said("lambda", "*", "DurableConfig.RetentionPeriodInDays", "it is kept, and nothing is removed after it"),
    _said("lambda", "*", "LoggingConfig.*", "it is kept, and all is logged"),
    _said("lambda", "*", "VpcConfig.Ipv6AllowedForDualStack", "functions are in no network"),
    _said("logs", "PutLogEvents", "entity", "there are no entities"),
    _said("monitoring", "PutMetricData", "MetricData.StorageResolution", "alarms look at whole minutes"),
    _said("s3", "PutBucketEncryption", "*.BlockedEncryptionTypes", "it is kept, and nothing is refused for it"),
    _said("s3", "PutBucketPolicy", "ConfirmRemoveSelfBucketAccess", "a policy is taken though it locks its author out"),
    _said("scheduler", "*", "FlexibleTimeWindow.*", "it is kept, and a schedule is due at its time"),
    _said("scheduler", "*", "Target.RetryPolicy", "it is kept, and a delivery that failed is not tried again"),
    _said("secretsmanager", "RotateSecret", "RotationRules.*", "it is kept, and nothing is rotated by the clock"),
    _said("sns", "Subscribe", "ReturnSubscriptionArn", "a subscription that waits is answered without its ARN"),
    _said("states", "*", "loggingConfiguration.destinations", "it is kept, and nothing is logged there"),
    _said("states", "*", "tracingConfiguration", "nothing is traced"),
)

TRUE_BY_DEFAULT = frozenset({"RotateImmediately"})
"""Members of which `false` asks for something: any other boolean asks for nothing where it is false."""

KEPT: Mapping[tuple[str, str], str] = {
    ("s3", "PutBucketAccelerateConfiguration"): "no transfer is faster for it",
    ("s3", "PutBucketLifecycle"): "nothing expires and nothing moves to another storage class",
    ("s3", "PutBucketLifecycleConfiguration"): "nothing expires and nothing moves to another storage class",
    ("s3", "PutBucketLogging"): "no access log is written",
    ("s3", "PutBucketRequestPayment"): "nobody pays",
    ("s3", "PutBucketWebsite"): "no website is served",
}
"""Operations whose whole subject is kept and given back and has no other effect; that is said once."""

UNCHECKED: Mapping[tuple[str, str], str] = {
    ("sts", "AssumeRoleWithWebIdentity"): "nobody would look at the token, nor at whom the role trusts",
    ("sts", "GetFederationToken"): "its session would not be held to its policy",
}
"""Operations that are refused because whoever they let in would be let do more than they ask for."""

ALSO: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("cloudformation", name): {"NotificationARNs": "NotificationARNs"}
    for name in ("CreateStack", "UpdateStack", "CreateChangeSet")
}
"""Members that are passed over though ministack's source names them, by operation, with where they stand."""


def decision(service: str, operation: str, member: str) -> Decision:
    """Return what is done where `operation` of ministack's `service` is given a member that it passes over."""
    return next((rule.decision for rule in RULES if rule.fits(service, operation, member)), REFUSED)


# ---------------------------------------------------------------- properties of a stack's resources
TOLD = Decision("say", "it stays in the template alone")

FAILING_TYPES: Mapping[str, str] = {
    "AWS::Logs::MetricFilter": "no metric is made of log events, so an alarm on it would never be raised",
}
"""Types of resources whose whole effect would be missing, and would be relied on."""


def _fails(kind: str, path: str, why: str) -> tuple[str, str, Decision]:
    return kind, path, Decision("refuse", why)


FAILING: tuple[tuple[str, str, Decision], ...] = (
    *(
        _fails("AWS::CloudWatch::Alarm", name, "the alarm would be raised by other values than are asked for")
        for name in ("EvaluationCriteria", "EvaluationInterval", "EvaluationWindow", "ThresholdMetricId")
    ),
    _fails("AWS::CloudWatch::Alarm", "WarmUpConfiguration", "the alarm would be raised before it has warmed up"),
    *(
        _fails("AWS::AutoScaling::AutoScalingGroup", name, "nobody would be notified")
        for name in ("NotificationConfiguration", "NotificationConfigurations")
    ),
    _fails("AWS::CloudFormation::Stack", "NotificationARNs", "nobody would be notified"),
    _fails("AWS::Backup::BackupVault", "AccessPolicy", "nobody would be refused for it"),
    _fails("AWS::Backup::BackupVault", "LockConfiguration", "nothing would be locked"),
    _fails("AWS::Backup::BackupVault", "Notifications", "nobody would be notified"),
    _fails("AWS::DynamoDB::*", "*ResourcePolicy", "nobody would be refused for it"),
    _fails("AWS::EC2::VPC", "VpcEncryptionControl.*", "nothing would be refused for it"),
    _fails("AWS::Events::EventBus", "Policy", "nobody would be let in or refused for it"),
    _fails("AWS::Events::EventBus", "DeadLetterConfig", "an event that is lost would be in no queue"),
    _fails("AWS::Events::Rule", "Targets.*Parameters", "the target would be called without them, or not at all"),
    _fails("AWS::Lambda::Function", "DeadLetterConfig", "an event that failed would be in no queue"),
    _fails("AWS::Lambda::Function", "FileSystemConfigs", "no file system would be mounted"),
    _fails("AWS::S3::Bucket", "ObjectLock*", "nothing would be kept from being deleted"),
    _fails("AWS::Scheduler::Schedule", "Target.*Parameters", "the target would be called without them, or not at all"),
    _fails("AWS::SNS::Topic", "DataProtectionPolicy", "nothing would be hidden or refused for it"),
)
"""By type and path, what a resource fails for; what none of these names is told."""

HEEDED: Mapping[str, frozenset[str]] = {
    "AWS::IAM::Role": frozenset({"PermissionsBoundary"}),
    "AWS::S3::Bucket": frozenset({"BucketEncryption"}),
}
"""Properties that ministack passes over and the sandbox heeds in its place."""


def property_decision(kind: str, path: str) -> Decision:
    """Return what is done where a resource of type `kind` has the property at `path`, which ministack passes over."""
    plain = path.replace("[]", "")
    found = (done for of, name, done in FAILING if fnmatchcase(kind, of) and fnmatchcase(plain, name))
    return next(found, TOLD)
