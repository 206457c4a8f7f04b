"""One way or more to break each rule that spans several fields, on any valid stage that it means something to.

A breakage changes what a valid stage holds and returns the path that is named for it, which ends with KEY where the key
is meant.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.tidegate.stage.valid_stages import RANGES, SIZE_KEYS
from tests.tidegate.stage.written import KEY, Path

File = dict[str, Any]


class Breakage(NamedTuple):
    """A rule, which stages it can be broken on (as `stage_files` takes it), and how."""

    rule: str
    on: dict[str, Any]
    change: Callable[[File, File], Path]


BREAKAGES: list[Breakage] = []


def breaks(rule: str, *strategies: str, **on: Any) -> Callable[[Callable[[File, File], Path]], Callable[..., Path]]:
    """Note how a rule is broken, on stages of these strategies or of any."""

    def note(change: Callable[[File, File], Path]) -> Callable[[File, File], Path]:
        for strategy in strategies or (None,):
            BREAKAGES.append(Breakage(rule, on | ({"strategy": strategy} if strategy else {}), change))
        return change

    return note


IN_PARTS = ("canary", "linear", "rolling")


def fixed(stage: File, count: int) -> File:
    """Keep the fleet at so many instances."""
    stage.pop("autoscaling", None)
    stage["instances"]["count"] = count
    return stage["release"]


def size_key(release: File) -> str:
    """The key of the part that the strategy moves at once."""
    return SIZE_KEYS[release["strategy"]]


def watch(stage: File, **rule: Any) -> Path:
    """Make this the only rule of the rollback."""
    stage["release"]["rollback_on"] = [{"metric": "Invocation5XXErrors", "above": "1%", **rule}]
    return ("release", "rollback_on", 0)


def tested(stage: File, kind: str, **changes: Any) -> Path:
    """Make this the stage's test."""
    given = {"shadow": {"sampling": "50%"}, "ab": {"challenger_weight": "10%"}}[kind]
    stage["test"] = {kind: {**given, "duration": "2h", **changes}}
    stage["capture"] = {"sampling": "100%"}
    if kind == "ab":
        stage.pop("monitoring", None)
    return ("test", kind)


@breaks("TG010", *IN_PARTS)
def no_size(stage: File, _: File) -> Path:
    del stage["release"][size_key(stage["release"])]
    return ("release", KEY)


@breaks("TG010", *IN_PARTS)
def no_wait(stage: File, _: File) -> Path:
    del stage["release"]["wait_interval"]
    return ("release", KEY)


@breaks("TG011", "all_at_once", "linear", "rolling")
def size_of_a_canary(stage: File, _: File) -> Path:
    stage["release"]["canary_size"] = "25%"
    return ("release", "canary_size", KEY)


@breaks("TG011", "all_at_once", "canary", "rolling")
def size_of_a_step(stage: File, _: File) -> Path:
    stage["release"]["linear_step_size"] = "25%"
    return ("release", "linear_step_size", KEY)


@breaks("TG011", "all_at_once", "canary", "linear")
def size_of_a_batch(stage: File, _: File) -> Path:
    stage["release"]["maximum_batch_size"] = "25%"
    return ("release", "maximum_batch_size", KEY)


@breaks("TG011", "all_at_once", "canary", "linear")
def batch_of_a_rollback(stage: File, _: File) -> Path:
    stage["release"]["rollback_maximum_batch_size"] = "25%"
    return ("release", "rollback_maximum_batch_size", KEY)


@breaks("TG011", "all_at_once")
def wait_between_no_steps(stage: File, _: File) -> Path:
    stage["release"]["wait_interval"] = "1m"
    return ("release", "wait_interval", KEY)


@breaks("TG011", "rolling")
def wait_for_no_old_fleet(stage: File, _: File) -> Path:
    stage["release"]["termination_wait"] = "0s"
    return ("release", "termination_wait", KEY)


@breaks("TG012", *IN_PARTS)
def inf1(stage: File, _: File) -> Path:
    stage["instances"]["type"] = "ml.inf1.xlarge"
    return ("release", "strategy")


@breaks("TG012", "all_at_once")
def inf1_that_bakes(stage: File, _: File) -> Path:
    stage["instances"]["type"] = "ml.inf1.xlarge"
    stage["release"]["termination_wait"] = "5m"
    return ("release", "termination_wait")


@breaks("TG013", "canary")
@breaks("TG016", "linear")
@breaks("TG017", "rolling")
def more_than_half(stage: File, _: File) -> Path:
    key = size_key(stage["release"])
    stage["release"][key] = f"{RANGES[stage['release']['strategy']][1] + 1}%"
    return ("release", key)


@breaks("TG016", "linear")
@breaks("TG017", "rolling")
def less_than_the_least(stage: File, _: File) -> Path:
    key = size_key(stage["release"])
    stage["release"][key] = f"{RANGES[stage['release']['strategy']][0] - 1}%"
    return ("release", key)


@breaks("TG014", *IN_PARTS)
def one_instance(stage: File, _: File) -> Path:
    fixed(stage, 1)
    return ("instances", "count")


@breaks("TG014", *IN_PARTS)
def scaled_to_one_instance(stage: File, _: File) -> Path:
    stage["instances"]["type"] = "ml.m5.large"
    stage["autoscaling"] = {"min": 1, "max": stage["instances"]["count"], "invocations_per_instance": 1}
    return ("autoscaling", "min")


@breaks("TG015", *IN_PARTS)
def rounded_up(stage: File, _: File) -> Path:
    release = fixed(stage, 3)
    release[size_key(release)] = "34%"
    return ("release", size_key(release))


@breaks("TG018", "rolling")
def rollback_of_more_than_there_is(stage: File, _: File) -> Path:
    fixed(stage, 4)["rollback_maximum_batch_size"] = 5
    return ("release", "rollback_maximum_batch_size")


@breaks("TG019", *IN_PARTS)
def number_of_more_than_half(stage: File, _: File) -> Path:
    release = fixed(stage, 5)
    release[size_key(release)] = 3
    return ("release", size_key(release))


@breaks("TG019", "linear", "rolling")
def number_of_too_few(stage: File, _: File) -> Path:
    release = fixed(stage, 60)
    release[size_key(release)] = 1
    return ("release", size_key(release))


@breaks("TG020", *IN_PARTS)
def as_long_as_its_waits(stage: File, _: File) -> Path:
    release = fixed(stage, 2)
    steps = 1 if release["strategy"] == "canary" else 2
    release |= {size_key(release): 1, "wait_interval": "1h", "maximum_execution_timeout": f"{steps}h"}
    release.pop("termination_wait", None)
    return ("release", "maximum_execution_timeout")


@breaks("TG020", "all_at_once")
def as_long_as_its_bake(stage: File, _: File) -> Path:
    stage["release"] |= {"termination_wait": "20m", "maximum_execution_timeout": "1200s"}
    return ("release", "maximum_execution_timeout")


@breaks("TG030", *IN_PARTS)
def nothing_to_roll_back_on(stage: File, _: File) -> Path:
    del stage["release"]["rollback_on"]
    return ("release", KEY)


@breaks("TG031")
def six_rules(stage: File, _: File) -> Path:
    watch(stage)
    stage["release"]["rollback_on"] = [{"metric": "ModelLatency", "above": f"{each}ms"} for each in range(1, 7)]
    return ("release", "rollback_on", 5)


@breaks("TG032")
def latency_in_percent(stage: File, _: File) -> Path:
    return (*watch(stage, metric="ModelLatency"), "above")


@breaks("TG032")
def errors_in_milliseconds(stage: File, _: File) -> Path:
    return (*watch(stage, above="250ms"), "above")


@breaks("TG033")
def percentile_of_errors(stage: File, _: File) -> Path:
    return (*watch(stage, statistic="p99"), "statistic")


@breaks("TG034")
def above_everything(stage: File, _: File) -> Path:
    return (*watch(stage, above="100%"), "above")


@breaks("TG035")
def longer_than_any_bake(stage: File, _: File) -> Path:
    return (*watch(stage, periods="61 of 61"), "periods")


@breaks("TG035")
def period_longer_than_the_bake(stage: File, _: File) -> Path:
    key = "termination_wait" if stage["release"]["strategy"] == "all_at_once" else "wait_interval"
    stage["release"][key] = "119s"
    return (*watch(stage, period="2m"), "period")


@breaks("TG036")
def a_minute_and_a_half(stage: File, _: File) -> Path:
    return (*watch(stage, period="90s"), "period")


@breaks("TG037")
def more_than_a_day(stage: File, _: File) -> Path:
    return (*watch(stage, period="2m", periods="1 of 721"), "periods")


@breaks("TG038")
def the_same_again(stage: File, _: File) -> Path:
    watch(stage)
    stage["release"]["rollback_on"] *= 2
    return ("release", "rollback_on", 1)


@breaks("TG039")
def metric_of_a_host(stage: File, _: File) -> Path:
    return (*watch(stage, metric="CPUUtilization"), "metric")


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


@breaks("TG070")
def another_account(stage: File, _: File) -> Path:
    stage["account"] = "999999999999"
    return ("account",)


@breaks("TG070")
def another_region(stage: File, endpoint: File) -> Path:
    endpoint["project"]["places"] = [{"account": "999999999999", "region": "us-east-1"}]
    stage["region"] = "us-east-1"
    return ("region",)


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
    endpoint["project"]["places"] = [{"account": "999999999999", "region": "eu-west-1"}]
    stage["account"] = "999999999999"
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
