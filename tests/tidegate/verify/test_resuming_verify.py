"""A verify that is interrupted, and one that goes on from what it saw."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import pytest

from tests.tidegate.verify.following import DEPLOYMENT, ends_well, rolls_back
from tidegate.errors import TidegateError
from tidegate.render import Phase
from tidegate.verify import Outcome


class Interrupted(BaseException):
    """What Ctrl-C is to the code that it interrupts."""


def interrupt():
    raise Interrupted


def half_way(run, aws, file):
    """Interrupt the verify of a release of which a bake has been seen, and let the release end meanwhile."""
    aws.deploy_action("InProgress")
    with pytest.raises(Interrupted):
        run({60: aws.updating, 200: interrupt}, evidence=file)


def test_what_has_been_seen_is_in_the_file_while_it_is_watched(run, aws, tmp_path):
    file = tmp_path / "evidence" / "prod.json"
    half_way(run, aws, file)
    written = json.loads(file.read_text("utf-8"))
    assert (written["schema"], written["outcome"], written["exit_code"]) == ("tidegate.evidence/1", None, None)
    assert written["deployment"] == asdict(DEPLOYMENT)
    seen = written["evidence"]["seen"]
    assert seen["first_config"] == "config-2"
    assert [each["endpoint_status"] for each in seen["timeline"]] == ["InService", "Updating"]
    assert [path.name for path in file.parent.iterdir()] == ["prod.json"]


def test_an_interrupted_verify_is_resumed_and_judges_by_all_that_was_seen(run, aws, tmp_path):
    file = tmp_path / "prod.json"
    half_way(run, aws, file)
    rolls_back(aws, stack_fails=False)()
    verdict, said, _ = run(evidence=file, resume=True)
    assert said[0] == f"going on from 2 sightings in {file}"
    assert verdict.outcome is Outcome.ROLLED_BACK
    assert verdict.evidence.previous.name == "config-2"
    assert verdict.evidence.tried.name == "config-3"
    assert [each.variant_status for each in verdict.evidence.timeline] == ["", "Baking", ""]
    assert json.loads(file.read_text("utf-8"))["outcome"] == "ROLLED_BACK"


def test_resuming_what_has_its_verdict_gives_the_same_again(run, aws, tmp_path):
    file = tmp_path / "prod.json"
    aws.deploy_action("InProgress")
    first, _, _ = run({60: aws.updating, 300: rolls_back(aws, stack_fails=True)}, evidence=file)
    again, _, _ = run(evidence=file, resume=True)
    assert (again.outcome, again.sentence) == (first.outcome, first.sentence)


def test_without_resume_nothing_of_the_file_is_taken(run, aws, tmp_path):
    file = tmp_path / "prod.json"
    half_way(run, aws, file)
    ends_well(aws)()
    verdict, _, _ = run(evidence=file)
    assert [each.config_name for each in verdict.evidence.timeline] == ["config-3"]


@pytest.mark.parametrize(
    "other", [{}, {"release_id": "newer"}, {"phase": Phase.LIVE}, {"endpoint_name": "shop-p-1-staging"}]
)
def test_what_was_seen_of_another_release_or_another_execution_is_not_evidence(other, run, aws, asked, tmp_path):
    file = tmp_path / "prod.json"
    half_way(run, aws, file)
    ends_well(aws)()
    change = {"asked": asked.model_copy(update=other)} if other else {"deployment": None}
    _, said, _ = run(evidence=file, resume=True, **change)
    assert said[0] == "there is nothing to go on from"


def test_resuming_from_nothing_is_beginning(run, aws, tmp_path):
    aws.deploy_action("InProgress")
    verdict, said, _ = run({60: aws.updating, 1000: ends_well(aws)}, evidence=tmp_path / "prod.json", resume=True)
    assert said[0] == "there is nothing to go on from"
    assert verdict.outcome is Outcome.PROMOTED


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "another"}', "instances: 4\n", "null"])
def test_a_file_that_is_no_evidence_is_not_written_over(content, run, tmp_path):
    file = tmp_path / "prod.yml"
    file.write_text(content)
    with pytest.raises(TidegateError, match="is no evidence of a release"):
        run(evidence=file, resume=True)
    assert file.read_text() == content


WRITES_FOR_EVER = """
import sys
from pathlib import Path
from tidegate.verify.record import write_document
number = 0
while True:
    number += 1
    write_document({"number": number, "ballast": ["x" * 1000] * 200, "again": number}, Path(sys.argv[1]))
"""


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path):
    file = tmp_path / "prod.json"
    for moment in (0.0, 0.01, 0.03, 0.05):
        file.unlink(missing_ok=True)
        writer = subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER, str(file)])
        deadline = time.monotonic() + 30
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moment)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        written = json.loads(file.read_text("utf-8"))
        assert written["number"] == written["again"]


def test_the_evidence_of_a_verdict_is_written_as_json(run, aws, tmp_path):
    aws.deploy_action("InProgress")
    file = tmp_path / "evidence" / "prod.json"
    run({60: aws.updating, 300: rolls_back(aws, stack_fails=False)}, evidence=file)
    written = json.loads(file.read_text("utf-8"))
    assert (written["outcome"], written["exit_code"]) == ("ROLLED_BACK", 3)
    assert written["evidence"]["previous"]["release_id"] == "old"
    assert written["evidence"]["tried"]["release_id"] == "new"
