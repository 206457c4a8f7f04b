"""Rendering: a stage and a version of the model become the CloudFormation that releases it."""

from tidegate.render.document import BrokenTemplateError
from tidegate.render.encode import UnsafeValueError
from tidegate.render.environment import TemplateFailedError
from tidegate.render.files import write_files
from tidegate.render.release import Phase, ReleaseRecord, TrialRecord, read_release, release_file
from tidegate.render.stage import render_stage

__all__ = [
    "BrokenTemplateError",
    "Phase",
    "ReleaseRecord",
    "TemplateFailedError",
    "TrialRecord",
    "UnsafeValueError",
    "read_release",
    "release_file",
    "render_stage",
    "write_files",
]
