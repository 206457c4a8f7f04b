"""Every limit that botocore or CloudFormation's schemas carry is theirs, so that drift is noticed."""

import ast
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.stage import instance_types, limits
from tidegate.stage.documented import limit_sources

SECONDS = timedelta(seconds=1)

# (limit, the service, the shape, its bound)
BOUNDS_OF_BOTOCORE = [
    ("WAIT_MAX", "sagemaker", "WaitIntervalInSeconds", "max"),
    ("WAIT_MAX", "sagemaker", "TerminationWaitInSeconds", "max"),
    ("EXECUTION_TIMEOUT_MIN", "sagemaker", "MaximumExecutionTimeoutInSeconds", "min"),
    ("EXECUTION_TIMEOUT_MAX", "sagemaker", "MaximumExecutionTimeoutInSeconds", "max"),
    ("ROLLBACK_ALARMS_MAX", "sagemaker", "AlarmList", "max"),
    ("ALARM_NAME_MAX", "sagemaker", "AlarmName", "max"),
    ("ALARM_NAME_MAX", "cloudwatch", "AlarmName", "max"),
    ("STARTUP_TIMEOUT_MIN", "sagemaker", "ProductionVariantModelDataDownloadTimeoutInSeconds", "min"),
    ("STARTUP_TIMEOUT_MAX", "sagemaker", "ProductionVariantModelDataDownloadTimeoutInSeconds", "max"),
    ("STARTUP_TIMEOUT_MIN", "sagemaker", "ProductionVariantContainerStartupHealthCheckTimeoutInSeconds", "min"),
    ("STARTUP_TIMEOUT_MAX", "sagemaker", "ProductionVariantContainerStartupHealthCheckTimeoutInSeconds", "max"),
    ("VOLUME_SIZE_MAX", "sagemaker", "ProductionVariantVolumeSizeInGB", "max"),
    ("SUBNETS_MAX", "sagemaker", "Subnets", "max"),
    ("SECURITY_GROUPS_MAX", "sagemaker", "VpcSecurityGroupIds", "max"),
    ("CAPTURE_SAMPLING_MAX", "sagemaker", "SamplingPercentage", "max"),
    ("ENVIRONMENT_MAX_ENTRIES", "sagemaker", "EnvironmentMap", "max"),
    ("ENVIRONMENT_MAX_LENGTH", "sagemaker", "EnvironmentKey", "max"),
    ("ENVIRONMENT_MAX_LENGTH", "sagemaker", "EnvironmentValue", "max"),
    ("TAG_KEY_MAX", "sagemaker", "TagKey", "max"),
    ("TAG_KEY_MAX", "cloudformation", "TagKey", "max"),
    ("TAG_VALUE_MAX", "sagemaker", "TagValue", "max"),
    ("TAG_VALUE_MAX", "cloudformation", "TagValue", "max"),
    ("PROJECT_NAME_MAX", "sagemaker", "ProjectEntityName", "max"),
    ("PROJECT_ID_MAX", "sagemaker", "ProjectId", "max"),
    ("ENDPOINT_NAME_MAX", "sagemaker", "EndpointName", "max"),
]

# (limit, the resource type, the path in its schema)
BOUNDS_OF_CLOUDFORMATION = [
    ("WAIT_MAX", "SageMaker::Endpoint", "TrafficRoutingConfig.WaitIntervalInSeconds.maximum"),
    ("WAIT_MAX", "SageMaker::Endpoint", "RollingUpdatePolicy.WaitIntervalInSeconds.maximum"),
    ("WAIT_MAX", "SageMaker::Endpoint", "BlueGreenUpdatePolicy.TerminationWaitInSeconds.maximum"),
    ("EXECUTION_TIMEOUT_MIN", "SageMaker::Endpoint", "BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds.minimum"),
    ("EXECUTION_TIMEOUT_MAX", "SageMaker::Endpoint", "BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds.maximum"),
    ("EXECUTION_TIMEOUT_MIN", "SageMaker::Endpoint", "RollingUpdatePolicy.MaximumExecutionTimeoutInSeconds.minimum"),
    ("EXECUTION_TIMEOUT_MAX", "SageMaker::Endpoint", "RollingUpdatePolicy.MaximumExecutionTimeoutInSeconds.maximum"),
    ("ROLLBACK_ALARMS_MAX", "SageMaker::Endpoint", "AutoRollbackConfig.Alarms.maxItems"),
    (
        "STARTUP_TIMEOUT_MIN",
        "SageMaker::EndpointConfig",
        "ProductionVariant.ContainerStartupHealthCheckTimeoutInSeconds.minimum",
    ),
    (
        "STARTUP_TIMEOUT_MAX",
        "SageMaker::EndpointConfig",
        "ProductionVariant.ContainerStartupHealthCheckTimeoutInSeconds.maximum",
    ),
    ("STARTUP_TIMEOUT_MIN", "SageMaker::EndpointConfig", "ProductionVariant.ModelDataDownloadTimeoutInSeconds.minimum"),
    ("STARTUP_TIMEOUT_MAX", "SageMaker::EndpointConfig", "ProductionVariant.ModelDataDownloadTimeoutInSeconds.maximum"),
    ("VOLUME_SIZE_MAX", "SageMaker::EndpointConfig", "ProductionVariant.VolumeSizeInGB.maximum"),
    ("SUBNETS_MAX", "SageMaker::Model", "VpcConfig.Subnets.maxItems"),
    ("SECURITY_GROUPS_MAX", "SageMaker::Model", "VpcConfig.SecurityGroupIds.maxItems"),
    ("CAPTURE_SAMPLING_MAX", "SageMaker::EndpointConfig", "DataCaptureConfig.InitialSamplingPercentage.maximum"),
    ("TAG_KEY_MAX", "SageMaker::EndpointConfig", "Tag.Key.maxLength"),
    ("TAG_VALUE_MAX", "SageMaker::EndpointConfig", "Tag.Value.maxLength"),
]

# (limit, the service, the shape and its member, what its documentation says)
TEXTS_OF_BOTOCORE = [
    ("CANARY_MAX_PERCENT", "sagemaker", "TrafficRoutingConfig.CanarySize", "less than or equal to {}%"),
    ("LINEAR_STEP_MIN_PERCENT", "sagemaker", "TrafficRoutingConfig.LinearStepSize", "{}-50%"),
    ("LINEAR_STEP_MAX_PERCENT", "sagemaker", "TrafficRoutingConfig.LinearStepSize", "10-{}%"),
    ("ROLLING_BATCH_MIN_PERCENT", "sagemaker", "RollingUpdatePolicy.MaximumBatchSize", "between {}% to 50%"),
    ("ROLLING_BATCH_MAX_PERCENT", "sagemaker", "RollingUpdatePolicy.MaximumBatchSize", "between 5% to {}%"),
    (
        "ROLLING_ROLLBACK_MAX_PERCENT",
        "sagemaker",
        "RollingUpdatePolicy.RollbackMaximumBatchSize",
        "be set to {}% of total capacity",
    ),
    ("DEFAULT_TERMINATION_WAIT", "sagemaker", "BlueGreenUpdatePolicy.TerminationWaitInSeconds", "Default is {}"),
    ("ENVIRONMENT_MAX_TOTAL", "sagemaker", "ContainerDefinition.Environment", "{} KB"),
    ("ALARM_WINDOW_MAX", "cloudwatch", "PutMetricAlarmInput.Period", "one day ({:,} seconds)"),
    ("METRIC_PERIOD", "cloudwatch", "PutMetricAlarmInput.Period", "any multiple of {}"),
]

NAMES = st.text("aZ0-_.", max_size=70)


def texts(pattern: re.Pattern[str]) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


# (limit, the service, the shape whose pattern and length it keeps to, texts to try)
PATTERNS_OF_BOTOCORE = [
    ("NAME", "sagemaker", "EndpointName", NAMES),
    ("NAME", "sagemaker", "VariantName", NAMES),
    ("NAME", "sagemaker", "EntityName", NAMES),
    ("PROJECT_NAME", "sagemaker", "ProjectEntityName", NAMES),
    ("PROJECT_ID", "sagemaker", "ProjectId", NAMES),
    ("ENVIRONMENT_NAME", "sagemaker", "EnvironmentKey", NAMES),
    ("ROLE_ARN", "sagemaker", "RoleArn", texts(limits.ROLE_ARN)),
    ("KMS_KEY_ARN", "sagemaker", "KmsKeyId", texts(limits.KMS_KEY_ARN)),
    ("MODEL_PACKAGE_GROUP", "sagemaker", "ArnOrName", texts(limits.MODEL_PACKAGE_GROUP)),
    ("S3_URI", "sagemaker", "MonitoringS3Uri", texts(limits.S3_URI)),
    ("S3_URI", "sagemaker", "S3Uri", texts(limits.S3_URI).map("{}/constraints.json".format)),
    ("SUBNET_ID", "sagemaker", "SubnetId", texts(limits.SUBNET_ID)),
    ("SECURITY_GROUP_ID", "sagemaker", "SecurityGroupId", texts(limits.SECURITY_GROUP_ID)),
    ("ACCOUNT", "sagemaker", "AccountId", texts(limits.ACCOUNT)),
    ("BUCKET", "sagemaker", "BucketName", texts(limits.BUCKET)),
    ("SCHEDULE", "sagemaker", "ScheduleExpression", texts(limits.SCHEDULE)),
]

# Limits whose source names botocore or CloudFormation and that are no bound, pattern or text of one shape.
COMPARED_ELSEWHERE = {"TAGS_MAX", "VERSION_MAX", "REGION", "INSTANCE_TYPE"}


@cache
def shapes(service: str) -> dict[str, Any]:
    return Loader().load_service_model(service, "service-2")["shapes"]


@cache
def resource(kind: str) -> dict[str, Any]:
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", f"AWS::{kind}").schema


def number(name: str) -> int:
    limit = getattr(limits, name)
    return limit // SECONDS if isinstance(limit, timedelta) else limit


def test_every_limit_that_has_a_source_elsewhere_is_compared_with_it():
    compared = {
        row[0] for table in (BOUNDS_OF_BOTOCORE, TEXTS_OF_BOTOCORE, PATTERNS_OF_BOTOCORE) for row in table
    } | COMPARED_ELSEWHERE
    theirs = {name for name, source in limit_sources().items() if re.match("botocore|CloudFormation", source)}

    assert theirs <= compared


@pytest.mark.parametrize(("name", "service", "shape", "bound"), BOUNDS_OF_BOTOCORE)
def test_a_bound_is_botocores(name, service, shape, bound):
    assert shapes(service)[shape][bound] == number(name)


@pytest.mark.parametrize(("name", "kind", "path"), BOUNDS_OF_CLOUDFORMATION)
def test_a_bound_is_cloudformations(name, kind, path):
    definition, member, bound = path.split(".")

    assert resource(kind)["definitions"][definition]["properties"][member][bound] == number(name)


@pytest.mark.parametrize(("name", "service", "path", "said"), TEXTS_OF_BOTOCORE)
def test_the_text_of_botocore_still_says_what_was_read_there(name, service, path, said):
    shape, member = path.split(".")
    value = number(name) // 1024 if name == "ENVIRONMENT_MAX_TOTAL" else number(name)
    text = re.sub(r"<[^>]*>", "", shapes(service)[shape]["members"][member]["documentation"])

    assert said.format(value) in text


@pytest.mark.parametrize(("name", "service", "shape", "tried"), PATTERNS_OF_BOTOCORE)
def test_what_a_pattern_accepts_botocore_accepts(name, service, shape, tried):
    theirs = shapes(service)[shape]

    @given(tried)
    def check(text):
        if getattr(limits, name).fullmatch(text.removesuffix("/constraints.json")):
            assert re.fullmatch(theirs.get("pattern", ".*"), text)
            assert theirs.get("min", 0) <= len(text) <= theirs["max"]

    check()


def test_the_schedules_that_botocore_names_are_taken():
    text = shapes("sagemaker")["ScheduleConfig"]["members"]["ScheduleExpression"]["documentation"]
    named = [each for each in re.findall(r"cron\([^)]*\)", text) if "[" not in each]

    assert len(named) >= 5
    assert [each for each in named if not limits.SCHEDULE.fullmatch(each)] == []


def test_tags_leave_room_on_a_resource_and_on_a_stack():
    assert shapes("sagemaker")["TagList"]["max"] - 10 == limits.TAGS_MAX
    assert shapes("cloudformation")["Tags"]["max"] > limits.TAGS_MAX
    assert shapes("cloudformation")["TagValue"]["min"] == 1


def test_a_version_has_as_many_digits_as_cloudformation_takes():
    pattern = resource("SageMaker::Model")["definitions"]["ContainerDefinition"]["properties"]["ModelPackageName"][
        "pattern"
    ]
    most = re.search(r"\[0-9\]\{1,(\d+)\}", pattern.rpartition("/")[2])

    assert most
    assert int("9" * int(most[1])) == limits.VERSION_MAX


@pytest.mark.parametrize(
    ("known", "shape"),
    [
        (instance_types.HOSTING, "ProductionVariantInstanceType"),
        (instance_types.PROCESSING, "ProcessingInstanceType"),
    ],
)
def test_the_instance_types_are_botocores(known, shape):
    assert known == set(shapes("sagemaker")[shape]["enum"])
    assert [name for name in known if not limits.INSTANCE_TYPE.fullmatch(name)] == []


def test_every_region_that_botocore_knows_is_taken():
    endpoints = Loader().load_data("endpoints")
    regions = [region for partition in endpoints["partitions"] for region in partition["regions"]]

    assert [region for region in regions if not limits.REGION.fullmatch(region)] == []


@given(st.text("aZ0-", max_size=40), st.text("a0-", max_size=25), st.text("a0", max_size=12))
@example("p" * 32, "i" * 20, "s" * 9)
def test_names_of_full_length_make_an_endpoint_name(project, project_id, stage):
    allowed = [limits.PROJECT_NAME.fullmatch(project), limits.PROJECT_ID.fullmatch(project_id)]
    if all(allowed) and limits.STAGE_NAME.fullmatch(stage):
        assert limits.NAME.fullmatch(f"{project}-{project_id}-{stage}")


def test_no_limit_is_written_a_second_time():
    """Numbers beyond 2 outside `limits` are units, bases, widths or examples; each is listed."""
    allowed = {
        "fleet.py": {4, 8, 700},  # examples
        "model.py": {600},  # an example
        "quantities.py": {57, 60, 100, 1000, 3600, 86400, 1_000_000},  # units, and the width of a quotation
        "reading.py": {1024},  # bytes in a KiB
        "scalars.py": {8, 10, 16},  # bases
        "steps.py": {100},  # percent
        "origin.py": {44, 60},  # columns
        "validation.py": {12},  # the digits of an account that stands for any
    }
    folder = Path(limits.__file__).parent
    for path in folder.glob("*.py"):
        if path.name not in {"limits.py", "instance_types.py"}:
            numbers = {
                node.value
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Constant) and type(node.value) in {int, float} and node.value > 2
            }
            assert numbers <= allowed.get(path.name, set()), path.name
