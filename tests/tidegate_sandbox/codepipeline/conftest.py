"""A repository and pipelines of each test's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipeline_journey import Journey


@pytest.fixture
def journey(sandbox: Any, eventually: Callable[..., Any], tmp_path: Path) -> Journey:
    return Journey(sandbox, eventually, tmp_path)
