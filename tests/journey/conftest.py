"""The whole journey, walked for all tests here by the README's own command, and left up to look around in."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.journey.farewell import Deleted
from tests.journey.farewell import walk as walk_farewell
from tests.journey.trial import Told
from tests.journey.trial import walk as walk_trial
from tidegate_sandbox import lifecycle

CHECKOUT = Path(__file__).parents[2]
OF_A_PERSONS_OWN = {"AWS_PROFILE": "not-for-the-sandbox", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
"""Settings for the real AWS that a person's shell may hold; the journey must not heed them."""


LAST = "test_privileges.py"
"""What judges the calls of all that is done in the sandboxes of the walks."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what judges all that was done come after it, whatever the order of the rest."""
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.fixture(scope="session")
def all_is_done(request: pytest.FixtureRequest) -> None:
    """Fail where only a part of what is done in the sandboxes of the walks was asked for: too little to judge by."""
    here = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    missing = here - {item.path.name for item in request.session.items}
    assert not missing, f"run all of tests/journey: {', '.join(sorted(missing))} was not"


class Walk:
    """One run of `./scripts/quickstart` with its files in `folder`, beside whatever else runs."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.home = folder / "home"
        self._report, self._printed = folder / "report.json", folder / "printed.txt"
        with self._printed.open("wb") as printed:
            self._process = subprocess.Popen(
                [CHECKOUT / "scripts" / "quickstart", "--home", self.home, "--report", self._report, *options],
                env={**os.environ, **OF_A_PERSONS_OWN},
                stdout=printed,
                stderr=subprocess.STDOUT,
            )

    def told(self) -> dict[str, Any]:
        """Wait for its end; return what it reported, and what it printed."""
        status = self._process.wait()
        printed = self._printed.read_text()
        assert status == 0, printed[-9000:]
        return {**json.loads(self._report.read_text()), "printed": printed, "home": self.home}

    def end(self) -> None:
        """End it and the sandbox that it left up."""
        self._process.terminate()
        self._process.wait()
        if running := lifecycle.find(self.home):
            lifecycle.end(running, self.home)


RATE = ["--rate", "10"]
"""Fewer requests a second than the quickstart sends by default: enough for its alarms, where tests share a machine."""

WALKS = {
    "told": [*RATE, "--keep"],
    "told_where_the_stack_succeeds": [
        "--after-rollback",
        "succeed",
        "--git",
        "connection",
        "--accounts",
        "3",
        *RATE,
        "--keep",
    ],
}


@pytest.fixture(scope="session")
def walks(request: pytest.FixtureRequest) -> Iterator[dict[str, Walk]]:
    """Start every walk that a test asks for, side by side: each of them mostly waits.

    They live inside the checkout, as they do by default, where a build could take the checkout's settings for its own.
    """
    asked_for = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    inside = CHECKOUT / ".cache"
    inside.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=inside, prefix="journey-", ignore_cleanup_errors=True) as folder:
        started: dict[str, Walk] = {}
        try:
            for name in sorted(asked_for & WALKS.keys()):
                (Path(folder) / name).mkdir()
                started[name] = Walk(Path(folder) / name, *WALKS[name])
            yield started
        finally:
            for walk in started.values():
                walk.end()


@pytest.fixture(scope="session")
def told(walks: dict[str, Walk]) -> dict[str, Any]:
    """What the quickstart told with `--keep`; the sandbox that it left up is ended afterwards."""
    return walks["told"].told()


@pytest.fixture(scope="session")
def told_where_the_stack_succeeds(walks: dict[str, Walk]) -> dict[str, Any]:
    """What the quickstart told where CloudFormation makes nothing of an automatic rollback."""
    return walks["told_where_the_stack_succeeds"].told()


@pytest.fixture(scope="session")
def trial(told: dict[str, Any]) -> Told:
    """What was seen of a test in production, after the journey and in its sandbox."""
    return walk_trial(told)


@pytest.fixture(scope="session")
def deleted(told_where_the_stack_succeeds: dict[str, Any]) -> Deleted:
    """What was seen of a project in three accounts that was deleted, after the journey and in its sandbox."""
    return walk_farewell(told_where_the_stack_succeeds)


@pytest.fixture(scope="session")
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
