"""Lets one process tree see a folder of its own at /opt/ml, where SageMaker's containers find their data.

What runs someone's code may moreover be enclosed, as in a container: it writes nowhere but in its own folder, and sees
no process but its own. Linux only: bubblewrap where it is installed, else the sandbox's own `enclosure`, as root or
with user namespaces. What else lies on the machine can be read; /opt/ml need not exist there.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tidegate_sandbox import enclosure

ML = Path("/opt/ml")
TMP, VAR_TMP = Path("/tmp"), Path("/var/tmp")  # noqa: S108 - an enclosed command has its own there


@dataclass(frozen=True)
class Enclosed:
    """Where an enclosed command may write, and what it may not see.

    `scratch` is its own folder, shown where it is; the folder `tmp` in it is shown at /tmp. Of what is in `hidden`,
    it sees what is in `shown` alone, and reads it.
    """

    scratch: Path
    hidden: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()

    @property
    def started(self) -> Path:
        """A file that comes to be when the command starts: what ends its process group before may not reach it."""
        return self.scratch.resolve() / "started"


@dataclass(frozen=True)
class View:
    """What a command sees: the folder `ml` at /opt/ml, a network or a loopback of its own, all that it is enclosed in.

    All folders are there.
    """

    ml: Path
    network: bool = True
    enclosed: Enclosed | None = None


@dataclass(frozen=True)
class Mount:
    """What is put over the machine's own file system, in the words of `enclosure`."""

    kind: Literal["read", "write", "empty", "link"]
    source: str
    target: Path


Prefix = Callable[[View], list[str]]
"""Makes a command prefix that gives a command a view."""


def prefix(folder: Path, *, network: bool = True, enclosed: Enclosed | None = None) -> list[str]:
    """Return what to put before a command so that it, and what it starts, sees `folder` at /opt/ml.

    Without `network` it sees none but a loopback of its own. Where it is `enclosed`, its exit code is 128 and the
    signal if one ended it. RuntimeError, as a sentence, where this machine cannot.
    """
    return _method()(View(folder.resolve(), network, enclosed))


def check() -> None:
    """Raise RuntimeError, as a sentence, where this machine cannot give a process a /opt/ml of its own."""
    _method()


@cache
def _method() -> Prefix:
    for candidate in (bubblewrap, own_enclosure):
        if _works(candidate):
            return candidate
    if sys.platform != "linux":
        raise RuntimeError(
            "jobs and model servers need /opt/ml for themselves, which only Linux can give them: "
            "run the sandbox in a Linux virtual machine"
        )
    raise RuntimeError(
        "jobs and model servers need /opt/ml for themselves, and neither bubblewrap nor a mount namespace may give it "
        "to them here: install bubblewrap (apt install bubblewrap), or allow unprivileged user namespaces"
    )


def bubblewrap(view: View) -> list[str]:
    """Return the prefix that bubblewrap makes."""
    words = ["bwrap"]
    if view.enclosed:
        words = [
            # What ends the group is for the command; bubblewrap has to tell how that ended.
            *("env", "--ignore-signal=TERM", *words, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
            *("--unshare-pid", "--as-pid-1", "--unshare-ipc", "--cap-drop", "ALL"),
            *(word for name in _CAPABILITIES for word in ("--cap-add", f"CAP_{name}")),
        ]
    else:
        words += ["--dev-bind", "/", "/"]
    words += [] if view.network else ["--unshare-net"]
    bind = {"read": "--ro-bind", "write": "--bind" if view.enclosed else "--dev-bind", "link": "--symlink"}
    for mount in _mounts(view):
        target = str(mount.target)
        words += ["--tmpfs", target] if mount.kind == "empty" else [bind[mount.kind], mount.source, target]
    # bubblewrap itself would wait for what the command left.
    return [*words, "--", *((*_ENCLOSURE, "first", str(view.enclosed.started)) if view.enclosed else ())]


_ENCLOSURE = (str(Path(sys.executable).resolve()), "-I", "-S", enclosure.__file__)

_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "NET_BIND_SERVICE")
"""`enclosure.CONTAINERS_CAPABILITIES` by name."""


def own_enclosure(view: View) -> list[str]:
    """Return the prefix by way of namespaces, which root may make, and others where they may make user namespaces."""
    # An empty folder to build in, that nobody else builds in at the same time: each does in a namespace of its own.
    root = view.ml.with_name(f"{view.ml.name}.root")
    root.mkdir(exist_ok=True)
    started = str(view.enclosed.started) if view.enclosed else "-"
    network = "network" if view.network else "isolated"
    mounts = (word for mount in _mounts(view) for word in (mount.kind, mount.source, str(mount.target)))
    return [*_ENCLOSURE, str(root), started, network, *mounts, "--"]


def _mounts(view: View) -> Iterator[Mount]:
    if view.enclosed:
        yield from _enclosure(view.enclosed)
    if not ML.is_dir():
        yield Mount("empty", "", ML.parent)
        for entry in sorted(ML.parent.iterdir()):
            if entry.is_symlink():
                yield Mount("link", str(entry.readlink()), entry)
            else:
                yield Mount("read" if view.enclosed else "write", str(entry), entry)
    yield Mount("write", str(view.ml), ML)


def _enclosure(enclosed: Enclosed) -> Iterator[Mount]:
    scratch, hidden = enclosed.scratch.resolve(), [folder.resolve() for folder in enclosed.hidden]
    yield Mount("write", str(scratch / "tmp"), TMP)
    yield Mount("empty", "", VAR_TMP)
    # What is below /tmp is hidden by the command's own.
    yield from (Mount("empty", "", folder) for folder in hidden if not folder.is_relative_to(TMP))
    for path in (*_python(), *(folder.resolve() for folder in enclosed.shown)):
        if any(path.is_relative_to(each) for each in (TMP, *hidden)):
            yield Mount("read", str(path), path)
    yield Mount("write", str(scratch), scratch)


def _python() -> Sequence[Path]:
    """Return where this Python is: environments that stand in for images are made of links to it."""
    return (Path(sys.base_prefix).resolve(), Path(enclosure.__file__))


def _works(candidate: Prefix) -> bool:
    if candidate is bubblewrap and (shutil.which("bwrap") is None or shutil.which("env") is None):
        return False
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
        scratch = Path(folder).resolve()
        (scratch / "ml").mkdir()
        (scratch / "tmp").mkdir()
        views = [View(scratch / "ml", network=False), View(scratch / "ml", enclosed=Enclosed(scratch))]
        for count, view in enumerate(views):
            command = [*candidate(view), "sh", "-c", f"echo seen > /opt/ml/{count}"]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=10)
            except (OSError, subprocess.SubprocessError):
                return False
        return (scratch / "ml" / "1").exists()
