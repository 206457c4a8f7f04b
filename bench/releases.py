"""Claim: under load through ten releases no request is lost or answered by a terminated fleet, and memory is steady.

200 requests a second for 30 minutes, at a sandbox whose clock runs 60 times the wall and which enforces IAM, while the
endpoint is released to ten times, all at once, by canary, linearly and by rolling update in turn. Every request is
counted by the client, who tells from the answer which version of the model gave it, and in the endpoint's ledger. What
else the machine does changes how long requests take, which is shown and not judged.
Run it: python bench/releases.py [--minutes N] [--rate N] [--releases N] [--home FOLDER]
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench import Answer, Workbench, steadily, version_of, workbench

SPEED, SIGNED_FOR, MEMORY_LIMIT = 60, 240.0, 1.05


def blue_green(routing: dict[str, Any]) -> dict[str, Any]:
    """Return the deployment configuration of a blue/green update."""
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 300}}


QUARTER = {"Type": "CAPACITY_PERCENT", "Value": 25}
STRATEGIES: dict[str, dict[str, Any]] = {
    "all at once": blue_green({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 300}),
    "canary": blue_green({"Type": "CANARY", "CanarySize": QUARTER, "WaitIntervalInSeconds": 600}),
    "linear": blue_green({"Type": "LINEAR", "LinearStepSize": QUARTER, "WaitIntervalInSeconds": 240}),
    "rolling": {"RollingUpdatePolicy": {"MaximumBatchSize": QUARTER, "WaitIntervalInSeconds": 240}},
}


@dataclass
class Load:
    """What the client saw, and the sandbox's memory meanwhile."""

    bench: Workbench
    rate: float
    done: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, float, int]] = field(default_factory=list)
    """When each was asked and answered, and by which version of the model: 0 where it is no model's answer."""
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    memory: list[float] = field(default_factory=list)
    """Resident megabytes of the sandbox's own process, second by second."""

    def run(self) -> None:
        """Ask until `done`."""
        signed = (0.0, b"")

        def request() -> bytes:
            nonlocal signed
            if time.monotonic() - signed[0] > SIGNED_FOR:  # AWS takes a signature for five minutes
                signed = (time.monotonic(), self.bench.invocation())
            return signed[1]

        request()
        port = self.bench.running.port
        self.unanswered = steadily(port, request, self.rate, lambda: not self.done.is_set(), self._take)

    def _take(self, answer: Answer) -> None:
        well = answer.status == 200
        self.answers.append((answer.asked, answer.answered, version_of(answer.body) if well else 0))
        if not well:
            self.refused[f"{answer.status} {answer.body[:200].decode(errors='replace')}"] += 1

    def watch_memory(self) -> None:
        """Sample it until `done`."""
        statm = Path("/proc", str(self.bench.running.pid), "statm")
        while not self.done.wait(1):
            self.memory.append(int(statm.read_text().split()[1]) * 4096 / 1e6)


@dataclass(frozen=True)
class Release:
    """A release of a version: its strategy, and when it was asked for and told to be over (time.perf_counter)."""

    version: int
    strategy: str
    began: float
    ended: float
    answered_before: int
    """How many requests the version before it had answered when it was over, by the ledger."""


def ledger(bench: Workbench) -> Counter[str]:
    """Return how many requests each configuration answered with success; what else was answered is under ""."""
    with urllib.request.urlopen(f"{bench.running.url}/_tidegate/endpoints/bench/ledger") as answer:
        entries = json.load(answer)["requests"]
    counts: Counter[str] = Counter()
    for entry in entries:
        counts[entry["endpoint_config"] if entry["status_code"] == 200 else ""] += entry["count"]
    return counts


def release(bench: Workbench, version: int) -> Release:
    """Release a version and wait until it is over."""
    strategy = list(STRATEGIES)[(version - 2) % len(STRATEGIES)]
    config, began = bench.config(version), time.perf_counter()
    bench.client("sagemaker").update_endpoint(
        EndpointName="bench", EndpointConfigName=config, DeploymentConfig=STRATEGIES[strategy]
    )
    described = bench.settled()
    ended = time.perf_counter()
    if (described["EndpointStatus"], described["EndpointConfigName"]) != ("InService", config):
        sys.exit(f"release {version} ended as {described['EndpointStatus']} on {described['EndpointConfigName']}")
    print(f"  {strategy:<12} {ended - began:5.1f} s", flush=True)
    return Release(version, strategy, began, ended, ledger(bench)[f"bench-{version - 1}"])


def out_of_turn(load: Load, releases: list[Release]) -> int:
    """Return how many answers came from a fleet that was terminated when they were asked for, or was not there yet."""
    wrong = 0
    for asked, answered, version in load.answers:
        if version:
            wrong += any(asked > each.ended and version < each.version for each in releases)
            wrong += any(answered < each.began and version >= each.version for each in releases)
    return wrong


def judge(load: Load, releases: list[Release], counts: Counter[str], minutes: float) -> bool:
    """Print what was found against the claim; return whether it holds."""
    well = sum(1 for _, _, version in load.answers if version)
    by_version = Counter(f"bench-{version}" for _, _, version in load.answers if version)
    late = sum(counts[f"bench-{each.version - 1}"] - each.answered_before for each in releases)
    taken = sorted(answered - asked for asked, answered, _ in load.answers)
    part = len(load.memory) // 5
    early, last = statistics.median(load.memory[2 * part : 3 * part]), statistics.median(load.memory[-part:])
    asked = len(load.answers) + load.unanswered
    versions = range(1, len(releases) + 2)
    alike = sum(by_version[f"bench-{version}"] == counts[f"bench-{version}"] for version in versions)
    found = [
        ("requests, and those that a model answered", asked, well),
        ("answered, by the client and by the ledger", well, sum(counts.values()) - counts[""]),
        ("versions, and those that the ledger counts as the client does", len(versions), alike),
        ("answers of fleets that are terminated or not there yet, and 0", out_of_turn(load, releases), 0),
        ("requests that the ledger gives to a terminated fleet, and 0", late, 0),
    ]
    holds = True
    for what, left, right in found:
        holds &= left == right
        print(f"{what:<64} {left:>8} {right:>8}   {'held' if left == right else 'NOT HELD'}")
    for what, times in load.refused.most_common(5):
        print(f"  {times} times: {what}")
    middle, tail = taken[len(taken) // 2] * 1e3, taken[len(taken) * 99 // 100] * 1e3
    print(f"latency p50 {middle:.2f} ms, p99 {tail:.1f} ms, not judged")
    growth = last / early
    print(f"memory: {early:.0f} MB in the third fifth, {last:.0f} in the last: {growth:.3f} of at most {MEMORY_LIMIT}")
    if minutes < 30:
        print("memory is judged over 30 minutes")
        return holds
    return holds and growth <= MEMORY_LIMIT


def measure(bench: Workbench, minutes: float, rate: float, count: int) -> bool:
    """Put the load on, release, and judge."""
    bench.prepare(versions=count + 1)
    bench.client("sagemaker").create_endpoint(EndpointName="bench", EndpointConfigName=bench.config(1))
    if (described := bench.settled())["EndpointStatus"] != "InService":
        sys.exit(f"the endpoint is not in service: {described.get('FailureReason')}")
    load, began = Load(bench, rate), time.monotonic()
    threads = [threading.Thread(target=each, daemon=True) for each in (load.run, load.watch_memory)]
    for thread in threads:
        thread.start()

    def wait(minute: float) -> None:
        time.sleep(max(0.0, began + minute * 60 - time.monotonic()))

    releases = []
    for index in range(count):
        wait((index + 0.25) * minutes / count)
        releases.append(release(bench, index + 2))
    wait(minutes)
    load.done.set()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    print(f"{seconds / 60:.1f} minutes, {len(load.answers) / seconds:.0f} requests a second, {len(releases)} releases")
    return judge(load, releases, ledger(bench), minutes)


def main() -> None:
    """Measure, print and judge; exit 1 where the claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--releases", type=int, default=10)
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = (options.home or Path(folder) / "home").resolve()
        with workbench(home, SPEED) as bench:
            holds = measure(bench, options.minutes, options.rate, options.releases)
    print("held" if holds else "NOT HELD")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
