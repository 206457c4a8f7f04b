"""Child processes: their environment, their output, their end."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tidegate_sandbox import processes


def alive(pid):
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")


def gone(pid, within=10):
    until = time.monotonic() + within
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(pid)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log" / "child.log"


def run(tmp_path, log, *argv, **options):
    return processes.run(argv, cwd=tmp_path, log=log, **options)


def test_the_exit_code_and_the_output_come_back(tmp_path, log):
    assert run(tmp_path, log, "bash", "-c", "echo out; echo err >&2; exit 3") == 3
    assert log.read_text() == "out\nerr\n"


def test_a_child_that_a_signal_ended_answers_its_number(tmp_path, log):
    assert run(tmp_path, log, "bash", "-c", "kill -TERM $$") == -signal.SIGTERM


def test_a_child_that_takes_too_long_is_ended(tmp_path, log):
    began = time.monotonic()
    assert run(tmp_path, log, "sleep", "60", timeout=0.2) == processes.TIMED_OUT
    assert time.monotonic() - began < 30


def test_a_program_that_is_not_there_is_an_error_of_the_caller(tmp_path, log):
    with pytest.raises(FileNotFoundError):
        run(tmp_path, log, "no-such-program")


def test_what_a_child_leaves_running_ends_with_it(tmp_path, log):
    assert run(tmp_path, log, "bash", "-c", "sleep 60 & echo $!") == 0
    assert gone(int(log.read_text()))


def test_the_callers_aws_settings_stay_out_of_a_childs_environment(tmp_path, log, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    assert run(tmp_path, log, "env", env={"AWS_REGION": "eu-west-1"}) == 0
    environment = dict(line.split("=", 1) for line in log.read_text().splitlines())
    assert environment["AWS_REGION"] == "eu-west-1"
    assert environment["PIP_INDEX_URL"] == "https://index.example/simple"
    assert not {"AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "DATABASE_PASSWORD"} & environment.keys()


def test_loopback_never_goes_through_a_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    assert processes.environment()["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,::1"


def test_a_running_child_is_listed_until_it_ends(tmp_path, log):
    process = processes.Process.start(["sleep", "60"], cwd=tmp_path, log=log, name="model server")
    assert processes.Child(process.pid, "model server") in processes.children()
    assert process.poll() is None
    assert process.terminate() == -signal.SIGTERM
    assert process.pid not in [child.pid for child in processes.children()]


def test_a_child_that_does_not_listen_is_killed(tmp_path, log):
    process = processes.Process.start(["bash", "-c", "trap '' TERM; echo up; sleep 60"], cwd=tmp_path, log=log)
    while "up" not in log.read_text():
        time.sleep(0.02)
    assert process.terminate(grace=0.2) == -signal.SIGKILL


def test_children_and_theirs_die_with_a_parent_that_is_killed_outright(tmp_path):
    script = (
        "from pathlib import Path; import time; from tidegate_sandbox.processes import Process\n"
        "p = Process.start(['bash', '-c', 'sleep 60 & echo $!; wait'], cwd=Path('.'), log=Path('child.log'))\n"
        "print(p.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    log = tmp_path / "child.log"
    while not log.exists() or not log.read_text():
        time.sleep(0.02)
    grandchild = int(log.read_text())
    assert alive(child)
    assert alive(grandchild)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    assert gone(child)
    assert gone(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in a process's environment")
def test_a_child_that_nobody_was_told_of_and_one_that_left_its_group_die_with_their_parent_too(tmp_path):
    script = (
        "from pathlib import Path; import time; from tidegate_sandbox import processes\n"
        "start = lambda *argv: processes.Process.start(argv, cwd=Path('.'), log=Path('child.log'))\n"
        "start('bash', '-c', 'setsid sleep 60 & echo $!; wait')\n"
        "processes._register._add = lambda process: None  # killed before it comes to that\n"
        "print(start('sleep', '60').pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    untold = int(parent.stdout.readline())
    while not (words := (tmp_path / "child.log").read_text().split()):
        time.sleep(0.02)
    away = int(words[0])
    assert alive(untold)
    assert alive(away)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    assert gone(untold)
    assert gone(away)


def test_when_the_sandbox_goes_down_every_child_goes_with_it_and_none_is_started_any_more(tmp_path):
    script = (
        "from pathlib import Path; import sys, threading\n"
        "from tidegate_sandbox import processes\n"
        "def start(): return processes.Process.start(['sleep', '60'], cwd=Path('.'), log=Path('child.log'))\n"
        "first, others = start(), []\n"
        "def go_on():\n"
        "    try:\n"
        "        while True: others.append(start())\n"
        "    except RuntimeError as refused: sys.stdout.write(f'{refused}\\n')\n"
        "threads = [threading.Thread(target=go_on) for _ in range(3)]\n"
        "for each in threads: each.start()\n"
        "processes.end_all()\n"
        "for each in threads: each.join()\n"
        "print(first.poll(), {each.poll() for each in others} <= {-15}, processes.children())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [*["the local simulation is going down"] * 3, "-15 True []"], done.stderr
