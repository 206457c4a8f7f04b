"""The rollback alarms of a stage: two for each rule of `rollback_on`.

SageMaker publishes an endpoint's metrics with the dimensions EndpointName and VariantName, blended over both fleets,
and again with EndpointConfigName added, for one fleet alone (developer guide, "Auto-rollback configuration and
monitoring"). The isolated metric sees a small canary that fails, which the blended one waters down. It is documented to
be published once the new fleet takes traffic, but this is not verified: so each rule watches both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tidegate.alarms.evaluation import Missing, Rule
from tidegate.stage import RollbackRule, format_duration, limits

NAMESPACE: Final = "AWS/SageMaker"
_NEW_FLEET: Final = "-new-fleet"
_VARIANT: Final = "-variant"


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One CloudWatch alarm on a production variant.

    `threshold` is in the metric's own unit: 0 to 1 for errors, whose Average is the share of requests that failed, and
    microseconds for latencies. With `new_fleet_only` it watches the endpoint config that is being released, whose name
    only the deployment knows; else the variant as a whole. `period` is in seconds.

    The last fields are what the alarms of others have otherwise. Between the last request and the next there is nothing
    to complain about, so missing data does not breach.
    """

    name: str
    logical_id: str
    description: str
    endpoint_name: str
    variant: str
    new_fleet_only: bool
    metric: str
    statistic: str
    threshold: float
    datapoints_to_alarm: int
    evaluation_periods: int
    period: int
    comparison: str = "GreaterThanThreshold"
    missing: Missing = Missing.NOT_BREACHING
    namespace: str = NAMESPACE

    @property
    def rule(self) -> Rule:
        """The part that judges data points."""
        return Rule(
            comparison=self.comparison,
            threshold=self.threshold,
            period=self.period,
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            missing=self.missing,
        )

    @property
    def properties(self) -> dict[str, str | int | float]:
        """What PutMetricAlarm and `AWS::CloudWatch::Alarm` are given beside the dimensions."""
        percentile = self.statistic.startswith("p")
        return {
            "AlarmName": self.name,
            "AlarmDescription": self.description,
            "Namespace": self.namespace,
            "MetricName": self.metric,
            "ExtendedStatistic" if percentile else "Statistic": self.statistic,
            "Period": self.period,
            "EvaluationPeriods": self.evaluation_periods,
            "DatapointsToAlarm": self.datapoints_to_alarm,
            "Threshold": self.threshold,
            "ComparisonOperator": self.comparison,
            "TreatMissingData": self.missing.value,
        }


def rollback_alarms(rules: Iterable[RollbackRule], *, endpoint_name: str, variant: str) -> tuple[AlarmSpec, ...]:
    """Return the alarms of the rules, in their order, the one on the new fleet before the one on the variant.

    Names stay the same from release to release, so that what subscribes to an alarm keeps its subscription. The longest
    has 118 of the 255 characters that CloudWatch takes.
    """
    return tuple(
        AlarmSpec(
            name=f"{alarm_prefix(endpoint_name)}{number}-{rule.metric}{suffix}",
            logical_id=f"RollbackAlarm{number}{scope}",
            description=(
                f"Rolls a release back: {rule.statistic} of {rule.metric} above {rule.above} in "
                f"{rule.periods} {_periods_of(rule)}, {watched}"
            ),
            endpoint_name=endpoint_name,
            variant=variant,
            new_fleet_only=new_fleet_only,
            metric=rule.metric.value,
            statistic=rule.statistic,
            threshold=rule.threshold,
            datapoints_to_alarm=rule.periods.datapoints_to_alarm,
            evaluation_periods=rule.periods.evaluation_periods,
            period=int(rule.period.total_seconds()),
        )
        for number, rule in enumerate(rules, start=1)
        for new_fleet_only, scope, suffix, watched in (
            (True, "NewFleet", _NEW_FLEET, "on the new fleet alone"),
            (False, "Variant", _VARIANT, "on the variant as a whole"),
        )
    )


def alarm_prefix(endpoint_name: str) -> str:
    """Return what the names of an endpoint's rollback alarms begin with, and those of no other endpoint."""
    return f"{endpoint_name}-rollback-"


def rule_in(alarm_name: str, endpoint_name: str) -> str:
    """Return what the name of a rollback alarm tells of its rule, the same for both alarms: `1-Invocation5XXErrors`."""
    return alarm_name.removeprefix(alarm_prefix(endpoint_name)).removesuffix(_NEW_FLEET).removesuffix(_VARIANT)


def _periods_of(rule: RollbackRule) -> str:
    if rule.period == limits.METRIC_PERIOD:
        return "minutes"
    return f"periods of {format_duration(rule.period)}"
