"""The limits that botocore carries are botocore's."""

import re
from datetime import timedelta

import pytest
from botocore.loaders import Loader
from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.stage import limits


@pytest.fixture(scope="module")
def shapes():
    return Loader().load_service_model("sagemaker", "service-2")["shapes"]


@pytest.mark.parametrize(
    ("shape", "bound", "limit"),
    [
        ("WaitIntervalInSeconds", "max", limits.WAIT_MAX),
        ("TerminationWaitInSeconds", "max", limits.WAIT_MAX),
        ("MaximumExecutionTimeoutInSeconds", "min", limits.EXECUTION_TIMEOUT_MIN),
        ("MaximumExecutionTimeoutInSeconds", "max", limits.EXECUTION_TIMEOUT_MAX),
        ("AlarmList", "max", limits.ROLLBACK_ALARMS_MAX),
        ("SamplingPercentage", "max", limits.CAPTURE_SAMPLING_MAX),
        ("EnvironmentMap", "max", limits.ENVIRONMENT_MAX_ENTRIES),
        ("EnvironmentKey", "max", limits.ENVIRONMENT_MAX_LENGTH),
        ("EnvironmentValue", "max", limits.ENVIRONMENT_MAX_LENGTH),
        ("TagKey", "max", limits.TAG_KEY_MAX),
        ("TagValue", "max", limits.TAG_VALUE_MAX),
        ("ProjectEntityName", "max", limits.PROJECT_NAME_MAX),
        ("ProjectId", "max", limits.PROJECT_ID_MAX),
        ("EndpointName", "max", limits.ENDPOINT_NAME_MAX),
    ],
)
def test_a_bound_is_botocores(shapes, shape, bound, limit):
    assert shapes[shape][bound] == (limit.total_seconds() if isinstance(limit, timedelta) else limit)


def test_tags_leave_room_on_a_resource(shapes):
    assert shapes["TagList"]["max"] > limits.TAGS_MAX


def test_the_texts_of_botocore_still_say_what_was_read_there(shapes):
    assert f"{limits.CANARY_MAX_PERCENT}%" in shapes["TrafficRoutingConfig"]["members"]["CanarySize"]["documentation"]
    assert "Default is 0" in shapes["BlueGreenUpdatePolicy"]["members"]["TerminationWaitInSeconds"]["documentation"]
    assert "32 KB" in shapes["ContainerDefinition"]["members"]["Environment"]["documentation"]


NAMES = st.text("aZ0-_.", max_size=70)
ARNS = st.from_regex(limits.ROLE_ARN, fullmatch=True) | st.from_regex(limits.KMS_KEY_ARN, fullmatch=True)


@pytest.mark.parametrize(
    ("shape", "pattern", "texts"),
    [
        ("EndpointName", limits.NAME, NAMES),
        ("VariantName", limits.NAME, NAMES),
        ("EntityName", limits.NAME, NAMES),
        ("ProjectEntityName", limits.PROJECT_NAME, NAMES),
        ("ProjectId", limits.PROJECT_ID, NAMES),
        ("EnvironmentKey", limits.ENVIRONMENT_NAME, NAMES),
        ("RoleArn", limits.ROLE_ARN, ARNS),
        ("KmsKeyId", limits.KMS_KEY_ARN, ARNS),
    ],
)
def test_what_a_pattern_accepts_botocore_accepts(shapes, shape, pattern, texts):
    @given(texts)
    def check(text):
        if pattern.fullmatch(text):
            assert re.fullmatch(shapes[shape]["pattern"], text)
            assert shapes[shape].get("min", 0) <= len(text) <= shapes[shape]["max"]

    check()


def test_every_instance_type_that_botocore_knows_is_accepted(shapes):
    types = shapes["ProductionVariantInstanceType"]["enum"]

    assert [name for name in types if not limits.INSTANCE_TYPE.fullmatch(name)] == []


@given(st.text("aZ0-", max_size=40), st.text("a0-", max_size=25), st.text("a0", max_size=12))
@example("p" * 32, "i" * 20, "s" * 9)
def test_names_of_full_length_make_an_endpoint_name(project, project_id, stage):
    allowed = [limits.PROJECT_NAME.fullmatch(project), limits.PROJECT_ID.fullmatch(project_id)]
    if all(allowed) and limits.STAGE_NAME.fullmatch(stage):
        assert limits.NAME.fullmatch(f"{project}-{project_id}-{stage}")
