"""Artefacts: folders kept as zips in the pipeline's bucket."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate_sandbox import context
from tidegate_sandbox.git.bare import BareRepository
from tidegate_sandbox.services.codebuild.artifacts import pack_folder
from tidegate_sandbox.services.codebuild.source import SourceError, fetch_zip
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError
from tidegate_sandbox.services.codepipeline.execution import Location
from tidegate_sandbox.services.codepipeline.structure import Pipeline


def prefix(pipeline: Pipeline) -> str:
    """Return the folder of the bucket that holds the pipeline's artefacts."""
    return pipeline.name[:20]


def locate(pipeline: Pipeline, artifact: str) -> Location:
    """Return a new place for the output artefact named `artifact`, in the form that CodePipeline gives it."""
    return Location(
        pipeline.bucket, f"{prefix(pipeline)}/{artifact[:10]}/{re.sub('[-_]', 'x', secrets.token_urlsafe(6))}"
    )


@contextmanager
def workspace() -> Iterator[Path]:
    """Give a folder that lasts as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="codepipeline-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def store(folder: Path, location: Location) -> None:
    """Put what is in `folder` at `location`."""
    archive = folder.with_suffix(".zip")
    pack_folder(folder, archive)
    with archive.open("rb") as body:
        context.scope().client("s3").put_object(Bucket=location.bucket, Key=location.key, Body=body)


def store_commit(repository: BareRepository, commit: str, location: Location) -> None:
    """Put the files of `commit` at `location`: what a source action gives out."""
    with workspace() as folder:
        files = folder / "files"
        files.mkdir()
        repository.checkout(commit, files)
        store(files, location)


def fetch(location: Location, into: Path) -> Path:
    """Extract the artefact at `location` to the folder `into`, unless it is there; return that."""
    if not into.exists():
        try:
            fetch_zip(location.bucket, location.key, into)
        except SourceError as error:
            raise ActionFailedError(str(error), "ConfigurationError") from None
    return into
