"""What the platform allows and what is assumed where a file says nothing, each with its source.

`botocore` after a value means that botocore's service model carries it; a test compares the two.
"""

import re
from datetime import timedelta
from typing import Final

# Deployment guardrails.
WAIT_MAX: Final = timedelta(seconds=3600)  # botocore: WaitIntervalInSeconds, TerminationWaitInSeconds
EXECUTION_TIMEOUT_MIN: Final = timedelta(seconds=600)  # botocore: MaximumExecutionTimeoutInSeconds
EXECUTION_TIMEOUT_MAX: Final = timedelta(seconds=28800)  # botocore: MaximumExecutionTimeoutInSeconds
CANARY_MAX_PERCENT: Final = 50  # botocore, in the text of CanarySize
LINEAR_STEP_MIN_PERCENT: Final = 10  # botocore, in the text of LinearStepSize
LINEAR_STEP_MAX_PERCENT: Final = 50  # botocore, in the text of LinearStepSize
ROLLING_BATCH_MIN_PERCENT: Final = 5  # botocore, in the text of MaximumBatchSize
ROLLING_BATCH_MAX_PERCENT: Final = 50  # botocore, in the text of MaximumBatchSize
ROLLING_ROLLBACK_MAX_PERCENT: Final = 100  # botocore, in the text of RollbackMaximumBatchSize, where it is the default
INF1_FAMILY: Final = "ml.inf1."  # SageMaker developer guide: neither guardrails (Exclusions) nor shadow variants
CANARY_MIN_INSTANCES: Final = 2  # 50 % of one instance is no instance
ROLLBACK_ALARMS_MAX: Final = 10  # botocore: AlarmList
ALARMS_PER_RULE: Final = 2  # one on the new fleet's own metric, one on the variant's
ROLLBACK_RULES_MAX: Final = ROLLBACK_ALARMS_MAX // ALARMS_PER_RULE  # what the two above leave

# CloudWatch alarms.
ALARM_NAME_MAX: Final = 255  # botocore: AlarmName
METRIC_PERIOD: Final = timedelta(seconds=60)  # endpoints publish each minute
ALARM_WINDOW_MAX: Final = timedelta(days=1)  # botocore, in the text of PutMetricAlarm.Period, for periods below an hour
METRIC_PERIOD_MAX: Final = timedelta(hours=1)  # ours: no bake is longer
METRIC_RETENTION: Final = timedelta(days=15)  # CloudWatch user guide: data points of one minute are kept so long

# Tests before a release.
TEST_DURATION_MIN: Final = timedelta(minutes=5)  # ours: metrics come each minute, and a test of fewer says nothing
TEST_DURATION_MAX: Final = timedelta(days=30)  # ours
TEST_SHARE_MIN_PERCENT: Final = 1  # ours: a variant that gets no requests tests nothing
CHALLENGER_WEIGHT_MAX_PERCENT: Final = 99  # ours: nor does a champion that gets none
DEFAULT_SHADOW_VARIANT: Final = "Shadow"  # ours
DEFAULT_CHALLENGER_VARIANT: Final = "Challenger"  # ours

# Autoscaling.
BURSTABLE_FAMILIES: Final = ("ml.t2.", "ml.t3.", "ml.t4g.")  # aws-cdk, aws-sagemaker: refused with autoscaling
INVOCATIONS_MAX: Final = 1_000_000  # ours: requests a minute and instance
COOLDOWN_MAX: Final = timedelta(hours=1)  # ours
DEFAULT_SCALE_IN_COOLDOWN: Final = timedelta(seconds=300)  # Application Auto Scaling user guide: SageMaker's default
DEFAULT_SCALE_OUT_COOLDOWN: Final = timedelta(seconds=300)  # Application Auto Scaling user guide: SageMaker's default

# Monitoring.
DEFAULT_MONITORING_INSTANCE_TYPE: Final = "ml.m5.xlarge"  # ours: what the SDK's monitors start with

# Endpoint configs.
STARTUP_TIMEOUT_MIN: Final = timedelta(seconds=60)  # botocore: ProductionVariantModelDataDownloadTimeoutInSeconds
STARTUP_TIMEOUT_MAX: Final = timedelta(seconds=3600)  # botocore: ProductionVariantModelDataDownloadTimeoutInSeconds
VOLUME_SIZE_MAX: Final = 512  # botocore: ProductionVariantVolumeSizeInGB
SUBNETS_MAX: Final = 16  # botocore: Subnets
SECURITY_GROUPS_MAX: Final = 5  # botocore: VpcSecurityGroupIds
INSTANCES_MAX: Final = 1000  # ours: a quota decides long before; a slip of the keyboard should not
CAPTURE_SAMPLING_MAX: Final = 100  # botocore: SamplingPercentage, in percent
ENVIRONMENT_MAX_ENTRIES: Final = 100  # botocore: EnvironmentMap
ENVIRONMENT_MAX_LENGTH: Final = 1024  # botocore: EnvironmentKey, EnvironmentValue
ENVIRONMENT_MAX_TOTAL: Final = 32 * 1024  # botocore, in the text of ContainerDefinition.Environment
ENVIRONMENT_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # botocore: EnvironmentKey
ENVIRONMENT_CREDENTIALS: Final = frozenset(  # AWS SDKs and Tools reference guide: where credentials come from
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
)
ENVIRONMENT_RESERVED: Final = frozenset(  # SageMaker developer guide, inference pipelines and multi-model endpoints
    {"SAGEMAKER_BIND_TO_PORT", "SAGEMAKER_MULTI_MODEL", "SAGEMAKER_SAFE_PORT_RANGE"}
)

# Tags of the stack, which CloudFormation puts on what is in it.
TAGS_MAX: Final = 40  # botocore: TagList, less 10 for Tidegate and SageMaker
TAG_KEY_MAX: Final = 128  # botocore: TagKey
TAG_VALUE_MAX: Final = 256  # botocore: TagValue
TAG_RESERVED: Final = ("aws:", "sagemaker:", "tidegate:")  # Tagging AWS resources user guide; ours

# Names.
PROJECT_NAME_MAX: Final = 32  # botocore: ProjectEntityName
PROJECT_ID_MAX: Final = 20  # botocore: ProjectId
STAGE_NAME_MAX: Final = 9  # what a project name and an id of full length leave of an endpoint name
ENDPOINT_NAME_MAX: Final = 63  # botocore: EndpointName
NAME: Final = re.compile(r"(?=.{1,63}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*")  # botocore: EndpointName, VariantName, EntityName
MODEL_PACKAGE_GROUP: Final = re.compile(  # botocore: ArnOrName, and a name as EntityName
    r"(arn:aws[a-z-]*:sagemaker:[a-z0-9-]{5,20}:[0-9]{12}:model-package-group/)?[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
)
PROJECT_NAME: Final = re.compile(r"(?=.{1,32}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*")  # botocore: ProjectEntityName
PROJECT_ID: Final = re.compile(
    r"(?=.{1,20}$)[a-z0-9](-*[a-z0-9])*"
)  # botocore: ProjectId; SageMaker makes it lower case
STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,8}")  # ours, as long as STAGE_NAME_MAX

# Accounts and what lives in them.
ACCOUNT: Final = re.compile(r"[0-9]{12}")  # botocore: AccountId
REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]{2,12}){1,2}-[0-9]{1,2}")  # botocore lists those it knows
ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9+=,.@_/-]{1,576}")  # botocore: RoleArn
KMS_KEY_ARN: Final = re.compile(  # botocore: KmsKeyId
    r"arn:aws[a-z-]*:kms:[a-z0-9-]{5,20}:[0-9]{12}:(key/[a-zA-Z0-9-]{1,64}|alias/[a-zA-Z0-9/_-]{1,250})"
)
TOPIC_ARN: Final = re.compile(  # Amazon SNS API reference, CreateTopic: the name
    r"arn:aws[a-z-]*:sns:[a-z0-9-]{5,20}:[0-9]{12}:[a-zA-Z0-9_-]{1,256}(\.fifo)?"
)
S3_URI: Final = re.compile(  # botocore: MonitoringS3Uri
    r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s{}]{0,440})?"
)
SUBNET_ID: Final = re.compile(r"subnet-[0-9a-f]{8,17}")  # botocore: SubnetId
SECURITY_GROUP_ID: Final = re.compile(r"sg-[0-9a-f]{8,17}")  # botocore: SecurityGroupId
ATTRIBUTE_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")  # ours: a name in JSON or a position in CSV
VERSION_MAX: Final = 999_999_999  # CloudFormation: Model.ContainerDefinition.ModelPackageName
BUCKET: Final = re.compile(r"(?!xn--)[a-z0-9]([a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")  # S3 user guide, bucket naming rules
INSTANCE_TYPE: Final = re.compile(r"ml\.[a-z][a-z0-9-]{0,15}\.[a-z0-9-]{2,16}")  # botocore lists those it knows

# Each hour, each day, or every so many hours from an hour on.
SCHEDULE: Final = re.compile(  # botocore, in the text of ScheduleConfig.ScheduleExpression
    r"cron\(0 (\*|([01]?[0-9]|2[0-3])(/(0?[1-9]|1[0-9]|2[0-4]))?) \? \* \* \*\)"
)

# Defaults, where SageMaker has one that botocore states it is SageMaker's.
DEFAULT_WAIT_INTERVAL: Final = timedelta(0)  # ours: strategies that wait have to say how long
DEFAULT_TERMINATION_WAIT: Final = timedelta(0)  # botocore, in the text of TerminationWaitInSeconds
DEFAULT_EXECUTION_TIMEOUT: Final = timedelta(hours=1)  # ours: always sent, since SageMaker's own is not documented
DEFAULT_VERSION: Final = "approved"  # ours: the newest version that somebody has approved
DEFAULT_CHAMPION: Final = "live"  # ours: the version that serves
DEFAULT_VARIANT: Final = "AllTraffic"  # the name that SageMaker's own tools use

# Money.
CURRENCIES: Final = (  # ISO 4217
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD "
    "HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD "
    "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN "
    "PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY "
    "TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)

# Files.
FILE_MAX_BYTES: Final = 64 * 1024  # ours: a stage file is a page, and parsing must not take long
VALUES_MAX: Final = 2000  # ours
NESTING_MAX: Final = 20  # ours
NUMBER_MAX_LENGTH: Final = 20  # ours
