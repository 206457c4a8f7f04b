"""Rules on the fleet: scaling, instance types, prices, what its containers are told."""

from collections.abc import Iterator, Mapping

from tidegate.stage import limits
from tidegate.stage.fleet import Autoscaling, Instances
from tidegate.stage.rules.rule import KEY, Finding, Rule, rule
from tidegate.stage.trial import Trial


@rule(
    "TG060",
    "Autoscaling has a range",
    why="Application Auto Scaling refuses a smallest fleet that is larger than the largest.",
    source="Application Auto Scaling API reference, RegisterScalableTarget: MinCapacity and MaxCapacity",
    right="Write a `max` that is at least `min`.",
)
def upside_down(autoscaling: Autoscaling | None) -> Iterator[Finding]:
    """Find a smallest fleet above the largest."""
    if autoscaling and autoscaling.min > autoscaling.max:
        yield Finding(
            ("autoscaling", "max"),
            f"the largest fleet, {autoscaling.max}, is smaller than the smallest, {autoscaling.min}",
            f"write {autoscaling.min} or more",
        )


@rule(
    "TG061",
    "The fleet starts within the range of its autoscaling",
    why="Autoscaling takes a fleet that is outside its range into it at once, while it is still being released. "
    "And a challenger is no larger than production can become.",
    source="Application Auto Scaling API reference, RegisterScalableTarget: capacity is brought into the range",
    right="Write an `instances.count` from `autoscaling.min` to `autoscaling.max`.",
)
def outside_of_range(autoscaling: Autoscaling | None, instances: Instances, test: Trial | None) -> Iterator[Finding]:
    """Find fleets that autoscaling would change at once."""
    if autoscaling is None or autoscaling.min > autoscaling.max:
        return
    span = f"{autoscaling.min} to {autoscaling.max}"
    if not autoscaling.min <= instances.count <= autoscaling.max:
        yield Finding(
            ("instances", "count"),
            f"{instances.count} instances are outside of what autoscaling keeps, {span}",
            f"write {span}, or change autoscaling",
        )
    for key in ("shadow", "ab"):
        kind = getattr(test, key, None)
        if kind and kind.instance_count and kind.instance_count > autoscaling.max:
            yield Finding(
                ("test", key, "instance_count"),
                f"{kind.instance_count} instances are more than production can have, {autoscaling.max}",
                f"write at most {autoscaling.max}, or leave it out",
            )


@rule(
    "TG062",
    "Burstable instances do not scale",
    why="SageMaker does not scale burstable instances such as ml.t2 automatically. And how fast they answer "
    "depends on credits that they have saved, so a canary on them says little, too.",
    source="aws-cdk, aws-sagemaker: InstanceProductionVariant refuses autoscaling of burstable instance types",
    right="Use another instance type, such as ml.m5.large, or take `autoscaling` out.",
)
def burstable(autoscaling: Autoscaling | None, instances: Instances) -> Iterator[Finding]:
    """Find instances that cannot be scaled."""
    if autoscaling and instances.type.startswith(limits.BURSTABLE_FAMILIES):
        yield Finding(
            ("instances", "type"),
            f"{instances.type} is burstable, and SageMaker does not scale such instances",
            "use another type, such as ml.m5.large, or take autoscaling out",
        )


instance_type = Rule(
    "TG063",
    "An instance type is one that SageMaker has",
    why="A type that does not exist is refused only when the endpoint is updated, long after the push. Types of "
    "EC2 carry ml. in front here, and not every type of EC2 is one of SageMaker.",
    source="botocore: ProductionVariantInstanceType and ProcessingInstanceType",
    right="Write one such as ml.m5.large.",
    keys=(
        "instances.type",
        "monitoring.data_quality.instance_type",
        "monitoring.model_quality.instance_type",
    ),
)


@rule(
    "TG064",
    "Environment variables are the model's own",
    why="SageMaker sets some variables itself, and the credentials of the execution role come by others: a "
    "container that is told otherwise does not start, or works with the wrong permissions. Secrets do not "
    "belong into a file, nor into the environment, which everybody who may describe the model can read.",
    source="botocore, in the text of ContainerDefinition.Environment: no sensitive data; SageMaker developer guide, "
    "Deploy models with an inference pipeline: SAGEMAKER_BIND_TO_PORT; AWS SDKs and Tools reference guide: "
    "credentials",
    right="Take the variable out; give permissions to the execution role, and let the model's code read secrets.",
)
def reserved_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Find variables that are not for people to set."""
    for name in environment:
        if name in limits.ENVIRONMENT_CREDENTIALS:
            yield Finding(
                ("environment", name, KEY),
                f"`{name}` would take the place of the execution role's credentials",
                "take it out, and give permissions to the role",
            )
        elif name in limits.ENVIRONMENT_RESERVED:
            yield Finding(("environment", name, KEY), f"`{name}` is set by SageMaker itself", "take it out")


@rule(
    "TG065",
    "A price is money",
    why="`plan` multiplies it with instance-hours and prints the result. A price of nothing, or in a currency "
    "that does not exist, would be an invented one.",
    source="ISO 4217: the codes of currencies",
    right="Write what an hour costs, such as `0.134 USD`, or leave it out: then `plan` asks the Pricing API.",
)
def no_money(instances: Instances) -> Iterator[Finding]:
    """Find prices that buy nothing."""
    price = instances.price_per_hour
    if price is None:
        return
    if not price.amount:
        yield Finding(
            ("instances", "price_per_hour"),
            "an instance that costs nothing is none",
            "write what an hour costs, or leave it out",
        )
    elif price.currency not in limits.CURRENCIES:
        yield Finding(
            ("instances", "price_per_hour"),
            f"`{price.currency}` is not a currency",
            "write its three letters, such as 0.134 USD",
        )


RULES = (upside_down, outside_of_range, burstable, instance_type, reserved_variables, no_money)
