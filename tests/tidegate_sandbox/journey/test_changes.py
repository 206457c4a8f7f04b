"""The journey's two pushes fit the build repo as it is seeded today."""

import subprocess
import sys
from pathlib import Path

import pytest

from service_catalog.seed import bake
from tidegate_sandbox.journey.account import JourneyError
from tidegate_sandbox.journey.changes import MISREAD_WEEKDAYS, TRAIN_ON_LATER_MONTHS, Change, Edit

SEED = Path(__file__).parents[3] / "seed_code" / "build"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return bake(SEED, {}, tmp_path)


def test_both_changes_apply_one_after_the_other(repo: Path) -> None:
    TRAIN_ON_LATER_MONTHS.make(repo)
    MISREAD_WEEKDAYS.make(repo)

    settings = (repo / "pipeline.yml").read_text()
    assert "from_month: 4" in settings
    assert "to_month: 7" in settings
    subprocess.run([sys.executable, "-m", "compileall", "-q", repo / "steps"], check=True)


def test_the_seed_passes_its_own_lint_after_the_plausible_mistake(repo: Path) -> None:
    TRAIN_ON_LATER_MONTHS.make(repo)
    MISREAD_WEEKDAYS.make(repo)

    subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "--no-cache", "steps"], cwd=repo, check=True)


def test_a_seed_that_has_changed_is_said_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one one")

    with pytest.raises(JourneyError, match=r"a\.txt .* once"):
        Change("m", (Edit("a.txt", "one", "two"),)).make(tmp_path)

    assert (tmp_path / "a.txt").read_text() == "one one"
