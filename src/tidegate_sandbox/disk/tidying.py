"""Removes files beyond the limits, and has records forgotten: in a thread, after a start and every now and then.

In use is what something that has not ended writes or reads: each of these rules says how it knows.
"""

import asyncio
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from tidegate_sandbox import context, images
from tidegate_sandbox.disk import history
from tidegate_sandbox.disk.limits import (
    AGE,
    CACHES,
    LOGS,
    LONGEST_SERVER_LOG,
    PACKAGES,
    SUPERSEDED_ENVIRONMENTS,
    Limit,
    beyond,
)
from tidegate_sandbox.disk.use import Measured, files_in, told
from tidegate_sandbox.hooks import state as state_hooks
from tidegate_sandbox.hooks.history import OnLoop
from tidegate_sandbox.services.codebuild import records
from tidegate_sandbox.services.jobs import inventory

_log = logging.getLogger(__name__)

FIRST_AFTER = 2.0
"""Seconds of the wall from a sandbox's start, which is not to wait for it, to the first look."""

EVERY = 600.0
"""Seconds of the wall from one look to the next."""

_PATIENCE = 30.0
"""Seconds of the wall that a look at what ministack knows may take."""

_ENVIRONMENT = re.compile(r".+-[0-9a-f]{12}")
_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}")
_GONE = ".gone-"


class Tidying:
    """Looks after the home of the sandbox that this process runs, until `close`."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look_now_and_then, name="disk", daemon=True)
        self._told = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, soon; what ministack knows is looked at on `loop`."""
        self._loop = loop
        self._thread.start()

    def close(self) -> None:
        """End; what is being removed may be left for the next one."""
        self._closed.set()

    def _look_now_and_then(self) -> None:
        wait = FIRST_AFTER
        while not self._closed.wait(wait):
            wait = EVERY
            home = context.sandbox().home
            tidy(home, self._closed.is_set, self._on_loop)
            sentence = told(self._measured.used(), home)
            if sentence and not self._told:
                _log.warning("the disk: %s", sentence)
            self._told = bool(sentence)

    def _on_loop(self, function: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return function()

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(_PATIENCE)


def tidy(home: Path, ended: Callable[[], bool] = lambda: False, on_loop: OnLoop = lambda function: function()) -> None:
    """Remove what is beyond the limits. A rule that fails is logged, and the others go on.

    `ended` says between two rules whether the sandbox ends: then its records say no more what is in use. `on_loop`
    calls a function where ministack reads and writes what it knows.
    """
    files = (
        _logs_of_builds,
        _logs_of_jobs,
        _logs_of_model_servers,
        _containers,
        _caches,
        _packages,
        _environments,
        _bodies,
    )
    by_name = {rule.__name__: partial(rule, home) for rule in files}
    for name, rule in (history.rules(on_loop) | by_name).items():
        if ended():
            return
        try:
            rule()
        except Exception:
            _log.exception("the disk: %s failed", name.strip("_"))


def _keep(limit: Limit, folder: Path, in_use: Callable[[Path], bool], what: str) -> None:
    files = beyond(limit, files_in(folder), in_use)
    for file in files:
        file.unlink(missing_ok=True)
    _say(what, files)


def _say(what: str, removed: Iterable[Path]) -> None:
    if names := [path.name for path in removed]:
        _log.info("the disk: removed %d %s, such as %s", len(names), what, names[0])


# ---------------------------------------------------------------- logs
def _logs_of_builds(home: Path) -> None:
    running = {build.log for build in records.under_way()}
    _keep(LOGS, home / "codebuild" / "logs", running.__contains__, "logs of builds")


def _logs_of_jobs(home: Path) -> None:
    running = {job.log for job in inventory.under_way()}
    _keep(LOGS, home / "log" / "jobs", running.__contains__, "logs of jobs")


def _logs_of_model_servers(home: Path) -> None:
    logs, fleets = home / "log" / "endpoints", home / "endpoints"

    def in_use(log: Path) -> bool:
        # A fleet has a folder as long as it lives, by whose name its servers' logs begin.
        alive = fleets / log.parent.relative_to(logs)
        return any(log.name.startswith(f"{fleet.name}-") for fleet in _entries(alive))

    for file in files_in(logs):
        if file.path.suffix == ".log" and file.size > LONGEST_SERVER_LOG and in_use(file.path):
            # Servers append to theirs: it goes on at its beginning. A line of this very moment may be lost.
            shutil.copyfile(file.path, file.path.with_suffix(".log.1"))
            with file.path.open("r+b") as log:
                log.truncate()
    _keep(LOGS, logs, in_use, "logs of model servers")


# ---------------------------------------------------------------- builds
def _containers(home: Path) -> None:
    left = _entries(home / "codebuild" / "builds")
    # Its record is there before a build's folder, so those that are looked at afterwards are all.
    running = {build.uuid for build in records.under_way()}
    _remove((folder for folder in left if folder.name not in running), "containers of builds")


def _caches(home: Path) -> None:
    folder = home / "codebuild" / "cache" / "custom"
    _keep(CACHES, folder, lambda file: not _is_old(file), "caches of builds")


def _packages(home: Path) -> None:
    cache = home / "codebuild" / "cache"
    shared = [entry for entry in _entries(cache) if entry.name != "custom" and not entry.name.startswith(_GONE)]
    if sum(file.size for entry in shared for file in files_in(entry)) > PACKAGES:
        aside = cache / f"{_GONE}{secrets.token_hex(4)}"
        # No build begins while the lock is held, and one that begins afterwards finds none of it.
        with records.lock:
            if not records.under_way():
                aside.mkdir()
                for entry in shared:
                    entry.rename(aside / entry.name)
    _remove(cache.glob(f"{_GONE}*"), "folders of packages that builds shared")


# ---------------------------------------------------------------- environments
def _environments(home: Path) -> None:
    with images.kept_from_changing() as (known, used):
        unknown = [
            entry
            for entry in _entries(home / "images")
            if _ENVIRONMENT.fullmatch(entry.name) and entry.name not in known | used and not entry.is_symlink()
        ]
        unknown.sort(key=lambda entry: entry.stat().st_mtime)
        superseded = unknown[: max(0, len(unknown) - SUPERSEDED_ENVIRONMENTS)]
        drafts = [entry for entry in _entries(home / "images") if _DRAFT.fullmatch(entry.name) and _is_old(entry)]
        # Whoever comes next finds it whole or not at all.
        aside = [entry.rename(entry.with_name(f".{entry.name}.{secrets.token_hex(4)}")) for entry in superseded]
    _remove([*aside, *drafts], "environments of images that no table has any more")


# ---------------------------------------------------------------- objects
def _bodies(home: Path) -> None:
    s3 = home / "s3"
    partial_files = [file.path for file in files_in(s3) if file.path.suffix == ".tmp" and _is_old(file.path)]
    for file in partial_files:
        file.unlink(missing_ok=True)
    _say("bodies that were not written to their end", partial_files)
    versions = s3 / ".versions"
    found = [folder for folder in versions.glob("*/*/*") if _is_old(folder)]
    # Asked for afterwards: a version is known before it is displaced, and only then is it written there.
    known = state_hooks.versions_of_objects()
    _remove((each for each in found if each.relative_to(versions).parts not in known), "bodies without an object")


# ---------------------------------------------------------------- files
def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_old(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return time.time() - path.lstat().st_mtime > AGE
    return False


def _remove(folders: Iterable[Path], what: str) -> None:
    removed = list(folders)
    for folder in removed:
        shutil.rmtree(folder, ignore_errors=True)
    _say(what, removed)
