"""The whole journey, walked once for all tests here by the README's own command, and left up to look around in."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox import lifecycle

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `./scripts/quickstart --keep` reported; the sandbox that it left up is ended afterwards."""
    folder = tmp_path_factory.mktemp("journey")
    home, report = folder / "home", folder / "report.json"
    walk = subprocess.run(
        [CHECKOUT / "scripts" / "quickstart", "--keep", "--home", home, "--report", report],
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        assert walk.returncode == 0, f"{walk.stdout[-6000:]}\n{walk.stderr[-3000:]}"
        yield {**json.loads(report.read_text()), "printed": walk.stdout, "home": home}
    finally:
        if running := lifecycle.find(home):
            lifecycle.end(running, home)


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
