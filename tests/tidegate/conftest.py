"""What the tests of every room of the engine use."""

import sys

import pytest


@pytest.fixture
def tidegate(monkeypatch, capsys):
    """Run the command line in this process, for people wherever that is; return its exit code, stdout and stderr."""
    from tidegate.cli import main  # for commands it puts collecting off, which other tests need not do

    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tidegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return run
