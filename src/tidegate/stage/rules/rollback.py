"""Rules on what rolls a release back: that something does, and that its alarms can fire in time."""

from collections.abc import Iterator
from datetime import timedelta

from tidegate.stage import limits
from tidegate.stage.partial import is_whole
from tidegate.stage.quantities import Latency, format_duration
from tidegate.stage.release import Release, RollbackRule, Strategy
from tidegate.stage.rules.rule import KEY, Finding, Path, Rule, rule


def bake(release: Release) -> tuple[str, timedelta]:
    """Return which wait of the strategy its alarms have to fire in, and how long it is."""
    if release.strategy is Strategy.ALL_AT_ONCE:
        return "termination_wait", release.termination_wait
    return "wait_interval", release.wait_interval


def _each(release: Release) -> Iterator[tuple[Path, RollbackRule]]:
    for index, each in enumerate(release.rollback_on):
        if is_whole(each):
            yield ("release", "rollback_on", index), each


@rule(
    "TG030",
    "A release in parts has something that ends it",
    why="SageMaker rolls back when one of the alarms of the update fires, and for nothing else. Without an alarm "
    "a canary only waits, and then all traffic moves, whatever the new version answers.",
    source="SageMaker developer guide, Auto-Rollback Configuration and Monitoring: alarms are a prerequisite for "
    "baking periods",
    right="Add 1 to 5 rules to `rollback_on`, or use all_at_once if nothing shall be watched.",
)
def nothing_rolls_back(release: Release) -> Iterator[Finding]:
    """Find a release that bakes under no alarm."""
    if not release.rollback_on and release.strategy is not Strategy.ALL_AT_ONCE:
        what = {Strategy.CANARY: "canary", Strategy.LINEAR: "step", Strategy.ROLLING: "batch"}[release.strategy]
        yield Finding(
            ("release", KEY),
            f"`rollback_on` is missing, so nothing would end a bad {what}",
            "add 1 to 5 rules, such as `- {metric: Invocation5XXErrors, above: 1%}`",
        )


@rule(
    "TG031",
    "At most 5 rules, which are 10 alarms",
    why="Each rule of `rollback_on` becomes two alarms: one on the new fleet's own metric, in which a small "
    "canary is not drowned, and one on the variant as a whole, in case the first is not published. SageMaker "
    "takes 10.",
    source="botocore: AutoRollbackConfig.Alarms, 1 to 10",
    right="Keep the rules that say most; errors of both kinds and one latency are three.",
)
def too_many_rules(release: Release) -> Iterator[Finding]:
    """Find more rules than there may be alarms for."""
    if len(release.rollback_on) > limits.ROLLBACK_RULES_MAX:
        yield Finding(
            ("release", "rollback_on", limits.ROLLBACK_RULES_MAX),
            f"there are {len(release.rollback_on)} rules",
            f"keep {limits.ROLLBACK_RULES_MAX}: each becomes {limits.ALARMS_PER_RULE} alarms, "
            f"and SageMaker allows {limits.ROLLBACK_ALARMS_MAX}",
        )


@rule(
    "TG032",
    "A threshold is of the metric's kind",
    why="Errors are counted as a share of requests and latencies in microseconds. A share has no meaning for a "
    "latency, nor a time for errors.",
    source="SageMaker developer guide, Metrics for monitoring SageMaker AI with CloudWatch",
    right="Write a share such as 1% for errors, a time such as 250ms for latencies.",
)
def threshold_of_another_kind(release: Release) -> Iterator[Finding]:
    """Find shares for latencies and times for errors."""
    for path, each in _each(release):
        if each.metric.is_latency != isinstance(each.above, Latency):
            kind, example = ("a latency", "250ms") if each.metric.is_latency else ("a share of requests", "1%")
            yield Finding(
                (*path, "above"), f"{each.metric} is {kind}, and {each.above} is not", f"write one such as {example}"
            )


@rule(
    "TG033",
    "The statistic of errors is their Average",
    why="An error metric is 0 or 1 for each request, so its Average is the share of requests that failed. Its "
    "Maximum is 1 as soon as one fails, and a percentile of it is 0 or 1: neither can be held against a "
    "share.",
    source="SageMaker developer guide, Metrics for monitoring SageMaker AI with CloudWatch: Units None, 0 or 1 a "
    "request",
    right="Use Average, or leave `statistic` out.",
)
def statistic_of_errors(release: Release) -> Iterator[Finding]:
    """Find statistics that make no share of requests."""
    for path, each in _each(release):
        if not each.metric.is_latency and each.statistic != "Average":
            yield Finding(
                (*path, "statistic"),
                f"{each.statistic} of {each.metric}, which is 0 or 1 a request, is no share of requests",
                "use Average, or leave `statistic` out",
            )


@rule(
    "TG034",
    "A share of errors can be above its threshold",
    why="No more than all requests can fail, and an alarm fires above its threshold, not at it: above 100% it "
    "never does. An alarm that cannot fire reads as protection and is none.",
    source="CloudWatch: the comparison is GreaterThanThreshold; SageMaker developer guide: error metrics are 0 or 1 "
    "a request",
    right="Write less than 100%, such as 1%.",
)
def never_above(release: Release) -> Iterator[Finding]:
    """Find thresholds that nothing is above."""
    for path, each in _each(release):
        if not each.metric.is_latency and not isinstance(each.above, Latency) and each.threshold >= 1:
            yield Finding((*path, "above"), f"{each.metric} is never above 100%", "write less, such as 1%")


@rule(
    "TG035",
    "An alarm can fire while its part bakes",
    why="An alarm needs as many periods above its threshold as its rule says. Where they take longer than the "
    "canary, the step or the batch bakes, the alarm comes when the next part has moved, or when all has. All "
    "at once, what bakes is `termination_wait`.",
    source="SageMaker developer guide, Auto-Rollback Configuration and Monitoring; two periods of 600 s do not fit "
    "in a 600 s bake",
    right="Lengthen the wait, or ask for fewer or shorter periods.",
)
def longer_than_the_bake(release: Release) -> Iterator[Finding]:
    """Find alarms that come too late."""
    wait, length = bake(release)
    for path, each in _each(release):
        needed = each.periods.datapoints_to_alarm * each.period
        if needed > length:
            key = "periods" if "periods" in each.model_fields_set or "period" not in each.model_fields_set else "period"
            yield Finding(
                (*path, key),
                f"{format_duration(needed)} above the threshold does not fit in the {format_duration(length)} of "
                f"{wait}, so the alarm would come too late",
                f"lengthen {wait}, or ask for fewer periods",
            )


@rule(
    "TG036",
    "A period is whole minutes",
    why="Endpoints publish their metrics each minute, and CloudWatch takes periods of a minute or multiples of it.",
    source="botocore, in the text of PutMetricAlarm.Period: 10, 20, 30 or any multiple of 60",
    right="Write `1m`, `5m` or another whole number of minutes.",
)
def broken_minutes(release: Release) -> Iterator[Finding]:
    """Find periods that CloudWatch does not take."""
    for path, each in _each(release):
        if each.period % limits.METRIC_PERIOD:
            yield Finding(
                (*path, "period"),
                f"a period of {format_duration(each.period)} is no multiple of {format_duration(limits.METRIC_PERIOD)}",
                "write whole minutes, such as 1m or 5m",
            )


@rule(
    "TG037",
    "All periods of an alarm are within one day",
    why="CloudWatch refuses an alarm that looks back further.",
    source="botocore, in the text of PutMetricAlarm.EvaluationPeriods: EvaluationPeriods times Period",
    right="Look at fewer or shorter periods.",
)
def window_too_long(release: Release) -> Iterator[Finding]:
    """Find alarms that would look back further than a day."""
    for path, each in _each(release):
        window = each.periods.evaluation_periods * each.period
        if window > limits.ALARM_WINDOW_MAX:
            yield Finding(
                (*path, "periods"),
                f"{each.periods.evaluation_periods} periods of {format_duration(each.period)} are "
                f"{format_duration(window)}",
                f"CloudWatch looks back {format_duration(limits.ALARM_WINDOW_MAX)} at most: write fewer or shorter",
            )


@rule(
    "TG038",
    "No rule stands twice",
    why="A second rule that says the same takes two of the ten alarms and catches nothing more.",
    source="this project: an alarm each for nothing",
    right="Take one of them out, or watch something else with it.",
)
def twice(release: Release) -> Iterator[Finding]:
    """Find rules that say what an earlier one says."""
    seen: list[RollbackRule] = []
    for path, each in _each(release):
        if each in seen:
            yield Finding(
                path,
                f"this rule says the same as the one in place {seen.index(each) + 1}",
                "take it out, or watch something else with it",
            )
        seen.append(each)


metric = Rule(
    "TG039",
    "An alarm watches a metric that the endpoint publishes",
    why="An alarm on a metric that nobody publishes has no data and never fires. Of what SageMaker publishes for "
    "a variant these get worse by growing: Invocation4XXErrors, Invocation5XXErrors, InvocationModelErrors, "
    "ModelLatency and OverheadLatency. Host metrics such as CPUUtilization say nothing about answers.",
    source="SageMaker developer guide, Metrics for monitoring SageMaker AI with CloudWatch, namespace AWS/SageMaker",
    right="Use one of the five.",
    keys=("release.rollback_on.metric",),
)

RULES = (
    nothing_rolls_back,
    too_many_rules,
    threshold_of_another_kind,
    statistic_of_errors,
    never_above,
    longer_than_the_bake,
    broken_minutes,
    window_too_long,
    twice,
    metric,
)
