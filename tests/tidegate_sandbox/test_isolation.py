"""Given a folder, when a command runs behind the prefix, then it and only it sees the folder at /opt/ml."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tidegate_sandbox import isolation

linux = pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")


def run(prefix: list[str], script: str) -> str:
    return subprocess.run([*prefix, "sh", "-c", script], check=True, capture_output=True, text=True, timeout=20).stdout


@pytest.fixture(
    params=[isolation.bubblewrap, isolation.unshare, isolation.unshare_as_user], ids=lambda method: method.__name__
)
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
        assert list(pool.map(lambda folder: run(method(folder, True), script), folders)) == ["one", "two"]
    assert [(folder / "output").read_text() for folder in folders] == ["one", "two"]


@linux
def test_the_rest_of_opt_stays_visible_and_the_machine_is_left_as_it_was(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    before = sorted(path.name for path in Path("/opt").iterdir())
    folder = tmp_path / "ml"
    folder.mkdir()
    seen = run(method(folder, True), "ls -A /opt; echo kept > /opt/ml/kept").split()
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
    command = [*method(folder, True), "ls", "/opt/ml", "$(touch /tmp/never)", "--"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert "here" in answer.stdout
    assert "$(touch /tmp/never)" in answer.stderr


@linux
def test_a_command_without_network_has_a_loopback_of_its_own_and_nothing_else(
    method: isolation.Prefix, tmp_path: Path
) -> None:
    interfaces = run(method(tmp_path, False), "cat /proc/self/net/dev")
    assert [line.split(":")[0].strip() for line in interfaces.splitlines()[2:]] == ["lo"]
    talk = "import socket as s; l = s.create_server(('127.0.0.1', 0)); s.create_connection(l.getsockname(), 2)"
    subprocess.run([*method(tmp_path, False), sys.executable, "-c", talk], check=True, timeout=20)


@linux
def test_the_exit_code_is_the_commands(method: isolation.Prefix, tmp_path: Path) -> None:
    assert subprocess.run([*method(tmp_path, True), "sh", "-c", "exit 7"]).returncode == 7


def test_a_machine_that_cannot_is_told_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    isolation._method.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="need /opt/ml for themselves"):
            isolation.check()
    finally:
        isolation._method.cache_clear()
