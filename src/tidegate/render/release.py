"""The record of a release that was asked for: what `verify` compares with what serves."""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tidegate.errors import TidegateError
from tidegate.render.document import ENDPOINT_CONFIG, MODEL, resources

RELEASE_ID_LENGTH: Final = 16
"""Hexadecimal digits of a release id: 64 bits, which no project's releases exhaust."""


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

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    model_config = ConfigDict(frozen=True, extra="forbid")

    release_id: str
    phase: Phase = Phase.RELEASE
    stage: str
    account: str
    region: str
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


def release_id(document: Mapping[str, Any], model_package_arn: str) -> str:
    """Return the id of the release that a rendered template asks for.

    It is a hash of the model package and of everything the model and the endpoint config are made of, but for tags,
    which replace neither: equal content has the equal id, and whatever replaces the endpoint config has another.
    """
    made_of = {
        kind: [
            {name: value for name, value in properties.items() if name != "Tags"}
            for properties in resources(document, kind).values()
        ]
        for kind in (MODEL, ENDPOINT_CONFIG)
    }
    content = json.dumps([model_package_arn, made_of], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()[:RELEASE_ID_LENGTH]


def release_file(stage: str) -> str:
    """Name the file that holds a stage's release record."""
    return f"{stage}.release.json"


def read_release(folder: Path, stage: str) -> ReleaseRecord:
    """Read a stage's release record from what `render` wrote.

    Raises TidegateError where there is none, or it is not one.
    """
    path = folder / release_file(stage)
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
