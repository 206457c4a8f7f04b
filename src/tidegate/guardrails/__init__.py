"""Deployment guardrails as values: strategies, their steps, and the endpoint state machine on a time passed in."""

from tidegate.guardrails.deployment_config import from_deployment_config, to_deployment_config
from tidegate.guardrails.exclusions import ignored_because
from tidegate.guardrails.rollout import (
    FINAL,
    WATCHED,
    Moment,
    Phase,
    Rollout,
    advance,
    fleet_failed,
    fleet_ready,
    rollback_failed,
    start,
)
from tidegate.guardrails.strategy import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Rolling,
    Shift,
    Strategy,
    least_waits,
    of_release,
    rollback_batch,
    shifts,
    waits,
)
from tidegate.guardrails.timeline import Step, peak_instances, rollback_peak_instances, timeline
from tidegate.stage.steps import instance_bounds, instances_of

__all__ = [
    "FINAL",
    "WATCHED",
    "AllAtOnce",
    "Canary",
    "Guardrails",
    "GuardrailsError",
    "Linear",
    "Moment",
    "Phase",
    "Rolling",
    "Rollout",
    "Shift",
    "Step",
    "Strategy",
    "advance",
    "fleet_failed",
    "fleet_ready",
    "from_deployment_config",
    "ignored_because",
    "instance_bounds",
    "instances_of",
    "least_waits",
    "of_release",
    "peak_instances",
    "rollback_batch",
    "rollback_failed",
    "rollback_peak_instances",
    "shifts",
    "start",
    "timeline",
    "to_deployment_config",
    "waits",
]
