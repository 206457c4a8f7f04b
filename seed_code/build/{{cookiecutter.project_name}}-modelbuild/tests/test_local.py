"""Train and evaluate for real, on a small sample."""

import math
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from pipelines.local import StepFailed, run
from pipelines.settings import Settings

pytest.importorskip("xgboost", reason="xgboost is in requirements-dev.txt")


@pytest.fixture(scope="module")
def sample(raw: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    raw[(raw["mnth"] == 1)].to_csv(folder / "rides.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def quick(settings: Settings) -> Settings:
    training = settings.training.model_copy(update={"num_round": 40})
    data = settings.data.model_copy(update={"from_month": 1, "to_month": 1})
    return settings.model_copy(update={"training": training, "data": data})


def test_a_model_is_trained_that_beats_the_mean(quick: Settings, sample: Path, tmp_path: Path) -> None:
    metrics = run(quick, tmp_path / "run", sample)["regression_metrics"]
    assert set(metrics) == {"mae", "mse", "rmse", "r2"}
    assert all(set(metric) == {"value", "standard_deviation"} for metric in metrics.values())
    assert metrics["rmse"]["value"] == pytest.approx(math.sqrt(metrics["mse"]["value"]), abs=1e-3)
    assert metrics["r2"]["value"] > 0.3
    with tarfile.open(tmp_path / "run" / "model" / "model.tar.gz") as archive:
        assert {"model.json", "code/inference.py"} <= set(archive.getnames())


def test_equal_data_gives_an_equal_evaluation(quick: Settings, sample: Path, tmp_path: Path) -> None:
    assert run(quick, tmp_path / "one", sample) == run(quick, tmp_path / "two", sample)


def test_a_script_that_fails_says_why(quick: Settings, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(StepFailed, match=r"process.py: no \*.csv"):
        run(quick, tmp_path / "run", empty)
