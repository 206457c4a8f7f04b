"""The whole journey, walked once for all tests here by the README's own command, and left up to look around in."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tidegate_sandbox import lifecycle

CHECKOUT = Path(__file__).parents[2]
OF_A_PERSONS_OWN = {"AWS_PROFILE": "not-for-the-sandbox", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
"""Settings for the real AWS that a person's shell may hold; the journey must not heed them."""


def quickstart(folder: Path, *options: str) -> dict[str, Any]:
    """Run `./scripts/quickstart` with its files in `folder`; return what it reported, and what it printed."""
    home, report = folder / "home", folder / "report.json"
    walk = subprocess.run(
        [CHECKOUT / "scripts" / "quickstart", "--home", home, "--report", report, *options],
        env={**os.environ, **OF_A_PERSONS_OWN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert walk.returncode == 0, f"{walk.stdout[-6000:]}\n{walk.stderr[-3000:]}"
    return {**json.loads(report.read_text()), "printed": walk.stdout, "home": home}


@pytest.fixture(scope="session")
def told() -> Iterator[dict[str, Any]]:
    """What the quickstart told with `--keep`; the sandbox that it left up is ended afterwards.

    It lives inside the checkout, as it does by default, where a build could take the checkout's settings for its own.
    """
    inside = CHECKOUT / ".cache"
    inside.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=inside, prefix="journey-", ignore_cleanup_errors=True) as folder:
        try:
            yield quickstart(Path(folder), "--keep")
        finally:
            if running := lifecycle.find(Path(folder) / "home"):
                lifecycle.end(running, Path(folder) / "home")


@pytest.fixture
def told_where_the_stack_succeeds(tmp_path: Path) -> dict[str, Any]:
    """What the quickstart told where CloudFormation makes nothing of an automatic rollback."""
    return quickstart(tmp_path, "--after-rollback", "succeed")


@pytest.fixture
def aws(told: dict[str, Any]) -> Any:
    """Return a maker of boto3 clients for the sandbox that the journey left up."""
    import boto3

    running = lifecycle.find(told["home"])
    assert running is not None

    def client(service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=running.url,
            region_name="us-east-1",
            aws_access_key_id=running.environment()["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="local",
        )

    return client
