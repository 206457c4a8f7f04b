"""Every hook into ministack is in one list, which is held against what is installed before anything is served."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tidegate_sandbox
from tidegate_sandbox import hooks, ministack_version
from tidegate_sandbox.ministack_version import MINISTACK, MinistackError

SOURCES = Path(tidegate_sandbox.__file__).parent
RELIED_ON = {f"{module.__name__}.{name}": (module, name) for module, name in hooks.relied_on()}


def modules_of_ministack(tree: ast.Module) -> dict[str, str]:
    """Return what a module calls each module of ministack that it imports: its own name for it, and ministack's."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ministack":
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            found |= {each.asname or each.name: each.name for each in node.names if each.name.startswith("ministack")}
    return found


USERS = {
    file: found
    for file in SOURCES.rglob("*.py")
    if "ministack" in (text := file.read_text("utf-8")) and (found := modules_of_ministack(ast.parse(text)))
}


def test_only_hooks_import_ministack() -> None:
    assert {file.relative_to(SOURCES).as_posix() for file in USERS if file.parent != SOURCES / "hooks"} == set()


@pytest.mark.parametrize("file", sorted(USERS), ids=lambda file: file.stem)
def test_every_name_that_is_used_of_it_is_in_the_list(file: Path) -> None:
    aliases = USERS[file]
    used = {
        f"{aliases[node.value.id]}.{node.attr}"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases
    }
    assert sorted(used - set(RELIED_ON)) == []


def test_with_the_version_that_they_were_made_for_nothing_is_said() -> None:
    hooks.check()


@pytest.mark.parametrize("name", sorted(RELIED_ON))
def test_a_name_that_is_gone_is_said_with_the_version_that_has_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute = RELIED_ON[name]
    monkeypatch.delattr(module, attribute)
    with pytest.raises(MinistackError) as said:
        hooks.check()
    assert name in str(said.value)
    assert MINISTACK in str(said.value)


@pytest.mark.parametrize("installed", ["1.5.32", "2.0.0"])
def test_another_version_is_said_with_the_one_that_is_needed(installed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ministack_version, "version", lambda _package: installed)
    with pytest.raises(MinistackError) as said:
        hooks.check()
    assert str(said.value) == f"the sandbox hooks into ministack 1.5.33, and {installed} is installed; reinstall it"


STARTED_WITH = """
import sys
{before}
sys.argv = ["sandbox", "up", "--foreground", "--port", "0", "--home", {home!r}]
from tidegate_sandbox.cli import app
app()
"""
ANOTHER_VERSION = "from tidegate_sandbox import ministack_version; ministack_version.version = lambda _: '9.0.0'"
A_NAME_GONE = "from ministack.services.cloudformation import stacks; del stacks._delete_resource"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (ANOTHER_VERSION, "the sandbox hooks into ministack 1.5.33, and 9.0.0 is installed; reinstall it"),
        (A_NAME_GONE, "the sandbox hooks into ministack 1.5.33, and the one that is installed lacks a name: "),
    ],
)
def test_start_says_so_in_a_sentence_before_it_serves(tmp_path: Path, before: str, said: str) -> None:
    program = STARTED_WITH.format(before=before, home=str(tmp_path / "home"))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert said in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
