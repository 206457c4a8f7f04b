"""Starts, finds and ends a sandbox. A sandbox is a process that holds the lock of its home folder."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tidegate_sandbox import server

LOCK = "tidegate-sandbox.lock"
RECORD = "sandbox.json"
REGION = "us-east-1"
"""The region that a person is told to use; any other works as well."""
KEPT = (LOCK, "images", "codebuild")
"""What of a home outlives a sandbox: the environments that took long to make. All else starts afresh."""


class LifecycleError(Exception):
    """Why a sandbox could not be started or found, as a sentence."""


@dataclass(frozen=True)
class Running:
    """A sandbox that runs: the process and where it answers."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Where AWS clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return what a shell exports so that AWS clients reach this sandbox and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": server.ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
        }

    def status(self) -> dict[str, Any]:
        """Ask it how it is: see `server`'s status page. LifecycleError where it does not answer."""
        from http.client import HTTPConnection, HTTPException

        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/_tidegate/status")
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError) as error:
            raise LifecycleError(f"the sandbox at {self.url} (process {self.pid}) does not answer: {error}") from error
        finally:
            connection.close()
        return answer


def default_home() -> Path:
    """Return where a sandbox lives unless told otherwise, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "tidegate" / "sandbox"


def find(home: Path) -> Running | None:
    """Return the sandbox that runs in `home`, if one does."""
    try:
        with (home / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        with suppress(FileNotFoundError, ValueError, KeyError):
            record = json.loads((home / RECORD).read_text())
            return Running(record["pid"], record["port"])
        raise LifecycleError(f"a sandbox in {home} is starting or ending; try again in a moment") from None
    return None


def run(settings: server.Settings, ready: Callable[[Running, bool], None]) -> None:
    """Run a sandbox in this process until it is told to end.

    `ready` gets it, and whether the one before it here ended without being told to. LifecycleError where the home or
    the port is not to be had.
    """
    home = settings.home
    _claim(home)
    with _locked(home):
        crashed = (home / RECORD).exists()
        try:
            listening = server.listen(settings.port)
        except OSError as error:
            raise LifecycleError(
                f"port {settings.port} of 127.0.0.1 is not to be had ({error.strerror}): "
                "end what uses it, or choose another with --port"
            ) from error
        _start_afresh(home)
        running = Running(os.getpid(), listening.getsockname()[1])
        settings = server.Settings(home, running.port, settings.speed, settings.after_rollback, settings.iam)
        try:
            server.serve(settings, listening, lambda: _announce(home, running, crashed, ready))
        finally:
            (home / RECORD).unlink(missing_ok=True)


def start(settings: server.Settings, waiting: Callable[[float], None], patience: float = 60.0) -> tuple[Running, bool]:
    """Start a sandbox in the background; return it once it answers, and whether the last one here had crashed.

    `waiting` is called now and then with the seconds so far. LifecycleError where it cannot be started, or does not
    answer within `patience` seconds.
    """
    home = settings.home
    if running := find(home):
        raise LifecycleError(_taken(home, running))
    _claim(home)
    crashed = (home / RECORD).exists()
    messages = home / "start.log"
    with messages.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tidegate_sandbox.cli", "up", "--foreground"),
                *("--home", str(home), "--port", str(settings.port)),
                *("--speed", str(settings.speed), "--after-rollback", settings.after_rollback, "--iam", settings.iam),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < patience:
        if process.poll() is not None:
            raise LifecycleError(messages.read_text().strip() or f"the sandbox ended at once: see {home / 'log'}")
        if (started := _record(home)) and started.pid == process.pid:
            return started, crashed
        waiting(elapsed)
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    raise LifecycleError(f"the sandbox did not start within {patience:g} seconds: see {home / 'log'}")


def end(running: Running, home: Path, patience: float = 20.0) -> None:
    """End a sandbox and its children, by force where it does not end within `patience` seconds."""
    with suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
        until = time.monotonic() + patience
        while time.monotonic() < until and _is_locked(home):
            time.sleep(0.05)
        if _is_locked(home):
            os.kill(running.pid, signal.SIGKILL)  # its warden ends the children


def _claim(home: Path) -> None:
    """Make `home`, or see that it is a sandbox's: everything in it is about to be cleared."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        if any(home.iterdir()) and not (home / LOCK).exists():
            raise LifecycleError(f"{home} holds files that are not a sandbox's; choose an empty folder with --home")
        (home / LOCK).touch()
    except OSError as error:
        raise LifecycleError(f"{home} cannot be a sandbox's home: {error.strerror}") from error


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    # The kernel drops the lock with the process, so a kill -9 leaves none behind.
    with (home / LOCK).open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = find(home)
            raise LifecycleError(_taken(home, running)) from None
        yield


def _is_locked(home: Path) -> bool:
    with (home / LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _taken(home: Path, running: Running | None) -> str:
    where = f" at {running.url} (process {running.pid})" if running else ""
    end_it = f"`tidegate sandbox down --home {home}`"
    return f"a sandbox runs in {home} already{where}: end it with {end_it}, or choose another --home"


def _start_afresh(home: Path) -> None:
    for entry in home.iterdir():
        if entry.name in KEPT or entry.name == "start.log":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def _record(home: Path) -> Running | None:
    try:
        record = json.loads((home / RECORD).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Running(record["pid"], record["port"])


def _announce(home: Path, running: Running, crashed: bool, ready: Callable[[Running, bool], None]) -> None:
    partial = home / f"{RECORD}.partial"
    partial.write_text(json.dumps(asdict(running)))
    partial.replace(home / RECORD)
    ready(running, crashed)
