"""What the tests of every room of the engine use."""

import sys

import pytest

from tidegate.cli import main


@pytest.fixture
def tidegate(monkeypatch, capsys):
    """Run the command line in this process; return its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tidegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return run
