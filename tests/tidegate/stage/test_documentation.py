"""docs/stage-file.md says what is true."""

import re
from pathlib import Path

import pytest

from tidegate.stage import Capture, Instances, Metric, Project, Release, RollbackRule, Stage, limits
from tidegate.stage.model import Shared

TEXT = (Path(__file__).parents[3] / "docs" / "stage-file.md").read_text()


def test_its_example_is_right(repo):
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)

    (stage,) = repo.write("stages/prod.yml", example).load().stages

    assert len(stage.release.rollback_on) == 2


@pytest.mark.parametrize("model", [Shared, Project, Stage, Instances, Capture, Release, RollbackRule])
def test_every_key_is_explained(model):
    explained = {word for quoted in re.findall(r"`([\w.]+)`", TEXT) for word in quoted.split(".")}

    assert set(model.model_fields) - {"name"} <= explained


def test_its_mistakes_are_made_as_it_says(repo, good_stage):
    lines = good_stage.replace("25%", "80%").splitlines()
    repo.write("stages/prod.yml", "\n".join([*lines, "  termination_wiat: 5m"]))

    assert "\n".join(repo.problems()) in TEXT


@pytest.mark.parametrize(
    "said",
    [
        *(f"`{metric}`" for metric in Metric),
        f"at most {limits.FILE_MAX_BYTES // 1024} KiB and {limits.VALUES_MAX} keys and values",
        f"1 to {limits.ROLLBACK_RULES_MAX} rules",
        f"SageMaker allows {limits.ROLLBACK_ALARMS_MAX}",
        f"at most {limits.TAGS_MAX}; not",
        f"1 to {limits.INSTANCES_MAX};",
    ],
)
def test_its_limits_are_those_that_hold(said):
    assert said in TEXT
