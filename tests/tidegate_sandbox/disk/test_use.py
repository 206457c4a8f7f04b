"""What a home takes of the disk, and what is said of it."""

import pytest
from typer.testing import CliRunner

from tidegate_sandbox import cli, lifecycle
from tidegate_sandbox.disk.limits import RECORDS, TOLD_FROM, told_of_records
from tidegate_sandbox.disk.use import Measured, disk_use, told
from tidegate_sandbox.faults.client import Injector

GB = 2**30


def test_each_folder_is_told_with_what_lies_beside_them(tmp_path):
    (tmp_path / "s3" / "a").mkdir(parents=True)
    (tmp_path / "s3" / "a" / "body").write_bytes(b"x" * 100_000)
    (tmp_path / "start.log").write_bytes(b"x" * 5000)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "s3")
    used = disk_use(tmp_path)
    assert used.keys() == {"", "s3"}
    assert used["s3"] >= 100_000 > used[""] >= 5000


def test_it_is_not_measured_for_everybody_who_asks(tmp_path):
    measured = Measured(tmp_path)
    before = measured.used()
    (tmp_path / "s3").mkdir()
    assert measured.used() == before


def test_nothing_is_said_up_to_the_limit_nor_of_what_outlives_reset(tmp_path):
    assert told({"s3": TOLD_FROM}, tmp_path) == ""
    assert told({"s3": GB, "images": TOLD_FROM, "codebuild": TOLD_FROM}, tmp_path) == ""


def test_beyond_it_what_takes_most_is_said_and_what_helps(tmp_path):
    sentence = told({"": 1, "s3": 9 * GB, "codecommit": 2 * GB, "state": 5, "log": GB, "images": 50 * GB}, tmp_path)
    assert sentence.startswith("12.0 GB is more than 10.0 GB: s3 9.0 GB, codecommit 2.0 GB, log 1.0 GB. ")
    assert f"`tidegate sandbox reset --home {tmp_path}`" in sentence


@pytest.mark.parametrize("size", [GB, 11 * GB])
def test_status_says_it(tmp_path, monkeypatch, size):
    disk = {"s3": size}
    state = {
        **{"home": str(tmp_path), "uptime_seconds": 1, "speed": 1, "memory_bytes": 1, "disk": disk, "children": []},
        **{"snapshot": {"failure": "", "bytes": 3 * 2**20, "bounds": told_of_records()}},
        **{"after_rollback": "fail", "iam": "enforce"},
        "disk_told": told(disk, tmp_path),
    }
    monkeypatch.setattr(lifecycle, "find", lambda _home: lifecycle.Running(1, 1, "run"))
    monkeypatch.setattr(lifecycle.Running, "status", lambda _running: state)
    monkeypatch.setattr(Injector, "every", lambda _injector: {"faults": []})
    printed = CliRunner().invoke(cli.app, ["status", "--home", str(tmp_path)]).stdout
    bounds = f"of what is over, the newest {RECORDS} of each kind are kept"
    assert f"records           3 MB in a snapshot; {bounds}, and of log events 8 MB of a group" in printed
    assert ("MUCH: 11.0 GB is more than 10.0 GB: s3 11.0 GB." in printed) == (size > TOLD_FROM)
