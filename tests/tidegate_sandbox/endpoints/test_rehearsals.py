"""What docs/rehearse.md says: releases that faults befall end as it says, and its commands are ones that run."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_commands_on_a_living_stage import RELEASE, LivingStage, stage  # noqa: F401
from typer.testing import CliRunner, Result

from tidegate_sandbox.cli import app

DOCUMENT = Path(__file__).parents[3] / "docs" / "rehearse.md"


NUMBERS = """
def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    return body, content_type
"""


class CommandLine:
    """The sandbox's own commands, on one sandbox."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--home", str(self._home)])

    def json(self, *arguments: str) -> dict[str, Any]:
        ran = self(*arguments, "--json")
        assert ran.exit_code == 0, ran.output
        told: dict[str, Any] = json.loads(ran.stdout)
        return told


@pytest.fixture
def run(endpoint_sandbox: Any) -> Iterator[CommandLine]:
    command_line = CommandLine(endpoint_sandbox.home)
    yield command_line
    assert command_line("inject", "clear").exit_code == 0


@contextmanager
def loading(sandbox: Any, endpoint: str, rows: Path, told: dict[str, Any]) -> Iterator[None]:
    """Load the endpoint meanwhile; `told` gets the report."""
    options = ["--home", str(sandbox.home), "--region", sandbox.region, "--rows", str(rows), "--rate", "40", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate_sandbox.cli", "load", endpoint, *options], stdout=subprocess.PIPE
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        told |= json.loads(process.communicate(timeout=60)[0])


def test_releases_that_faults_befall_end_as_the_rehearsal_says(
    stage: LivingStage,  # noqa: F811
    endpoint_sandbox: Any,
    run: CommandLine,
    tmp_path: Path,
) -> None:
    (rows := tmp_path / "rows.csv").write_text("17\n3\n")
    endpoint, guarded = stage.endpoint.name, [{"metric": "Invocation5XXErrors", "above": "5%"}]
    stage.write(release=RELEASE | {"wait_interval": "5m", "rollback_on": guarded})
    stage.approve(1, NUMBERS)
    assert stage.release()[0] == 0
    serving = stage.live().release_id

    # Errors of the new fleet are rolled back, though CloudFormation calls it a success and verify is throttled.
    stage.approve(2, NUMBERS)
    run.json("inject", "errors", "--endpoint", endpoint, "--new-fleet", "--share", "60%")
    run.json("inject", "after-rollback", "succeed", "--endpoint", endpoint)
    throttled = run.json("inject", "throttling", "sagemaker:DescribeEndpoint", "--share", "20%")
    load: dict[str, Any] = {}
    with loading(endpoint_sandbox, endpoint, rows, load):
        code, said = stage.release()
    assert code == 3, said
    (cleared,) = run.json("inject", "clear", throttled["id"])["faults"]
    assert cleared["struck"] > 0
    assert stage.live().release_id == serving

    # The load tells the versions apart, and says of each what the ledger does.
    by = {each["version"]: each for each in load["answered_by"]}
    assert by["1"]["errors"] == {}
    assert set(by["2"]["errors"]) == {"ModelError 424 (500 from the model)"}
    assert 0.3 < by["2"]["error_share"] < 0.9
    ledger: Counter[tuple[str, bool]] = Counter()
    for each in stage.endpoint.ledger()["requests"]:
        if each["app"] == load["app"]:
            ledger[each["model_package"].rpartition("/")[2], each["status_code"] == 200] += each["count"]
    failed = sum(by["2"]["errors"].values())
    assert ledger == {("1", True): by["1"]["requests"], ("2", True): by["2"]["requests"] - failed, ("2", False): failed}
    run("inject", "clear")

    # No capacity: rolled back, and not held against the version.
    stage.endpoint.eventually(stage.is_quiet)
    stage.approve(3, NUMBERS)
    run.json("inject", "capacity", "ml.m5.large", "--name", endpoint)
    code, said = stage.release()
    assert (code, "InsufficientInstanceCapacity" in said) == (3, True), said
    assert "version 3 is not marked in the registry: capacity was missing" in said
    run("inject", "clear")

    # Wrong on a slice: nothing fails, so the release is a success, and the answers are wrong.
    run.json("inject", "wrong", "--endpoint", endpoint, "--new-fleet", "--where", "1 >= 17", "--answer", "+100")
    code, said = stage.release()
    assert code == 0, said
