"""Claim: on 2 cores the quickstart takes at most 6 minutes where nothing is installed, and 2 where it has run before.

Two more claims: the sandbox's own process stays under 300 MB, and keeping what it holds takes at most a twentieth of
its time.
Clones the checkout's HEAD, walks the journey there with empty package caches (cold), then again (warm), and prints both
against their limits and against each other. Run it on a quiet machine: python bench/quickstart.py [--warm-runs N]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
COLD_LIMIT, WARM_LIMIT, MEMORY_LIMIT, KEEPING_LIMIT = 6 * 60, 2 * 60, 300, 0.05


def walk(clone: Path, caches: Path) -> tuple[float, dict]:
    """Run the quickstart in `clone`; return its wall time in seconds, bootstrap included, and its report."""
    report = clone / "report.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VIRTUAL_ENV"))}
    environment |= {"UV_CACHE_DIR": str(caches / "uv"), "PIP_CACHE_DIR": str(caches / "pip")}
    begun = time.monotonic()
    done = subprocess.run(
        [clone / "scripts" / "quickstart", "--report", report], env=environment, stdout=sys.stderr, check=False
    )
    seconds = time.monotonic() - begun
    if done.returncode:
        sys.exit("the quickstart failed: nothing to measure")
    return seconds, json.loads(report.read_text())


def keeping_share(report: dict) -> float:
    """Return which share of its time the sandbox spent on snapshots of what it holds."""
    return report["sandbox"]["snapshot"]["seconds_of_all"] / report["sandbox"]["uptime_seconds"]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm-runs", type=int, default=2)
    runs = parser.parse_args().warm_runs
    with tempfile.TemporaryDirectory() as folder:
        clone, caches = Path(folder) / "clone", Path(folder) / "caches"
        subprocess.run(["git", "clone", "--quiet", CHECKOUT, clone], check=True)
        cold, report = walk(clone, caches)
        warm, memory, keeping = [], [report["sandbox"]["memory_bytes"] / 1e6], [keeping_share(report)]
        for _ in range(runs):
            seconds, report = walk(clone, caches)
            warm.append(seconds)
            memory.append(report["sandbox"]["memory_bytes"] / 1e6)
            keeping.append(keeping_share(report))
    middle = sorted(warm)[len(warm) // 2]
    print(f"cold   {cold:6.1f} s    {cold / COLD_LIMIT:5.2f} of its limit of {COLD_LIMIT} s")
    print(f"warm   {middle:6.1f} s    {middle / WARM_LIMIT:5.2f} of its limit of {WARM_LIMIT} s   (median of {runs})")
    print(f"warm / cold       {middle / cold:5.2f}")
    print(f"memory {max(memory):6.0f} MB   {max(memory) / MEMORY_LIMIT:5.2f} of its limit of {MEMORY_LIMIT} MB")
    share = max(keeping)
    print(f"keeping    {share:.3f} of its time, {share / KEEPING_LIMIT:5.2f} of its limit of {KEEPING_LIMIT}")


if __name__ == "__main__":
    main()
