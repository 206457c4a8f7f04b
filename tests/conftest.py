"""What holds for the tests of every room."""

import pytest
from hypothesis import settings

# A law that takes longer on a busy machine is no less a law.
settings.register_profile("rooms", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("rooms")

ENGINE = "tests/tidegate/"
"""The room whose files each take a moment."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the rooms whose files take long, so that none is left to one worker when the others are done."""
    items.sort(key=lambda item: item.nodeid.startswith(ENGINE))
