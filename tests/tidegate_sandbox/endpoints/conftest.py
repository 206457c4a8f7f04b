"""A sandbox of these tests' own: its home folder names an image that nothing else needs."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from workshop import Workshop, prepare


@pytest.fixture(scope="session")
def endpoint_sandbox(another_sandbox: Callable[..., Any]) -> Iterator[Any]:
    with another_sandbox(speed=60) as running:
        prepare(running)
        yield running


@pytest.fixture
def workshop(endpoint_sandbox: Any, eventually: Callable[..., Any]) -> Iterator[Workshop]:
    made = Workshop(endpoint_sandbox, f"e-{uuid.uuid4().hex[:8]}", eventually)
    yield made
    made.tidy()
