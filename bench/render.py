"""Two claims about rendering.

1. A stage file is validated and rendered in under 2 ms, in a process that does 1,000 of them.
2. `tidegate render --all` on a baked deploy repository, with its calls to the registry and of what serves, takes at
   most 1.2 times as long as `python -c "import boto3; boto3.client('sagemaker')"`: whole processes, by turns, medians.

SageMaker is a small server on this machine that answers what it is asked as the API does, so that what is measured is
Tidegate and not a network: python bench/render.py [--runs N] [--stages N]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIMIT_MS, LIMIT_RATIO = 2.0, 1.2
REGION, ACCOUNT, GROUP = "eu-west-1", "111122223333", "bikeshare-p-abc123def456"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
CREATED = 1_764_000_000.0
RELEASE = {
    "strategy": "canary",
    "canary_size": "25%",
    "wait_interval": "10m",
    "termination_wait": "5m",
    "rollback_on": [
        {"metric": "Invocation5XXErrors", "above": "1%", "periods": "1 of 1"},
        {"metric": "ModelLatency", "statistic": "p99", "above": "250ms", "periods": "3 of 5"},
    ],
}
ENDPOINT = {
    "project": {"name": "bikeshare", "id": "p-abc123def456", "account": ACCOUNT, "region": REGION},
    "model_package_group": GROUP,
    "execution_role": f"arn:aws:iam::{ACCOUNT}:role/tidegate/sagemaker-p-abc123def456-execution-eu-west-1",
    "bucket": "sagemaker-p-abc123def456-111122223333-eu-west-1",
    "kms_key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "capture": {"sampling": "100%"},
}


class SageMaker(BaseHTTPRequestHandler):
    """Three versions, the newest approved; an endpoint a stage, on which the one before serves."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # one packet an answer, or the second waits for the first one's receipt

    def do_POST(self) -> None:
        """Answer one call."""
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(self.answers(operation, asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answers(self, operation: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the API would."""
        match operation:
            case "ListModelPackages":
                return {"ModelPackageSummaryList": [package(number) for number in (3, 2, 1)]}
            case "DescribeModelPackage":
                return package(int(asked["ModelPackageName"].rpartition("/")[2]))
            case "DescribeEndpoint":
                name = asked["EndpointName"]
                times = {"CreationTime": CREATED, "LastModifiedTime": CREATED}
                named = {"EndpointName": name, "EndpointArn": f"{ARN}:endpoint/{name}", "EndpointConfigName": "config"}
                return {**named, **times, "EndpointStatus": "InService"}
            case "DescribeEndpointConfig":
                variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.m5.large"}
                named = {"EndpointConfigName": "config", "EndpointConfigArn": f"{ARN}:endpoint-config/config"}
                return {**named, "ProductionVariants": [variant], "CreationTime": CREATED}
            case "DescribeModel":
                containers = [{"ModelPackageName": package(2)["ModelPackageArn"]}]
                named = {"ModelName": "model", "ModelArn": f"{ARN}:model/model"}
                return {**named, "Containers": containers, "CreationTime": CREATED}
            case "ListTags":
                return {"Tags": [{"Key": "tidegate:release", "Value": "0123456789abcdef"}]}
            case _:
                raise ValueError(f"nobody should ask for {operation} here")

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing of each request."""


def package(number: int) -> dict[str, Any]:
    """Describe a version."""
    return {
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": number,
        "ModelPackageArn": f"{ARN}:model-package/{GROUP}/{number}",
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": "Approved",
        "CreationTime": CREATED,
    }


def many_stages(folder: Path, count: int) -> tuple[float, float]:
    """Return the milliseconds a stage that loading and rendering `count` of them take, of this process's own time."""
    from tidegate.registry import ModelPackage
    from tidegate.render import render_stage
    from tidegate.stage import load_repo

    (folder / "stages").mkdir(parents=True)
    (folder / "endpoint.yml").write_text(json.dumps(ENDPOINT, indent=1))
    for number in range(count):
        stage = {"instances": {"type": "ml.m5.large", "count": 4 + number % 96}, "release": RELEASE}
        (folder / "stages" / f"s{number}.yml").write_text(json.dumps(stage, indent=1))
    begun = time.process_time()
    repo = load_repo(folder)
    loaded = time.process_time()
    for stage in repo.stages:
        render_stage(repo, stage, ModelPackage(f"{ARN}:model-package/{GROUP}/3", 3, "Completed", "Approved"))
    return (loaded - begun) * 1000 / count, (time.process_time() - loaded) * 1000 / count


def baked(folder: Path, wheel: Path | None = None) -> Path:
    """Return a deploy repository in `folder`, as a launch makes it."""
    sys.path.insert(0, str(ROOT))
    from service_catalog.seed.seed import bake

    return bake(ROOT / "seed_code" / "deploy", {}, folder, wheel=wheel)


@contextmanager
def sagemaker() -> Iterator[dict[str, str]]:
    """Serve SageMaker for as long as the block runs; give the environment of a process that is to use it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), SageMaker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Bytecode is kept, as in any installation that is used twice.
    yield {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "NO_PROXY": "127.0.0.1",
    }
    server.shutdown()


def whole_processes(folder: Path, runs: int) -> tuple[float, float]:
    """Return the median seconds of `tidegate render --all` and of its peer, run by turns."""
    repo = baked(folder)
    ours = [sys.executable, "-m", "tidegate", "render", "--all", "--repo", str(repo), "--out", str(folder / "rendered")]
    theirs = [sys.executable, "-c", "import boto3; boto3.client('sagemaker')"]
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    with sagemaker() as environment:
        for turn in range(runs + 1):
            for name, command in (("ours", ours), ("theirs", theirs)):
                begun = time.perf_counter()
                subprocess.run(command, env=environment, check=True, capture_output=True)
                if turn:  # the first compiles what is not compiled yet
                    times[name].append(time.perf_counter() - begun)
    return statistics.median(times["ours"]), statistics.median(times["theirs"])


def main() -> None:
    """Measure and print both claims; leave with 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--stages", type=int, default=1000)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    try:
        loading, rendering = many_stages(folder / "many", asked.stages)
        ours, theirs = whole_processes(folder / "baked", asked.runs)
    finally:
        shutil.rmtree(folder)
    both = loading + rendering
    print(f"{asked.stages} stages, ms each: {loading:.2f} to validate, {rendering:.2f} to render, {both:.2f} in all")
    print(f"  of {LIMIT_MS} ms: {both / LIMIT_MS:.2f}")
    print(f"render --all: {ours:.3f} s; a boto3 client: {theirs:.3f} s; ratio {ours / theirs:.2f} of {LIMIT_RATIO}")
    raise SystemExit(both > LIMIT_MS or ours / theirs > LIMIT_RATIO)


if __name__ == "__main__":
    main()
