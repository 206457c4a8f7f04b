"""Deployment guardrails as values: strategies, their steps, and the endpoint state machine on a time passed in."""

from tidegate.guardrails.deployment_config import from_deployment_config, to_deployment_config
from tidegate.guardrails.rollout import (
    FINAL,
    WATCHED,
    Moment,
    Phase,
    Rollout,
    advance,
    fleet_failed,
    fleet_ready,
    start,
)
from tidegate.guardrails.strategy import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Shift,
    Strategy,
    instance_bounds,
    instances_of,
    of_release,
    shifts,
    waits,
)

__all__ = [
    "FINAL",
    "WATCHED",
    "AllAtOnce",
    "Canary",
    "Guardrails",
    "GuardrailsError",
    "Moment",
    "Phase",
    "Rollout",
    "Shift",
    "Strategy",
    "advance",
    "fleet_failed",
    "fleet_ready",
    "from_deployment_config",
    "instance_bounds",
    "instances_of",
    "of_release",
    "shifts",
    "start",
    "to_deployment_config",
    "waits",
]
