"""What a release changes against what is live, setting by setting, in the words of the stage file.

Both sides are read into the same mapping from a setting's path to its text. Settings that a stage file leaves to
SageMaker (`volume_size`, `timeouts`) are compared only where the file gives them: SageMaker fills in its own defaults,
and a difference from those is none that the release makes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tidegate.alarms import AlarmSpec
from tidegate.guardrails import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Rolling,
    from_deployment_config,
)
from tidegate.registry import Live, LiveVariant
from tidegate.stage import Latency, Metric, Stage, format_duration

_HIDDEN: Final = "a value that no stage file gave"
_LATENCIES: Final = {metric.value for metric in Metric if metric.is_latency}

Settings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that is not what it was; `before` and `after` are None where it is not there."""

    setting: str
    before: str | None
    after: str | None


def compare(before: Settings, after: Settings, *, only_given: Iterable[str] = ()) -> tuple[Change, ...]:
    """Return the settings that differ, those of `after` first and in its order.

    Those named in `only_given` count only where `after` has them.
    """
    only = set(only_given)
    names = [*after, *(name for name in before if name not in after and name not in only)]
    found = (Change(name, before.get(name), after.get(name)) for name in names)
    return tuple(change for change in found if change.before != change.after)


LEFT_TO_SAGEMAKER: Final = ("instances.volume_size", "timeouts.model_download", "timeouts.container_startup")


def asked_settings(stage: Stage, guardrails: Guardrails, alarms: Iterable[AlarmSpec], variant: str) -> dict[str, str]:
    """Return what a stage file asks for."""
    instances, timeouts, network = stage.instances, stage.timeouts, stage.network
    settings = {"variant": variant, "instances.type": instances.type, "instances.count": str(instances.count)}
    if instances.volume_size is not None:
        settings["instances.volume_size"] = str(instances.volume_size)
    if timeouts.model_download is not None:
        settings["timeouts.model_download"] = format_duration(timeouts.model_download)
    if timeouts.container_startup is not None:
        settings["timeouts.container_startup"] = format_duration(timeouts.container_startup)
    if stage.capture is not None:
        settings["capture.sampling"] = f"{stage.capture.sampling}%"
    settings |= {f"environment.{name}": value for name, value in sorted(stage.environment.items())}
    settings |= _network(network.subnets, network.security_groups, network.isolation)
    settings |= {"execution_role": stage.execution_role, "kms_key": stage.kms_key}
    settings |= guardrail_settings(guardrails)
    return settings | {f"alarm {alarm.name}": _alarm_of_spec(alarm) for alarm in alarms}


def live_settings(
    live: Live,
    production: LiveVariant,
    config: Mapping[str, Any],
    model: Mapping[str, Any],
    alarms: Iterable[Mapping[str, Any]],
) -> dict[str, str]:
    """Return what is live, from what DescribeEndpointConfig, DescribeModel and DescribeAlarms return.

    Environment variables of a config that no release made may hold what nobody meant to show, so their values are
    left out.
    """
    variant: Mapping[str, Any] = next(
        (each for each in config.get("ProductionVariants") or [] if each.get("VariantName") == production.name), {}
    )
    settings = {
        "variant": production.name,
        "instances.type": production.instance_type,
        "instances.count": str(production.instance_count),
    }
    if "VolumeSizeInGB" in variant:
        settings["instances.volume_size"] = str(variant["VolumeSizeInGB"])
    for name, key in (
        ("timeouts.model_download", "ModelDataDownloadTimeoutInSeconds"),
        ("timeouts.container_startup", "ContainerStartupHealthCheckTimeoutInSeconds"),
    ):
        if key in variant:
            settings[name] = format_duration(timedelta(seconds=variant[key]))
    capture = config.get("DataCaptureConfig") or {}
    if capture.get("EnableCapture"):
        settings["capture.sampling"] = f"{capture.get('InitialSamplingPercentage', 0)}%"
    for name, value in sorted(_environment(model).items()):
        settings[f"environment.{name}"] = value if live.release_id else _HIDDEN
    vpc = model.get("VpcConfig") or {}
    settings |= _network(
        vpc.get("Subnets") or (), vpc.get("SecurityGroupIds") or (), bool(model.get("EnableNetworkIsolation"))
    )
    settings |= {"execution_role": model.get("ExecutionRoleArn", ""), "kms_key": config.get("KmsKeyId", "")}
    settings |= _last_guardrails(live)
    return settings | {f"alarm {alarm['AlarmName']}": _alarm_of_api(alarm) for alarm in alarms}


def guardrail_settings(guardrails: Guardrails) -> dict[str, str]:
    """Return guardrails as the stage file's `release` says them."""
    settings: dict[str, str] = {}
    match guardrails.strategy:
        case AllAtOnce():
            settings["release.strategy"] = "all_at_once"
        case Canary(size, _):
            settings |= {"release.strategy": "canary", "release.canary_size": str(size)}
        case Linear(size, _):
            settings |= {"release.strategy": "linear", "release.linear_step_size": str(size)}
        case Rolling(size, _, rollback_size):
            settings |= {"release.strategy": "rolling", "release.maximum_batch_size": str(size)}
            if rollback_size is not None:
                settings["release.rollback_maximum_batch_size"] = str(rollback_size)
    if not isinstance(guardrails.strategy, AllAtOnce):
        settings["release.wait_interval"] = _seconds(guardrails.strategy.wait_interval)
    if not isinstance(guardrails.strategy, Rolling):
        settings["release.termination_wait"] = _seconds(guardrails.termination_wait)
    if guardrails.maximum_execution_timeout is not None:
        settings["release.maximum_execution_timeout"] = _seconds(guardrails.maximum_execution_timeout)
    return settings


def _last_guardrails(live: Live) -> dict[str, str]:
    if live.last_deployment_config is None:
        return {}
    try:
        return guardrail_settings(from_deployment_config(live.last_deployment_config))
    except GuardrailsError:
        return {}


def alarm_in_words(metric: str, statistic: str, threshold: float, *, datapoints: int, periods: int, period: int) -> str:
    """Say what an alarm looks at, with the threshold in the unit that a stage file has it in."""
    above = str(Latency(round(threshold))) if metric in _LATENCIES else f"{threshold * 100:.6g}%"
    length = "minutes" if period == 60 else f"periods of {_seconds(period)}"
    return f"{statistic} of {metric} above {above} in {datapoints} of {periods} {length}"


def _alarm_of_spec(alarm: AlarmSpec) -> str:
    return alarm_in_words(
        alarm.metric,
        alarm.statistic,
        alarm.threshold,
        datapoints=alarm.datapoints_to_alarm,
        periods=alarm.evaluation_periods,
        period=alarm.period,
    )


def _alarm_of_api(alarm: Mapping[str, Any]) -> str:
    periods = alarm.get("EvaluationPeriods", 1)
    return alarm_in_words(
        alarm.get("MetricName", ""),
        alarm.get("Statistic") or alarm.get("ExtendedStatistic") or "",
        alarm.get("Threshold", 0.0),
        datapoints=alarm.get("DatapointsToAlarm", periods),
        periods=periods,
        period=alarm.get("Period", 60),
    )


def _network(subnets: Iterable[str], security_groups: Iterable[str], isolation: bool) -> dict[str, str]:
    settings = {
        "network.subnets": ", ".join(sorted(subnets)),
        "network.security_groups": ", ".join(sorted(security_groups)),
        "network.isolation": "true" if isolation else "",
    }
    return {name: text for name, text in settings.items() if text}


def _environment(model: Mapping[str, Any]) -> dict[str, str]:
    containers = [model.get("PrimaryContainer") or {}, *(model.get("Containers") or [])]
    return {name: value for each in containers for name, value in (each.get("Environment") or {}).items()}


def _seconds(seconds: int) -> str:
    return format_duration(timedelta(seconds=seconds))
