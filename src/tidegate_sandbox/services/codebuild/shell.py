"""The one shell that runs a build's commands, so that `cd`, `export` and functions last from command to command."""

import os
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tidegate_sandbox.processes import Process

# Commands come in by name of a file, exit statuses go out; a command sees neither pipe. The trap leaves what a
# command that ends the shell had set, for the shell that carries on after it.
_DRIVER = """\
exec 7<"$1" 8>"$2"
__commands="$3" __state="$4"
set --
trap '__status=$?; { export -p; printf "cd %q\\n" "$PWD"; } >"$__state"; exit $__status' EXIT
if [ -e "$__state" ]; then . "$__state"; fi
while IFS= read -r -u 7 __next; do
  . "$__commands/$__next" 7<&- 8>&-
  echo "$?" >&8
done
"""
_TICK = 0.5


@dataclass(frozen=True)
class Ended:
    """How a command ended: `status` is its exit status (negative for a signal) where it ran to its end."""

    how: Literal["exited", "timed out", "stopped"]
    status: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether it ran to its end with status 0."""
        return self.how == "exited" and self.status == 0


class Shell:
    """A shell in `cwd` with `env`, its output in `log`. `folder` is for the files that drive it."""

    def __init__(self, dialect: str, env: Mapping[str, str], cwd: Path, log: Path, folder: Path, name: str) -> None:
        # On CodeBuild's Amazon Linux images sh is bash in POSIX mode.
        self._argv = ["bash", "--noprofile", "--norc"] + (["--posix"] if dialect == "sh" else [])
        self._env, self._cwd, self._log, self._folder, self._name = env, cwd, log, folder, name
        self._process: Process | None = None
        self._commands = self._results = -1
        self._count = 0
        self._stopped = False
        folder.mkdir(parents=True)
        (folder / "driver").write_text(_DRIVER)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        # It ends with its sandbox.
        return type(None), ()

    def run(self, command: str, deadline: float, tick: Callable[[], None] = lambda: None) -> Ended:
        """Run `command` until it ends or time.monotonic() passes `deadline`; call `tick` now and then."""
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        self._count += 1
        name = f"command-{self._count}"
        (self._folder / name).write_text(command + "\n")
        os.write(self._commands, f"{name}\n".encode())
        poll = select.poll()
        poll.register(self._results, select.POLLIN)
        answer = b""
        while not answer.endswith(b"\n"):
            if self._stopped:
                return Ended("stopped")
            if time.monotonic() > deadline:
                self.close()
                return Ended("timed out")
            ready = poll.poll(min(_TICK, max(0.0, deadline - time.monotonic())) * 1000 + 1)
            if ready and ready[0][1] & select.POLLIN:
                answer += os.read(self._results, 64)
            elif ready or process.poll() is not None:
                status = process.wait()
                self._leave()
                return Ended("stopped") if self._stopped else Ended("exited", status)
            tick()
        return Ended("exited", int(answer))

    def stop(self) -> None:
        """End what runs, from another thread."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the shell and all that it left running."""
        if self._process is not None:
            self._process.kill()
            self._leave()

    def _start(self) -> None:
        commands, results = self._folder / "commands", self._folder / "results"
        for pipe in (commands, results):
            pipe.unlink(missing_ok=True)
            os.mkfifo(pipe, 0o600)
        self._results = os.open(results, os.O_RDONLY | os.O_NONBLOCK)
        self._process = Process.start(
            [*self._argv, str(self._folder / "driver"), commands, results, self._folder, self._folder / "state"],
            env=self._env,
            cwd=self._cwd,
            log=self._log,
            name=self._name,
        )
        # Opening for both ways does not wait for the shell to open its end.
        self._commands = os.open(commands, os.O_RDWR)

    def _leave(self) -> None:
        os.close(self._commands)
        os.close(self._results)
        self._process = None
