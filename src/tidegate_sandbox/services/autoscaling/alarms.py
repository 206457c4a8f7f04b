"""The two CloudWatch alarms of a target tracking policy, and the metric that they watch.

The alarms' names, actions and descriptions are as public accounts show them. Application Auto Scaling acts on them with
its service-linked role, whose policy AWS writes; here it acts with the account's own authority.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context, credentials
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.autoscaling.records import Policy, variant_of
from tidegate_sandbox.services.autoscaling.tracking import HIGH_PERIODS, LOW_PERIODS, LOW_THRESHOLD, Reading

INVOCATIONS = "SageMakerVariantInvocationsPerInstance"

_MINUTE = 60


def own(service: str) -> Any:
    """Return a client of `service` with which Application Auto Scaling sees to its own business."""
    with credentials.acting_with(None):
        return context.scope().client(service)


def metric(policy: Policy) -> dict[str, Any]:
    """Return the metric that a policy tracks, as PutMetricAlarm takes it."""
    customised: Mapping[str, Any] | None = policy.configuration.get("CustomizedMetricSpecification")
    if customised is None:
        endpoint, variant = variant_of(policy.resource_id)
        dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
        named = {"Namespace": "AWS/SageMaker", "MetricName": "InvocationsPerInstance", "Dimensions": dimensions}
        return {**named, "Statistic": "Sum", "Period": _MINUTE}
    if queries := customised.get("Metrics"):
        return {"Metrics": [_each_minute(query) for query in queries]}
    return {**customised, "Period": _MINUTE}


def _each_minute(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's query as CloudWatch takes it: there it has a period."""
    if "MetricStat" not in query:
        return dict(query)
    return {**query, "MetricStat": {**query["MetricStat"], "Period": _MINUTE}}


def put(policy: Policy) -> None:
    """Make the alarms of a policy, with names of their own; AwsError where CloudWatch refuses."""
    target, action = float(policy.configuration["TargetValue"]), f"{policy.arn}:createdBy/{policy.created_by}"
    wanted = {"AlarmHigh": (HIGH_PERIODS, target, "GreaterThanThreshold")}
    if not policy.configuration.get("DisableScaleIn"):
        wanted["AlarmLow"] = (LOW_PERIODS, target * LOW_THRESHOLD, "LessThanThreshold")
    for kind, (periods, threshold, comparison) in wanted.items():
        name = f"TargetTracking-{policy.resource_id}-{kind}-{uuid.uuid4()}"
        try:
            own("cloudwatch").put_metric_alarm(
                AlarmName=name,
                AlarmDescription=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}.",
                AlarmActions=[action],
                EvaluationPeriods=periods,
                Threshold=threshold,
                ComparisonOperator=comparison,
                **metric(policy),
            )
        except ClientError as error:
            raise AwsError("ValidationException", error.response["Error"]["Message"]) from error
        policy.alarms[kind] = name


def drop(policy: Policy) -> None:
    """Delete the alarms of a policy."""
    names, policy.alarms = list(policy.alarms.values()), {}
    if names:
        own("cloudwatch").delete_alarms(AlarmNames=names)


def described(policy: Policy) -> list[dict[str, str]]:
    """Return the alarms of a policy as answers tell them."""
    cloudwatch = context.scope()
    return [
        {"AlarmName": name, "AlarmARN": cloudwatch.arn("cloudwatch", f"alarm:{name}")}
        for name in policy.alarms.values()
    ]


def read(policy: Policy, now: datetime) -> Reading:
    """Return what the alarms of a policy say at `now`, and the minutes that have ended."""
    cloudwatch = own("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNames=list(policy.alarms.values()))["MetricAlarms"]
    firing = {alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"}
    high, low = (policy.alarms.get(kind) in firing for kind in ("AlarmHigh", "AlarmLow"))
    return Reading(policy, high, low, _values(cloudwatch, policy, now) if high or low else ())


def _values(cloudwatch: Any, policy: Policy, now: datetime) -> list[float | None]:
    ended = now.replace(second=0, microsecond=0)
    found = cloudwatch.get_metric_data(
        MetricDataQueries=_queries(metric(policy)),
        StartTime=ended - timedelta(seconds=LOW_PERIODS * _MINUTE),
        EndTime=ended,
    )["MetricDataResults"]
    (series,) = found
    by_minute = dict(zip(series["Timestamps"], series["Values"], strict=True))
    return [by_minute.get(ended - timedelta(seconds=age * _MINUTE)) for age in range(1, LOW_PERIODS + 1)]


def _queries(watched: Mapping[str, Any]) -> list[dict[str, Any]]:
    if queries := watched.get("Metrics"):
        return list(queries)
    named = {name: watched[name] for name in ("Namespace", "MetricName", "Dimensions") if name in watched}
    statistic = {"Metric": named, "Period": watched["Period"], "Stat": watched["Statistic"]}
    if unit := watched.get("Unit"):
        statistic["Unit"] = unit
    return [{"Id": "tracked", "MetricStat": statistic}]
