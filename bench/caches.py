"""Claim: the build Render takes less with uv's cache than with none, and seconds, at most a quarter, where all is kept.

Runs what `buildspec.yml` of a deploy repository runs to install, validate and render, each time in a clone that has no
.venv: cold (no cache at all), warm (uv's own cache, which CodeBuild keeps while it keeps the host) and ready (the
environment itself, which a laptop keeps). By turns, medians, against SageMaker on this machine (bench/render.py). The
package index is asked for in earnest when it is cold: python bench/caches.py [--runs N]
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from render import ROOT, baked, sagemaker

KINDS = ("cold", "warm", "ready")
LIMITS = {"warm": 1.0, "ready": 0.25}


def render(repo: Path, environment: dict[str, str]) -> float:
    """Run the build in `repo`; return its seconds."""
    (repo / ".venv").unlink(missing_ok=True)
    begun = time.perf_counter()
    for command in (
        [sys.executable, "scripts/environment.py"],
        [".venv/bin/tidegate", "validate"],
        [".venv/bin/tidegate", "render", "--all", "--allow-none", "--out", "rendered"],
    ):
        subprocess.run(command, cwd=repo, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print; leave with 1 if the claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as scratch, sagemaker() as environment:
        folder = Path(scratch)
        sys.path.insert(0, str(ROOT))
        from service_catalog.publishing.bundle import build_wheel

        repo = baked(folder / "baked", build_wheel(ROOT, folder / "wheel"))
        for _ in range(runs):
            caches = folder / "caches"
            told = environment | {"UV_CACHE_DIR": str(caches / "uv"), "PIP_CACHE_DIR": str(caches / "pip")}
            told |= {"XDG_CACHE_HOME": str(caches / "environments")}
            for kind in KINDS:  # each finds what the one before left, less what its own kind does not keep
                if kind == "warm":
                    for lost in ("environments", "pip"):
                        shutil.rmtree(caches / lost, ignore_errors=True)
                times[kind].append(render(repo, told))
            shutil.rmtree(caches)
    medians = {kind: statistics.median(found) for kind, found in times.items()}
    for kind, seconds in medians.items():
        print(f"{kind:5} {seconds:6.1f} s   {seconds / medians['cold']:.2f} of cold")
    raise SystemExit(any(medians[kind] / medians["cold"] > limit for kind, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
