"""The stage file: typed, and refused with file:line:column where it cannot be honoured."""

from tidegate.stage.fleet import Autoscaling, Capture, Instances, Network, Timeouts
from tidegate.stage.load import load_repo
from tidegate.stage.model import Approval, Expect, Notifications, Place, Project, Repo, Stage
from tidegate.stage.monitoring import DataQuality, ModelQuality, Monitoring, ProblemType
from tidegate.stage.problems import Position, Problem, StageFileError
from tidegate.stage.quantities import CapacityType, Latency, Periods, Price, Rate, Size, format_duration
from tidegate.stage.release import Metric, Release, RollbackRule, Strategy
from tidegate.stage.trial import ABTest, Shadow, Trial

__all__ = [
    "ABTest",
    "Approval",
    "Autoscaling",
    "CapacityType",
    "Capture",
    "DataQuality",
    "Expect",
    "Instances",
    "Latency",
    "Metric",
    "ModelQuality",
    "Monitoring",
    "Network",
    "Notifications",
    "Periods",
    "Place",
    "Position",
    "Price",
    "Problem",
    "ProblemType",
    "Project",
    "Rate",
    "Release",
    "Repo",
    "RollbackRule",
    "Shadow",
    "Size",
    "Stage",
    "StageFileError",
    "Strategy",
    "Timeouts",
    "Trial",
    "format_duration",
    "load_repo",
]
