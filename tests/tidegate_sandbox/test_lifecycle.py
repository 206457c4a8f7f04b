"""`tidegate sandbox up, down, status`: what is said, and what is survived."""

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import boto3
import pytest

from tidegate_sandbox import lifecycle, processes

UP_WITHIN = 60


def sandbox_command(*arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "tidegate_sandbox.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=UP_WITHIN,
        env=environment,
    )


@pytest.fixture
def home(tmp_path):
    """Return a home whose sandbox, if one runs there, is ended after the test."""
    folder = tmp_path / "home"
    yield folder
    if running := lifecycle.find(folder):
        lifecycle.end(running, folder)


def up(home, *arguments):
    return sandbox_command("up", "--home", home, "--port", "0", *arguments)


def test_up_says_how_to_use_it_status_how_it_is_and_down_ends_it(home):
    started = up(home, "--speed", "60")
    assert started.returncode == 0, started.stderr
    exported = dict(re.findall(r"export (\w+)=(\S+)", started.stdout))
    assert "local simulation" in started.stdout
    assert exported["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")

    status = sandbox_command("status", "--home", home)
    assert status.returncode == 0
    assert "local simulation" in status.stdout
    assert exported["AWS_ENDPOINT_URL"] in status.stdout
    assert "disk" in status.stdout
    assert "60 times the wall" in status.stdout

    running = lifecycle.find(home)
    second = up(home)
    assert second.returncode == 1
    assert f"a sandbox runs in {home} already at {running.url}" in second.stderr

    ended = sandbox_command("down", "--home", home)
    assert ended.returncode == 0
    assert "has ended" in ended.stdout
    assert lifecycle.find(home) is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), timeout=5)
    assert sandbox_command("status", "--home", home).returncode == 1
    assert "No sandbox runs" in sandbox_command("down", "--home", home).stdout


def test_after_a_kill_the_next_up_goes_on_and_says_so_and_no_child_is_left(home):
    assert up(home).returncode == 0
    killed = lifecycle.find(home)
    client(killed, "s3").create_bucket(Bucket="left-behind")
    leave_a_function_running(client(killed, "lambda"))
    workers = children_of(killed.pid)
    assert workers
    until = time.monotonic() + 10
    while not (home / "state" / "snapshot").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)

    again = up(home)

    assert again.returncode == 0, again.stderr
    assert "It goes on where the one before it was killed" in again.stdout
    until = time.monotonic() + 10
    while any(runs(pid) for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in workers if runs(pid)]
    [bucket] = client(lifecycle.find(home), "s3").list_buckets()["Buckets"]
    assert bucket["Name"] == "left-behind"

    client(lifecycle.find(home), "lambda").invoke(FunctionName="warm")
    if sys.platform == "linux":
        assert traces_of(home)
    assert sandbox_command("down", "--home", home).returncode == 0
    assert traces_of(home) == []


def traces_of(home):
    """Return what Linux tells of a sandbox's processes and of what is mounted for it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for told in ("cmdline", "environ", "mountinfo"):
            with contextlib.suppress(OSError):
                if str(home).encode() in (process / told).read_bytes():
                    found.append((process.name, told))
    return found


def client(running, service):
    return boto3.client(
        service,
        endpoint_url=running.url,
        region_name="us-east-1",
        aws_access_key_id="111122223333",
        aws_secret_access_key="local",
    )


def leave_a_function_running(functions):
    """Invoke a function, whose process stays warm for the next invocation."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return 1")
    functions.create_function(
        FunctionName="warm",
        Runtime="python3.12",
        Handler="index.handler",
        Role="arn:aws:iam::111122223333:role/any",
        Code={"ZipFile": code.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="warm", WaiterConfig={"Delay": 1})
    assert functions.invoke(FunctionName="warm")["Payload"].read() == b"1"


def children_of(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(each) for each in listed.stdout.split()]


def runs(pid):
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")


def test_a_port_in_use_is_said(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = sandbox_command("up", "--home", home, "--port", port)
    assert refused.returncode == 1
    assert f"port {port} of 127.0.0.1 is not to be had" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_folder_with_other_peoples_files_is_left_alone(home):
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    refused = up(home)
    assert refused.returncode == 1
    assert "holds files that are not a sandbox's" in refused.stderr
    assert (home / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(("option", "value"), [("--speed", "0"), ("--speed", "fast"), ("--after-rollback", "perhaps")])
def test_a_wrong_option_is_a_usage_error(home, option, value):
    assert up(home, option, value).returncode == 2


def test_two_sandboxes_do_not_meet(sandbox, another_sandbox):
    sandbox.client("s3").create_bucket(
        Bucket="only-here", CreateBucketConfiguration={"LocationConstraint": sandbox.region}
    )
    with another_sandbox() as other:
        assert other.url != sandbox.url
        assert "only-here" not in [each["Name"] for each in other.client("s3").list_buckets()["Buckets"]]


def test_a_record_that_a_crash_left_counts_for_nothing(tmp_path):
    (tmp_path / lifecycle.LOCK).touch()
    (tmp_path / lifecycle.RECORD).write_text(json.dumps({"pid": os.getpid(), "port": 1}))
    assert lifecycle.find(tmp_path) is None


@pytest.fixture
def ends_at_once(tmp_path):
    """Return a process that the home is told to be run by, which SIGTERM ends."""
    (tmp_path / lifecycle.LOCK).touch()
    with subprocess.Popen(["sleep", "60"]) as process:
        yield lifecycle.Running(process.pid, 1, "0123")
        process.kill()


def test_end_waits_for_what_the_sandbox_left_running(tmp_path, ends_at_once, monkeypatch):
    left = [[41, 42], [42], []]
    monkeypatch.setattr(processes, "of_run", lambda run: left.pop(0) if run == "0123" else [])
    lifecycle.end(ends_at_once, tmp_path)
    assert left == []
    assert not runs(ends_at_once.pid)


def test_what_cannot_be_ended_is_said(tmp_path, ends_at_once, monkeypatch):
    killed = []
    signalled = os.kill
    monkeypatch.setattr(os, "kill", lambda pid, *rest: killed.append(pid) if pid == 41 else signalled(pid, *rest))
    monkeypatch.setattr(processes, "of_run", lambda _run: [41])
    monkeypatch.setattr(lifecycle, "_TO_END", 0.2)
    with pytest.raises(lifecycle.LifecycleError, match="these processes cannot be ended: 41"):
        lifecycle.end(ends_at_once, tmp_path)
    assert killed
