"""The endpoint's dashboard: the steps of a release in words, and charts of what its alarms and its fleets do.

Source of every property: the CloudWatch user guide, "Dashboard body structure and syntax".
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from tidegate.alarms import NAMESPACE, AlarmSpec
from tidegate.guardrails import Guardrails, Shift, shifts
from tidegate.render.partitions import partition_of
from tidegate.stage import ABTest, Autoscaling, Shadow, Stage, format_duration

_HOST_NAMESPACE: Final = "/aws/sagemaker/Endpoints"
_FROM_ZERO: Final = {"yAxis": {"left": {"min": 0}}}

_Json = dict[str, Any]


def release_text(title: str, version: str, guardrails: Guardrails, instance_count: int) -> str:
    """Return the steps of a release as Markdown, a row a step, with how long each bakes under the alarms."""
    rows = [_row(number, shift) for number, shift in enumerate(shifts(guardrails, instance_count), start=1)]
    watch = "one of its alarms fires" if guardrails.alarms else "its new instances do not start: no alarm watches it"
    return "\n".join(
        [
            f"# {title}",
            f"A release of {version} takes these steps, and goes back when {watch}.",
            "",
            "step | new fleet's share of the requests | then bakes for",
            "---|---|---",
            *rows,
        ]
    )


def _row(number: int, shift: Shift) -> str:
    least, most = shift.green_share_bounds
    share = f"{least:.0%}" if least == most else f"{least:.0%} to {most:.0%}"
    return f"{number} | {share} | {format_duration(timedelta(seconds=shift.bake))}"


def trial_text(title: str, champion: str, challenger: str, trial: Shadow | ABTest) -> str:
    """Return in Markdown what a test compares, and that a person ends it."""
    does = (
        f"gets a copy of {trial.sampling}% of the requests, and its answers go to nobody"
        if isinstance(trial, Shadow)
        else f"answers {trial.challenger_weight}% of the requests"
    )
    return "\n".join(
        [
            f"# {title}",
            f"A test: {challenger}, the variant `{trial.variant}`, {does}, beside {champion}, which serves.",
            "",
            f"It is meant to last {format_duration(trial.duration)}, and ends when a person decides. No alarm ends it.",
        ]
    )


def live_text(title: str, champion: str) -> str:
    """Return in Markdown that one version serves alone."""
    return f"# {title}\n{champion} serves alone: a test was taken away."


def widgets(
    stage: Stage, endpoint_name: str, variants: Sequence[str], alarms: Sequence[AlarmSpec], text: str
) -> list[_Json]:
    """Return the dashboard's widgets from top to bottom: the text, the alarms' states, a chart a rule, the variants.

    When a release bakes is not known before it starts, so nothing can mark it in advance. A bake shows as the stretch
    in which the endpoint configs' requests stand still.
    """
    height = max(3, min(12, 2 + text.count("\n")))
    charts = [
        *_rules(endpoint_name, alarms),
        _by_fleet(endpoint_name, "Invocations", "Sum", 60)
        | {"title": "Requests a minute, by endpoint config: flat is a bake", "stacked": True},
        *_of_variants(endpoint_name, variants, stage.autoscaling),
    ]
    found = [
        {"type": "text", "width": 24, "height": height, "properties": {"markdown": text}},
        *(
            {
                "type": "metric",
                "width": 12,
                "height": 6,
                "properties": {"view": "timeSeries", "region": stage.region, **chart},
            }
            for chart in charts
        ),
    ]
    if alarms:
        arn = f"arn:{partition_of(stage.region).name}:cloudwatch:{stage.region}:{stage.account}:alarm:"
        states = {"title": "Rollback alarms", "alarms": [f"{arn}{alarm.name}" for alarm in alarms]}
        found.insert(1, {"type": "alarm", "width": 24, "height": 3, "properties": states})
    return found


def _rules(endpoint_name: str, alarms: Sequence[AlarmSpec]) -> Iterator[_Json]:
    """Make a chart a rule: the metric of the variant and of each fleet of its own, and the line that rolls back."""
    for alarm in alarms:
        if not alarm.new_fleet_only:
            whole: list[Any] = [
                *_metric(endpoint_name, alarm.variant, alarm.metric),
                {"label": "the variant as a whole"},
            ]
            chart = _by_fleet(endpoint_name, alarm.metric, alarm.statistic, alarm.period)
            chart["metrics"].insert(0, whole)
            yield chart | {
                "title": f"{alarm.statistic} of {alarm.metric}, against its rule",
                "annotations": {"horizontal": [{"label": "rolls back", "value": alarm.threshold, "fill": "above"}]},
                **_FROM_ZERO,
            }


def _of_variants(endpoint_name: str, variants: Sequence[str], scaling: Autoscaling | None) -> Iterator[_Json]:
    def chart(title: str, statistic: str, *metrics: str, namespace: str = NAMESPACE) -> _Json:
        return {
            "title": title,
            "stat": statistic,
            "period": 60,
            "metrics": [
                _metric(endpoint_name, variant, metric, namespace=namespace)
                for variant in variants
                for metric in metrics
            ],
            **_FROM_ZERO,
        }

    yield chart("Requests a minute", "Sum", "Invocations")
    errors = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
    yield chart("Share of requests that failed", "Average", *errors)
    yield chart("Latency in microseconds, p99", "p99", "ModelLatency", "OverheadLatency")
    instances = chart("Requests a minute and instance", "Sum", "InvocationsPerInstance")
    if scaling:
        aim = {"label": "what autoscaling aims at", "value": scaling.invocations_per_instance}
        instances["annotations"] = {"horizontal": [aim]}
    yield instances
    use = ("CPUUtilization", "MemoryUtilization", "DiskUtilization")
    yield chart("Instances in percent; CPU adds up over cores", "Average", *use, namespace=_HOST_NAMESPACE)


def _metric(endpoint_name: str, variant: str, metric: str, *, namespace: str = NAMESPACE) -> list[str]:
    return [namespace, metric, "EndpointName", endpoint_name, "VariantName", variant]


def _by_fleet(endpoint_name: str, metric: str, statistic: str, period: int) -> _Json:
    """Search for a metric of every endpoint config: what they will be called no template knows."""
    search = (
        f"SEARCH('{{{NAMESPACE},EndpointConfigName,EndpointName,VariantName}} "
        f'MetricName="{metric}" EndpointName="{endpoint_name}"\', \'{statistic}\', {period})'
    )
    fleets = [{"id": "fleets", "expression": search, "label": "${PROP('Dim.EndpointConfigName')}"}]
    return {"stat": statistic, "period": period, "metrics": [fleets]}
