"""From the repo's files to a pipeline definition and the objects it refers to: reads the checkout, reaches no network.

Equal files give equal bytes, on any day and in any folder: a definition that did not change is not updated, and
the step cache stays warm.
"""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import boto3

from pipelines.settings import ROOT, Project, Settings

PREFIX = "modelbuild"  # this repo's part of the project's bucket


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pipeline ready to run: its name, its definition (JSON), where its data is, and what to upload, by S3 key."""

    name: str
    definition: str
    data_url: str
    objects: Mapping[str, bytes]


def compile_pipeline(project: Project, settings: Settings) -> Compiled:
    """Compile the pipeline for `project`."""
    with _offline(project.region), _quiet():
        # Imported here: importing the SDK already makes clients, so it must see the environment of _offline.
        from pipelines.pipeline import build_pipeline
        from pipelines.session import CollectingSession, address

        data = {file.name: file.read_bytes() for file in (ROOT / "data").glob("*.csv")}
        data_folder = f"{PREFIX}/data/{address(data)}"
        data_url = f"s3://{project.bucket}/{data_folder}"
        session = CollectingSession(project, f"{PREFIX}/code")
        root = f"s3://{project.bucket}/{PREFIX}"
        definition = build_pipeline(project, settings, session, root, data_url).definition()
    return Compiled(
        name=project.pipeline,
        definition=json.dumps(json.loads(definition), indent=1),
        data_url=data_url,
        objects=session.objects | {f"{data_folder}/{name}": content for name, content in data.items()},
    )


@contextmanager
def _offline(region: str) -> Iterator[None]:
    """Give the SDK a region, and credentials that lead nowhere: it neither looks for real ones nor can use them."""
    outside, default_session = dict(os.environ), boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION = None
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ |= {
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "offline",
        "AWS_SECRET_ACCESS_KEY": "offline",
        # Or it asks IAM to simulate the role's permissions.
        "SAGEMAKER_VALIDATE_ROLE": "false",
        # Or it reads a person's own defaults, and the definition depends on whose machine it is.
        "SAGEMAKER_USER_CONFIG_OVERRIDE": os.devnull,
        "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": os.devnull,
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= outside
        boto3.DEFAULT_SESSION = default_session


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what the SDK logs and warns about while compiling, and the log handlers that it installs for everybody."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        root.level, root.handlers = level, handlers
