"""Rollback alarms: what takes a release back, as values."""

from tidegate.alarms.rollback import AlarmSpec, rollback_alarms

__all__ = ["AlarmSpec", "rollback_alarms"]
