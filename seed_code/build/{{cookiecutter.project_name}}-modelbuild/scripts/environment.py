"""Make .venv from a lock file: python3 scripts/environment.py [requirements-dev.txt]

The environment lies beside uv's own cache, named after what it is made from, and .venv links to it. Where that cache
outlives a build, the next one finds everything ready, the SDK's modules compiled to bytecode included, which halves the
seconds it takes to import them. It is put in its place whole, so a build that is stopped leaves no half of one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def uv(*arguments: str) -> str:
    """Run uv, from PATH or from this Python; return what it prints. Exits with uv's own words if it fails."""
    command = ["uv"] if shutil.which("uv") else [sys.executable, "-m", "uv"]
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`uv {' '.join(arguments)}` failed; the lines above say why")
    return done.stdout.strip()


def make(lock: Path) -> Path:
    """Return the environment of `lock` and this Python; make it if it is not there yet."""
    key = hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()[:16]
    home = Path(uv("cache", "dir")).parent / "modelbuild" / key
    if home.exists():
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, ignore_cleanup_errors=True) as making:
        inside = Path(making) / key
        uv("venv", "--quiet", "--relocatable", "--python", sys.executable, str(inside))
        uv("pip", "sync", "--quiet", "--python", str(inside / "bin" / "python"), "--require-hashes", str(lock))
        try:
            inside.rename(home)
        except OSError:  # another build was first; its environment, made from the same lock, is as good
            if not home.exists():
                raise
    return home


def main() -> None:
    """Make the environment and link .venv to it."""
    lock, link = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "requirements.txt"), ROOT / ".venv"
    if not lock.is_file():
        raise SystemExit(f"{lock.name}: there is no such lock file here")
    if link.exists() and not link.is_symlink():
        raise SystemExit(".venv is a folder of your own; remove it, then run this again")
    made = make(lock)
    link.unlink(missing_ok=True)
    os.symlink(made, link)


if __name__ == "__main__":
    main()
