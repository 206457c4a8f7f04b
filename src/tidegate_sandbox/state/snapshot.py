"""The file of a snapshot: a line of JSON about it, then the records as Python pickles them.

Records refer to one another, and a snapshot that is read again must find them so: that is what pickling keeps. The
file is the user's own, in a folder that nobody else may enter; it is read by the version that wrote it, or not at all.
"""

import hashlib
import io
import json
import pickle
import threading
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tidegate
import tidegate_sandbox
from tidegate_sandbox.state.changing import Lock

FILE = Path("state", "snapshot")


class UnreadableError(Exception):
    """Why a snapshot cannot be gone on from, as a sentence."""


@dataclass(frozen=True)
class About:
    """What is said of a snapshot: who wrote it, when by the sandbox's clock (ISO 8601), on which port it answered."""

    version: str
    clock: str
    port: int
    sha256: str


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as it was read."""

    about: About
    content: bytes

    @property
    def clock(self) -> datetime:
        """The time that it was on the sandbox's clock."""
        return datetime.fromisoformat(self.about.clock)

    def records(self) -> Any:
        """Return the records; UnreadableError where this version cannot read them."""
        try:
            return pickle.loads(self.content)  # noqa: S301 - see above
        except Exception as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error


@cache
def current_version() -> str:
    """Return the version whose snapshots can be read: that of the distribution, and a digest of its very modules.

    Records are objects of classes, and classes change between two releases.
    """
    digest = hashlib.sha256()
    for package in (tidegate, tidegate_sandbox):
        for folder in package.__path__:
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(file.read_bytes())
    return f"{version('tidegate')} ({digest.hexdigest()[:12]})"


def write(home: Path, content: bytes, clock: datetime, port: int) -> None:
    """Put a snapshot in the place of the last one, at once."""
    file = home / FILE
    file.parent.mkdir(mode=0o700, exist_ok=True)
    about = About(current_version(), clock.isoformat(), port, hashlib.sha256(content).hexdigest())
    partial = file.with_suffix(".partial")
    with partial.open("wb") as output:
        partial.chmod(0o600)
        output.write(json.dumps(asdict(about)).encode() + b"\n")
        output.write(content)
    partial.replace(file)


def read(home: Path) -> Snapshot | None:
    """Return the snapshot that a sandbox left in `home`, None where none did; UnreadableError where it is damaged."""
    try:
        first, _, content = (home / FILE).read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    try:
        about = About(**json.loads(first))
    except (ValueError, TypeError) as error:
        raise UnreadableError(f"{home / FILE} is damaged: {error}") from error
    if hashlib.sha256(content).hexdigest() != about.sha256:
        raise UnreadableError(f"{home / FILE} is damaged: it is not what was written")
    if about.version != current_version():
        raise UnreadableError(f"version {about.version} wrote {home / FILE}, and this is {current_version()}")
    return Snapshot(about, content)


def pickled(records: Any) -> bytes:
    """Return `records` as bytes. What only lives in a process (a lock, an event) is made anew where it is read."""
    output = io.BytesIO()
    _Pickler(output, pickle.HIGHEST_PROTOCOL).dump(records)
    return output.getvalue()


_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is _LOCK:
            return threading.Lock, ()
        if kind is _RLOCK:
            return threading.RLock, ()
        if kind is threading.Condition:
            return _condition, ()
        if kind is threading.Event:
            return _event, (value.is_set(),)
        if kind.__module__.startswith("cryptography.") and hasattr(value, "private_bytes"):
            return _private_key, (_pem(value),)
        return NotImplemented


def _pem(key: Any) -> bytes:
    """Return a private key (of KMS's, asymmetric) as text that it can be read from."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def _private_key(pem: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, password=None)


def _condition() -> threading.Condition:
    return threading.Condition(Lock())  # type: ignore[arg-type] # it asks for no more than Lock has


def _event(is_set: bool) -> threading.Event:
    made = threading.Event()
    if is_set:
        made.set()
    return made
