from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.settings import SettingsError, load_project, load_settings

# Settings of its own: the repo's pipeline.yml is for people to change.
GOOD = """\
# What the next push trains. Change a number, commit, push: the build pipeline does the rest.

data:               # whole months of 2011, the first and the last one included
  from_month: 1
  to_month: 3

training:           # XGBoost's own names
  max_depth: 6
  eta: 0.1
  num_round: 200    # at most: training stops early once the validation rows no longer gain

gate:
  max_rmse: 60      # rentals an hour, on the newest rows; a model above it is not registered

instances:
  processing: ml.m5.large
  training: ml.m5.large
  inference: [ml.m5.large, ml.m5.xlarge]   # what the registered model may be served on

approval_status: PendingManualApproval     # or Approved, to release without a person's look
"""
Write = Callable[[str], Path]


def test_the_files_of_this_repo_are_right() -> None:
    load_settings()
    load_project()


@pytest.mark.parametrize(
    ("wrong", "right", "place", "words"),
    [
        ("to_month: 3", "to_month: 13", "5:3", "data.to_month"),
        ("to_month: 3", "to_month: three", "5:3", "data.to_month"),
        ("from_month: 1", "from_month: 5", "3:1", "from_month 5 is after to_month 3"),
        ("max_rmse: 60", "max_rmse: -1", "13:3", "gate.max_rmse"),
        ("max_rmse: 60", "max_rmsee: 60", "13:3", "gate.max_rmsee is not a setting"),
        ("max_rmse: 60", "max_rmse: sixty", "13:3", "gate.max_rmse"),
        ("  eta: 0.1\n", "", "7:1", "training.eta is missing"),
        ("training: ml.m5.large", "training: m5.large", "17:3", "instances.training"),
        ("ml.m5.xlarge]", "m5]", "18:28", "instances.inference.1"),
        ("PendingManualApproval ", "Perhaps", "20:1", "approval_status"),
    ],
)
def test_a_mistake_is_told_with_its_place(written: Write, wrong: str, right: str, place: str, words: str) -> None:
    assert GOOD.count(wrong) == 1
    with pytest.raises(SettingsError) as told:
        load_settings(written(GOOD.replace(wrong, right)))
    assert words in str(told.value)
    assert f"pipeline.yml:{place}: " in str(told.value)


def test_every_mistake_is_told_at_once(written: Write) -> None:
    with pytest.raises(SettingsError) as told:
        load_settings(written(GOOD.replace("eta: 0.1", "eta: 7").replace("max_rmse: 60", "max_rmse: 0")))
    assert len(str(told.value).splitlines()) == 2


def test_an_image_of_the_projects_own_is_named_by_its_tag(written: Write) -> None:
    assert load_settings(written(GOOD)).image is None
    assert load_settings(written(GOOD + 'image: "1.0"\n')).image == "1.0"


@pytest.mark.parametrize("image", ["1.0", "registry/name:1", '"a b"', '"@sha256:0"', '""', '"-1"', '"1\\n"'])
def test_what_is_no_tag_is_told_with_its_place(written: Write, image: str) -> None:
    with pytest.raises(SettingsError, match=r"pipeline.yml:21:1: image: "):
        load_settings(written(f"{GOOD}image: {image}\n"))


@pytest.mark.parametrize("text", ["", "just words", "- 1"])
def test_a_file_that_is_no_mapping_is_refused(written: Write, text: str) -> None:
    with pytest.raises(SettingsError, match=r"pipeline.yml:1:1"):
        load_settings(written(text))


def test_broken_yaml_is_told_with_its_place(written: Write) -> None:
    with pytest.raises(SettingsError, match=r"pipeline.yml:2:\d+: not YAML"):
        load_settings(written("data: {from_month: 1\ntraining: ]\n"))


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"pipeline.yml: cannot be read"):
        load_settings(tmp_path / "pipeline.yml")
