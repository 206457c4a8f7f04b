"""A running sandbox for tests, in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tidegate_sandbox import lifecycle

ACCOUNT = "111122223333"
REGION = "eu-west-1"


@dataclass(frozen=True)
class RunningSandbox:
    url: str
    home: Path
    pid: int
    speed: float

    account = ACCOUNT
    region = REGION

    @cache  # noqa: B019 - as many as the tests use
    def client(self, service: str, account: str = ACCOUNT, region: str = REGION) -> Any:
        """Return a boto3 client on this sandbox; errors come back at once, never retried."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="local",
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, read_timeout=120),
        )

    def assumed(self, role: str, service: str, sts: Any = None, **session: str) -> Any:
        """Return a client that acts with a session of a role; the client `sts` assumes it, else the account itself."""
        by = sts or self.client("sts")
        keys = by.assume_role(RoleArn=role, RoleSessionName="somebody", **session)["Credentials"]
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

    def environment(self) -> dict[str, str]:
        """Return the environment of a child process that uses this sandbox."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "NO_PROXY": "127.0.0.1,localhost",
        }


@contextmanager
def run_sandbox(
    home: Path, speed: float = 60, after_rollback: str = "fail", iam: str = "record"
) -> Iterator[RunningSandbox]:
    """Run a sandbox on a free port until the block ends. Rooms whose roles have no policies do not enforce IAM."""
    home.mkdir(parents=True, exist_ok=True)
    output = home.parent / f"{home.name}.out"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tidegate_sandbox.cli", "up", "--foreground", "--home", home, "--port", "0"),
                *("--speed", str(speed), "--after-rollback", after_rollback, "--iam", iam),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while not (home / lifecycle.RECORD).exists():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, f"no sandbox within a minute: {output.read_text()}"
            time.sleep(0.05)
        running = lifecycle.find(home)
        assert running is not None
        yield RunningSandbox(running.url, home, process.pid, speed)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session", autouse=True)
def _bytecode(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the bytecode of the sandboxes of this run where bytecode is not to be written, for it takes long to make."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("bytecode"))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One sandbox for the whole test run, its clock sixty times the wall: name what you make so that it is yours."""
    with run_sandbox(tmp_path_factory.mktemp("sandbox") / "home") as running:
        yield running


@pytest.fixture(scope="session")
def another_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Return a context manager that runs a sandbox of its own: another_sandbox(speed=1, after_rollback="succeed")."""

    def run(**options: Any) -> Any:
        return run_sandbox(tmp_path_factory.mktemp("another") / "home", **options)

    return run


def eventually(condition: Callable[[], Any], within: float = 120.0) -> Any:
    """Return what `condition` answers once that is truthy; fail after `within` seconds of the wall."""
    until = time.monotonic() + within
    pause = 0.05
    while not (answer := condition()):
        assert time.monotonic() < until, f"not within {within} seconds"
        time.sleep(pause)
        # What takes long is asked for less often: each time costs both sides some milliseconds of the processor.
        pause = min(1.3 * pause, 0.5)
    return answer


@pytest.fixture(scope="session", name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually
