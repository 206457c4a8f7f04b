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
    CapacitySize,
    CapacityType,
    Guardrails,
    GuardrailsError,
    Shift,
    Strategy,
    shifts,
    waits,
)

__all__ = [
    "FINAL",
    "WATCHED",
    "AllAtOnce",
    "Canary",
    "CapacitySize",
    "CapacityType",
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
    "shifts",
    "start",
    "to_deployment_config",
    "waits",
]
