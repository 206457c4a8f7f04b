"""Claim: 10,000 canary releases of one hour, at minute steps, are simulated in under 10 seconds on one core.

Each release has four rollback alarms, two of them on a percentile of latency 3 of 5, and 600 requests a minute drawn by
chance. The time of one is put beside that of 1,000 draws from Python's own random.gauss, in the same run, so that the
figure can be compared between machines: python bench/simulate.py [--runs N]
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable

from tidegate.simulate import Scenario, Simulation
from tidegate.stage import Stage

LIMIT, RUNS_OF_THE_CLAIM = 10.0, 10_000

STAGE = {
    "name": "prod",
    "account": "111122223333",
    "region": "eu-west-1",
    "model_package_group": "group",
    "execution_role": "arn:aws:iam::111122223333:role/name",
    "bucket": "bucket",
    "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/id",
    "instances": {"type": "ml.m5.large", "count": 4},
    "release": {
        "strategy": "canary",
        "canary_size": "25%",
        "wait_interval": "30m",
        "termination_wait": "25m",
        "maximum_execution_timeout": "2h",
        "rollback_on": [
            {"metric": "Invocation5XXErrors", "above": "3%"},
            {"metric": "ModelLatency", "statistic": "p99", "above": "250ms", "periods": "3 of 5"},
        ],
    },
}
SCENARIO = {
    "traffic": {"requests_per_minute": 600},
    "old": {"error_rate": "0.1%", "latency": {"p50": "40ms", "p99": "120ms"}},
    "start_up": {"takes": "5m"},
}


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of this process's own processor time that `work` takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS_OF_THE_CLAIM)
    runs = parser.parse_args().runs
    simulation = Simulation(Stage.model_validate(STAGE), Scenario.model_validate(SCENARIO))
    results = []
    seconds = timed(lambda: results.extend(simulation.run(seed=seed, minutes=False) for seed in range(runs)))
    draws = random.Random(1)
    peer = min(timed(lambda: [draws.gauss(0, 1) for _ in range(1000)]) for _ in range(20))
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in Counter(r.outcome for r in results).most_common())
    hours = sum(result.ended for result in results) / 3600
    limit = LIMIT * runs / RUNS_OF_THE_CLAIM
    print(f"{runs} releases, {hours:.0f} hours: {outcomes}")
    print(f"simulated {seconds:6.2f} s    {seconds / limit:5.2f} of the limit of {limit:g} s")
    print(f"one       {1000 * seconds / runs:6.3f} ms   {seconds / runs / peer:5.2f} times 1,000 draws of random.gauss")


if __name__ == "__main__":
    main()
