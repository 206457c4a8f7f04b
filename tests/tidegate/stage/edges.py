"""Every limit of `tidegate.stage.limits`, with the last values within it and the first ones beyond."""

from typing import Any, NamedTuple

from tests.tidegate.stage.valid_stages import ACCOUNT, ENDPOINT, REGION
from tests.tidegate.stage.written import KEY, Path

BASE: dict[str, Any] = {
    "instances": {"type": "ml.m5.large", "count": 4},
    "release": {
        "strategy": "canary",
        "canary_size": "25%",
        "wait_interval": "10m",
        "maximum_execution_timeout": "8h",
        "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}],
    },
    "capture": {"sampling": "100%"},
}
SIMPLE: dict[str, Any] = {"instances": {"type": "ml.m5.large", "count": 2}, "release": {"strategy": "all_at_once"}}
LINEAR = BASE | {
    "instances": {"type": "ml.m5.large", "count": 100},
    "release": {
        "strategy": "linear",
        "linear_step_size": "25%",
        "wait_interval": "1m",
        "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}],
    },
}
ROLLING = LINEAR | {
    "release": {
        "strategy": "rolling",
        "maximum_batch_size": "25%",
        "wait_interval": "1m",
        "rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%"}],
    }
}
SCALED = BASE | {"autoscaling": {"min": 2, "max": 8, "invocations_per_instance": 700}}
SHADOW = BASE | {"test": {"shadow": {"sampling": "50%", "duration": "2h"}}}
AB = BASE | {"test": {"ab": {"challenger_weight": "10%", "duration": "1d"}}}
MONITORED = BASE | {
    "monitoring": {
        "data_quality": {"schedule": "hourly"},
        "model_quality": {
            "schedule": "daily",
            "ground_truth": "s3://bucket/truth",
            "problem_type": "Regression",
            "inference_attribute": "0",
        },
    }
}
NETWORK = SIMPLE | {"network": {"subnets": ["subnet-00000001"], "security_groups": ["sg-00000001"]}}
RULE = ("release", "rollback_on", 0)


class Edge(NamedTuple):
    """Values at a path, on both sides of a limit: `beyond` are refused by the rule at `place`, by nothing else.

    Without a place it is the path itself. `shared` is said by endpoint.yml, the others by the stage.
    """

    limit: str
    base: dict[str, Any]
    path: Path
    within: tuple[Any, ...]
    beyond: tuple[Any, ...]
    rule: str = "TG009"
    place: Path = ()
    shared: bool = False


def rules_of(number: int) -> list[dict[str, Any]]:
    """So many different rules."""
    return [{"metric": "Invocation5XXErrors", "above": f"{share}%"} for share in range(1, number + 1)]


def entries(number: int, size: int = 1) -> dict[str, str]:
    """So many variables or tags, of so many characters each."""
    return {f"N{index:04}": "x" * size for index in range(number)}


def subnets(number: int) -> list[str]:
    """So many different subnets."""
    return [f"subnet-{index:08x}" for index in range(number)]


def arn(service: str, resource: str) -> str:
    """The ARN of something where the stage is."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


# 31 entries of 1,024 bytes and one of what is left of 32 KiB.
_FULL = entries(31, 1024 - 5) | {"N": "x" * 1023}
_OVERFULL = _FULL | {"N": "x" * 1023, "M": ""}
_NAMES_WITHIN = ("a", "A-b--C", "x" * 63)
_NAMES_BEYOND = ("", "-a", "a-", "a_b", "x" * 64, "é", "a\u00a0b")

EDGES = (
    Edge("WAIT_MAX", BASE, ("release", "wait_interval"), ("1m", "60m", "3600s", "1h"), ("3601s", "61m", "2h", "1d")),
    Edge("WAIT_MAX", BASE, ("release", "termination_wait"), ("0s", "1h"), ("3601s",)),
    Edge("EXECUTION_TIMEOUT_MIN", SIMPLE, ("release", "maximum_execution_timeout"), ("10m",), ("599s", "9m")),
    Edge("EXECUTION_TIMEOUT_MAX", SIMPLE, ("release", "maximum_execution_timeout"), ("8h",), ("28801s", "9h")),
    Edge("CANARY_MAX_PERCENT", BASE, ("release", "canary_size"), ("1%", "50%", 1, 2), ("51%", "100%"), "TG013"),
    Edge("CANARY_MAX_PERCENT", BASE, ("release", "canary_size"), (2,), (3, 4, 5), "TG019"),
    Edge("LINEAR_STEP_MIN_PERCENT", LINEAR, ("release", "linear_step_size"), ("10%",), ("1%", "9%"), "TG016"),
    Edge("LINEAR_STEP_MIN_PERCENT", LINEAR, ("release", "linear_step_size"), (10,), (9,), "TG019"),
    Edge("LINEAR_STEP_MAX_PERCENT", LINEAR, ("release", "linear_step_size"), ("50%",), ("51%", "100%"), "TG016"),
    Edge("LINEAR_STEP_MAX_PERCENT", LINEAR, ("release", "linear_step_size"), (50,), (51, 100), "TG019"),
    Edge("ROLLING_BATCH_MIN_PERCENT", ROLLING, ("release", "maximum_batch_size"), ("5%",), ("1%", "4%"), "TG017"),
    Edge("ROLLING_BATCH_MIN_PERCENT", ROLLING, ("release", "maximum_batch_size"), (5,), (4,), "TG019"),
    Edge("ROLLING_BATCH_MAX_PERCENT", ROLLING, ("release", "maximum_batch_size"), ("50%",), ("51%", "100%"), "TG017"),
    Edge("ROLLING_BATCH_MAX_PERCENT", ROLLING, ("release", "maximum_batch_size"), (50,), (51, 100), "TG019"),
    Edge(
        "ROLLING_ROLLBACK_MAX_PERCENT", ROLLING, ("release", "rollback_maximum_batch_size"), ("1%", "100%"), ("101%",)
    ),
    Edge(
        "ROLLING_ROLLBACK_MAX_PERCENT", ROLLING, ("release", "rollback_maximum_batch_size"), (1, 100), (101,), "TG018"
    ),
    Edge(
        "INF1_FAMILY",
        BASE,
        ("instances", "type"),
        ("ml.inf2.xlarge",),
        ("ml.inf1.xlarge",),
        "TG012",
        place=("release", "strategy"),
    ),
    Edge("CANARY_MIN_INSTANCES", BASE, ("instances", "count"), (2,), (1,), "TG014"),
    Edge("CANARY_MIN_INSTANCES", SCALED, ("autoscaling", "min"), (2,), (1,), "TG014"),
    Edge(
        "ROLLBACK_RULES_MAX",
        BASE,
        ("release", "rollback_on"),
        (rules_of(1), rules_of(5)),
        (rules_of(6),),
        "TG031",
        place=("release", "rollback_on", 5),
    ),
    Edge(
        "ROLLBACK_ALARMS_MAX",
        BASE,
        ("release", "rollback_on"),
        (rules_of(5),),
        (rules_of(7),),
        "TG031",
        place=("release", "rollback_on", 5),
    ),
    Edge(
        "ALARMS_PER_RULE",
        BASE,
        ("release", "rollback_on"),
        (rules_of(5),),
        (rules_of(10),),
        "TG031",
        place=("release", "rollback_on", 5),
    ),
    Edge("METRIC_PERIOD", BASE, (*RULE, "period"), ("60s", "1m", "2m"), ("0s", "59s")),
    Edge("METRIC_PERIOD", BASE, (*RULE, "period"), ("120s",), ("61s", "90s", "119s"), "TG036"),
    Edge(
        "METRIC_PERIOD_MAX",
        BASE | {"release": BASE["release"] | {"wait_interval": "1h"}},
        (*RULE, "period"),
        ("1h",),
        ("3601s", "61m", "1d"),
    ),
    Edge("ALARM_WINDOW_MAX", BASE, (*RULE, "periods"), ("1 of 1", "10 of 1440"), ("1 of 1441", "0 of 1", "2 of 1")),
    Edge(
        "ALARM_WINDOW_MAX",
        BASE
        | {
            "release": BASE["release"]
            | {"rollback_on": [{"metric": "Invocation5XXErrors", "above": "1%", "period": "5m"}]}
        },
        (*RULE, "periods"),
        ("1 of 288",),
        ("1 of 289", "1 of 1440"),
        "TG037",
    ),
    Edge("METRIC_RETENTION", AB, ("test", "ab", "duration"), ("14d", "359h"), ("15d", "360h"), "TG048"),
    Edge("TEST_DURATION_MIN", AB, ("test", "ab", "duration"), ("5m",), ("299s", "4m")),
    Edge(
        "TEST_DURATION_MAX",
        SHADOW,
        ("test", "shadow", "duration"),
        ("2h",),
        ("31d", "721h"),
    ),
    Edge("TEST_SHARE_MIN_PERCENT", SHADOW, ("test", "shadow", "sampling"), ("1%", "100%"), ("0%",), "TG041"),
    Edge("TEST_SHARE_MIN_PERCENT", AB, ("test", "ab", "challenger_weight"), ("1%",), ("0%",), "TG042"),
    Edge("CHALLENGER_WEIGHT_MAX_PERCENT", AB, ("test", "ab", "challenger_weight"), ("99%",), ("100%",), "TG042"),
    Edge(
        "BURSTABLE_FAMILIES",
        SCALED,
        ("instances", "type"),
        ("ml.m5.large",),
        ("ml.t2.medium", "ml.t2.2xlarge"),
        "TG062",
    ),
    Edge(
        "INVOCATIONS_MAX", SCALED, ("autoscaling", "invocations_per_instance"), (1, 1_000_000), (0, 1_000_001, -1, 1.5)
    ),
    Edge("COOLDOWN_MAX", SCALED, ("autoscaling", "scale_in_cooldown"), ("0s", "1h"), ("3601s",)),
    Edge("COOLDOWN_MAX", SCALED, ("autoscaling", "scale_out_cooldown"), ("0s", "1h"), ("3601s",)),
    Edge("STARTUP_TIMEOUT_MIN", SIMPLE, ("timeouts", "model_download"), ("60s",), ("59s", "0s")),
    Edge("STARTUP_TIMEOUT_MAX", SIMPLE, ("timeouts", "container_startup"), ("1h",), ("3601s",)),
    Edge("VOLUME_SIZE_MAX", SIMPLE, ("instances", "volume_size"), (1, 512), (0, 513, "512")),
    Edge(
        "SUBNETS_MAX",
        NETWORK,
        ("network", "subnets"),
        (subnets(1), subnets(16)),
        (subnets(17),),
        "TG072",
        place=("network", "subnets", 16),
    ),
    Edge(
        "SECURITY_GROUPS_MAX",
        NETWORK,
        ("network", "security_groups"),
        ([f"sg-{n:08x}" for n in range(5)],),
        ([f"sg-{n:08x}" for n in range(6)],),
        "TG072",
        place=("network", "security_groups", 5),
    ),
    Edge("INSTANCES_MAX", BASE, ("instances", "count"), (2, 1000), (0, 1001, -1, 1.5, True, "4")),
    Edge("CAPTURE_SAMPLING_MAX", BASE, ("capture", "sampling"), ("0%", "100%"), ("101%", "1.5%", 50, "-1%")),
    Edge("ENVIRONMENT_MAX_ENTRIES", SIMPLE, ("environment",), (entries(100),), (entries(101),)),
    Edge("ENVIRONMENT_MAX_LENGTH", SIMPLE, ("environment", "N"), ("x" * 1024, ""), ("x" * 1025,)),
    Edge("ENVIRONMENT_MAX_LENGTH", SIMPLE, ("environment",), ({"N" * 1024: ""},), ()),
    Edge("ENVIRONMENT_MAX_TOTAL", SIMPLE, ("environment",), (_FULL,), (_OVERFULL,)),
    Edge("ENVIRONMENT_NAME", SIMPLE, ("environment",), ({"_a9": ""}, {"Z": ""}), ()),
    *(
        Edge("ENVIRONMENT_NAME", SIMPLE, ("environment",), (), ({name: ""},), place=("environment", name, KEY))
        for name in ("9A", "A-B", "A B", "Ä")
    ),
    *(
        Edge(
            "ENVIRONMENT_CREDENTIALS", SIMPLE, ("environment",), (), ({name: "x"},), "TG064", ("environment", name, KEY)
        )
        for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    ),
    Edge("ENVIRONMENT_CREDENTIALS", SIMPLE, ("environment",), ({"AWS_DEFAULT_REGION": "eu-west-1"},), ()),
    Edge(
        "ENVIRONMENT_RESERVED",
        SIMPLE,
        ("environment",),
        ({"SAGEMAKER_PROGRAM": "x.py"},),
        ({"SAGEMAKER_BIND_TO_PORT": "80"},),
        "TG064",
        ("environment", "SAGEMAKER_BIND_TO_PORT", KEY),
    ),
    Edge("TAGS_MAX", SIMPLE, ("tags",), (entries(40),), (entries(41),)),
    Edge("TAG_KEY_MAX", SIMPLE, ("tags",), ({"k" * 128: "v"},), ({"k" * 129: "v"},), place=("tags", "k" * 129, KEY)),
    Edge("TAG_VALUE_MAX", SIMPLE, ("tags", "team"), ("v" * 256, "v"), ("", "v" * 257, "{", "a\u200bb")),
    *(
        Edge("TAG_RESERVED", SIMPLE, ("tags",), ({"x" + key: "v"},), ({key: "v"},), place=("tags", key, KEY))
        for key in ("aws:team", "SageMaker:team", "tidegate:release")
    ),
    Edge("PROJECT_NAME_MAX", ENDPOINT, ("project", "name"), ("n", "n" * 32), ("n" * 33,), "TG006", shared=True),
    Edge(
        "PROJECT_NAME",
        ENDPOINT,
        ("project", "name"),
        ("A-b",),
        ("", "-a", "a-", "a b", "{{ 7*7 }}"),
        "TG006",
        shared=True,
    ),
    Edge("PROJECT_ID_MAX", ENDPOINT, ("project", "id"), ("i", "i" * 20), ("i" * 21,), "TG006", shared=True),
    Edge("PROJECT_ID", ENDPOINT, ("project", "id"), ("p-0",), ("P", "p_0", "p-", ""), "TG006", shared=True),
    Edge("NAME", ENDPOINT, ("variant",), _NAMES_WITHIN, _NAMES_BEYOND, shared=True),
    Edge("NAME", SHADOW, ("test", "shadow", "variant"), _NAMES_WITHIN, _NAMES_BEYOND),
    Edge(
        "MODEL_PACKAGE_GROUP",
        SIMPLE,
        ("model_package_group",),
        ("g", "g" * 63, arn("sagemaker", "model-package-group/g")),
        ("", "g" * 64, "a_b", arn("sagemaker", "model-package/g/1"), arn("sagemaker", "model-package-group/")),
    ),
    Edge("ACCOUNT", SIMPLE, ("account",), (ACCOUNT,), ("1" * 11, "1" * 13, 111122223333, "x" * 12)),
    Edge("REGION", SIMPLE, ("region",), (REGION,), ("eu-west", "Europe", "eu-west-1a", "")),
    Edge(
        "ROLE_ARN",
        SIMPLE,
        ("execution_role",),
        (f"arn:aws:iam::{ACCOUNT}:role/a/b",),
        (
            f"arn:aws:iam::{ACCOUNT}:user/a",
            f"arn:aws:iam::{ACCOUNT}:role/",
            "role/a",
            f"arn:aws:iam::{ACCOUNT}:role/a b",
        ),
    ),
    Edge(
        "KMS_KEY_ARN",
        SIMPLE,
        ("kms_key",),
        (arn("kms", "key/a"), arn("kms", "alias/a")),
        ("alias/a", arn("kms", "key/"), arn("kms", "a"), arn("kms", "key/" + "a" * 65)),
    ),
    Edge(
        "TOPIC_ARN",
        SIMPLE,
        ("notifications", "topic"),
        (arn("sns", "t"), arn("sns", "t" * 256)),
        (arn("sns", ""), arn("sqs", "t"), "t", arn("sns", "t" * 257)),
    ),
    Edge(
        "S3_URI",
        MONITORED,
        ("monitoring", "data_quality", "baseline"),
        ("s3://abc", "s3://abc/a/b.c", "s3://abc/" + "a" * 440),
        ("s3://", "s3://ab", "https://abc/a", "abc", "s3://abc/a b", "s3://abc/{a}", "s3://abc/" + "a" * 441),
    ),
    Edge(
        "SUBNET_ID",
        NETWORK,
        ("network", "subnets", 0),
        ("subnet-" + "a" * 8, "subnet-" + "a" * 17),
        ("subnet-" + "a" * 7, "subnet-" + "a" * 18, "sg-00000001", "subnet-0000000g"),
    ),
    Edge(
        "SECURITY_GROUP_ID",
        NETWORK,
        ("network", "security_groups", 0),
        ("sg-" + "a" * 8, "sg-" + "a" * 17),
        ("sg-" + "a" * 7, "sg-" + "a" * 18, "default"),
    ),
    Edge(
        "ATTRIBUTE_NAME",
        MONITORED,
        ("monitoring", "model_quality", "inference_attribute"),
        ("0", "a" * 64),
        (0, "a" * 65, "", "a b"),
    ),
    Edge("VERSION_MAX", SIMPLE, ("version",), ("approved", 1, 999_999_999), (0, 1_000_000_000, "7", "newest", True)),
    Edge(
        "BUCKET",
        SIMPLE,
        ("bucket",),
        ("abc", "a" * 63, "a.b-c"),
        ("ab", "a" * 64, "A" * 3, "a..b", "s3://abc", "xn--a"),
    ),
    Edge(
        "INSTANCE_TYPE",
        SIMPLE,
        ("instances", "type"),
        ("ml.m5.large", "ml.g5.48xlarge"),
        ("m5.large", "ml.m5", "ml.m5.Large", "ml.m5.lagre"),
        "TG063",
    ),
    *(
        Edge(
            "SCHEDULE",
            MONITORED,
            ("monitoring", kind, "schedule"),
            ("hourly", "daily", "cron(0 * ? * * *)", "cron(0 23 ? * * *)", "cron(0 0/24 ? * * *)"),
            (
                "weekly",
                "rate(1 hour)",
                "cron(30 * ? * * *)",
                "cron(0 24 ? * * *)",
                "cron(0 0/25 ? * * *)",
                "cron(0 * ? * MON *)",
                "cron(0 * * * ? *)",
                "NOW",
            ),
            "TG052",
        )
        for kind in ("data_quality", "model_quality")
    ),
    Edge(
        "CURRENCIES", SIMPLE, ("instances", "price_per_hour"), ("0.134 USD", "1 EUR"), ("0.134 UDS", "1 XXX"), "TG065"
    ),
)
