"""Claim: `tidegate validate` on a baked deploy repository starts and ends before boto3 has made one SageMaker client.

A second claim: in one process, a stage file is read and judged in less than half of the 2 ms that validating and
rendering one may take. Run it on a quiet machine where tidegate is installed: python bench/validate.py [--runs N]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cookiecutter.main import cookiecutter

from tidegate.stage import load_repo

SEED = Path(__file__).parents[1] / "seed_code" / "deploy"
STAGES, LIMIT_MS = 1_000, 1.0
COMMANDS = {
    "tidegate validate": [Path(sys.executable).with_name("tidegate"), "validate"],
    "boto3 client": [sys.executable, "-c", "import boto3; boto3.client('sagemaker')"],
    "python": [sys.executable, "-c", "pass"],
}


def seconds(command: list[str | Path], repository: Path, environment: dict[str, str]) -> float:
    """Return the wall time of a whole process."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=repository, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def side_by_side(repository: Path, caches: Path, runs: int) -> dict[str, list[float]]:
    """Run the commands in turns, so that what else the machine does meets all of them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    # Both find their byte code where a first run has put it, as on a machine where they have run before.
    environment |= {"AWS_DEFAULT_REGION": "eu-west-1", "PYTHONPYCACHEPREFIX": str(caches)}
    for command in COMMANDS.values():
        seconds(command, repository, environment)
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command, repository, environment))
    return taken


def each_of_many(repository: Path, runs: int) -> float:
    """Return the milliseconds that a stage takes among a thousand."""
    text = (repository / "stages" / "prod.yml").read_text()
    for index in range(STAGES):
        (repository / "stages" / f"s{index}.yml").write_text(text)
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        loaded = load_repo(repository)
        taken.append((time.perf_counter() - begun) * 1000 / len(loaded.stages))
    return statistics.median(taken)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(cookiecutter(str(SEED), no_input=True, output_dir=folder))
        taken = side_by_side(repository, Path(folder) / "caches", runs)
        each = each_of_many(repository, max(3, runs // 4))
    middle = {name: statistics.median(times) for name, times in taken.items()}
    peer = middle["boto3 client"]
    for name, value in middle.items():
        print(f"{name:<20} {value * 1000:6.0f} ms   {value / peer:5.2f} of a boto3 client   (median of {runs})")
    print(f"{STAGES} stage files  {each:6.2f} ms   each, {each / LIMIT_MS:5.2f} of its limit of {LIMIT_MS:g} ms")


if __name__ == "__main__":
    main()
