"""Ways to break the rules on strategies, time and rollback."""

from typing import Any

from tests.tidegate.stage.breakages.breakage import File, breaks
from tests.tidegate.stage.valid_stages import RANGES, SIZE_KEYS
from tests.tidegate.stage.written import KEY, Path

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
