"""Lets one process tree see a folder of its own at /opt/ml, where SageMaker's containers find their data.

Linux only: bubblewrap where it is installed, else unshare(1) in a mount namespace, as root or with user namespaces.
What else lives in /opt stays visible, and /opt/ml need not exist on the machine.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

ML = Path("/opt/ml")

Prefix = Callable[[Path, bool], list[str]]
"""Makes a command prefix from the folder to show at /opt/ml and whether the network may be reached."""

# Arguments: an empty folder to build the new /opt in, the folder to show at /opt/ml, a Python and the script that it
# runs first (or two empty words), then the command.
_SHOW_AT_OPT_ML = r"""
set -eu
opt=$1 ml=$2 python=$3 script=$4
shift 4
if [ -n "$python" ]; then "$python" -I -S -c "$script"; fi
if [ -d /opt/ml ]; then
  mount --bind "$ml" /opt/ml
else
  mount -t tmpfs -o mode=755 tidegate "$opt"
  for entry in /opt/* /opt/.[!.]*; do
    here=$opt/${entry##*/}
    if [ -L "$entry" ]; then cp -P "$entry" "$here"
    elif [ -d "$entry" ]; then mkdir "$here"; mount --rbind "$entry" "$here"
    elif [ -e "$entry" ]; then : > "$here"; mount --bind "$entry" "$here"
    fi
  done
  mkdir "$opt/ml"
  mount --bind "$ml" "$opt/ml"
  mount --rbind "$opt" /opt
fi
exec "$@"
"""


# A network namespace begins with its loopback down; a container's is up. ioctl(SIOCSIFFLAGS) with IFF_UP | IFF_RUNNING.
_LOOPBACK_UP = """
import fcntl, socket, struct
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 0x41))
"""


def prefix(folder: Path, *, network: bool = True) -> list[str]:
    """Return what to put before a command so that it, and what it starts, sees `folder` at /opt/ml.

    Without `network` it sees none but a loopback of its own. RuntimeError, as a sentence, where this machine cannot.
    """
    return _method()(folder.resolve(), network)


def check() -> None:
    """Raise RuntimeError, as a sentence, where this machine cannot give a process a /opt/ml of its own."""
    _method()


@cache
def _method() -> Prefix:
    for candidate in (bubblewrap, unshare, unshare_as_user):
        if _works(candidate):
            return candidate
    if sys.platform != "linux":
        raise RuntimeError(
            "jobs and model servers need /opt/ml for themselves, which only Linux can give them: "
            "run the sandbox in a Linux virtual machine"
        )
    raise RuntimeError(
        "jobs and model servers need /opt/ml for themselves, and neither bubblewrap nor unshare may give it to them "
        "here: install bubblewrap (apt install bubblewrap), or allow unprivileged user namespaces"
    )


def bubblewrap(folder: Path, network: bool) -> list[str]:
    """Return the prefix that bubblewrap makes."""
    show = ["bwrap", "--dev-bind", "/", "/", *(() if network else ("--unshare-net",))]
    if not ML.is_dir():
        show += ["--tmpfs", "/opt"]
        for entry in sorted(ML.parent.iterdir()):
            if entry.is_symlink():
                show += ["--symlink", str(entry.readlink()), str(entry)]
            else:
                show += ["--dev-bind-try", str(entry), str(entry)]
    return [*show, "--bind", str(folder), str(ML), "--"]


def unshare(folder: Path, network: bool) -> list[str]:
    """Return the prefix by way of a mount namespace, which only root may make."""
    return _unshare(["--mount"], folder, network)


def unshare_as_user(folder: Path, network: bool) -> list[str]:
    """Return the prefix by way of a mount and a user namespace, in which the user looks like root."""
    return _unshare(["--user", "--map-root-user", "--mount"], folder, network)


def _unshare(flags: list[str], folder: Path, network: bool) -> list[str]:
    opt = folder.with_name(f"{folder.name}.opt")
    opt.mkdir(exist_ok=True)
    alone, first = ([], ["", ""]) if network else (["--net"], [sys.executable, _LOOPBACK_UP])
    return ["unshare", *flags, *alone, "sh", "-c", _SHOW_AT_OPT_ML, "sh", str(opt), str(folder), *first]


def _works(candidate: Prefix) -> bool:
    if shutil.which("bwrap" if candidate is bubblewrap else "unshare") is None:
        return False
    with tempfile.TemporaryDirectory(prefix="tidegate-") as scratch:
        folder = Path(scratch).resolve() / "ml"
        folder.mkdir()
        for network in (False, True):
            command = [*candidate(folder, network), "sh", "-c", "echo seen > /opt/ml/seen"]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=10)
            except (OSError, subprocess.SubprocessError):
                return False
        return (folder / "seen").exists()
