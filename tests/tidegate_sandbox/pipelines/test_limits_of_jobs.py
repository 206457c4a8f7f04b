"""Given an instance type, when a container takes more memory or time than it has, then it is ended and that is told."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox.processes import Process
from tidegate_sandbox.services.jobs import limits

GIB = 2**30
STARTED = Path(__file__)
"""A file that is there: nothing here is enclosed."""
TAKE = "import time; taken = bytearray({mib} * 2**20); taken[::4096] = b'x' * len(taken[::4096]); {then}"


def start(tmp_path: Path, script: str) -> Process:
    return Process.start([sys.executable, "-S", "-c", script], cwd=tmp_path, log=tmp_path / "log")


@pytest.mark.parametrize(
    ("instance_type", "gib"),
    [
        ("ml.m5.large", 8),
        ("ml.m5.4xlarge", 64),
        ("ml.c5.9xlarge", 72),
        ("ml.c7i-flex.xlarge", 8),
        ("ml.r5.24xlarge", 768),
        ("ml.t3.medium", 4),
        ("ml.g4dn.xlarge", 16),
        ("ml.g6e.2xlarge", 64),
        ("ml.p3.2xlarge", 61),
        ("ml.p4d.24xlarge", 1152),
    ],
)
def test_an_instance_type_has_the_memory_that_aws_gives_it(instance_type: str, gib: int) -> None:
    assert limits.memory_of(instance_type) == gib * GIB


@pytest.mark.parametrize("instance_type", ["ml.p9.large", "ml.zz5.large", "ml.m5.metal", "nonsense"])
def test_a_type_whose_memory_is_not_known_has_no_limit(instance_type: str) -> None:
    assert limits.memory_of(instance_type) is None


@pytest.mark.skipif(sys.platform != "linux", reason="jobs run on Linux")
def test_a_container_that_takes_more_memory_than_there_is_is_killed_though_a_child_took_it(tmp_path: Path) -> None:
    child = TAKE.format(mib=120, then="time.sleep(60)")
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}])"
    ended = limits.hold(start(tmp_path, parent), STARTED, seconds=30, memory=80 * 2**20)
    assert ended == limits.Outcome(137, too_much_memory=True)


@pytest.mark.skipif(sys.platform != "linux", reason="jobs run on Linux")
def test_memory_that_processes_share_counts_once(tmp_path: Path) -> None:
    script = TAKE.format(mib=60, then="import os; [os.fork() for _ in range(2)]; time.sleep(0.8)")
    ended = limits.hold(start(tmp_path, script), STARTED, seconds=30, memory=120 * 2**20)
    assert ended == limits.Outcome(0)


def test_a_container_that_takes_too_long_is_asked_to_end_and_killed_if_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Any]
) -> None:
    begin, ready = "import signal, sys, time; ", "; open('ready', 'w'); time.sleep(60)"

    def started(program: str) -> Process:
        (tmp_path / "ready").unlink(missing_ok=True)
        process = start(tmp_path, begin + program + ready)
        eventually((tmp_path / "ready").exists)
        return process

    saves = started("signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))")
    assert limits.hold(saves, STARTED, seconds=0.3, memory=None) == limits.Outcome(4, too_long=True)

    monkeypatch.setattr(limits, "GRACE", 0.3)
    deaf = started("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    began = time.monotonic()
    assert limits.hold(deaf, STARTED, seconds=0.3, memory=None) == limits.Outcome(-9, too_long=True)
    assert time.monotonic() - began < 20


def test_a_container_is_asked_to_end_once_it_has_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    process = start(tmp_path, "import time; time.sleep(60)")
    later = threading.Timer(0.4, started.touch)
    later.start()
    began = time.monotonic()
    assert limits.end(process, started) == -15
    assert 0.4 <= time.monotonic() - began < 20
