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
CANARY_MIN_INSTANCES: Final = 2  # 50 % of one instance is no instance
ROLLBACK_ALARMS_MAX: Final = 10  # botocore: AlarmList
ALARMS_PER_RULE: Final = 2  # one on the new fleet's own metric, one on the variant's
ROLLBACK_RULES_MAX: Final = ROLLBACK_ALARMS_MAX // ALARMS_PER_RULE

# CloudWatch alarms.
METRIC_PERIOD: Final = timedelta(seconds=60)  # endpoints publish each minute
ALARM_WINDOW_MAX: Final = timedelta(days=1)  # botocore, in the text of EvaluationPeriods

# Endpoint configs.
INSTANCES_MAX: Final = 1000  # ours: a quota decides long before; a slip of the keyboard should not
CAPTURE_SAMPLING_MAX: Final = 100  # botocore: SamplingPercentage, in percent
ENVIRONMENT_MAX_ENTRIES: Final = 100  # botocore: EnvironmentMap
ENVIRONMENT_MAX_LENGTH: Final = 1024  # botocore: EnvironmentKey, EnvironmentValue
ENVIRONMENT_MAX_TOTAL: Final = 32 * 1024  # botocore, in the text of ContainerDefinition.Environment
ENVIRONMENT_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # botocore: EnvironmentKey

# Tags. A resource carries at most 50 (botocore: TagList); the rest is left to Tidegate and SageMaker.
TAGS_MAX: Final = 40
TAG_KEY_MAX: Final = 128  # botocore: TagKey
TAG_VALUE_MAX: Final = 256  # botocore: TagValue
TAG_RESERVED: Final = ("aws:", "sagemaker:", "tidegate:")

# Names.
PROJECT_NAME_MAX: Final = 32  # botocore: ProjectEntityName
PROJECT_ID_MAX: Final = 20  # botocore: ProjectId
STAGE_NAME_MAX: Final = 9  # what a project name and an id of full length leave of an endpoint name
ENDPOINT_NAME_MAX: Final = 63  # botocore: EndpointName
NAME: Final = re.compile(r"(?=.{1,63}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*")  # botocore: EndpointName, VariantName, EntityName
PROJECT_NAME: Final = re.compile(r"(?=.{1,32}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*")  # botocore: ProjectEntityName
PROJECT_ID: Final = re.compile(
    r"(?=.{1,20}$)[a-z0-9](-*[a-z0-9])*"
)  # botocore: ProjectId; SageMaker makes it lower case
STAGE_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,8}")

# Accounts and what lives in them.
ACCOUNT: Final = re.compile(r"[0-9]{12}")
REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]{2,12}){1,2}-[0-9]{1,2}")
ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9+=,.@_/-]{1,576}")  # botocore: RoleArn
KMS_KEY_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]{5,20}:[0-9]{12}:(key/[a-zA-Z0-9-]{1,64}|alias/[a-zA-Z0-9/_-]{1,250})"
)
BUCKET: Final = re.compile(r"(?!xn--)[a-z0-9]([a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")  # S3 user guide, bucket naming rules
INSTANCE_TYPE: Final = re.compile(r"ml\.[a-z][a-z0-9-]{0,15}\.[a-z0-9-]{2,16}")  # botocore lists those it knows

# Defaults, where SageMaker has one that botocore states it is SageMaker's.
DEFAULT_TERMINATION_WAIT: Final = timedelta(0)  # botocore, in the text of TerminationWaitInSeconds
DEFAULT_EXECUTION_TIMEOUT: Final = timedelta(hours=1)  # ours: always sent, since SageMaker's own is not documented
DEFAULT_VARIANT: Final = "AllTraffic"  # the name that SageMaker's own tools use

# Files.
FILE_MAX_BYTES: Final = 64 * 1024  # ours: a stage file is a page, and parsing must not take long
VALUES_MAX: Final = 2000  # ours
NESTING_MAX: Final = 20  # ours
NUMBER_MAX_LENGTH: Final = 20  # ours
