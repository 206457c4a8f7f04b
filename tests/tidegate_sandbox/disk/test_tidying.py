"""What a sandbox removes of what it made for itself, and what it never touches."""

import os
import threading
import time
from types import SimpleNamespace

import pytest

from tidegate.clock import SystemClock
from tidegate_sandbox import context, images
from tidegate_sandbox.context import Scope
from tidegate_sandbox.disk import tidying
from tidegate_sandbox.disk.limits import AGE, Limit
from tidegate_sandbox.hooks import state as state_hooks
from tidegate_sandbox.services.codebuild import records
from tidegate_sandbox.services.jobs import inventory

HERE = Scope("111122223333", "eu-west-1")
MANY = 4


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return the home of a sandbox that holds nothing, where two files of a folder are kept."""
    monkeypatch.setattr(context, "_running", context.Sandbox(tmp_path, 1, SystemClock()))
    monkeypatch.setattr(records.state, "states", {})
    monkeypatch.setattr(inventory._jobs, "states", {})
    monkeypatch.setattr(images, "_asked_for", set())
    monkeypatch.setattr(state_hooks, "versions_of_objects", set)
    for name in ("LOGS", "CACHES"):
        monkeypatch.setattr(tidying, name, Limit(newest=2, size=2**20))
    return tmp_path


def file(path, age=0.0, size=10):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return aged(path, age)


def aged(path, age):
    written = time.time() - age
    os.utime(path, (written, written))
    return path


def there(paths):
    return [path.exists() for path in paths]


def build(home, name, finished):
    over = threading.Event()
    if finished:
        over.set()
    return SimpleNamespace(uuid=name, log=home / "codebuild/logs/p" / f"{name}.log", finished=over)


def test_of_a_projects_build_logs_the_newest_stay_and_those_of_builds_that_run(home):
    logs = [file(home / "codebuild/logs/p" / f"{number}.log", age=number) for number in range(MANY)]
    others = file(home / "codebuild/logs/q/0.log", age=99)
    running = {str(number): build(home, str(number), finished=number != MANY - 1) for number in range(MANY)}
    records.state.states[HERE] = records.State(builds=running)
    tidying.tidy(home)
    assert there(logs) == [True, False, False, True]
    assert others.exists()


def test_of_jobs_logs_the_newest_stay_and_those_of_jobs_that_run(home):
    logs = [file(home / "log/jobs/a/r" / f"training-{number}.log", age=number) for number in range(MANY)]
    inventory._jobs.states[HERE] = {
        ("Training", str(number)): SimpleNamespace(log=log, ended=None if number == 2 else "then")
        for number, log in enumerate(logs)
    }
    tidying.tidy(home)
    assert there(logs) == [True, False, True, False]


def test_logs_of_model_servers_stay_while_their_fleet_is_there_and_long_ones_begin_anew(home, monkeypatch):
    monkeypatch.setattr(tidying, "LONGEST_SERVER_LOG", 100_000)
    alive = home / "endpoints/1-r/e/blue-x"
    alive.mkdir(parents=True)
    long = file(home / "log/endpoints/1-r/e/blue-x-main.log", age=99, size=200_000)
    others = [file(home / f"log/endpoints/1-r/e/green-{number}-main.log", age=number) for number in range(MANY)]
    with long.open("ab") as server:
        tidying.tidy(home)
        server.write(b"and goes on")
    assert long.read_bytes() == b"and goes on"
    assert long.with_suffix(".log.1").stat().st_size == 200_000
    assert there(others) == [False] * MANY, "of its two files both are those of the server that runs"


def test_containers_of_builds_that_do_not_run_are_removed(home):
    left, used = (file(home / "codebuild/builds" / name / "src/a") for name in ("left", "used"))
    records.state.states[HERE] = records.State(builds={"used": build(home, "used", finished=False)})
    tidying.tidy(home)
    assert there([left, used]) == [False, True]


def test_local_caches_that_were_not_used_longest_go_first(home):
    caches = [file(home / "codebuild/cache/custom" / f"{n}.zip", age=(n + 1) * 2 * AGE) for n in range(MANY)]
    tidying.tidy(home)
    assert there(caches) == [True, True, False, False]


@pytest.mark.parametrize("runs", [True, False])
def test_packages_that_builds_share_are_emptied_beyond_their_size_when_no_build_runs(home, monkeypatch, runs):
    monkeypatch.setattr(tidying, "PACKAGES", 50_000)
    pip, uv = file(home / "codebuild/cache/pip/a", size=40_000), file(home / "codebuild/cache/uv/b", size=40_000)
    custom = file(home / "codebuild/cache/custom/c.zip")
    records.state.states[HERE] = records.State(builds={"b": build(home, "b", finished=not runs)})
    tidying.tidy(home)
    assert there([pip, uv, custom]) == [runs, runs, True]
    assert not list((home / "codebuild/cache").glob(".gone-*"))


def test_packages_within_their_size_stay(home):
    pip = file(home / "codebuild/cache/pip/a")
    tidying.tidy(home)
    assert pip.exists()


def test_environments_that_no_table_has_go_but_the_last_two_and_what_is_in_use(home):
    known = images.stand_in("111122223333.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0").folder_name
    folders = [home / "images" / f"old-{number}-{'0' * 12}" for number in range(MANY)]
    for number, folder in enumerate([*folders, home / "images" / known, home / "images/python3.11"]):
        file(folder / "bin/python")
        aged(folder, number * AGE)
    images._asked_for.add(folders[-1].name)
    leftover, under_way = file(home / "images/.x-1.0123abcd/a").parent, file(home / "images/.y-1.0123abcd/a").parent
    aged(leftover, 2 * AGE)
    tidying.tidy(home)
    assert there(folders) == [True, True, False, True]
    assert there([home / "images" / known, home / "images/python3.11", leftover, under_way]) == [
        True,
        True,
        False,
        True,
    ]


def test_bodies_that_no_object_has_are_removed_once_they_are_old(home, monkeypatch):
    s3, old = home / "s3", 2 * AGE
    versions = [file(s3 / ".versions/1/b" / name / "key/of/it").parents[2] for name in ("known", "lost", "new")]
    for folder in versions[:2]:
        aged(folder, old)
    monkeypatch.setattr(state_hooks, "versions_of_objects", lambda: {("1", "b", "known")})
    partial, written = file(s3 / "1/b/half.tmp", age=old), file(s3 / "1/b/being-written.tmp")
    body = file(s3 / "1/b/whole", age=old)
    tidying.tidy(home)
    assert there([*versions, partial, written, body]) == [True, False, True, False, True, True]


def test_one_rule_that_fails_leaves_the_others(home, monkeypatch, caplog):
    def fails():
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(inventory, "under_way", fails)
    left = file(home / "codebuild/builds/left/a")
    tidying.tidy(home)
    assert not left.exists()
    assert "logs_of_jobs failed" in caplog.text


def test_nothing_is_removed_once_the_sandbox_ends(home):
    left = file(home / "codebuild/builds/left/a")
    tidying.tidy(home, lambda: True)
    assert left.exists()
