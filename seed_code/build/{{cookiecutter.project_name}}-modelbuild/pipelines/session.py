"""A SageMaker session that collects the code a pipeline needs instead of uploading it.

The SDK uploads while it compiles, under a key with the time of day, and notes the checkout's path in the upload:
two compiles of the same commit differ, and every upsert empties the step cache. Here a key is the hash of the
content, so equal code has an equal address for ever, and `release` uploads what was collected.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import boto3
from sagemaker.core.telemetry import telemetry_logging
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.train import ModelTrainer

from pipelines.settings import Project

# Where the SDK's training driver notes the source folder it was started from; nothing in the job reads it.
SOURCE_NOTE = "sourcecode.json"

# The SDK reports each call to AWS. Its documented opt-out makes it validate its configuration again and again (+12 s).
if not callable(getattr(telemetry_logging, "_send_telemetry_request", None)):
    raise ImportError("the SageMaker SDK's telemetry has moved: see pipelines/session.py")
telemetry_logging._send_telemetry_request = lambda *_, **__: None


def address(files: Mapping[str, bytes]) -> str:
    """Return 16 hex digits that depend on the files' relative names and contents alone."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()[:16]


def read_files(path: Path) -> dict[str, bytes]:
    """Return the files of a folder, or the one file, by relative name; Python's compiled files are left out."""
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {
        str(PurePosixPath(file.relative_to(path))): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


class CollectingSession(PipelineSession):
    """`objects` holds every file to upload by its S3 key, once the pipeline's definition has been asked for."""

    def __init__(self, project: Project, prefix: str) -> None:
        super().__init__(boto_session=boto3.Session(region_name=project.region), default_bucket=project.bucket)
        self.objects: dict[str, bytes] = {}
        self._project, self._prefix = project, prefix

    def default_bucket(self) -> str:
        """Return the project's bucket, without looking for it or creating it."""
        return self._project.bucket

    def account_id(self) -> str:
        """Return the project's account, without asking STS at an address of the SDK's own."""
        return self._project.account

    def upload_data(self, path: Any, *_: Any, **__: Any) -> str:
        """Collect a file or folder; return the S3 URI it will have. The SDK's own choice of key is not used."""
        source = Path(path)
        files = read_files(source)
        if SOURCE_NOTE in files:
            files[SOURCE_NOTE] = json.dumps(json.loads(files[SOURCE_NOTE]) | {"source_dir": "."}).encode()
        folder = f"{self._prefix}/{address(files)}"
        self.objects |= {f"{folder}/{name}": content for name, content in files.items()}
        return f"s3://{self._project.bucket}/{folder}" + (f"/{source.name}" if source.is_file() else "")


class Trainer(ModelTrainer):
    """A ModelTrainer that stages its code in the project's bucket without simulating the role's permissions first."""

    def _resolve_staging_bucket(self) -> tuple[str, None]:
        return self.sagemaker_session.default_bucket(), None
