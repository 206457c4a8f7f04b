"""What holds for the tests of every room."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.checkout import left_in

# A law that takes longer on a busy machine is no less a law.
settings.register_profile("rooms", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("rooms")

WAITING, ENGINE = "tests/tidegate_sandbox/", "tests/tidegate/"
"""The room whose tests mostly wait, and the one whose files each take a moment."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits, while the journey takes the processors; end with what is short, so that none is idle."""
    items.sort(key=lambda item: (item.nodeid.startswith(ENGINE), not item.nodeid.startswith(WAITING)))


CHECKOUT = Path(__file__).parents[1]
LEFT = pytest.StashKey[set[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    # Not by default: whoever works here may well write a file while tests run.
    if os.environ.get("TIDEGATE_CHECKOUT") == "unchanged" and not hasattr(session.config, "workerinput"):
        session.config.stash[LEFT] = left_in(CHECKOUT)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where the run has left something in the checkout: what others make of the checkout would hold it."""
    if LEFT in session.config.stash:
        session.config.stash[LEFT] = left_in(CHECKOUT) - session.config.stash[LEFT]
        if session.config.stash[LEFT]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name in sorted(config.stash.get(LEFT, set())):
        terminalreporter.write_line(f"FAILED the tests have left {name}, or changed it", red=True)
