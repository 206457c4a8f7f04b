"""The leaf values of a stage file other than quantities: names, ARNs, environment variables, tags."""

import math
import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator

from tidegate.stage import instance_types, limits
from tidegate.stage.problems import InvalidValueError
from tidegate.stage.quantities import THRESHOLD_SCHEMA, Latency, Rate, parse_latency, parse_rate, show
from tidegate.stage.written import Written, matching, of_length, whole

_E = TypeVar("_E", bound=StrEnum)

SCHEDULES: Final = {"hourly": "cron(0 * ? * * *)", "daily": "cron(0 0 ? * * *)"}
_VERSION_WORDS: Final = ("live", "approved")
_STATISTICS: Final = ("Average", "Maximum")
_PERCENTILE: Final = re.compile(r"p([0-9]{1,2}(\.[0-9]{1,2})?|100)")


def _matching(pattern: re.Pattern[str], what: str, right: str) -> Written:
    def parse(value: object) -> str:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        raise InvalidValueError(f"{show(value)} is not {what}", right)

    return Written(parse, schema=matching(pattern))


def one_of(kind: type[_E], what: str) -> Written:
    """Make a validator that takes the words of an enumeration."""

    def parse(value: object) -> _E:
        try:
            return kind(str(value))
        except ValueError:
            raise InvalidValueError(f"{show(value)} is not {what}", f"use one of {', '.join(kind)}") from None

    return Written(parse, schema={"enum": [str(each) for each in kind]})


def _account(value: object) -> str:
    if isinstance(value, str) and limits.ACCOUNT.fullmatch(value):
        return value
    if isinstance(value, int):
        # YAML reads 012345678901 as a number and drops its first digit.
        raise InvalidValueError(
            "the account is written as a number", 'put its 12 digits in quotes, such as "111122223333"'
        )
    raise InvalidValueError(f"{show(value)} is not an account", 'write its 12 digits in quotes, such as "111122223333"')


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limits.INSTANCES_MAX:
        return value
    raise InvalidValueError(
        f"{show(value)} is not a number of instances", f"write a whole number from 1 to {limits.INSTANCES_MAX}"
    )


def instance_type(known: frozenset[str], what: str) -> Written:
    """Make a validator that takes the known instance types, and those of families that are newer."""

    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise InvalidValueError(f"{show(value)} is not {what}", "write one such as ml.m5.large")
        if value in known or (limits.INSTANCE_TYPE.fullmatch(value) and instance_types.is_newer(value, known)):
            return value
        near = instance_types.nearest(value, known)
        raise InvalidValueError(f"{show(value)} is not {what}", f"write one such as {near}")

    return Written(parse, schema={"anyOf": [{"enum": sorted(known)}, matching(limits.INSTANCE_TYPE)]})


def _statistic(value: object) -> str:
    if isinstance(value, str) and (value in _STATISTICS or _PERCENTILE.fullmatch(value)):
        return value
    raise InvalidValueError(f"{show(value)} is not a statistic", "use Average, Maximum or a percentile such as p99")


def _threshold(value: object) -> Rate | Latency:
    if isinstance(value, Rate | Latency):
        return value
    if isinstance(value, str) and value.endswith("%"):
        return parse_rate(value)
    try:
        return parse_latency(value)
    except InvalidValueError:
        raise InvalidValueError(
            f"{show(value)} is not a threshold",
            "write a share of requests such as 1% for errors, or a time such as 250ms for latencies",
        ) from None


def _environment_name(value: object) -> str:
    if (
        isinstance(value, str)
        and limits.ENVIRONMENT_NAME.fullmatch(value)
        and len(value) <= limits.ENVIRONMENT_MAX_LENGTH
    ):
        return value
    raise InvalidValueError(
        f"{show(value)} is not the name of an environment variable",
        "use letters, digits and underscores, not starting with a digit",
    )


def _environment_value(value: object) -> str:
    text = _text(value)
    if "{{resolve:" in text:
        raise InvalidValueError(
            "CloudFormation would replace this reference by what it refers to",
            "write a plain value, and let the model's code read secrets itself",
        )
    if len(text) > limits.ENVIRONMENT_MAX_LENGTH:
        raise InvalidValueError(
            f"the value is {len(text)} characters long", f"SageMaker allows {limits.ENVIRONMENT_MAX_LENGTH}"
        )
    return text


def _environment(entries: Mapping[str, str]) -> Mapping[str, str]:
    if len(entries) > limits.ENVIRONMENT_MAX_ENTRIES:
        raise InvalidValueError(
            f"there are {len(entries)} environment variables", f"SageMaker allows {limits.ENVIRONMENT_MAX_ENTRIES}"
        )
    total = sum(len(name.encode()) + len(text.encode()) for name, text in entries.items())
    if total > limits.ENVIRONMENT_MAX_TOTAL:
        raise InvalidValueError(
            f"the environment variables take {total} bytes",
            f"SageMaker allows {limits.ENVIRONMENT_MAX_TOTAL} for all names and values together",
        )
    return entries


def _tag_key(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= limits.TAG_KEY_MAX or not _is_tag_text(value):
        raise InvalidValueError(
            f"{show(value)} is not a tag key", f"use 1 to {limits.TAG_KEY_MAX} letters, digits, spaces and _.:/=+-@"
        )
    if value.lower().startswith(limits.TAG_RESERVED):
        raise InvalidValueError(
            f"the tag key {show(value)} is reserved",
            f"choose one that starts with none of {', '.join(limits.TAG_RESERVED)}",
        )
    return value


def _tag_value(value: object) -> str:
    text = _text(value)
    if not 1 <= len(text) <= limits.TAG_VALUE_MAX or not _is_tag_text(text):
        raise InvalidValueError(
            f"{show(text)} is not a tag value",
            f"use 1 to {limits.TAG_VALUE_MAX} letters, digits, spaces and _.:/=+-@",
        )
    return text


def _tags(entries: Mapping[str, str]) -> Mapping[str, str]:
    if len(entries) > limits.TAGS_MAX:
        raise InvalidValueError(
            f"there are {len(entries)} tags", f"at most {limits.TAGS_MAX} leave room for Tidegate's own"
        )
    return entries


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise InvalidValueError(f"{show(value)} is not text", "put it in quotes")


def _is_tag_text(text: str) -> bool:
    # The service's pattern is [\p{L}\p{Z}\p{N}_.:/=+\-@]*, which Python's re cannot express.
    return all(unicodedata.category(character)[0] in "LZN" or character in "_.:/=+-@" for character in text)


def whole_number(least: int, most: int) -> Written:
    """Make a validator that takes whole numbers from `least` to `most`, both allowed."""

    def parse(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise InvalidValueError(f"{show(value)} is out of range", f"write a whole number from {least} to {most}")

    return Written(parse, schema=whole(least, most))


def number_above_zero() -> Written:
    """Make a validator that takes numbers above zero."""

    def parse(value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
            return float(value)
        raise InvalidValueError(f"{show(value)} is not a number above zero", "write one such as 600")

    return Written(parse, schema={"type": "number", "exclusiveMinimum": 0})


def truth() -> Written:
    """Make a validator that takes true and false."""

    def parse(value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise InvalidValueError(f"{show(value)} is neither true nor false", "write true or false")

    return Written(parse, schema={"type": "boolean"})


def _version(value: object) -> str:
    if value in _VERSION_WORDS:
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limits.VERSION_MAX:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and 1 <= int(value) <= limits.VERSION_MAX:
        raise InvalidValueError("the number of the version is in quotes", f"write {int(value)}")
    raise InvalidValueError(
        f"{show(value)} names no version of the model", "write the number of a version, such as 7, or leave it out"
    )


def _schedule(value: object) -> str:
    # The expressions that SageMaker takes are hours and multiples of hours: see rules.
    if isinstance(value, str) and value in SCHEDULES:
        return SCHEDULES[value]
    if isinstance(value, str) and limits.SCHEDULE.fullmatch(value):
        return value
    raise InvalidValueError(
        f"{show(value)} is not a schedule of Model Monitor", "write hourly, daily or cron(0 * ? * * *)"
    )


Account = Annotated[str, Written(_account, schema=matching(limits.ACCOUNT))]
VersionWord = Annotated[
    str, Written(_version, schema={"anyOf": [{"enum": list(_VERSION_WORDS)}, whole(1, limits.VERSION_MAX)]})
]
Schedule = Annotated[str, Written(_schedule, schema={"anyOf": [{"enum": list(SCHEDULES)}, matching(limits.SCHEDULE)]})]
TopicArn = Annotated[
    str,
    _matching(limits.TOPIC_ARN, "the ARN of an SNS topic", "write one such as arn:aws:sns:eu-west-1:111122223333:name"),
]
S3Uri = Annotated[str, _matching(limits.S3_URI, "an address in S3", "write one such as s3://bucket/prefix")]
SubnetId = Annotated[str, _matching(limits.SUBNET_ID, "a subnet", "write one such as subnet-0123456789abcdef0")]
SecurityGroupId = Annotated[
    str, _matching(limits.SECURITY_GROUP_ID, "a security group", "write one such as sg-0123456789abcdef0")
]
AttributeName = Annotated[
    str, _matching(limits.ATTRIBUTE_NAME, "the name of an attribute", "use letters, digits and _.-")
]
Region = Annotated[str, _matching(limits.REGION, "a region", "write one such as eu-west-1")]
ProjectName = Annotated[
    str,
    _matching(
        limits.PROJECT_NAME,
        "a project name",
        f"use 1 to {limits.PROJECT_NAME_MAX} letters and digits, with hyphens only between them",
    ),
]
ProjectId = Annotated[
    str,
    _matching(
        limits.PROJECT_ID,
        "a project id",
        f"use 1 to {limits.PROJECT_ID_MAX} lower-case letters and digits, with hyphens only between them",
    ),
]
StageName = Annotated[
    str,
    _matching(
        limits.STAGE_NAME,
        "a stage name",
        f"use 1 to {limits.STAGE_NAME_MAX} lower-case letters and digits, starting with a letter",
    ),
]
ResourceName = Annotated[
    str,
    _matching(limits.NAME, "a name", "use 1 to 63 letters and digits, with hyphens only between them"),
]
ModelPackageGroup = Annotated[
    str,
    _matching(
        limits.MODEL_PACKAGE_GROUP,
        "a model package group",
        "write its name, or its ARN where another account has it",
    ),
]
RoleArn = Annotated[
    str,
    _matching(limits.ROLE_ARN, "the ARN of a role", "write one such as arn:aws:iam::111122223333:role/name"),
]
KmsKeyArn = Annotated[
    str,
    _matching(
        limits.KMS_KEY_ARN, "the ARN of a KMS key", "write one such as arn:aws:kms:eu-west-1:111122223333:key/id"
    ),
]
Bucket = Annotated[
    str,
    _matching(
        limits.BUCKET, "a bucket name", "use 3 to 63 lower-case letters, digits, hyphens and dots, without s3://"
    ),
]
InstanceType = Annotated[str, instance_type(instance_types.HOSTING, "an instance type of SageMaker endpoints")]
MonitoringInstanceType = Annotated[
    str, instance_type(instance_types.PROCESSING, "an instance type of SageMaker processing jobs")
]
InstanceCount = Annotated[int, Written(_count, schema=whole(1, limits.INSTANCES_MAX))]
Statistic = Annotated[str, Written(_statistic, schema={"anyOf": [{"enum": list(_STATISTICS)}, matching(_PERCENTILE)]})]
Threshold = Annotated[Rate | Latency, Written(_threshold, schema=THRESHOLD_SCHEMA)]
EnvironmentName = Annotated[
    str,
    Written(
        _environment_name,
        schema={**matching(limits.ENVIRONMENT_NAME), "maxLength": limits.ENVIRONMENT_MAX_LENGTH},
    ),
]
EnvironmentValue = Annotated[str, Written(_environment_value, schema=of_length(0, limits.ENVIRONMENT_MAX_LENGTH))]
Environment = Annotated[
    Mapping[EnvironmentName, EnvironmentValue],
    AfterValidator(_environment),
]
TagKey = Annotated[str, Written(_tag_key, schema=of_length(1, limits.TAG_KEY_MAX))]
TagValue = Annotated[str, Written(_tag_value, schema=of_length(1, limits.TAG_VALUE_MAX))]
Tags = Annotated[Mapping[TagKey, TagValue], AfterValidator(_tags)]
