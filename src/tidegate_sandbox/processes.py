"""Child processes of the sandbox: jobs, builds, model servers, git.

Each child leads a process group of its own, gets an environment built from scratch, and dies with the sandbox, even
where that is killed outright (see warden.py).
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tidegate_sandbox import warden

PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)
"""What a child inherits by name; package index settings (PIP_*, UV_*) are inherited too. Never AWS_*: a child must
reach no AWS but the one it is given."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

RUN = secrets.token_hex(16)
"""What the children of this run of a sandbox are told by."""

TIMED_OUT = 124
"""What `run` answers for a child that it ended for taking too long, as timeout(1) does."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a child's environment: what is passed on by name, loopback off the proxy, and `extra` over it.

    It bears the mark of this run, which no `extra` takes away.
    """
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    inherited |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    direct = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = ",".join(dict.fromkeys([*filter(None, direct.split(",")), *LOOPBACK]))
    own = {"NO_PROXY": hosts, "no_proxy": hosts, **(extra or {}), warden.MARK: RUN}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **inherited, **own}


@dataclass(frozen=True)
class Child:
    """A running child, as `status` lists it."""

    pid: int
    name: str


class Process:
    """A child process with its process group. Make one with `Process.start`."""

    def __init__(self, popen: "subprocess.Popen[bytes]", name: str, access_key: str) -> None:
        self._popen = popen
        self.name = name
        self.access_key = access_key
        """That it calls AWS with."""

    @classmethod
    def start(
        cls,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path,
        log: Path,
        name: str | None = None,
    ) -> "Process":
        """Start `argv` in `cwd`, its output appended to `log`, in `environment(env)`.

        FileNotFoundError or PermissionError where it cannot be started, RuntimeError where all children have been
        ended. `name` is what `status` shows.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output, _register.open() as add:
            popen = subprocess.Popen(
                [os.fspath(argument) for argument in argv],
                cwd=cwd,
                env=environment(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            process = cls(popen, name or Path(os.fspath(argv[0])).name, (env or {}).get("AWS_ACCESS_KEY_ID", ""))
            add(process)
        return process

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        # It ends with its sandbox: whoever reads that it had one finds that it has none.
        return type(None), ()

    @property
    def pid(self) -> int:
        """The process id, which is its process group's id too."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        code = self._popen.poll()
        if code is not None:
            _register.remove(self)
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, at most `timeout` seconds of the wall (then subprocess.TimeoutExpired)."""
        self._popen.wait(timeout)
        return self._end_group()

    def ask_to_end(self) -> None:
        """Send its group SIGTERM and do not wait."""
        self._signal(signal.SIGTERM)

    def terminate(self, grace: float = 5.0) -> int:
        """Ask it to end, and kill it and its group after `grace` seconds of the wall; return the exit code."""
        self.ask_to_end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(grace)
        return self._end_group()

    def kill(self) -> int:
        """Kill it and its group at once; return the exit code."""
        return self._end_group()

    def _end_group(self) -> int:
        # What the child left running in its group ends with it, as in a container.
        self._signal(signal.SIGKILL)
        code = self._popen.wait()
        _register.remove(self)
        return code

    def _signal(self, number: signal.Signals) -> None:
        # macOS answers EPERM where only a zombie is left in the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path,
    log: Path,
    timeout: float | None = None,
    name: str | None = None,
) -> int:
    """Run `argv` to its end and return the exit code: negative for a signal, TIMED_OUT after `timeout` seconds.

    The rest as for Process.start.
    """
    process = Process.start(argv, env=env, cwd=cwd, log=log, name=name)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.terminate()
        return TIMED_OUT


def children() -> list[Child]:
    """Return the children that are running."""
    return [Child(process.pid, process.name) for process in _register.running() if process.poll() is None]


def watch() -> None:
    """Let a warden stand by from now on: what somebody else starts in this process's environment ends with it too."""
    os.environ[warden.MARK] = RUN
    _register.watch()


def of_run(run: str) -> list[int]:
    """Return the processes of a run of a sandbox, by its `RUN`: all that it started and its warden, not the server.

    Off Linux the warden stands for all: it ends once it has ended the others.
    """
    if sys.platform == "linux":
        return [*warden.marked(f"{warden.MARK}={run}"), *warden.called_with(run)]
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if line.endswith(f" {run}")]


def access_keys() -> set[str]:
    """Return the keys that the children call AWS with."""
    return {process.access_key for process in _register.running()}


def end_all() -> None:
    """End every child, for the sandbox is going down, and let none be started any more.

    What ran a child goes on a moment longer than that: a build whose command was ended would begin its next phase.
    """
    processes = _register.close()
    for process in processes:
        process.ask_to_end()
    for process in processes:
        process.terminate(grace=1.0)


@dataclass
class _Register:
    """The children that run, told to the warden as they come and go."""

    processes: dict[int, Process] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    warden: "subprocess.Popen[bytes] | None" = None
    closed: bool = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Callable[[Process], None]]:
        """Return what a child is entered with; one that is started within the block is in the register or was refused.

        RuntimeError once the register is closed.
        """
        with self.lock:
            if self.closed:
                raise RuntimeError("the local simulation is going down")
            yield self._add

    def _add(self, process: Process) -> None:
        self.processes[process.pid] = process
        self._tell(b"+%d\n" % process.pid)

    def close(self) -> list[Process]:
        """Take no child any more; return those that run."""
        with self.lock:
            self.closed = True
            return list(self.processes.values())

    def remove(self, process: Process) -> None:
        with self.lock:
            if self.processes.pop(process.pid, None) is not None:
                self._tell(b"-%d\n" % process.pid)

    def running(self) -> list[Process]:
        with self.lock:
            return list(self.processes.values())

    def watch(self) -> None:
        """Start the warden, unless there is one."""
        with self.lock:
            self._warden()

    def _tell(self, line: bytes) -> None:
        to = self._warden().stdin
        assert to is not None
        to.write(line)
        to.flush()

    def _warden(self) -> "subprocess.Popen[bytes]":
        self.warden = self.warden or subprocess.Popen(
            [sys.executable, "-I", "-S", warden.__file__, RUN],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={},
        )
        return self.warden


_register = _Register()
