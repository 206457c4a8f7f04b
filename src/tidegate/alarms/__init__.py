"""Rollback alarms as values: what takes a release back, how CloudWatch judges it, and whether it can fire."""

from tidegate.alarms.firing import ALARM_DELAY, Firing, Verdict, firing
from tidegate.alarms.rollback import AlarmSpec, rollback_alarms

__all__ = ["ALARM_DELAY", "AlarmSpec", "Firing", "Verdict", "firing", "rollback_alarms"]
