"""What docs/rehearse.md says: releases that faults befall end as it says, and its commands are ones that run."""

import json
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from test_commands_on_a_living_stage import RELEASE, LivingStage, stage  # noqa: F401
from typer.testing import CliRunner, Result
from workshop import BUCKET, Workshop, model_data

from tidegate_sandbox.cli import app
from tidegate_sandbox.faults.cli import app as inject

INJECT = [each.name or each.callback.__name__ for each in inject.registered_commands if each.callback]
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

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        ran = self(*arguments, "--json")
        assert ran.exit_code == code, ran.output
        told: dict[str, Any] = json.loads(ran.stdout)
        return told


@pytest.fixture
def run(endpoint_sandbox: Any) -> Iterator[CommandLine]:
    command_line = CommandLine(endpoint_sandbox.home)
    yield command_line
    assert command_line("inject", "clear").exit_code == 0


@contextmanager
def loading(workshop: Workshop, rows: Path, told: dict[str, Any], rate: int = 40) -> Iterator[None]:
    """Load the endpoint meanwhile; `told` gets the report."""
    where = ["--home", str(workshop.sandbox.home), "--region", workshop.sandbox.region]
    options = ["--rows", str(rows), "--rate", str(rate), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate_sandbox.cli", "load", workshop.name, *where, *options], stdout=subprocess.PIPE
    )
    try:
        workshop.eventually(lambda: workshop.ledger()["requests"])
        yield
    finally:
        process.send_signal(signal.SIGINT)
        told |= json.loads(process.communicate(timeout=60)[0])


def test_releases_that_faults_befall_end_as_the_rehearsal_says(
    stage: LivingStage,  # noqa: F811
    run: CommandLine,
    tmp_path: Path,
) -> None:
    (rows := tmp_path / "rows.csv").write_text("17\n3\n")
    endpoint, guarded = stage.endpoint.name, [{"metric": "Invocation5XXErrors", "above": "5%"}]
    stage.write(release=RELEASE | {"wait_interval": "5m", "rollback_on": guarded})
    stage.approve(1, NUMBERS)
    assert stage.release()[0] == 0

    # No capacity: rolled back, and not held against the version.
    stage.approve(2, NUMBERS)
    run.json("inject", "capacity", "ml.m5.large", "--name", endpoint)
    code, said = stage.release()
    assert (code, "InsufficientInstanceCapacity" in said) == (3, True), said
    assert "version 2 is not marked in the registry: capacity was missing" in said
    run("inject", "clear")

    # Wrong on a slice: nothing fails, so the release is a success, and the answers are wrong.
    run.json("inject", "wrong", "--endpoint", endpoint, "--new-fleet", "--where", "1 >= 17", "--answer", "+100")
    code, said = stage.release()
    assert code == 0, said
    run("inject", "clear")
    serving = stage.live().release_id

    # Errors of the new fleet are rolled back, though CloudFormation calls it a success and verify is throttled.
    stage.approve(3, NUMBERS)
    run.json("inject", "errors", "--endpoint", endpoint, "--new-fleet", "--share", "60%")
    run.json("inject", "after-rollback", "succeed", "--endpoint", endpoint)
    throttled = run.json("inject", "throttling", "sagemaker:DescribeEndpoint", "--times", "2")
    load: dict[str, Any] = {}
    with loading(stage.endpoint, rows, load):
        code, said = stage.release()
    assert code == 3, said
    # It struck twice, so it is over.
    assert throttled["id"] not in {each["id"] for each in run.json("inject", "list")["faults"]}
    assert stage.live().release_id == serving

    # The load tells the versions apart, and says of each what the ledger does.
    by = {each["version"]: each for each in load["answered_by"]}
    assert by["2"]["errors"] == {}
    assert set(by["3"]["errors"]) == {"ModelError 424 (500 from the model)"}
    ledger: Counter[tuple[str, bool]] = Counter()
    for each in stage.endpoint.ledger()["requests"]:
        if each["app"] == load["app"]:
            ledger[each["model_package"].rpartition("/")[2], each["status_code"] == 200] += each["count"]
    failed = sum(by["3"]["errors"].values())
    assert ledger == {("2", True): by["2"]["requests"], ("3", True): by["3"]["requests"] - failed, ("3", False): failed}


def commands() -> list[list[str]]:
    """Return the commands of the document's blocks, as a shell takes them apart, without `tidegate sandbox`."""
    blocks = re.findall(r"^```sh\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]
    assert all(line[:2] == ["tidegate", "sandbox"] for line in lines)
    return [line[2:] for line in lines]


def test_every_command_of_the_document_runs_as_it_stands_there(
    workshop: Workshop, run: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workshop.s3.put_object(Bucket=BUCKET, Key="numbers.tar.gz", Body=model_data(NUMBERS))
    workshop.endpoint(workshop.config("v1", archive="numbers.tar.gz"))
    (tmp_path / "payloads").mkdir()
    (tmp_path / "payloads" / "evening-weather.csv").write_text("17,0\n18,1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_REGION", workshop.sandbox.region)
    known = {"$ENDPOINT": workshop.name, "sagemaker-$PROJECT-": f"sagemaker-{workshop.name}-"}

    kinds: Counter[str] = Counter()
    for command in commands():
        given = [reduce(lambda text, name: text.replace(name, known[name]), known, word) for word in command]
        ran = run(*given)
        assert (ran.exit_code, ran.stderr) == (0, ""), (command, ran.output)
        kinds[" ".join(command[:2]) if command[0] == "inject" else command[0]] += 1
        if command[0] == "load":
            run("inject", "clear")
    run("inject", "clock-jump", "--", "-1h")

    # Every command that there is, is in the document.
    assert set(kinds) == {"load", *(f"inject {name}" for name in INJECT)}


def test_what_cannot_be_done_is_a_sentence_and_exit_code_1(run: CommandLine, tmp_path: Path) -> None:
    (rows := tmp_path / "rows.csv").write_text("1\n")

    for arguments, sentence in (
        (["inject", "errors", "--endpoint", "e", "--share", "5"], "share: `5` is not a percentage"),
        (["inject", "clear", "99"], "there is no fault 99"),
        (["load", "e", "--rows", "gone.csv"], "gone.csv cannot be read"),
        (["load", "e", "--rows", str(rows), "--rate", "lots"], "'lots' is no rate"),
        (["load", "e", "--rows", str(rows), "--for", "soon"], "`soon` is not a duration"),
    ):
        ran = run(*arguments)
        assert (ran.exit_code, sentence in ran.stderr) == (1, True), ran.output

    assert "faults            none" in run("status").output
    run("inject", "lost-events", "--rule", "nobody's")
    run("inject", "lost-events", "--rule", "nobodys")
    assert "faults            1 set" in run("status").output

    nobody = CommandLine(tmp_path / "nowhere")
    for arguments in (["inject", "list"], ["load", "e", "--rows", str(rows)]):
        ran = nobody(*arguments)
        assert (ran.exit_code, "No sandbox runs in" in ran.stderr) == (1, True), ran.output
    told = run.json("load", "no-such-endpoint", "--rows", str(rows), "--for", "30s", code=1)
    assert list(told["unanswered"]) == ["ValidationError 400"]
