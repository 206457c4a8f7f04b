from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tidegate.render import cases
from tests.tidegate.stage.valid_stages import ENDPOINT, repo_of
from tidegate.registry import ModelPackage
from tidegate.stage import Repo

STRATEGIES: dict[str, dict[str, Any]] = {
    "all_at_once": cases.ALL_AT_ONCE,
    "canary": cases.CANARY,
    "linear": cases.LINEAR,
    "rolling": cases.ROLLING,
}


@pytest.fixture
def package() -> Callable[[int], ModelPackage]:
    """Make an approved version of the model."""
    return cases.package


@pytest.fixture
def repo(tmp_path: Path) -> Callable[..., Repo]:
    """Make a deploy repository with one stage, `prod`, of a strategy and with other values where given."""

    def make(strategy: str = "canary", shared: dict[str, Any] | None = None, **stage: Any) -> Repo:
        content = {"instances": cases.FLEET, "release": STRATEGIES[strategy], **stage}
        return repo_of({"prod": content}, ENDPOINT | (shared or {}), tmp_path)

    return make
