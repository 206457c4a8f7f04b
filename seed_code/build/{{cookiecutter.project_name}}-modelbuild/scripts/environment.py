"""Make .venv from a lock file and the wheels in vendor/: python3 scripts/environment.py [requirements-dev.txt]

The environment lies in the user's cache folder, named after what it is made from, and .venv links to it. Where that
folder outlives a build, the next one finds everything ready, modules compiled to bytecode included, which halves the
seconds it takes to import them. It is put in its place whole, so a build that is stopped leaves no half of one, and
builds that begin at once make it once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_LOCK = Path(__file__).resolve().with_name("uv.txt")


def run(*command: str) -> None:
    """Run a command; exits with its own words if it fails."""
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"`{' '.join(command)}` failed; the lines above say why")


def key(*parts: bytes) -> str:
    """Return the name of what is made from `parts`, by this Python."""
    return hashlib.sha256(b"\0".join([sys.version.encode(), *parts])).hexdigest()[:16]


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Let one build at a time make what several wait for. Whoever is stopped lets the next one go on."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_uv(cache: Path) -> str:
    """Return uv's path; where there is no uv, pip puts one into `cache`, and nowhere else."""
    if found := shutil.which("uv"):
        return found
    folder = cache / f"uv-{key(UV_LOCK.read_bytes())}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as making:
            locked = ("--require-hashes", "-r", str(UV_LOCK))
            run(sys.executable, "-m", "pip", "install", "--quiet", "--target", f"{making}/uv", *locked)
            Path(making, "uv").rename(folder)
    return str(folder / "bin" / "uv")


def make(lock: Path, wheels: list[Path]) -> Path:
    """Return the environment of `lock`, `wheels` and this Python; make it if it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate"
    home = cache / key(*(path.name.encode() + path.read_bytes() for path in (lock, *wheels)))
    with alone(cache):
        if home.exists():
            return home
        uv = find_uv(cache)
        with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as making:
            inside = Path(making) / home.name
            into = ("--python", str(inside / "bin" / "python"))
            run(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(inside))
            run(uv, "pip", "sync", "--quiet", *into, "--require-hashes", str(lock))
            if wheels:
                run(uv, "pip", "install", "--quiet", *into, "--no-deps", *map(str, wheels))
            inside.rename(home)
    return home


def main() -> None:
    """Make the environment and link .venv to it."""
    lock, link = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "requirements.txt"), ROOT / ".venv"
    if not lock.is_file():
        raise SystemExit(f"{lock.name}: there is no such lock file here")
    if link.exists() and not link.is_symlink():
        raise SystemExit(".venv is a folder of your own; remove it, then run this again")
    made = make(lock, sorted(ROOT.glob("vendor/*.whl")))
    link.unlink(missing_ok=True)
    os.symlink(made, link)


if __name__ == "__main__":
    main()
