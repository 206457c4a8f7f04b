"""Rollback alarms as values; `firing` says whether one can fire, `evaluation` how CloudWatch judges it."""

from tidegate.alarms.rollback import AlarmSpec, rollback_alarms

__all__ = ["AlarmSpec", "rollback_alarms"]
