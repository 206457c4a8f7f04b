"""docs/stage-file.md says what is true."""

import re
from pathlib import Path

import pytest

from tests.tidegate.stage.models import every_model
from tidegate.stage import Metric, Stage, format_duration, limits
from tidegate.stage.model import Shared

TEXT = (Path(__file__).parents[3] / "docs" / "stage-file.md").read_text()


def test_its_example_is_right(repo):
    example, *_ = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)

    (stage,) = repo.write("stages/prod.yml", example).load().stages

    assert len(stage.release.rollback_on) == 2


def test_its_example_of_another_account_is_right(repo, good_stage):
    _, project, overrides = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    _, *others = (repo.root / "endpoint.yml").read_text().splitlines(keepends=True)
    repo.write("endpoint.yml", project + "".join(others)).write("stages/prod.yml", good_stage + overrides)

    (stage,) = repo.load().stages

    assert (stage.account, stage.region) == ("222222222222", "eu-west-1")


@pytest.mark.parametrize("model", every_model(Stage, Shared), ids=lambda model: model.__name__)
def test_every_key_is_explained(model):
    explained = {word for quoted in re.findall(r"`([\w.]+)`", TEXT) for word in quoted.split(".")}

    assert set(model.model_fields) - {"name"} <= explained


def test_its_mistakes_are_made_as_it_says(repo, good_stage):
    lines = good_stage.replace("25%", "80%").splitlines()
    repo.write("stages/prod.yml", "\n".join([*lines, "  termination_wiat: 5m"]))

    said = [line for line in TEXT.splitlines() if line.startswith("stages/prod.yml:")]
    assert repo.problems() == said


@pytest.mark.parametrize(
    "said",
    [
        *(f"`{metric}`" for metric in Metric),
        f"at most {limits.FILE_MAX_BYTES // 1024} KiB and {limits.VALUES_MAX} keys and values",
        f"1 to {limits.ROLLBACK_RULES_MAX} rules",
        f"SageMaker allows {limits.ROLLBACK_ALARMS_MAX}",
        f"at most {limits.TAGS_MAX}; not",
        f"1 to {limits.INSTANCES_MAX};",
        f"1 to {limits.INVOCATIONS_MAX}",
        f"1 to {limits.VOLUME_SIZE_MAX},",
        f"a list of 1 to {limits.SUBNETS_MAX} subnets",
        f"1 to {limits.SECURITY_GROUPS_MAX} security groups",
        f"`{format_duration(limits.STARTUP_TIMEOUT_MIN)}` to `{format_duration(limits.STARTUP_TIMEOUT_MAX)}`",
        f"`{format_duration(limits.EXECUTION_TIMEOUT_MIN)}` to `{format_duration(limits.EXECUTION_TIMEOUT_MAX)}`",
        f"from `{format_duration(limits.TEST_DURATION_MIN)}`, and less than the {limits.METRIC_RETENTION.days} days",
        f"default `{format_duration(limits.DEFAULT_SCALE_IN_COOLDOWN)}`",
        f"default `{limits.DEFAULT_MONITORING_INSTANCE_TYPE}`",
        f"default `{limits.DEFAULT_SHADOW_VARIANT}` and `{limits.DEFAULT_CHALLENGER_VARIANT}`",
    ],
)
def test_its_limits_are_those_that_hold(said):
    assert said in TEXT
