"""Application Auto Scaling: everything is checked on the scalable target; what only describes takes no restriction."""

from collections.abc import Iterable, Mapping

from tidegate_sandbox.authorisation.table import ANY, Table

_TARGET, _TAGGED = ("scalable-target/{ResourceId}",), ("{ResourceARN}",)


def _target(resource: str) -> str:
    """Return the target that a resource id names, by the id that its ARN has; any, where it is not registered yet."""
    from tidegate_sandbox.services.autoscaling.records import inventory

    target = inventory.here().targets.get(resource.removeprefix("scalable-target/"))
    return target.arn.rpartition(":")[2] if target else "scalable-target/*"


def _tags_of(arn: str) -> Iterable[Mapping[str, str]]:
    from tidegate_sandbox.services.autoscaling import operations  # whose service asks for this table

    return operations.tags_of(arn)


TABLE = Table(
    namespace="application-autoscaling",
    passed_to="sagemaker.application-autoscaling.amazonaws.com",
    resources={
        "DeleteScalingPolicy": _TARGET,
        "DeregisterScalableTarget": _TARGET,
        "DescribeScalableTargets": ANY,
        "DescribeScalingActivities": ANY,
        "DescribeScalingPolicies": ANY,
        "DescribeScheduledActions": ANY,
        "ListTagsForResource": _TAGGED,
        "PutScalingPolicy": _TARGET,
        "RegisterScalableTarget": _TARGET,
        "TagResource": _TAGGED,
        "UntagResource": _TAGGED,
    },
    tagging=("application-autoscaling:TagResource", None),
    tags_of=_tags_of,
    named=_target,
    keys={
        "application-autoscaling:service-namespace": ("ServiceNamespace",),
        "application-autoscaling:scalable-dimension": ("ScalableDimension",),
    },
)
