"""Custom caches: what a buildspec's `cache` keeps from one build of a project to the next.

CodeBuild user guide, "Cache builds to improve performance". A local cache lies in the sandbox's home, as CodeBuild's
does on the host, and one in S3 is an object in the bucket, put and read with the build's role.
"""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox import context
from tidegate_sandbox.services.codebuild.artifacts import matches, pack, unpack
from tidegate_sandbox.services.codebuild.buildspec import Cache
from tidegate_sandbox.services.codebuild.container import Container

SHARED = ("/root/.cache/pip", "/root/.cache/uv")
"""What all builds share in the sandbox whatever a buildspec says: pip's and uv's packages."""
HOME = "/root/"
"""The home folder of a build on CodeBuild's images."""

Say = Callable[[str], None]


def restore(project: dict[str, Any], cache: Cache, key: str, fallbacks: list[str], to: Container, say: Say) -> None:
    """Bring back what the last build kept under `key`, or under the first of `fallbacks` that there is."""
    if not _is_on(project, cache) or cache.action == "save":
        return
    archive = to.root / "cache.zip"
    for name in (key, *fallbacks):
        if _fetch(project, name, archive):
            unpack(archive, to.root / "cached")
            for found in _files(to.root / "cached"):
                inside = found.relative_to(to.root / "cached")
                area, path = inside.parts[0], Path(*inside.parts[1:])
                into = (to.root / "home" if area == "home" else to.source) / path
                into.parent.mkdir(parents=True, exist_ok=True)
                if not into.exists():
                    found.replace(into)
            say(f"Restored the cache {name}")
            return
    say("There is no cache to restore")


def save(project: dict[str, Any], cache: Cache, key: str, of: Container, say: Say) -> None:
    """Keep what the paths of `cache` name under `key`."""
    if not _is_on(project, cache) or cache.action == "restore":
        return
    chosen: dict[str, Path] = {}
    for path in cache.paths:
        if path.startswith(SHARED):
            say(f"Cache path {path}: shared by all builds of the local simulation")
            continue
        area, base, glob = "src", of.source, path
        if path.startswith(HOME) or path.startswith("~/"):
            area, base, glob = "home", of.root / "home", path.removeprefix(HOME).removeprefix("~/")
        elif path.startswith("/"):
            say(f"Cache path {path} is outside the build's folders and is not kept in the local simulation")
            continue
        pattern = matches(glob if "*" in glob else f"{glob.rstrip('/')}/**/*")
        for found in _files(base):
            relative = found.relative_to(base).as_posix()
            if pattern.fullmatch(relative) or relative == glob:
                chosen[f"{area}/{relative}"] = found
    if chosen:
        archive = of.root / "cache.zip"
        pack(chosen, archive)
        _store(project, key, archive)
        say(f"Kept {len(chosen)} files in the cache {key}")


def _is_on(project: dict[str, Any], cache: Cache) -> bool:
    kind = project.get("cache", {}).get("type", "NO_CACHE")
    custom = kind == "S3" or (kind == "LOCAL" and "LOCAL_CUSTOM_CACHE" in project["cache"].get("modes", []))
    return custom and any(not path.startswith(SHARED) for path in cache.paths)


def _files(base: Path) -> list[Path]:
    return [Path(folder, name) for folder, _, names in os.walk(base) for name in names]


def _fetch(project: dict[str, Any], key: str, archive: Path) -> bool:
    if project["cache"]["type"] == "LOCAL":
        kept = _local(project, key)
        try:
            os.utime(kept)  # used just now: the caches that were not used longest are the first to go
            archive.write_bytes(kept.read_bytes())
        except FileNotFoundError:
            return False
        return True
    bucket, name = _in_s3(project, key)
    try:
        archive.write_bytes(context.scope().client("s3").get_object(Bucket=bucket, Key=name)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return False
        raise
    return True


def _store(project: dict[str, Any], key: str, archive: Path) -> None:
    if project["cache"]["type"] == "LOCAL":
        kept = _local(project, key)
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}-{id(archive)}")
        partial.write_bytes(archive.read_bytes())
        partial.replace(kept)
        return
    bucket, name = _in_s3(project, key)
    with archive.open("rb") as body:
        context.scope().client("s3").put_object(Bucket=bucket, Key=name, Body=body)


def _local(project: dict[str, Any], key: str) -> Path:
    digest = hashlib.sha256(f"{project['arn']} {key}".encode()).hexdigest()[:24]
    return context.sandbox().home / "codebuild" / "cache" / "custom" / f"{digest}.zip"


def _in_s3(project: dict[str, Any], key: str) -> tuple[str, str]:
    bucket, _, prefix = project["cache"]["location"].removeprefix("arn:aws:s3:::").partition("/")
    namespace = project["cache"].get("cacheNamespace") or project["name"]
    digest = hashlib.sha256(f"{namespace} {key}".encode()).hexdigest()
    return bucket, "/".join(filter(None, [prefix.strip("/"), digest]))


def name_of(key: str, source: Path) -> str:
    """Return what a key is: `codebuild-hash-files` in it is replaced by the hash of the files that it names."""
    found = re.fullmatch(r"(.*)\$\(codebuild-hash-files ([^)]+)\)(.*)", key)
    if found is None:
        return key
    digest = hashlib.sha256()
    for path in found[2].split():
        with suppress(FileNotFoundError, IsADirectoryError):
            digest.update((source / path).read_bytes())
    return f"{found[1]}{digest.hexdigest()}{found[3]}"
