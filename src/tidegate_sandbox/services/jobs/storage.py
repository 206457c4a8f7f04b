"""Moves a job's data between S3 and its folder, in the way SageMaker lays it out."""

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError


class DataError(Exception):
    """Data that is not there or cannot be moved: a sentence, in the words of a job's FailureReason."""


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return the bucket and the key (or prefix) of an s3:// address; DataError where it is none."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc or parts.query:
        raise DataError(f"ClientError: {uri!r} is not an address of the form s3://bucket/key")
    return parts.netloc, parts.path.removeprefix("/")


def relative(key: str, prefix: str) -> PurePosixPath:
    """Return where an object goes below its input's folder: what follows the prefix, or its last whole part.

    DataError where the key would lead outside.
    """
    if key == prefix:
        inside = key.rsplit("/", 1)[-1]
    elif key.startswith(f"{prefix.rstrip('/')}/"):
        inside = key[len(prefix.rstrip("/")) + 1 :]
    else:
        inside = key[prefix.rfind("/") + 1 :]
    path = PurePosixPath(inside)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(f"ClientError: the object {key!r} cannot be a file below its input's folder")
    return path


def download(s3: Any, uri: str, folder: Path) -> int:
    """Put every object whose key starts with that of `uri` into `folder`; return how many there were.

    DataError where there is none, or S3 refuses.
    """
    bucket, prefix = bucket_and_key(uri)
    count = 0
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                if entry["Key"].endswith("/"):
                    continue  # a folder's marker
                target = folder / relative(entry["Key"], prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"], file)
                count += 1
    except ClientError as error:
        raise DataError(f"ClientError: the data at {uri} cannot be downloaded: {error}") from error
    if not count:
        raise DataError(f"ClientError: No S3 objects found under S3 URL {uri!r}")
    return count


def upload(s3: Any, folder: Path, uri: str, kms_key: str | None) -> None:
    """Put every file below `folder` under `uri`; DataError where S3 refuses."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            upload_file(s3, path, f"{uri.rstrip('/')}/{path.relative_to(folder).as_posix()}", kms_key)


def upload_file(s3: Any, path: Path, uri: str, kms_key: str | None) -> None:
    """Put the file at `path` at `uri`; DataError where S3 refuses."""
    bucket, key = bucket_and_key(uri)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    try:
        with path.open("rb") as body:
            s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
    except ClientError as error:
        raise DataError(f"ClientError: {uri} cannot be uploaded: {error}") from error


def pack(folder: Path, archive: Path) -> None:
    """Make the tar.gz `archive` of what `folder` holds, links kept as links."""
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
