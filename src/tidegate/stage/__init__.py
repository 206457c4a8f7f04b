"""The stage file: typed, and refused with file:line:column where it cannot be honoured."""

from tidegate.stage.load import load_repo
from tidegate.stage.model import (
    Capture,
    Instances,
    Metric,
    Project,
    Release,
    Repo,
    RollbackRule,
    Stage,
    Strategy,
)
from tidegate.stage.problems import Position, Problem, StageFileError
from tidegate.stage.quantities import CapacityType, Latency, Periods, Rate, Size, format_duration

__all__ = [
    "CapacityType",
    "Capture",
    "Instances",
    "Latency",
    "Metric",
    "Periods",
    "Position",
    "Problem",
    "Project",
    "Rate",
    "Release",
    "Repo",
    "RollbackRule",
    "Size",
    "Stage",
    "StageFileError",
    "Strategy",
    "format_duration",
    "load_repo",
]
