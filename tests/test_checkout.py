"""What a run leaves in the checkout is found, whoever left it."""

import subprocess
from pathlib import Path

import pytest

from tests.checkout import left_in


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    kept = tmp_path / "seed_code" / "kept.py"
    kept.parent.mkdir()
    kept.write_text("")
    who = ("-c", "user.name=Dev", "-c", "user.email=dev@example.com", "-c", "core.excludesFile=/dev/null")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    return tmp_path


def write(file: Path, text: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_given_nothing_was_left_then_nothing_is_found(checkout: Path) -> None:
    write(checkout / "src" / "tidegate" / "__pycache__" / "cli.pyc")
    write(checkout / ".cache" / "any")
    assert left_in(checkout) == set()


def test_then_what_is_new_is_found_though_git_is_told_to_ignore_it_and_what_was_changed(checkout: Path) -> None:
    write(checkout / ".gitignore", "__pycache__/")
    write(checkout / "seed_code" / "__pycache__" / "upgrade.pyc")
    write(checkout / "seed_code" / "kept.py", "changed")
    write(checkout / "src" / "tidegate" / "new.py")
    assert left_in(checkout) == {"seed_code/__pycache__/upgrade.pyc", "seed_code/kept.py", "src/tidegate/new.py"}


def test_given_no_git_then_nothing_is_found(tmp_path: Path) -> None:
    assert left_in(tmp_path) == set()
