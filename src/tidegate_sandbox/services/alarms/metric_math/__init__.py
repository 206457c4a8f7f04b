"""Metric math: CloudWatch's expressions over metrics, parsed to a typed tree and evaluated over time series.

Source of the rules: CloudWatch user guide, "Using math expressions with CloudWatch metrics".
"""

from tidegate_sandbox.services.alarms.metric_math.evaluation import Frame, evaluate
from tidegate_sandbox.services.alarms.metric_math.series import MathError, Series, Value
from tidegate_sandbox.services.alarms.metric_math.syntax import Expression, parse, references, uses_all_metrics

__all__ = ["Expression", "Frame", "MathError", "Series", "Value", "evaluate", "parse", "references", "uses_all_metrics"]
