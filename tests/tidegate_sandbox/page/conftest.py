"""A sandbox of these tests' own, with a small product in its gallery, and a browser at its page."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.tidegate_sandbox.endpoints.workshop import prepare
from tests.tidegate_sandbox.page.product import Product
from tests.tidegate_sandbox.page.visitor import Visitor

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def page_sandbox(another_sandbox: Callable[..., Any]) -> Iterator[Any]:
    with another_sandbox(speed=60) as running:
        prepare(running)
        yield running


@pytest.fixture(scope="session")
def product(page_sandbox: Any) -> Product:
    return Product(page_sandbox)


@pytest.fixture(scope="session")
def visitor(page_sandbox: Any) -> Visitor:
    return Visitor(page_sandbox.url)


def _missing(what: str, install: str) -> None:
    sentence = f"The page is tested in a real browser, and there is no {what} here: {install}"
    if os.environ.get("TIDEGATE_BROWSER") == "required":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="module")  # while it is open, a loop runs in this thread, and other tests can run none
def browser() -> Iterator[Any]:
    """Chromium; skipped where there is none, unless TIDEGATE_BROWSER=required."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright", "install requirements/dev.txt.")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        _missing("Chromium", "apt-get install chromium, or your system's own way.")
    # Chromium's own sandbox cannot be made by root.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=flags)
        yield launched
        launched.close()
