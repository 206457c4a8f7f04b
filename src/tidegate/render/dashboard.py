"""What the endpoint's dashboard says: the steps of a release in words, and where its metrics are found."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tidegate.alarms import AlarmSpec
from tidegate.guardrails import Guardrails, Shift, shifts
from tidegate.render.partitions import partition_of
from tidegate.stage import ABTest, Shadow, Stage, format_duration


def release_text(title: str, version: str, guardrails: Guardrails, instance_count: int) -> str:
    """Return the steps of a release as Markdown, a row a step, with how long each bakes under the alarms."""
    rows = [_row(number, shift) for number, shift in enumerate(shifts(guardrails, instance_count), start=1)]
    watch = "its alarms fire" if guardrails.alarms else "SageMaker finds it unhealthy: no alarm watches it"
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
    bounds = sorted({f"{share:.0%}" for share in shift.green_share_bounds}, key=lambda share: int(share[:-1]))
    return f"{number} | {' to '.join(bounds)} | {format_duration(timedelta(seconds=shift.bake))}"


def trial_text(title: str, champion: str, challenger: str, trial: Shadow | ABTest) -> str:
    """Return in Markdown what a test compares, and that no alarm ends it."""
    takes = (
        f"gets a copy of {trial.sampling}% of the requests, and its answers go to nobody"
        if isinstance(trial, Shadow)
        else f"answers {trial.challenger_weight}% of the requests"
    )
    return "\n".join(
        [
            f"# {title}",
            f"A test: {champion} serves as `champion`; {challenger}, the variant `{trial.variant}`, {takes}.",
            "",
            f"It is meant to last {format_duration(trial.duration)}, and ends when a person decides.",
        ]
    )


def live_text(title: str, champion: str) -> str:
    """Return in Markdown that one version serves alone."""
    return f"# {title}\n{champion} serves alone: a test was taken away."


def dashboard_values(
    stage: Stage, endpoint_name: str, variants: Sequence[str], alarms: Sequence[AlarmSpec], text: str
) -> Mapping[str, Any]:
    """Return what `dashboard.json.j2` shows beside the values that every template has."""
    partition = partition_of(stage.region).name
    arn = f"arn:{partition}:cloudwatch:{stage.region}:{stage.account}:alarm:"
    return {
        "text": text,
        "height": max(3, min(12, 2 + text.count("\n"))),
        "variants": variants,
        "alarm_arns": [f"{arn}{alarm.name}" for alarm in alarms],
        "requests_by_fleet": _by_fleet(endpoint_name, "Invocations", "Sum", 60),
        "rules": list(_rules(endpoint_name, alarms)),
    }


def _rules(endpoint_name: str, alarms: Sequence[AlarmSpec]) -> Iterator[Mapping[str, Any]]:
    for alarm in alarms:
        if not alarm.new_fleet_only:
            yield {
                "title": f"{alarm.statistic} of {alarm.metric}, against its rule",
                "metric": alarm.metric,
                "statistic": alarm.statistic,
                "period": alarm.period,
                "threshold": alarm.threshold,
                "by_fleet": _by_fleet(endpoint_name, alarm.metric, alarm.statistic, alarm.period),
            }


def _by_fleet(endpoint_name: str, metric: str, statistic: str, period: int) -> str:
    """Search for a metric of every endpoint config, whose names no template knows before they are made."""
    return (
        "SEARCH('{AWS/SageMaker,EndpointConfigName,EndpointName,VariantName} "
        f'MetricName="{metric}" EndpointName="{endpoint_name}"\', \'{statistic}\', {period})'
    )
