"""The build seed, baked with its defaults and with other answers, and an environment from its own lock."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from build_seed import OTHER_ANSWERS, SEED, environment_script, keep_environments

from service_catalog.seed import bake


@pytest.fixture(scope="session")
def default_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(SEED, {}, tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="session")
def other_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(SEED, OTHER_ANSWERS, tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="session", params=["default_repo", "other_repo"])
def repo(request: pytest.FixtureRequest) -> Path:
    """Both bakes, one after the other."""
    baked: Path = request.getfixturevalue(request.param)
    return baked


@pytest.fixture
def own_copy(default_repo: Path, tmp_path: Path) -> Path:
    """A baked repo that a test may change."""
    copied = tmp_path / default_repo.name
    shutil.copytree(default_repo, copied, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    return copied


@pytest.fixture(scope="session")
def python(default_repo: Path) -> Path:
    """The Python of an environment made from requirements-dev.txt, kept from run to run."""
    own_tools = str(Path(sys.executable).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", own_tools, prepend=os.pathsep)
        keep_environments(patch)
        made: Path = environment_script(default_repo).make(default_repo / "requirements-dev.txt", [])
    return made / "bin" / "python"
