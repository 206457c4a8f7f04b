"""Rollback alarms as values; `firing` says whether one can fire, `evaluation` how CloudWatch judges it."""

from tidegate.alarms.rollback import NAMESPACE, AlarmSpec, alarm_prefix, rollback_alarms, rule_in

__all__ = ["NAMESPACE", "AlarmSpec", "alarm_prefix", "rollback_alarms", "rule_in"]
