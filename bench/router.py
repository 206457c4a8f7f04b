"""Claim: an invocation takes at most 1.8 times as long through the sandbox's router as at the model server itself.

A second claim: over 8 connections the router lets through at least half of the requests that the model server answers.
Both are asked the same row by the same client over connections that are kept, in turns: the model server that the
endpoint runs (the build seed's inference.py with XGBoost), and the endpoint, with a session of a role, IAM enforced.
Run it on a quiet machine: python bench/router.py [--rounds N] [--home FOLDER, where the image's stand-in is kept]
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from workbench import Answer, Workbench, back_to_back, post, version_of, workbench

LATENCY_LIMIT, THROUGHPUT_LIMIT, CONNECTIONS = 1.8, 0.5, 8


def median_ms(answers: list[Answer]) -> float:
    """Return the median milliseconds of answers, all of which must be the model's."""
    if any(answer.status != 200 or version_of(answer.body) != 1 for answer in answers):
        sys.exit("an answer is none of the model's: nothing to measure")
    return statistics.median(answer.answered - answer.asked for answer in answers) * 1000


def rate(answers: list[Answer]) -> float:
    """Return the answers a second."""
    median_ms(answers)
    return len(answers) / (max(each.answered for each in answers) - min(each.asked for each in answers))


def measure(bench: Workbench, rounds: int, requests: int) -> None:
    """Ask both in turns, and print a table."""
    bench.prepare(versions=1)
    bench.client("sagemaker").create_endpoint(EndpointName="bench", EndpointConfigName=bench.config(1))
    if (described := bench.settled())["EndpointStatus"] != "InService":
        sys.exit(f"the endpoint is not in service: {described.get('FailureReason')}")
    plain = post("/invocations", {"content-type": "text/csv", "accept": "text/csv"})
    ways = {
        "model server": (bench.model_server(), plain),
        "router": (bench.running.port, bench.invocation()),
    }
    latencies: dict[str, list[float]] = {way: [] for way in ways}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for attempt in range(rounds + 1):  # the first one is to warm up
        for way, (port, request) in ways.items():
            latency = median_ms(back_to_back(port, request, 1, requests))
            answered = rate(back_to_back(port, request, CONNECTIONS, requests * 2))
            if attempt:
                latencies[way].append(latency)
                rates[way].append(answered)
    p50 = {way: statistics.median(taken) for way, taken in latencies.items()}
    throughput = {way: statistics.median(taken) for way, taken in rates.items()}
    for way in ways:
        slower, share = p50[way] / p50["model server"], throughput[way] / throughput["model server"]
        print(f"{way:<13} p50 {p50[way]:5.2f} ms {slower:5.2f}   {throughput[way]:5.0f} requests/s {share:5.2f}")
    slower, share = p50["router"] / p50["model server"], throughput["router"] / throughput["model server"]
    held = slower <= LATENCY_LIMIT and share >= THROUGHPUT_LIMIT
    print(f"p50 {slower:.2f} of at most {LATENCY_LIMIT}, throughput {share:.2f} of at least {THROUGHPUT_LIMIT}: ")
    print("held" if held else "not held", f"(medians of {rounds} rounds)")
    sys.exit(not held)


def main() -> None:
    """Measure and print a table; exit 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=500, help="in a row, and twice as many over 8 connections")
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = (options.home or Path(folder) / "home").resolve()
        with workbench(home) as bench:
            measure(bench, options.rounds, options.requests)


if __name__ == "__main__":
    main()
