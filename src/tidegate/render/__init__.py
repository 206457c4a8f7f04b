"""Rendering: a stage and a version of the model become the CloudFormation that releases it."""

from tidegate.render.baselines import Baseline, Baselines, read_baselines
from tidegate.render.encode import UnsafeValueError
from tidegate.render.environment import BrokenTemplateError, TemplateFailedError, templates_of
from tidegate.render.files import write_files
from tidegate.render.phases import PIPELINE_FILE, Updates, pipeline_file, pipeline_file_of_nothing, render_updates
from tidegate.render.release import Phase, ReleaseRecord, TrialRecord, champion_of, is_trial, read_release, release_file
from tidegate.render.situation import Lookup, Situation, Unread
from tidegate.render.stage import Rendered, render_live, render_stage, render_test

__all__ = [
    "PIPELINE_FILE",
    "Baseline",
    "Baselines",
    "BrokenTemplateError",
    "Lookup",
    "Phase",
    "ReleaseRecord",
    "Rendered",
    "Situation",
    "TemplateFailedError",
    "TrialRecord",
    "Unread",
    "UnsafeValueError",
    "Updates",
    "champion_of",
    "is_trial",
    "pipeline_file",
    "pipeline_file_of_nothing",
    "read_baselines",
    "read_release",
    "release_file",
    "render_live",
    "render_stage",
    "render_test",
    "render_updates",
    "templates_of",
    "write_files",
]
