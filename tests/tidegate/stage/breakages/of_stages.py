"""Ways to break the rules on tests, monitoring, the fleet, places, and what is released."""

from typing import Any

from tests.tidegate.stage.breakages.breakage import File, breaks
from tests.tidegate.stage.written import KEY, Path


def tested(stage: File, kind: str, **changes: Any) -> Path:
    """Make this the stage's test."""
    given = {"shadow": {"sampling": "50%"}, "ab": {"challenger_weight": "10%"}}[kind]
    stage["test"] = {kind: {**given, "duration": "2h", **changes}}
    stage["capture"] = {"sampling": "100%"}
    if kind == "ab":
        stage.pop("monitoring", None)
    return ("test", kind)


def monitored_in(region: str, stage: File, endpoint: File) -> Path:
    """Have the project of a monitored stage in this region."""
    endpoint["project"]["region"] = region
    return ("monitoring", next(iter(stage["monitoring"])), KEY)


@breaks("TG040", test=True)
def both_tests(stage: File, _: File) -> Path:
    stage["test"] = {
        "ab": {"challenger_weight": "10%", "duration": "1h"},
        "shadow": {"sampling": "10%", "duration": "1h"},
    }
    return ("test", "ab", KEY)


@breaks("TG040", test=True)
def a_test_of_nothing(stage: File, _: File) -> Path:
    stage["test"] = {"champion": "live"}
    return ("test", KEY)


@breaks("TG041")
def shadow_of_nothing(stage: File, _: File) -> Path:
    return (*tested(stage, "shadow", sampling="0%"), "sampling")


@breaks("TG042")
def challenger_of_nothing(stage: File, _: File) -> Path:
    return (*tested(stage, "ab", challenger_weight="0%"), "challenger_weight")


@breaks("TG042")
def champion_of_nothing(stage: File, _: File) -> Path:
    return (*tested(stage, "ab", challenger_weight="100%"), "challenger_weight")


@breaks("TG043", test=True)
def champion_that_is_to_come(stage: File, _: File) -> Path:
    stage["test"]["champion"] = "approved"
    return ("test", "champion")


@breaks("TG044", test=True)
def challenger_that_is_there(stage: File, _: File) -> Path:
    stage["test"]["challenger"] = "live"
    return ("test", "challenger")


@breaks("TG045", test=True)
def one_version_twice(stage: File, _: File) -> Path:
    stage["version"] = stage["test"]["challenger"] = stage["test"]["champion"] = 7
    return ("test", "champion")


@breaks("TG046", test=True)
def another_is_released(stage: File, _: File) -> Path:
    stage["version"], stage["test"]["challenger"] = 7, 8
    return ("test", "challenger")


@breaks("TG047")
def shadow_of_the_same_name(stage: File, endpoint: File) -> Path:
    return (*tested(stage, "shadow", variant=endpoint["variant"].swapcase()), "variant")


@breaks("TG047")
def default_name_of_the_challenger(stage: File, endpoint: File) -> Path:
    endpoint["variant"] = "Challenger"
    return (*tested(stage, "ab"), KEY)


@breaks("TG048", test=True)
def longer_than_anybody_waits(stage: File, _: File) -> Path:
    (kind,) = {"shadow", "ab"} & stage["test"].keys()
    stage["test"][kind]["duration"] = "15d"
    return ("test", kind, "duration")


@breaks("TG049")
def shadow_of_inf1(stage: File, _: File) -> Path:
    stage["instances"]["type"] = "ml.inf1.xlarge"
    return (*tested(stage, "shadow"), KEY)


@breaks("TG050")
def answers_that_are_lost(stage: File, _: File) -> Path:
    path = tested(stage, "shadow")
    del stage["capture"]
    return (*path, KEY)


@breaks("TG050")
def nothing_of_the_answers(stage: File, _: File) -> Path:
    tested(stage, "shadow")
    stage["capture"]["sampling"] = "0%"
    return ("capture", "sampling")


@breaks("TG051", test=False, monitoring=True)
def monitor_of_nothing(stage: File, _: File) -> Path:
    stage["capture"] = {"sampling": "0%"}
    return ("monitoring", next(iter(stage["monitoring"])), KEY)


@breaks("TG053", test=False, monitoring=True)
def monitor_of_two_models(stage: File, _: File) -> Path:
    monitoring = stage["monitoring"]
    tested(stage, "ab")
    stage["monitoring"] = monitoring
    return ("monitoring", next(iter(monitoring)), KEY)


@breaks("TG054", test=False)
def prediction_that_nobody_finds(stage: File, _: File) -> Path:
    quality = {"schedule": "daily", "ground_truth": "s3://bucket/truth", "problem_type": "BinaryClassification"}
    stage |= {"monitoring": {"model_quality": quality}, "capture": {"sampling": "1%"}}
    return ("monitoring", "model_quality", KEY)


@breaks("TG054", test=False)
def probability_of_a_number(stage: File, _: File) -> Path:
    quality = {"schedule": "daily", "ground_truth": "s3://bucket/truth", "problem_type": "Regression"}
    quality |= {"inference_attribute": "0", "probability_attribute": "1"}
    stage |= {"monitoring": {"model_quality": quality}, "capture": {"sampling": "1%"}}
    return ("monitoring", "model_quality", "probability_attribute", KEY)


@breaks("TG055", test=False, monitoring=True)
def monitor_without_an_image(stage: File, endpoint: File) -> Path:
    return monitored_in("us-gov-west-1", stage, endpoint)


@breaks("TG055", test=False, monitoring=True)
def monitor_without_job_definitions(stage: File, endpoint: File) -> Path:
    return monitored_in("eu-south-1", stage, endpoint)


@breaks("TG060")
def range_upside_down(stage: File, _: File) -> Path:
    stage["autoscaling"] = {"min": 9, "max": 8, "invocations_per_instance": 1}
    return ("autoscaling", "max")


@breaks("TG061")
def more_than_autoscaling_keeps(stage: File, _: File) -> Path:
    stage["instances"]["count"] = 9
    stage["autoscaling"] = {"min": 2, "max": 8, "invocations_per_instance": 1}
    return ("instances", "count")


@breaks("TG061")
def challenger_larger_than_production(stage: File, _: File) -> Path:
    stage["instances"]["count"] = 4
    stage["autoscaling"] = {"min": 2, "max": 8, "invocations_per_instance": 1}
    return (*tested(stage, "ab", instance_count=9), "instance_count")


@breaks("TG062")
def scaled_burstable_instances(stage: File, _: File) -> Path:
    stage["instances"]["type"] = "ml.t2.medium"
    stage["autoscaling"] = {"min": 2, "max": 30, "invocations_per_instance": 1}
    return ("instances", "type")


@breaks("TG064")
def credentials(stage: File, _: File) -> Path:
    stage["environment"] = {"AWS_SESSION_TOKEN": "x"}
    return ("environment", "AWS_SESSION_TOKEN", KEY)


@breaks("TG065")
def for_nothing(stage: File, _: File) -> Path:
    stage["instances"]["price_per_hour"] = "0.000 USD"
    return ("instances", "price_per_hour")


def _place(account: str) -> File:
    roles = {f"{purpose}_role": f"arn:aws:iam::{account}:role/{purpose}" for purpose in ("execution", "look")}
    return {"stage": "prod", "account": account, "region": "eu-west-1", **roles}


@breaks("TG070")
def another_account(stage: File, _: File) -> Path:
    stage["account"] = "999999999999"
    return ("account",)


@breaks("TG070")
def another_region(stage: File, _: File) -> Path:
    stage["region"] = "us-east-1"
    return ("region",)


@breaks("TG070")
def the_projects_account_instead_of_its_place(stage: File, endpoint: File) -> Path:
    endpoint["project"]["places"] = [_place("999999999999")]
    stage["account"] = endpoint["project"]["account"]
    return ("account",)


@breaks("TG071")
def subnets_alone(stage: File, _: File) -> Path:
    stage["network"] = {"subnets": ["subnet-00000001"]}
    return ("network", "subnets", KEY)


@breaks("TG071")
def security_groups_alone(stage: File, _: File) -> Path:
    stage["network"] = {"security_groups": ["sg-00000001"]}
    return ("network", "security_groups", KEY)


@breaks("TG072")
def too_many_subnets(stage: File, _: File) -> Path:
    stage["network"] = {
        "subnets": [f"subnet-{index:08x}" for index in range(17)],
        "security_groups": ["sg-00000001"],
    }
    return ("network", "subnets", 16)


@breaks("TG073")
def role_of_another_account(stage: File, _: File) -> Path:
    stage["execution_role"] = "arn:aws:iam::999999999999:role/endpoint"
    return ("execution_role",)


@breaks("TG073")
def role_of_the_projects_account(stage: File, endpoint: File) -> Path:
    endpoint["project"]["places"] = [_place("999999999999")]
    stage["execution_role"] = endpoint["execution_role"]
    return ("execution_role",)


@breaks("TG074")
def key_of_another_region(stage: File, endpoint: File) -> Path:
    stage["kms_key"] = endpoint["kms_key"].replace("eu-west-1", "us-east-1")
    return ("kms_key",)


@breaks("TG074")
def key_of_another_account(stage: File, endpoint: File) -> Path:
    stage["kms_key"] = endpoint["kms_key"].replace("111122223333", "999999999999")
    return ("kms_key",)


@breaks("TG075")
def topic_of_another_region(stage: File, _: File) -> Path:
    stage["notifications"] = {"topic": "arn:aws:sns:us-east-1:111122223333:releases"}
    return ("notifications", "topic")


@breaks("TG075")
def topic_in_order(stage: File, _: File) -> Path:
    stage["notifications"] = {"topic": "arn:aws:sns:eu-west-1:111122223333:releases.fifo"}
    return ("notifications", "topic")


@breaks("TG076")
def registry_of_another_region(stage: File, _: File) -> Path:
    stage["model_package_group"] = "arn:aws:sagemaker:us-east-1:111122223333:model-package-group/bikeshare"
    return ("model_package_group",)


@breaks("TG080")
def no_regression(stage: File, _: File) -> Path:
    stage["expect"] = {"requests_per_minute": 600, "error_rate": "1%", "notice": "1%"}
    return ("expect", "notice")


@breaks("TG081")
def what_serves_already(stage: File, _: File) -> Path:
    stage["version"] = "live"
    return ("version",)
