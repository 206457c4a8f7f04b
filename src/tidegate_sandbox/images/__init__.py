"""Stand-ins for container images: a Python environment each, made once from a hash-locked list of packages.

Which image has which stand-in is data: images.toml here, and one of the same form in the sandbox's home folder for
images of one's own.
"""

import hashlib
import logging
import os
import re
import secrets
import shutil
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate_sandbox import context, processes
from tidegate_sandbox.errors import AwsError

_log = logging.getLogger(__name__)

_URI = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?P<repository>[a-z0-9][a-z0-9._/-]*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]*))?"
)
"""A private Amazon ECR image; one without a tag is `latest`, as docker reads it."""

SHIPPED = Path(__file__).with_name("images.toml")

_COMMANDS = ("entrypoint", "train")


@dataclass(frozen=True)
class StandIn:
    """What stands in for a container image: the locked lists it is installed from, and modules to import once."""

    repository: str
    tag: str
    requirements: tuple[Path, ...]
    imports: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    """The image's own, its files by their whole path; empty for an image whose command has to be given."""
    train: tuple[str, ...] = ()
    """What `train` is in the image, in the same way; empty where a training job has to give its command."""
    serve: tuple[str, ...] = ()
    """The algorithm and its version that serves a model without a program of the user's; empty where none does."""
    metrics: str = ""
    """The expression for metrics of its own in what an algorithm prints: data set, name and value are its groups."""
    container: Mapping[str, str] = field(default_factory=dict)
    """The versions that the container has, `python` and packages by name, where the stand-in may have others."""

    @property
    def folder_name(self) -> str:
        """The environment's name: another list, or another Python, is another environment.

        Images that are stood in for by the same share one.
        """
        lists = b"".join(path.read_bytes() for path in self.requirements)
        recipe = lists + repr((self.imports, sys.version_info[:3])).encode()
        return f"{self.requirements[-1].stem}-{hashlib.sha256(recipe).hexdigest()[:12]}"

    def differences(self, python: Path) -> str | None:
        """Return, in a sentence, where the environment of `python` has other versions than the container."""
        if not self.container:
            return None
        own = {"python": ".".join(map(str, sys.version_info[:2]))}
        for metadata in python.parents[1].glob("lib/python*/site-packages/*.dist-info"):
            name, _, version = metadata.name.removesuffix(".dist-info").rpartition("-")
            own[name.replace("_", "-").removesuffix("-cpu")] = version
        told = [
            f"{name} {own.get(name, 'is missing')} ({of_container})"
            for name, of_container in self.container.items()
            if own.get(name) != of_container
        ]
        if not told:
            return None
        return (
            f"local simulation: {self.repository}:{self.tag} is stood in for as far as this machine allows, by "
            f"{', '.join(told)}; in brackets what the container has"
        )


def stand_in(image_uri: str, tables: tuple[Path, ...] = (SHIPPED,)) -> StandIn:
    """Return what stands in for `image_uri`, whatever its account and region, by `tables` (the first that has it).

    AwsError(ValidationException) where it is no ECR image or nothing stands in for it.
    """
    uri = _URI.fullmatch(image_uri)
    if uri is None:
        raise AwsError("ValidationException", f"{image_uri!r} is not the address of an image in a private Amazon ECR")
    repository, tag = uri["repository"], uri["tag"] or "latest"
    known = []
    for path in tables:
        table = tomllib.loads(path.read_text())
        found = table.get(repository, {}).get(tag)
        if found is not None:
            return _read(path, repository, tag, found)
        known += [f"{name}:{version}" for name, versions in table.items() for version in versions]
    raise AwsError(
        "ValidationException",
        f"the image {image_uri} has no stand-in in the local simulation, which has {', '.join(known)}; "
        "an images.toml in its home folder adds one",
    )


def _read(table: Path, repository: str, tag: str, found: dict[str, Any]) -> StandIn:
    entrypoint, train = (tuple(_whole(table.parent, word) for word in found.get(key, ())) for key in _COMMANDS)
    lists = found["requirements"]
    return StandIn(
        repository,
        tag,
        tuple(table.parent / name for name in ([lists] if isinstance(lists, str) else lists)),
        tuple(found.get("imports", ())),
        entrypoint,
        train,
        tuple(found.get("serve", ())),
        found.get("metrics", ""),
        dict(found.get("container", {})),
    )


def _whole(folder: Path, word: str) -> str:
    """Return a word of an entry point: as it is, or the file of that name in `folder`."""
    return str(folder / word) if (folder / word).is_file() else word


def known(image_uri: str) -> StandIn:
    """Return what stands in for `image_uri` in the running sandbox; AwsError(ValidationException) for nothing."""
    own = context.sandbox().home / "images.toml"
    return stand_in(image_uri, ((own,) if own.is_file() else ()) + (SHIPPED,))


_making = threading.Lock()  # one at a time: two would share the same disk and network
_asked_for: set[str] = set()


def environment_for(image_uri: str) -> Path:
    """Return the Python executable of the environment that stands in for `image_uri`; make it where there is none.

    The first call for an image takes seconds to minutes (packages are downloaded once), others none, and a
    call that finds another at work waits for it. The environment is shared: nothing may be installed into it.

    AwsError(ValidationException) for an image without a stand-in; AwsError(InternalFailure) where it cannot be made.
    """
    chosen = known(image_uri)
    folder = context.sandbox().home / "images" / chosen.folder_name
    python = folder / "bin" / "python"
    with _making:
        if not python.exists():
            _make(chosen, folder)
        _asked_for.add(folder.name)
        os.utime(folder)  # when it was used last, for whoever looks after the disk
    return python


@contextmanager
def kept_from_changing() -> Iterator[tuple[set[str], set[str]]]:
    """Let no environment be made or asked for meanwhile.

    It gives the folders' names of those that tables have, and of those that were asked for and may be in use.
    """
    own = context.sandbox().home / "images.toml"
    with _making:
        known = set()
        for path in ((own,) if own.is_file() else ()) + (SHIPPED,):
            for repository, versions in tomllib.loads(path.read_text()).items():
                known |= {_read(path, repository, tag, found).folder_name for tag, found in versions.items()}
        yield known, set(_asked_for)


def _make(chosen: StandIn, folder: Path) -> None:
    from uv import find_uv_bin

    started = time.monotonic()
    _log.info("making the environment that stands in for %s:%s", chosen.repository, chosen.tag)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.parent / f"{folder.name}.log"
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    # Made beside its place and then renamed: an environment is whole or absent, also when the sandbox is killed.
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    python, uv = draft / "bin" / "python", find_uv_bin()
    lists = [word for path in chosen.requirements for word in ("-r", str(path))]
    commands: list[tuple[str, list[str]]] = [
        ("create it", [uv, "venv", "--relocatable", "--no-project", "--python", sys.executable, str(draft)]),
        (
            "install its packages",
            [uv, "pip", "install", "--python", str(python), "--require-hashes", *lists],
        ),
        ("import its modules", [str(python), "-W", "ignore", "-c", "".join(f"import {m}\n" for m in chosen.imports)]),
    ]
    try:
        for purpose, command in commands:
            if processes.run(command, cwd=folder.parent, log=log, name=f"image {chosen.repository}:{chosen.tag}"):
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise AwsError(
                    "InternalFailure",
                    f"the environment that stands in for {chosen.repository}:{chosen.tag} could not be made "
                    f"(to {purpose} failed: {' '.join(last)}); the whole output is in {log}",
                    500,
                )
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _log.info("made %s in %.1f s", folder.name, time.monotonic() - started)
    if different := chosen.differences(folder / "bin" / "python"):
        _log.info("%s", different)
