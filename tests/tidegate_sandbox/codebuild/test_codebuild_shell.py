"""The shell that runs a build's commands."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidegate_sandbox.services.codebuild.shell import Ended, Shell

OK = Ended("exited", 0)


@pytest.fixture(params=["bash", "sh"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    made = Shell(request.param, {"GREETING": "hello"}, tmp_path, tmp_path / "log", tmp_path / "shell", "test")
    yield made
    made.close()


@pytest.fixture
def run(shell: Shell) -> Callable[[str], Ended]:
    return lambda command: shell.run(command, time.monotonic() + 20)


def test_state_lasts_from_command_to_command(run: Callable[[str], Ended], tmp_path: Path) -> None:
    for command in ("mkdir d && cd d", "export A=1", "b=2", "f() { echo f; }", 'echo "$PWD $A $b $(f) $GREETING"'):
        assert run(command) == OK

    assert (tmp_path / "log").read_text() == f"{tmp_path}/d 1 2 f hello\n"


@pytest.mark.parametrize(
    ("command", "status"),
    [("false", 1), ("exit 7", 7), ("(exit 3)", 3), ("set -e\nfalse\ntrue", 1), ("if", 2), ("absent-command", 127)],
)
def test_a_command_that_fails_says_its_status(run: Callable[[str], Ended], command: str, status: int) -> None:
    ended = run(command)

    assert ended.how == "exited"
    assert ended.status == status or (command == "if" and ended.status != 0)
    assert not ended.succeeded


def test_a_shell_that_a_command_ended_is_followed_by_one_that_knows_what_was_exported(
    run: Callable[[str], Ended], tmp_path: Path
) -> None:
    run("mkdir d; cd d; export A='with spaces'; exit 1")

    run('echo "$A" && pwd')

    assert (tmp_path / "log").read_text() == f"with spaces\n{tmp_path}/d\n"


def test_a_command_reads_nothing_and_cannot_write_the_statuses(run: Callable[[str], Ended]) -> None:
    assert run("cat; ! read -t 1 x").succeeded
    assert not run("echo 0 >&8").succeeded
    assert run("true") == OK


def test_a_deadline_ends_the_command_and_what_it_started(shell: Shell, tmp_path: Path) -> None:
    ended = shell.run("sleep 60 & echo $! > pid; wait", time.monotonic() + 3)

    assert ended == Ended("timed out")
    _is_gone(int((tmp_path / "pid").read_text()))


def test_stopping_ends_the_command_at_once(shell: Shell) -> None:
    started = time.monotonic()
    threading.Timer(0.3, shell.stop).start()

    assert shell.run("sleep 60", time.monotonic() + 50) == Ended("stopped")
    assert time.monotonic() - started < 30
    assert shell.run("true", time.monotonic() + 5) == Ended("stopped")


def test_a_background_process_lasts_until_the_shell_closes(shell: Shell, tmp_path: Path) -> None:
    shell.run("sleep 60 & echo $! > pid", time.monotonic() + 20)
    pid = int((tmp_path / "pid").read_text())
    assert shell.run(f"kill -0 {pid}", time.monotonic() + 20) == OK

    shell.close()

    _is_gone(pid)


def test_a_sandbox_that_is_killed_leaves_no_command_running(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from tidegate_sandbox.services.codebuild.shell import Shell
home = Path({str(tmp_path)!r})
shell = Shell("bash", {{}}, home, home / "log", home / "shell", "test")
shell.run("sleep 60 & echo $! > pid.new; mv pid.new pid; wait", float("inf"))
"""
    parent = subprocess.Popen([sys.executable, "-c", program])
    while not (tmp_path / "pid").exists():
        assert parent.poll() is None
        time.sleep(0.05)

    parent.kill()
    parent.wait()

    _is_gone(int((tmp_path / "pid").read_text()))


def _is_gone(pid: int) -> None:
    for _ in range(50):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} still runs")
