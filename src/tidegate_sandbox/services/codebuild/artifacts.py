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
    """Return the files of `artifacts` by their path in the output. `source` is the build's source folder.

    A base directory with a glob stands for every top-level folder that it matches; their own names are left out.
    Symbolic links count as files where they are kept as links, else as what they lead to.
    """
    bases = _bases(artifacts.base_directory, source)
    if not bases:
        raise NothingMatchesError(f"no matching base directory path found for {artifacts.base_directory}")
    wanted = [matches(glob) for glob in artifacts.files]
    unwanted = [matches(glob) for glob in artifacts.exclude_paths]
    found: dict[str, Path] = {}
    for base in bases:
        for folder, folders, names in os.walk(base):
            links = [name for name in folders if Path(folder, name).is_symlink()] if artifacts.enable_symlinks else []
            for name in sorted([*names, *links]):
                path = Path(folder, name)
                relative = path.relative_to(base).as_posix()
                if any(p.fullmatch(relative) for p in wanted) and not any(p.fullmatch(relative) for p in unwanted):
                    found[name if artifacts.discard_paths else relative] = path
    if not found:
        raise NothingMatchesError(f"no matching artifact paths found for {', '.join(artifacts.files)}")
    return dict(sorted(found.items()))


def _bases(named: str, source: Path) -> list[Path]:
    if "*" in named or "?" in named:
        pattern = matches(named.strip("/"))
        return [path for path in sorted(source.iterdir()) if path.is_dir() and pattern.fullmatch(path.name)]
    base = (source / named).resolve()
    return [base] if base.is_dir() else []


def matches(glob: str) -> re.Pattern[str]:
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


def pack(files: dict[str, Path], into: Path, keep_links: bool = False) -> str:
    """Write `files` to the zip `into`, permissions kept and times left out; return its sha256 in hexadecimal.

    With `keep_links` a symbolic link goes in as one.
    """
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if keep_links and path.is_symlink():
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, os.fsencode(path.readlink()))
                continue
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
