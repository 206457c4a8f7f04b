"""Rules on how traffic moves: what each strategy needs, and how large its parts may be."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tidegate.stage import limits
from tidegate.stage.fleet import Autoscaling, Instances
from tidegate.stage.quantities import CapacityType, Size
from tidegate.stage.release import Release, Strategy
from tidegate.stage.rules.rule import KEY, Finding, rule
from tidegate.stage.steps import PERCENTAGES, allowed_instances, instance_bounds


class Part(NamedTuple):
    """The part of a fleet that a strategy moves at once."""

    key: str
    noun: str
    least_percent: int
    most_percent: int


PARTS: Final = {
    Strategy.CANARY: Part("canary_size", "a canary", *PERCENTAGES[Strategy.CANARY]),
    Strategy.LINEAR: Part("linear_step_size", "a step", *PERCENTAGES[Strategy.LINEAR]),
    Strategy.ROLLING: Part("maximum_batch_size", "a batch", *PERCENTAGES[Strategy.ROLLING]),
}

_EXAMPLES: Final = {
    "canary_size": "25%",
    "linear_step_size": "25%",
    "maximum_batch_size": "25%",
    "wait_interval": "10m",
}
_OF_STRATEGIES: Final = {
    "canary_size": frozenset({Strategy.CANARY}),
    "linear_step_size": frozenset({Strategy.LINEAR}),
    "maximum_batch_size": frozenset({Strategy.ROLLING}),
    "rollback_maximum_batch_size": frozenset({Strategy.ROLLING}),
    "wait_interval": frozenset({Strategy.CANARY, Strategy.LINEAR, Strategy.ROLLING}),
    "termination_wait": frozenset({Strategy.ALL_AT_ONCE, Strategy.CANARY, Strategy.LINEAR}),
}


def part_size(release: Release) -> Size | None:
    """Return the size of the part that the strategy moves at once, None where it has none or it is missing."""
    part = PARTS.get(release.strategy)
    size: Size | None = getattr(release, part.key) if part else None
    return size


def fleet_bounds(instances: Instances, autoscaling: Autoscaling | None) -> tuple[int, int]:
    """Return the smallest and the largest fleet that a release can meet.

    Scaling goes on between releases, and an update keeps the count that it finds.
    """
    if autoscaling is None:
        return instances.count, instances.count
    return min(autoscaling.min, instances.count), max(autoscaling.max, instances.count)


@rule(
    "TG010",
    "A strategy has the keys that it needs",
    why="SageMaker asks for the size of a canary, a step or a batch and for the wait after it, and has no default "
    "for either. A wait of 0s is allowed, and has to be written, since nothing is watched then.",
    source="botocore: TrafficRoutingConfig and RollingUpdatePolicy",
    right="Give canary a `canary_size`, linear a `linear_step_size`, rolling a `maximum_batch_size`, and each of "
    "them a `wait_interval`.",
)
def needed_keys(release: Release) -> Iterator[Finding]:
    """Find what the strategy needs and the release does not say."""
    part = PARTS.get(release.strategy)
    if part is None:
        return
    for key in (part.key, "wait_interval"):
        if key not in release.model_fields_set or getattr(release, key) is None:
            yield Finding(("release", KEY), f"`{key}` is missing", f"add it, such as `{key}: {_EXAMPLES[key]}`")


@rule(
    "TG011",
    "Every key means something to the strategy",
    why="A key that SageMaker would ignore reads as if it did something. With all_at_once nothing waits between "
    "steps; with rolling no old fleet is left to wait for in the end; the sizes belong to one strategy each.",
    source="botocore: TrafficRoutingConfig, BlueGreenUpdatePolicy and RollingUpdatePolicy",
    right="Take the key out, or use the strategy that it belongs to.",
)
def meaningless_keys(release: Release) -> Iterator[Finding]:
    """Find keys that belong to other strategies."""
    for key in sorted(release.model_fields_set & _OF_STRATEGIES.keys()):
        if release.strategy not in _OF_STRATEGIES[key]:
            match key, release.strategy:
                case "wait_interval", _:
                    right = "take it out, since what bakes here is termination_wait"
                case "termination_wait", _:
                    right = "take it out, since each batch bakes for wait_interval and takes its old instances away"
                case _:
                    (other,) = _OF_STRATEGIES[key]
                    right = f"take it out, or use the strategy {other}"
            yield Finding(("release", key, KEY), f"`{key}` means nothing to the strategy {release.strategy}", right)


@rule(
    "TG012",
    "Inf1 instances have no guardrails",
    why="On endpoints with Inf1 instances SageMaker falls back to all traffic at once, with no bake and no word "
    "about it. A canary would be a full release, and alarms would watch nothing.",
    source="SageMaker developer guide, deployment guardrails, Exclusions",
    right="Use another instance type (Inf2 has guardrails), or all_at_once without `termination_wait` and "
    "`rollback_on`, which is what SageMaker does.",
)
def silent_fallback(instances: Instances, release: Release) -> Iterator[Finding]:
    """Find guardrails that SageMaker would leave out without saying so."""
    if not instances.type.startswith(limits.INF1_FAMILY):
        return
    if release.strategy is not Strategy.ALL_AT_ONCE:
        asked, path = f"the strategy {release.strategy}", ("release", "strategy")
    elif release.termination_wait:
        asked, path = "`termination_wait`", ("release", "termination_wait")
    elif release.rollback_on:
        asked, path = "`rollback_on`", ("release", "rollback_on")
    else:
        return
    yield Finding(
        path,
        f"SageMaker ignores {asked} on {instances.type}, and releases all at once without a bake",
        "use another instance type, or all_at_once without termination_wait and rollback_on",
    )


@rule(
    "TG013",
    "A canary is at most half of the fleet",
    why="A canary is the part that may be bad. SageMaker refuses one of more than half of the fleet.",
    source="botocore, in the text of TrafficRoutingConfig.CanarySize: at most 50% of the variant's instances",
    right="Write at most 50%, or a number of instances.",
)
def canary_too_large(release: Release) -> Iterator[Finding]:
    """Find a canary of more than half of the fleet, as it is written."""
    if release.strategy is Strategy.CANARY:
        yield from _percent_out_of_range(release)


@rule(
    "TG014",
    "A canary, a step or a batch needs a fleet of at least 2 instances",
    why="Traffic moves by whole instances, and at most half of them at once. Half of one instance is none, so a "
    "fleet of one can only be released all at once. With autoscaling the fleet may be at `min` when a release "
    "comes.",
    source="botocore, in the texts of CanarySize, LinearStepSize and MaximumBatchSize: at most 50% of the instances",
    right="Keep at least 2 instances, also as `autoscaling.min`, or use all_at_once with a `termination_wait`.",
)
def fleet_of_one(release: Release, instances: Instances, autoscaling: Autoscaling | None) -> Iterator[Finding]:
    """Find a strategy that moves a part of a fleet which has no parts."""
    part = PARTS.get(release.strategy)
    if part is None:
        return
    needs = f"{part.noun} needs at least {limits.CANARY_MIN_INSTANCES} instances, of which it takes at most half"
    if instances.count < limits.CANARY_MIN_INSTANCES:
        yield Finding(("instances", "count"), needs, "write 2 or more, or use the strategy all_at_once")
    elif autoscaling and autoscaling.min < limits.CANARY_MIN_INSTANCES:
        yield Finding(
            ("autoscaling", "min"),
            f"{needs}, and autoscaling may leave {autoscaling.min}",
            "write 2 or more, or use the strategy all_at_once",
        )


@rule(
    "TG015",
    "What a percentage rounds to is at most half of the fleet, whichever way it is rounded",
    why="SageMaker sizes by whole instances, and how it rounds a percentage is not documented: 40% of 3 instances "
    "is 1 or 2 of them, and 2 would be two thirds of the traffic. So the larger one has to be at most half. "
    "Rounding down harms nothing: it is at least one instance, and makes more steps, which TG020 reckons "
    "with. With autoscaling every fleet from `min` to `max` is looked at.",
    source="botocore, in the texts of CanarySize, LinearStepSize and MaximumBatchSize: at most 50% of the instances; "
    "how a percentage is rounded is not verified",
    right="Write a percentage that gives at most half when rounded up (33% for 3 instances), or a number of instances.",
)
def rounded_up_too_large(release: Release, instances: Instances, autoscaling: Autoscaling | None) -> Iterator[Finding]:
    """Find a percentage whose larger rounding is more than half of a fleet."""
    part, size = PARTS.get(release.strategy), part_size(release)
    if part is None or size is None or size.kind is CapacityType.INSTANCE_COUNT or size.value > part.most_percent:
        return
    least, most = fleet_bounds(instances, autoscaling)
    least = max(least, limits.CANARY_MIN_INSTANCES)
    # From 100 instances on, only a half of an odd fleet is rounded up to more than half.
    for count in range(least, min(most, least + 100) + 1):
        fewest, largest = instance_bounds(size, count)
        if largest * 100 > count * part.most_percent:
            half = count * part.most_percent // 100
            scaled = "" if count == instances.count else ", which autoscaling may leave,"
            yield Finding(
                ("release", part.key),
                f"{part.noun} of {size} of {count} instances{scaled} is {fewest} or {largest} of them, as SageMaker "
                f"rounds, and {largest} is more than half",
                f"write at most {half * 100 // count}%, or a number of instances such as {half}",
            )
            return


@rule(
    "TG016",
    "A linear step is 10% to 50% of the fleet",
    why="SageMaker refuses smaller and larger steps: a release in more than ten steps is none, and nor is one in "
    "a single step.",
    source="botocore, in the text of TrafficRoutingConfig.LinearStepSize: 10-50% of the variant's instances",
    right="Write 10% to 50%, or a number of instances.",
)
def step_out_of_range(release: Release) -> Iterator[Finding]:
    """Find a step that is too small or too large, as it is written."""
    if release.strategy is Strategy.LINEAR:
        yield from _percent_out_of_range(release)


@rule(
    "TG017",
    "A rolling batch is 5% to 50% of the fleet",
    why="SageMaker refuses smaller and larger batches: while one is replaced, the rest of the fleet serves.",
    source="botocore, in the text of RollingUpdatePolicy.MaximumBatchSize: 5% to 50% of the variant's instances",
    right="Write 5% to 50%, or a number of instances.",
)
def batch_out_of_range(release: Release) -> Iterator[Finding]:
    """Find a batch that is too small or too large, as it is written."""
    if release.strategy is Strategy.ROLLING:
        yield from _percent_out_of_range(release)


@rule(
    "TG018",
    "A rollback's batch is at most the whole fleet",
    why="A rolling update is rolled back in batches of `rollback_maximum_batch_size`, by default the whole old "
    "fleet at once. There are no more instances to bring back than the fleet has.",
    source="botocore, in the texts of RollingUpdatePolicy.RollbackMaximumBatchSize and CapacitySize",
    right="Write at most 100%, or a number of instances up to the smallest fleet, or leave it out.",
)
def rollback_batch_too_large(
    release: Release, instances: Instances, autoscaling: Autoscaling | None
) -> Iterator[Finding]:
    """Find a rollback in batches of more than there is."""
    size = release.rollback_maximum_batch_size
    if release.strategy is not Strategy.ROLLING or size is None:
        return
    least, _ = fleet_bounds(instances, autoscaling)
    most = limits.ROLLING_ROLLBACK_MAX_PERCENT if size.kind is CapacityType.CAPACITY_PERCENT else least
    if size.value > most:
        of = "the fleet" if size.kind is CapacityType.CAPACITY_PERCENT else f"{least} instances"
        yield Finding(
            ("release", "rollback_maximum_batch_size"),
            f"a batch of {size} is more than {of}",
            "leave it out, which brings the whole old fleet back at once, or write less",
        )


def _percent_out_of_range(release: Release) -> Iterator[Finding]:
    part, size = PARTS[release.strategy], part_size(release)
    if size is None or size.kind is CapacityType.INSTANCE_COUNT:
        return
    path = ("release", part.key)
    if size.value > part.most_percent:
        right = f"SageMaker allows at most {part.most_percent}% of the instances"
        yield Finding(path, f"{part.noun} of {size} is too large", right)
    elif size.value < part.least_percent:
        right = f"SageMaker allows at least {part.least_percent}% of the instances"
        yield Finding(path, f"{part.noun} of {size} is too small", right)


@rule(
    "TG019",
    "A number of instances is within the same range for every fleet",
    why="SageMaker holds a number of instances against the fleet as a percentage: 1 of 12 instances is a step of "
    "8%, and 2 of 3 a canary of 67%. A release meets the fleet as autoscaling has left it, so a number has to "
    "be small enough for the smallest fleet and large enough for the largest.",
    source="botocore, in the texts of CanarySize, LinearStepSize and MaximumBatchSize",
    right="Write a number that is within the range from `autoscaling.min` to `autoscaling.max`, or a percentage.",
)
def number_out_of_range(release: Release, instances: Instances, autoscaling: Autoscaling | None) -> Iterator[Finding]:
    """Find a number of instances that is too small or too large a part of a fleet."""
    part, size = PARTS.get(release.strategy), part_size(release)
    if part is None or size is None or size.kind is CapacityType.CAPACITY_PERCENT:
        return
    smallest, largest = fleet_bounds(instances, autoscaling)
    if smallest < limits.CANARY_MIN_INSTANCES:
        return
    _, most = allowed_instances(part.least_percent, part.most_percent, smallest)
    least, _ = allowed_instances(part.least_percent, part.most_percent, largest)
    path = ("release", part.key)
    if size.value > most:
        yield Finding(
            path,
            f"{part.noun} of {size} of {smallest} instances is too large",
            f"SageMaker allows at most {part.most_percent}%, which is {most}",
        )
    elif size.value < least:
        yield Finding(
            path,
            f"{part.noun} of {size} of {largest} instances is too small",
            f"SageMaker allows at least {part.least_percent}%, which is {least}",
        )


RULES = (
    needed_keys,
    meaningless_keys,
    silent_fallback,
    canary_too_large,
    fleet_of_one,
    rounded_up_too_large,
    step_out_of_range,
    batch_out_of_range,
    rollback_batch_too_large,
    number_out_of_range,
)
