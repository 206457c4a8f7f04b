"""Runs a command in namespaces of its own, as a container's runtime does. A script of its own: standard library only.

    python -I -S enclosure.py ROOT STARTED|- network|isolated [KIND SOURCE TARGET]... -- COMMAND...
    python -I -S enclosure.py first STARTED COMMAND...     as the first process of a namespace that somebody else made

ROOT is an empty folder to build the command's file system in: the machine's own, and over it, in their order, what
the triples say. `read` and `write` show SOURCE at TARGET, `empty` a folder of its own at TARGET that only SOURCE or
nothing is put into, `link` a symbolic link. With STARTED the command has what a container has: nothing may be written
but what is shown to be written, /dev has no devices, no process outside is seen, and what a container's root may not
do, it may not. STARTED is a file that it may write: once it is there, what ends the process group reaches the command.

Linux 5.12 or newer. As root, or in a user namespace in which the user stays who they are.
The calls: mount(2), mount_setattr(2), pivot_root(2), pid_namespaces(7), capabilities(7).
"""

# Every command waits for this script, and pathlib takes as long to import as all the rest.
# ruff: noqa: PTH102, PTH103, PTH109, PTH110, PTH112, PTH120, PTH123, PTH211, S606

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Sequence

NEWNS, NEWUSER, NEWPID, NEWIPC, NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x08000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY = 1
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
MOUNT_SETATTR = 442  # the same on every architecture

CONTAINERS_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 10)
"""chown, dac_override, fowner, fsetid, kill, setgid, setuid, net_bind_service: of what docker leaves to root, what
neither reaches devices nor changes the file system's shape."""

MOST_CAPABILITIES = 64

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code, 128 and the signal for one that a signal ended, as a shell does."""
    if arguments[0] == "first":
        return _be_first(arguments[2:], arguments[1])
    end = arguments.index("--")
    (root, started, network), mounts, command = arguments[:3], arguments[3:end], arguments[end + 1 :]
    alone = started != "-"
    here, user, group = os.getcwd(), os.getuid(), os.getgid()
    own = NEWNS | (NEWUSER if user else 0) | (0 if network == "network" else NEWNET)
    _call("unshare", own | (NEWPID | NEWIPC if alone else 0))
    if user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    if network != "network":
        _raise_loopback()
    if not alone:
        _build(root, mounts, here, alone=False)
        os.execvp(command[0], command)
    # What ends the group is for the command; this process has to tell how that ended.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    first = os.fork()
    if first:
        return _code(os.waitpid(first, 0)[1])
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _build(root, mounts, here, alone=True)
    return _be_first(command, started)


def _be_first(command: list[str], started: str) -> int:
    """Be the namespace's first process: start the command, reap what it leaves, end with it and all that is left."""
    # Kept back until the command is there to have it, so that none is lost on the way.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    of_command = os.fork()
    if not of_command:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _give_up_privileges()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        try:
            os.execvp(command[0], command)
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    _write(started, "")
    while True:
        ended, status = os.wait()
        if ended == of_command:
            return _code(status)


def _code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _build(root: str, mounts: Sequence[str], here: str, *, alone: bool) -> None:
    """Make `root` this process's file system, and be `here` in it, or at its top where that is hidden."""
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("/", root, None, MS_BIND | MS_REC)
    if alone:
        attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
        _call("syscall", MOUNT_SETATTR, AT_FDCWD, root.encode(), AT_RECURSIVE, attributes, len(attributes))
        _mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        _make_devices(f"{root}/dev")
    for kind, source, target in zip(mounts[::3], mounts[1::3], mounts[2::3], strict=True):
        at = root + target
        if kind == "empty":
            _mount("tidegate", at, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
        elif kind == "link":
            os.symlink(source, at)
        else:
            _make_place(source, at)
            _mount(source, at, None, MS_BIND | MS_REC)
            if kind == "read":
                attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
                _call("syscall", MOUNT_SETATTR, AT_FDCWD, at.encode(), AT_RECURSIVE, attributes, len(attributes))
    os.chdir(root)
    _call("pivot_root", b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir(here if os.path.isdir(here) else "/")


def _make_place(source: str, at: str) -> None:
    """See that there is something to show `source` at, in a folder that was put there to hold it."""
    if os.path.isdir(source):
        os.makedirs(at, exist_ok=True)
    elif not os.path.exists(at):
        os.makedirs(os.path.dirname(at), exist_ok=True)
        os.close(os.open(at, os.O_CREAT | os.O_WRONLY, 0o644))


def _make_devices(dev: str) -> None:
    _mount("tidegate", dev, "tmpfs", MS_NOSUID, "mode=755")
    for name in DEVICES:
        os.close(os.open(f"{dev}/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        _mount(f"/dev/{name}", f"{dev}/{name}", None, MS_BIND)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{target}", f"{dev}/{name}")
    os.mkdir(f"{dev}/shm")
    _mount("tidegate", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")


def _give_up_privileges() -> None:
    # Dropped from the bounding set, they are gone with the next execve.
    for capability in range(MOST_CAPABILITIES):
        if capability not in CONTAINERS_CAPABILITIES:
            _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _raise_loopback() -> None:
    """Let the loopback of a new network namespace be up, as a container's is."""
    import fcntl
    import socket

    with socket.socket() as any_socket:  # ioctl(SIOCSIFFLAGS) with IFF_UP | IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 0x41))


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
    _call("mount", *encoded, ctypes.c_ulong(flags), None if data is None else data.encode(), where=target)


def _call(name: str, *arguments: object, where: str = "") -> None:
    if getattr(_libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}", where)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
