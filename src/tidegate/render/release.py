"""The record of a release that was asked for: what `verify` compares with what serves."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tidegate.errors import TidegateError

RELEASE_ID_LENGTH: Final = 16
"""Hexadecimal digits of a release id: 64 bits, which no project's releases exhaust."""

_TRIAL: Final = "."


class Phase(StrEnum):
    """What an update of an endpoint is for."""

    RELEASE = "release"
    """A version takes over, under guardrails."""
    TEST = "test"
    """The champion serves beside a shadow or a challenger; guardrails do not apply, for the variants differ."""
    LIVE = "live"
    """The champion serves alone again: a test is taken away, without guardrails for the same reason."""


class TrialRecord(BaseModel):
    """The challenger of a test that was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: Literal["shadow", "ab"]
    variant: str
    model_package_arn: str
    model_package_version: int
    percent: int
    """Of the requests: those copied to a shadow, or answered by the challenger."""
    duration: int


class ReleaseRecord(BaseModel):
    """`{stage}.release.json` and its neighbours: one update of one stage, as it was asked for. Times are in seconds.

    `model_package_arn` is the version behind the production variant: in a test, the champion. Only a release has
    alarms, a deployment config and waits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    release_id: str
    phase: Phase = Phase.RELEASE
    stage: str
    account: str
    region: str
    look_role: str | None = Field(default=None, exclude_if=lambda role: role is None)
    """The role to look at the stage with, where it is in another account than the project."""
    endpoint_name: str
    stack_name: str
    variant: str
    model_package_group: str
    model_package_arn: str
    model_package_version: int
    alarms: tuple[str, ...]
    deployment_config: Mapping[str, Any]
    waits: int
    maximum_execution_timeout: int
    trial: TrialRecord | None = None
    """The test, in the phase of that name only."""


def id_of_text(parts: Iterable[str], model_package_arns: Iterable[str]) -> str:
    """Return the id of the release that the rendered parts of a template ask for.

    It is a hash of the model packages and of everything that models and endpoint config are made of: equal content has
    the equal id, and whatever replaces the endpoint config has another. `parts` are those two as they are rendered
    before there is an id; comments in them do not count.
    """
    lines = (line for part in parts for line in part.splitlines() if line and not line.lstrip().startswith("#"))
    return _digest("\n".join((*model_package_arns, *lines)))


def id_of_content(made_of: object, model_package_arns: Iterable[str]) -> str:
    """Return the same for a template that a repository has replaced: from what it says, whichever way it says it."""
    return _digest(json.dumps([*model_package_arns, made_of], sort_keys=True, default=str))


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:RELEASE_ID_LENGTH]


def trial_id(live_id: str, own_id: str) -> str:
    """Return the id of a test: that of its champion alone and its own, so that what serves tells both."""
    return f"{live_id}{_TRIAL}{own_id}"


def is_trial(release_id: str) -> bool:
    """Whether the release of that id is a test."""
    return _TRIAL in release_id


def champion_of(release_id: str) -> str:
    """Return the id of the champion alone: what is left once a test is taken away."""
    return release_id.partition(_TRIAL)[0]


def file_name(stage: str, phase: Phase, kind: str) -> str:
    """Name a rendered file: `prod.template.yaml` for a release, `prod.test.template.yaml` for a test."""
    return f"{stage}.{kind}" if phase is Phase.RELEASE else f"{stage}.{phase}.{kind}"


def release_file(stage: str, phase: Phase = Phase.RELEASE) -> str:
    """Name the file that holds the record of a stage's release, or of another phase."""
    return file_name(stage, phase, "release.json")


def read_release(folder: Path, stage: str, phase: Phase = Phase.RELEASE) -> ReleaseRecord:
    """Read the record of a stage's release, or of another phase, from what `render` wrote.

    Raises TidegateError where there is none, or it is not one.
    """
    path = folder / release_file(stage, phase)
    try:
        record = ReleaseRecord.model_validate_json(path.read_bytes())
    except OSError:
        raise TidegateError(
            f"there is no {path}; render the stage first: tidegate render {stage} --out {folder}"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise TidegateError(
            f"{path} is not a release record: {f'{place}: ' if place else ''}{first['msg']}; render the stage again"
        ) from None
    if record.stage != stage:
        raise TidegateError(f"{path} is the release of stage {record.stage}, not of {stage}; render the stage again")
    return record
