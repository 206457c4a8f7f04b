"""Claim: a sandbox is up in under 3 seconds, and takes under 200 MB while nothing runs in it.

From `tidegate sandbox up` in an empty home to its return, which it makes once AWS clients are answered, in turns with a
Python that imports boto3 and makes a client, so that what else the machine does meets both. Then each sandbox stands
idle, and its own process's resident memory is read; model servers and jobs are processes of their own.
Run it on a quiet machine: python bench/start.py [--runs N]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tidegate_sandbox import lifecycle

START_LIMIT, MEMORY_LIMIT, IDLE = 3.0, 200, 5.0
COMMAND = [str(Path(sys.executable).with_name("tidegate")), "sandbox"]
CLIENT = [sys.executable, "-c", "import boto3; boto3.client('s3')"]


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return the wall time of a whole process."""
    begun = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def start(home: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Start a sandbox and end it again; return the seconds that the start took, and its megabytes when idle."""
    taken = seconds([*COMMAND, "up", "--home", str(home), "--port", "0"], environment)
    try:
        time.sleep(IDLE)
        running = lifecycle.find(home)
        assert running is not None
        return taken, running.status()["memory_bytes"] / 1e6
    finally:
        seconds([*COMMAND, "down", "--home", str(home)], environment)


def main() -> None:
    """Measure and print a table; exit 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_DEFAULT_REGION": "eu-west-1"}
    with tempfile.TemporaryDirectory() as folder:
        # Both find their byte code where a first run has put it, as on a machine where they have run before.
        environment |= {"PYTHONPYCACHEPREFIX": str(Path(folder) / "bytecode")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        taken, memory, peer = [], [], []
        for run in range(runs + 1):
            client = seconds(CLIENT, environment)
            began, megabytes = start(Path(folder) / f"home-{run}", environment)
            if run:
                taken.append(began)
                memory.append(megabytes)
                peer.append(client)
    middle, idle, client = map(statistics.median, (taken, memory, peer))
    print(
        f"start  {middle:5.2f} s    {middle / START_LIMIT:5.2f} of its limit of {START_LIMIT:g} s   (median of {runs})"
    )
    print(f"              {middle / client:5.2f} of a Python that makes a boto3 client, {client:.2f} s")
    print(f"idle   {idle:5.0f} MB   {idle / MEMORY_LIMIT:5.2f} of its limit of {MEMORY_LIMIT} MB")
    sys.exit(not (middle < START_LIMIT and idle < MEMORY_LIMIT))


if __name__ == "__main__":
    main()
