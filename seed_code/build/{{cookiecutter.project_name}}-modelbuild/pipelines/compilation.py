"""From the repo's files to a pipeline definition and the objects it refers to. Pure: reads the checkout, reaches no network.

Equal files give equal bytes, on any day and in any folder, so a definition that did not change is not updated and the step cache
stays warm.
"""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

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
    # The SDK asks for a region when it is imported, which is also why its modules are imported here and not above.
    os.environ.setdefault("AWS_DEFAULT_REGION", project.region)
    # It would ask IAM to simulate the role's permissions, on each compile.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    with _quiet():
        from pipelines.pipeline import build
        from pipelines.session import CollectingSession, address

        data = {file.name: file.read_bytes() for file in (ROOT / "data").glob("*.csv")}
        data_folder = f"{PREFIX}/data/{address(data)}"
        data_url = f"s3://{project.bucket}/{data_folder}"
        session = CollectingSession(project, f"{PREFIX}/code")
        definition = build(project, settings, session, f"s3://{project.bucket}/{PREFIX}", data_url).definition()
    return Compiled(
        name=project.pipeline,
        definition=json.dumps(json.loads(definition), indent=1),
        data_url=data_url,
        objects=session.objects | {f"{data_folder}/{name}": content for name, content in data.items()},
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what the SDK logs and warns about while compiling: it is meant for those who start jobs with it."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
