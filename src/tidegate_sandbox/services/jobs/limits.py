"""Holds a container to its instance: the memory that the type has, and the time that the job was given."""

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from resource import getpagesize

from tidegate_sandbox.processes import Process

GRACE = 120.0
"""Seconds of the wall between asking a container to end and killing it (StopTrainingJob)."""

LOOK_EVERY = 0.25
"""Seconds of the wall between two looks at a container's memory: what comes and goes between them is not seen."""

_STARTED_YET = 0.1
"""Seconds of the wall between two looks at whether a command has started, which it does within one."""

KILLED = 137
"""The exit code of a container that was killed, for want of memory too: 128 and SIGKILL, as docker tells it."""

GIB = 2**30

_VCPUS = {"medium": 1, "large": 2, "xlarge": 4}
_GIB_PER_VCPU = {"c": 2.0, "m": 4.0, "r": 8.0, "g": 4.0, "inf": 2.0, "trn": 4.0, "p": 7.625}
_ODD = {
    "c4.large": 3.75,
    "c4.xlarge": 7.5,
    "c4.2xlarge": 15.0,
    "c4.4xlarge": 30.0,
    "c4.8xlarge": 60.0,
    "m4.10xlarge": 160.0,
    "m4.16xlarge": 256.0,
    "t2.medium": 4.0,
    "t2.large": 8.0,
    "t2.xlarge": 16.0,
    "t2.2xlarge": 32.0,
    "t3.medium": 4.0,
    "t3.large": 8.0,
    "t3.xlarge": 16.0,
    "t3.2xlarge": 32.0,
    "p2.xlarge": 61.0,
    "p2.8xlarge": 488.0,
    "p2.16xlarge": 732.0,
    "p3dn.24xlarge": 768.0,
    "p4d.24xlarge": 1152.0,
    "p4de.24xlarge": 1152.0,
    "p5.4xlarge": 256.0,
    "p5.48xlarge": 2048.0,
    "p5e.48xlarge": 2048.0,
    "p5en.48xlarge": 2048.0,
    "g6e.xlarge": 32.0,
}
_TYPE = re.compile(r"ml\.(?P<family>(?P<class>[a-z]+)(?P<more>[0-9][a-z0-9-]*))\.(?P<times>[0-9]*)(?P<size>[a-z]+)")


def memory_of(instance_type: str) -> int | None:
    """Return the bytes of memory of an instance type by its family's ratio to vCPUs, None for a family without one.

    https://aws.amazon.com/sagemaker/pricing/ and https://aws.amazon.com/ec2/instance-types/
    """
    name = instance_type.removeprefix("ml.")
    if name in _ODD:
        return int(_ODD[name] * GIB)
    given = _TYPE.fullmatch(instance_type)
    if given is None or given["size"] not in _VCPUS or given["class"] not in _GIB_PER_VCPU:
        return None
    if given["class"] == "p" and not given["more"].startswith("3"):
        return None
    ratio = _GIB_PER_VCPU[given["class"]] * (2 if given["family"] in ("g6e", "g7e") else 1)
    return int(_VCPUS[given["size"]] * int(given["times"] or 1) * ratio * GIB)


@dataclass(frozen=True)
class Outcome:
    """How a container ended: its exit code, and what it was ended for, if for anything."""

    code: int
    too_long: bool = False
    too_much_memory: bool = False


def end(process: Process, started: Path) -> int:
    """Ask a container to end, once its command has `started`, and kill it after GRACE; return its exit code."""
    until = time.monotonic() + GRACE
    while not started.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(_STARTED_YET)
    return process.terminate(GRACE)


def hold(
    process: Process,
    started: Path,
    *,
    seconds: float,
    memory: int | None,
    tick: Callable[[], None] = lambda: None,
) -> Outcome:
    """Wait for the end of `process`, and end it where it takes longer than `seconds` of the wall or more than `memory`.

    One that takes too long is asked to end and has GRACE to do so; one that takes too much is killed, as a kernel does.
    `tick` is called now and then meanwhile.
    """
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            return Outcome(process.wait(min(LOOK_EVERY, left)))
        except subprocess.TimeoutExpired:
            if memory is not None and uses_more(process.pid, memory):
                process.kill()
                return Outcome(KILLED, too_much_memory=True)
            tick()
    return Outcome(end(process, started), too_long=True)


def uses_more(pid: int, memory: int) -> bool:
    """Whether a process and what it started take more than `memory` bytes, what they share counted once."""
    tree = list(_tree(pid))
    if sum(_resident(each) for each in tree) <= memory:
        return False
    return sum(_proportional(each) for each in tree) > memory


def _tree(pid: int) -> list[int]:
    """Return a process and what descends from it: what a namespace's processes leave behind is its first one's."""
    found = [pid]
    for each in found:
        try:
            tasks = list(Path(f"/proc/{each}/task").iterdir())
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:  # it has ended since
            continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * getpagesize()
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    """Return the bytes of a process with its share of what it shares (proc(5): smaps_rollup, Pss)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
