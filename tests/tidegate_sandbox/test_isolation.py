"""Given a folder, when a command runs behind the prefix, then it and only it sees the folder at /opt/ml."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tidegate_sandbox import isolation
from tidegate_sandbox.isolation import Enclosed, View

linux = pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")


def run(prefix: list[str], script: str) -> str:
    return subprocess.run([*prefix, "sh", "-c", script], check=True, capture_output=True, text=True, timeout=20).stdout


@pytest.fixture(params=[isolation.bubblewrap, isolation.own_enclosure], ids=lambda method: method.__name__)
def method(request: pytest.FixtureRequest) -> isolation.Prefix:
    if not isolation._works(request.param):
        pytest.skip(f"{request.param.__name__} does not work on this machine")
    return request.param  # type: ignore[no-any-return]


@linux
def test_each_of_two_commands_at_once_sees_its_own_folder(method: isolation.Prefix, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        (folder / "input").write_text(folder.name)
    script = "cat /opt/ml/input; sleep 0.2; cp /opt/ml/input /opt/ml/output"
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda folder: run(method(View(folder)), script), folders)) == ["one", "two"]
    assert [(folder / "output").read_text() for folder in folders] == ["one", "two"]


@linux
def test_the_rest_of_opt_stays_visible_and_the_machine_is_left_as_it_was(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    before = sorted(path.name for path in Path("/opt").iterdir())
    folder = tmp_path / "ml"
    folder.mkdir()
    seen = run(method(View(folder)), "ls -A /opt; echo kept > /opt/ml/kept").split()
    assert sorted({*before, "ml"}) == sorted(seen)
    assert sorted(path.name for path in Path("/opt").iterdir()) == before
    assert (folder / "kept").read_text() == "kept\n"


@linux
def test_arguments_and_folders_with_spaces_and_quotes_are_passed_as_they_are(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    folder = tmp_path / "it's; a $(folder)"
    folder.mkdir()
    (folder / "here").write_text("")
    command = [*method(View(folder)), "ls", "/opt/ml", "$(touch /tmp/never)", "--"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert "here" in answer.stdout
    assert "$(touch /tmp/never)" in answer.stderr


@linux
def test_a_command_without_network_has_a_loopback_of_its_own_and_nothing_else(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    interfaces = run(method(View(tmp_path, network=False)), "cat /proc/self/net/dev")
    assert [line.split(":")[0].strip() for line in interfaces.splitlines()[2:]] == ["lo"]
    talk = "import socket as s; l = s.create_server(('127.0.0.1', 0)); s.create_connection(l.getsockname(), 2)"
    subprocess.run([*method(View(tmp_path, network=False)), sys.executable, "-c", talk], check=True, timeout=20)


@linux
def test_the_exit_code_is_the_commands(method: isolation.Prefix, tmp_path: Path) -> None:
    assert subprocess.run([*method(View(tmp_path)), "sh", "-c", "exit 7"]).returncode == 7


OUTSIDE = (Path.home(), Path("/etc"), Path("/var"), Path("/opt"), Path("/var/tmp"), Path("/dev"), Path("/"))


@linux
def test_an_enclosed_command_writes_in_its_own_folder_and_nowhere_else(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    home, scratch = tmp_path / "home", tmp_path / "home" / "jobs" / "one"
    for folder in ("ml", "tmp"):
        (scratch / folder).mkdir(parents=True)
    (home / "images").mkdir()
    (home / "images" / "python").write_text("shared")
    (home / "secret").write_text("another's")
    view = View(scratch / "ml", enclosed=Enclosed(scratch, hidden=(home,), shown=(home / "images",)))
    files = [folder / f"tidegate-{tmp_path.name}" for folder in (*OUTSIDE, home / "images", tmp_path)]
    tries = "; ".join(f"(echo mine > '{file}')" for file in files)
    ways_out = "mount -o remount,rw /; mount -t tmpfs none /mnt; umount /opt/ml; mknod /tmp/disk b 8 0"
    user_namespace = f"unshare --user --map-root-user --mount sh -c \"mount -o remount,rw /; echo mine > '{files[0]}'\""
    own = f"touch /opt/ml/kept /tmp/kept /dev/shm/kept '{scratch}/kept'"
    look = f"cat '{home}/images/python'; cat '{home}/secret'; ls /tmp /opt/ml"
    seen = run(method(view), f"{tries}; {ways_out}; {user_namespace}; {own} || exit 9; {look} 2>&1 || true")

    assert [file for file in files if file.exists()] == []
    assert all((scratch / path).exists() for path in ("ml/kept", "tmp/kept", "kept"))
    assert not list((scratch / "tmp").glob("disk"))
    assert seen.startswith("shared")
    assert "another's" not in seen


@linux
def test_an_enclosed_command_sees_no_process_but_its_own_and_leaves_none(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    for folder in ("ml", "tmp"):
        (tmp_path / folder).mkdir()
    view = View(tmp_path / "ml", enclosed=Enclosed(tmp_path))
    name = f"987.{tmp_path.stat().st_ino}"
    pids = run(method(view), f"setsid sleep {name} & cd /proc; ls -d [0-9]*").split()
    assert 1 < max(map(int, pids)) < 50
    running = (path.read_text(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    assert name not in "".join(running)


@linux
def test_an_enclosed_command_is_asked_to_end_and_may_take_its_time(method: isolation.Prefix, tmp_path: Path) -> None:
    for folder in ("ml", "tmp"):
        (tmp_path / folder).mkdir()
    view = View(tmp_path / "ml", enclosed=Enclosed(tmp_path))
    script = (
        "trap 'sleep 0.3; echo saved > /opt/ml/model; exit 5' TERM; touch /opt/ml/ready; while :; do sleep 0.1; done"
    )
    process = subprocess.Popen([*method(view), "sh", "-c", script], start_new_session=True)
    while not (tmp_path / "ml" / "ready").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(20) == 5
    assert (tmp_path / "ml" / "model").read_text() == "saved\n"
    assert subprocess.run([*method(view), "sh", "-c", "kill -9 $$"]).returncode == 137


@linux
def test_what_ends_the_group_of_a_command_that_has_just_started_is_not_lost(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    for folder in ("ml", "tmp"):
        (tmp_path / folder).mkdir()
    enclosed = Enclosed(tmp_path)
    for _ in range(5):
        enclosed.started.unlink(missing_ok=True)
        process = subprocess.Popen([*method(View(tmp_path / "ml", enclosed=enclosed)), "sleep", "60"], process_group=0)
        while not enclosed.started.exists():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


def test_a_machine_that_cannot_is_told_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_works", lambda _: False)
    isolation._method.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="need /opt/ml for themselves"):
            isolation.check()
    finally:
        isolation._method.cache_clear()
