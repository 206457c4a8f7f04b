"""Rendering: a stage and a version of the model become the CloudFormation that releases it."""

from tidegate.render.baselines import Baseline, Baselines, read_baselines
from tidegate.render.document import BrokenTemplateError
from tidegate.render.encode import UnsafeValueError
from tidegate.render.environment import TemplateFailedError
from tidegate.render.files import write_files
from tidegate.render.release import Phase, ReleaseRecord, TrialRecord, read_release, release_file
from tidegate.render.stage import Rendered, render_live, render_stage, render_test

__all__ = [
    "Baseline",
    "Baselines",
    "BrokenTemplateError",
    "Phase",
    "ReleaseRecord",
    "Rendered",
    "TemplateFailedError",
    "TrialRecord",
    "UnsafeValueError",
    "read_baselines",
    "read_release",
    "release_file",
    "render_live",
    "render_stage",
    "render_test",
    "write_files",
]
