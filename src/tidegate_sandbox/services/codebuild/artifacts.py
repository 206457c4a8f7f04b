"""Collects a build's outputs by the buildspec's globs, and packs and unpacks them as zip files."""

import hashlib
import os
import re
import stat
import zipfile
from pathlib import Path

from tidegate_sandbox.services.codebuild.buildspec import Artifacts


class NothingMatchesError(ValueError):
    """The globs match no file, or the base directory is not there; the sentence says which."""


def collect(artifacts: Artifacts, source: Path) -> dict[str, Path]:
    """Return the files of `artifacts` by their path in the output. `source` is the build's source folder."""
    base = (source / artifacts.base_directory).resolve()
    if not base.is_dir():
        raise NothingMatchesError(f"no matching base directory path found for {artifacts.base_directory}")
    wanted = [_pattern(glob) for glob in artifacts.files]
    unwanted = [_pattern(glob) for glob in artifacts.exclude_paths]
    found: dict[str, Path] = {}
    for folder, _, names in os.walk(base):
        for name in sorted(names):
            path = Path(folder, name)
            relative = path.relative_to(base).as_posix()
            if any(p.fullmatch(relative) for p in wanted) and not any(p.fullmatch(relative) for p in unwanted):
                found[name if artifacts.discard_paths else relative] = path
    if not found:
        raise NothingMatchesError(f"no matching artifact paths found for {', '.join(artifacts.files)}")
    return dict(sorted(found.items()))


def _pattern(glob: str) -> re.Pattern[str]:
    """Return the regular expression of a glob: ** crosses folders, * and ? do not."""
    written = ""
    rest = glob.removeprefix("./")
    while rest:
        for token, expression in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
            if rest.startswith(token):
                written, rest = written + expression, rest[len(token) :]
                break
        else:
            written, rest = written + re.escape(rest[0]), rest[1:]
    return re.compile(written, re.DOTALL)


def pack(files: dict[str, Path], into: Path) -> str:
    """Write `files` to the zip `into`, permissions kept and times left out; return its sha256 in hexadecimal."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | stat.S_IMODE(path.stat().st_mode)) << 16
            with path.open("rb") as content, archive.open(info, "w") as packed:
                while chunk := content.read(1 << 20):
                    packed.write(chunk)
    with into.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def pack_folder(folder: Path, into: Path) -> str:
    """Write every file under `folder` to the zip `into`; as for `pack`."""
    return pack(collect(Artifacts(files=("**/*",)), folder), into)


def unpack(archive: Path, into: Path) -> None:
    """Extract the zip `archive` to the folder `into`, with the permissions it carries."""
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            written = packed.extract(info, into)
            mode = stat.S_IMODE(info.external_attr >> 16)
            if mode and not info.is_dir():
                Path(written).chmod(mode | stat.S_IRUSR | stat.S_IWUSR)
