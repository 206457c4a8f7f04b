"""Starts, finds, ends and resets a sandbox. A sandbox is a process that holds the lock of its home folder."""

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tidegate_sandbox import processes, server
from tidegate_sandbox.disk.use import OUTLIVES_RESET
from tidegate_sandbox.state import snapshot

LOCK = "tidegate-sandbox.lock"
RECORD = "sandbox.json"
REGION = "us-east-1"
"""The region that a person is told to use; any other works as well."""
MADE = (LOCK, *OUTLIVES_RESET)
"""What of a home outlives `reset`: the environments that took long to make, and what builds share."""
PASSING = ("tmp", "jobs", "endpoints", "ministack")
"""What of a home belongs to processes that ended with their sandbox."""

_TO_END = 10.0
"""Seconds that a process may take to end once it was killed."""


class LifecycleError(Exception):
    """Why a sandbox could not be started or found, as a sentence."""


@dataclass(frozen=True)
class Before:
    """What a sandbox found in its home: `crashed` where the one before it was killed, `clock` where it left records.

    `under_way` is how much is gone on with.
    """

    crashed: bool
    clock: datetime | None
    under_way: int


Ready = Callable[["Running", Before], None]


@dataclass(frozen=True)
class Running:
    """A sandbox that runs: the process, where it answers, and what its children are told by (`processes.RUN`)."""

    pid: int
    port: int
    run: str

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
            return _running(record)
        raise LifecycleError(f"a sandbox in {home} is starting or ending; try again in a moment") from None
    return None


def run(settings: server.Settings, ready: Ready) -> None:
    """Run a sandbox in this process until it is told to end, going on from what the one before it here left.

    LifecycleError where the home or the port is not to be had, or what was left cannot be gone on from.
    """
    home = settings.home
    _claim(home)
    with _locked(home):
        crashed = (home / RECORD).exists()
        left = _left(home)
        listening = _listen(settings.port, left.about.port if left else 0)
        _clear(home, PASSING if left else None)
        running = Running(os.getpid(), listening.getsockname()[1], processes.RUN)
        settings = server.Settings(home, running.port, settings.speed, settings.after_rollback, settings.iam)

        def answers(under_way: int) -> None:
            _announce(home, running, Before(crashed, left.clock if left else None, under_way), ready)

        try:
            server.serve(settings, listening, answers, left)
        except snapshot.UnreadableError as error:
            raise LifecycleError(_not_gone_on_from(home, error)) from error
        finally:
            (home / RECORD).unlink(missing_ok=True)


def _left(home: Path) -> snapshot.Snapshot | None:
    try:
        return snapshot.read(home)
    except snapshot.UnreadableError as error:
        raise LifecycleError(_not_gone_on_from(home, error)) from error


def _not_gone_on_from(home: Path, error: snapshot.UnreadableError) -> str:
    return f"what the last sandbox here held cannot be read: {error}; `tidegate sandbox reset --home {home}` forgets it"


def _listen(port: int, before: int) -> socket.socket:
    """Listen on `port`; where any will do, on that of the sandbox before, whose address is in many a record."""
    if port == 0 and before:
        with suppress(OSError):
            return server.listen(before)
    try:
        return server.listen(port)
    except OSError as error:
        raise LifecycleError(
            f"port {port} of 127.0.0.1 is not to be had ({error.strerror}): "
            "end what uses it, or choose another with --port"
        ) from error


def start(
    settings: server.Settings, waiting: Callable[[float], None], patience: float = 60.0
) -> tuple[Running, Before]:
    """Start a sandbox in the background; return it once it answers, and what it found.

    `waiting` is called now and then with the seconds so far. LifecycleError where it cannot be started, or does not
    answer within `patience` seconds.
    """
    home = settings.home
    if running := find(home):
        raise LifecycleError(_taken(home, running))
    _claim(home)
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
        if (started := _record(home)) and started[0].pid == process.pid:
            return started
        waiting(elapsed)
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    raise LifecycleError(f"the sandbox did not start within {patience:g} seconds: see {home / 'log'}")


def reset(home: Path) -> None:
    """Forget what a sandbox left in `home`; the next one starts afresh. LifecycleError where one runs there."""
    if running := find(home):
        raise LifecycleError(_taken(home, running))
    _claim(home)
    with _locked(home):
        _clear(home, None)


def holds(home: Path) -> bool:
    """Whether a sandbox that ended left something in `home` that `reset` would forget."""
    return (home / snapshot.FILE).exists()


def end(running: Running, home: Path, patience: float = 20.0) -> None:
    """End a sandbox, by force where it does not end within `patience` seconds, and every process that it started.

    When this returns none of them is there any more, nor what was mounted for them. LifecycleError, as a sentence,
    where one cannot be ended.
    """
    with suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
        if not _seen_to_end(running.pid, patience):
            os.kill(running.pid, signal.SIGKILL)
            _seen_to_end(running.pid, _TO_END)
    until = time.monotonic() + _TO_END
    # Its warden ends what it left, and then itself; what neither server nor warden could is tried here once more.
    while left := [*([running.pid] if _is_locked(home) else []), *processes.of_run(running.run)]:
        if time.monotonic() > until:
            named = ", ".join(map(str, left))
            raise LifecycleError(f"of the sandbox in {home} these processes cannot be ended: {named}")
        if time.monotonic() > until - _TO_END / 2:
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _seen_to_end(pid: int, patience: float) -> bool:
    """Return whether a process ends within `patience` seconds; ProcessLookupError where there is none."""
    if not hasattr(os, "pidfd_open"):  # Linux alone has it
        return _polled_to_end(pid, patience)
    process = os.pidfd_open(pid)
    try:
        ended = select.poll()
        ended.register(process, select.POLLIN)
        return bool(ended.poll(patience * 1000))
    finally:
        os.close(process)


def _polled_to_end(pid: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with suppress(ChildProcessError):  # it need not be this process's own
            os.waitpid(pid, os.WNOHANG)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


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
    try:
        with (home / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # somebody removed the home
        return False
    return False


def _taken(home: Path, running: Running | None) -> str:
    where = f" at {running.url} (process {running.pid})" if running else ""
    end_it = f"`tidegate sandbox down --home {home}`"
    return f"a sandbox runs in {home} already{where}: end it with {end_it}, or choose another --home"


def _clear(home: Path, names: Collection[str] | None) -> None:
    """Remove those of `names` from a home, or all but what was made to last."""
    for entry in home.iterdir():
        if entry.name in MADE or entry.name == "start.log" or (names is not None and entry.name not in names):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def _record(home: Path) -> tuple[Running, Before] | None:
    try:
        record = json.loads((home / RECORD).read_text())
    except (FileNotFoundError, ValueError):
        return None
    before = record["before"]
    clock = datetime.fromisoformat(before["clock"]) if before["clock"] else None
    return _running(record), Before(before["crashed"], clock, before["under_way"])


def _running(record: dict[str, Any]) -> Running:
    return Running(record["pid"], record["port"], record["run"])


def _announce(home: Path, running: Running, before: Before, ready: Ready) -> None:
    partial = home / f"{RECORD}.partial"
    partial.write_text(json.dumps({**asdict(running), "before": asdict(before)}, default=datetime.isoformat))
    partial.replace(home / RECORD)
    ready(running, before)
