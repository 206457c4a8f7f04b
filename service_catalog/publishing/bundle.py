"""The seed bundle: a zip with the same bytes for the same content, so that its key can be its hash."""

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SEED = Path("service_catalog/seed")
SEED_FILES = ("answer.py", "buildspec.yml", "seed.py", "requirements.txt")
GOODBYE = Path("service_catalog/goodbye")
# CodeBuild looks for a buildspec at the top of what it unpacks.
GOODBYE_BUILDSPEC = "buildspec.goodbye.yml"
# What upgrades the code of a repository to this version, under the names by which its modules know each other.
UPGRADE_FILES = (
    "service_catalog/__init__.py",
    "service_catalog/seed/__init__.py",
    "service_catalog/seed/seed.py",
    "service_catalog/upgrade/__init__.py",
    "service_catalog/upgrade/code.py",
    "service_catalog/upgrade/history.py",
)
SEED_CODE = Path("seed_code")
# How every build of the product makes its environment; both seeds have the same.
ENVIRONMENT = Path("seed_code/build/{{cookiecutter.project_name}}-modelbuild/scripts")
ENVIRONMENT_FILES = ("environment.py", "uv.txt")
# What tools leave behind in a seed that is worked on.
LEFTOVERS = {
    "__pycache__", ".venv", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis", ".DS_Store",
}  # fmt: skip
# 2020-01-01 in both notations, so that a file's age is not part of a bundle.
SOURCE_DATE_EPOCH = "1577836800"
ZIP_DATE = (2020, 1, 1, 0, 0, 0)


class BundleError(ValueError):
    """The checkout cannot be bundled; the message is a sentence."""


@dataclass(frozen=True)
class File:
    """A file of the bundle."""

    content: bytes
    executable: bool = False


def build_bundle(checkout: Path = CHECKOUT) -> bytes:
    """Return the bundle of `checkout`: what the seed build runs, both seeds, and the engine's wheel.

    Raises BundleError if it cannot be.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(checkout, Path(scratch))
        return pack(collect(checkout, wheel))


def build_wheel(checkout: Path, into: Path) -> Path:
    """Build the wheel of `checkout`, the same bytes each time, into the folder `into`; return its path.

    Raises BundleError with what the build said last, if it cannot be built.
    """
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(into)],
        cwd=checkout,
        env={**os.environ, "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise BundleError(f"The engine's wheel could not be built from {checkout}: {said[-1]}")
    (wheel,) = into.glob("*.whl")
    return wheel


def collect(checkout: Path, wheel: Path) -> dict[str, File]:
    """Return the files of the bundle by their names in it."""
    seed_code = checkout / SEED_CODE
    files = sorted(_files(seed_code, within=checkout.resolve()))
    seeds = {path.relative_to(checkout).as_posix(): _read(path) for path in files}
    own = {name: _read(checkout / SEED / name) for name in SEED_FILES}
    upgrade = {name: _read(checkout / name) for name in UPGRADE_FILES}
    environment = {f"scripts/{name}": _read(checkout / ENVIRONMENT / name) for name in ENVIRONMENT_FILES}
    goodbye = {f"goodbye/{path.name}": _read(path) for path in _files(checkout / GOODBYE, within=checkout.resolve())}
    own |= {GOODBYE_BUILDSPEC: goodbye.pop(f"goodbye/{GOODBYE_BUILDSPEC}")} | goodbye
    return own | upgrade | environment | {f"vendor/{wheel.name}": _read(wheel)} | seeds


def pack(files: Mapping[str, File]) -> bytes:
    """Return the zip of `files`: in order of their names, undated, and not compressed.

    How well zlib compresses depends on its build, and the bytes of a bundle must not.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.create_system = 3  # Unix, which is what the permissions are read by
            info.external_attr = (0o100755 if files[name].executable else 0o100644) << 16
            archive.writestr(info, files[name].content)
    return buffer.getvalue()


def digest(content: bytes) -> str:
    """Return the first 128 bits of the SHA-256 of `content`, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()[:32]


def _files(folder: Path, within: Path) -> Iterator[Path]:
    """Yield the files of `folder`; a link to another file of the checkout is that file, for what several need."""
    for path in folder.iterdir():
        if path.name in LEFTOVERS or path.suffix == ".pyc":
            continue
        if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(within)):
            raise BundleError(f"{path} is a symbolic link to something that is no file of the checkout.")
        if path.is_dir():
            yield from _files(path, within)
        else:
            yield path


def _read(path: Path) -> File:
    return File(path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))
