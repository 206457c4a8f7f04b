"""What the templates are filled with. docs/templates.md describes each of these values to those who write templates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tidegate.alarms import AlarmSpec
from tidegate.guardrails import Guardrails
from tidegate.registry import ModelPackage
from tidegate.render.baselines import Baseline, Baselines
from tidegate.render.dashboard import live_text, release_text, trial_text, widgets
from tidegate.render.images import monitor_image
from tidegate.render.partitions import partition_of
from tidegate.render.release import Phase
from tidegate.stage import ABTest, DataQuality, ModelQuality, Repo, Shadow, Stage

MODEL: Final = "Model"
"""The logical id of the model behind the production variant: the same in every phase, so that none deletes it."""

CHALLENGER_MODEL: Final = "ChallengerModel"

# botocore, in the text of MonitoringStoppingCondition: what an hourly schedule allows; others have no need of more.
DATA_QUALITY_MAX_RUNTIME: Final = 3600
MODEL_QUALITY_MAX_RUNTIME: Final = 1800
MONITOR_VOLUME_SIZE: Final = 30  # the SageMaker SDK's monitors start with it, in GB

_Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Challenger:
    """The version that a test compares with the champion, and how."""

    package: ModelPackage
    trial: Shadow | ABTest


def template_values(
    repo: Repo,
    stage: Stage,
    phase: Phase,
    package: ModelPackage,
    challenger: Challenger | None,
    guardrails: Guardrails,
    alarms: Sequence[AlarmSpec],
    deployment_config: Mapping[str, Any],
    baselines: Baselines,
) -> _Values:
    """Return every value that a template may print, but for the release id and what comes of other templates."""
    endpoint_name = repo.endpoint_name(stage)
    variants = _variants(repo.variant, stage, challenger)
    return {
        "description": f"The endpoint {endpoint_name} and what takes a bad release of it back",
        "phase": phase.value,
        "project": {"name": repo.project.name, "id": repo.project.id},
        "stage": stage.name,
        "account": stage.account,
        "region": stage.region,
        "partition": partition_of(stage.region).name,
        "bucket": stage.bucket,
        "endpoint_name": endpoint_name,
        "stack_name": repo.stack_name(stage),
        "variant": repo.variant,
        "execution_role": stage.execution_role,
        "kms_key": stage.kms_key,
        "tags": dict(sorted(stage.tags.items())),
        "models": list(_models(package, challenger)),
        "model_package": {"arn": package.arn, "version": package.version},
        "environment": dict(sorted(stage.environment.items())),
        "vpc_config": _vpc_config(stage),
        "network_isolation": stage.network.isolation,
        "instances": {
            "type": stage.instances.type,
            "count": stage.instances.count,
            "volume_size": stage.instances.volume_size,
        },
        "timeouts": {
            "model_download": _seconds(stage.timeouts.model_download),
            "container_startup": _seconds(stage.timeouts.container_startup),
        },
        "variants": variants,
        "capture": stage.capture
        and {
            "sampling": stage.capture.sampling,
            "destination": f"s3://{stage.bucket}/data-capture/{stage.name}",
        },
        "alarms": [_alarm(alarm) for alarm in alarms],
        "notification_topic": stage.notifications.topic if stage.notifications else None,
        "deployment_config": deployment_config,
        "update_policy": {
            name: policy for name, policy in deployment_config.items() if name != "AutoRollbackConfiguration"
        },
        "autoscaling": _autoscaling(stage),
        "monitors": list(_monitors(repo, stage, baselines)),
        "widgets": widgets(
            stage,
            endpoint_name,
            [each["name"] for chosen in variants.values() for each in chosen],
            alarms,
            _text(endpoint_name, stage, phase, package, challenger, guardrails),
        ),
    }


def _alarm(alarm: AlarmSpec) -> _Values:
    return {
        "name": alarm.name,
        "logical_id": alarm.logical_id,
        "new_fleet_only": alarm.new_fleet_only,
        "metric": alarm.metric,
        "statistic": alarm.statistic,
        "threshold": alarm.threshold,
        "period": alarm.period,
        "properties": alarm.properties,
    }


def _models(package: ModelPackage, challenger: Challenger | None) -> Iterator[_Values]:
    yield {
        "logical_id": MODEL,
        "parameter": "ModelPackageArn",
        "description": "The version of the model to serve.",
        "package": package.arn,
    }
    if challenger:
        yield {
            "logical_id": CHALLENGER_MODEL,
            "parameter": "ChallengerPackageArn",
            "description": "The version of the model to compare with it.",
            "package": challenger.package.arn,
        }


def _variants(name: str, stage: Stage, challenger: Challenger | None) -> dict[str, list[_Values]]:
    """Return the variants by the property of the endpoint config that holds them.

    A shadow's weight is a ratio to production's in what is known of it; production's stays 1.0, where a share of the
    requests and a ratio are the same.
    """
    production = {"name": name, "model": MODEL, "instance_count": stage.instances.count, "weight": 1.0}
    if challenger is None:
        return {"ProductionVariants": [production]}
    trial = challenger.trial
    other = {"name": trial.variant, "model": CHALLENGER_MODEL, "instance_count": trial_instances(stage, trial)}
    if isinstance(trial, Shadow):
        shadow = other | {"weight": trial.sampling / 100}
        return {"ProductionVariants": [production], "ShadowProductionVariants": [shadow]}
    weight = trial.challenger_weight
    return {
        "ProductionVariants": [production | {"weight": (100 - weight) / 100}, other | {"weight": weight / 100}],
    }


def trial_percent(trial: Shadow | ABTest) -> int:
    """Return how many percent of the requests a challenger gets."""
    return trial.sampling if isinstance(trial, Shadow) else trial.challenger_weight


def trial_instances(stage: Stage, trial: Shadow | ABTest) -> int:
    """Return the challenger's instances: as the file says, else as many as its share of the requests needs."""
    if trial.instance_count is not None:
        return trial.instance_count
    return max(1, -(-stage.instances.count * trial_percent(trial) // 100))


def _vpc_config(stage: Stage) -> Mapping[str, Any] | None:
    network = stage.network
    if not network.subnets and not network.security_groups:
        return None
    return {"SecurityGroupIds": network.security_groups, "Subnets": network.subnets}


def _autoscaling(stage: Stage) -> Mapping[str, int] | None:
    scaling = stage.autoscaling
    if scaling is None:
        return None
    return {
        "min": scaling.min,
        "max": scaling.max,
        "invocations_per_instance": scaling.invocations_per_instance,
        "scale_in_cooldown": int(scaling.scale_in_cooldown.total_seconds()),
        "scale_out_cooldown": int(scaling.scale_out_cooldown.total_seconds()),
    }


def _monitors(repo: Repo, stage: Stage, baselines: Baselines) -> Iterator[_Values]:
    data, model = stage.monitoring.data_quality, stage.monitoring.model_quality
    if data:
        yield _monitor(repo, stage, "DataQuality", "data-quality", data, baselines.data_quality) | {
            "maximum_runtime": DATA_QUALITY_MAX_RUNTIME,
        }
    if model:
        attributes = {
            "InferenceAttribute": model.inference_attribute,
            "ProbabilityAttribute": model.probability_attribute,
        }
        baseline = _monitor(repo, stage, "ModelQuality", "model-quality", model, baselines.model_quality)
        # A model quality job is held against constraints alone (botocore: ModelQualityBaselineConfig).
        constraints = {name: file for name, file in baseline["baseline"].items() if name == "ConstraintsResource"}
        yield baseline | {
            "baseline": constraints,
            "maximum_runtime": MODEL_QUALITY_MAX_RUNTIME,
            "problem_type": model.problem_type.value,
            "ground_truth": model.ground_truth,
            "attributes": {name: attribute for name, attribute in attributes.items() if attribute is not None},
        }


def _monitor(
    repo: Repo, stage: Stage, kind: str, word: str, monitor: DataQuality | ModelQuality, registered: Baseline
) -> _Values:
    baseline = Baseline.under(monitor.baseline) if monitor.baseline else registered
    return {
        "kind": kind,
        # 53 of 63 characters at most; the endpoint's name alone may have all of them.
        "schedule_name": f"{repo.stack_name(stage)}-{word}",
        "schedule": monitor.schedule,
        "image": monitor_image(stage.region),
        "instance_type": monitor.instance_type,
        "volume_size": MONITOR_VOLUME_SIZE,
        "baseline": baseline.config,
        "output": f"s3://{stage.bucket}/monitoring/{stage.name}/{word}",
        "problem_type": None,
        "ground_truth": None,
        "attributes": {},
    }


def _text(
    endpoint_name: str,
    stage: Stage,
    phase: Phase,
    package: ModelPackage,
    challenger: Challenger | None,
    guardrails: Guardrails,
) -> str:
    version = f"version {package.version}"
    if challenger:
        return trial_text(endpoint_name, version, f"version {challenger.package.version}", challenger.trial)
    if phase is Phase.LIVE:
        return live_text(endpoint_name, version)
    return release_text(endpoint_name, version, guardrails, stage.instances.count)


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(duration.total_seconds())
