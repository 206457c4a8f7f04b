"""Run process, train and evaluate here, on pipeline.yml's months, in a folder that is thrown away.

    python -m pipelines.local

The same scripts as in the jobs, with the same folders and environment variables; a minute saved before a push. Needs
requirements-dev.txt (xgboost). It registers nothing.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from pipelines.settings import ROOT, Settings, SettingsError, load_settings


class StepFailed(Exception):
    """A script ended with an error; the message is its last words."""


def run(settings: Settings, base: Path, data: Path = ROOT / "data") -> dict[str, Any]:
    """Run the three scripts under `base` on the CSV files of `data`; return evaluation.json. Raises StepFailed."""
    for name in ("input", "model"):
        (base / name).mkdir(parents=True)
    for file in data.glob("*.csv"):
        shutil.copy(file, base / "input")
    months = ["--from-month", str(settings.data.from_month), "--to-month", str(settings.data.to_month)]
    _script("process.py", *months, "--base", str(base))

    model = base / "trained"
    model.mkdir()
    hyperparameters = [text for name, value in settings.training for text in (f"--{name}", str(value))]
    channels = {f"SM_CHANNEL_{name.upper()}": str(base / name) for name in ("train", "validation")}
    _script("train/train.py", *hyperparameters, environment=channels | {"SM_MODEL_DIR": str(model)})
    with tarfile.open(base / "model" / "model.tar.gz", "w:gz") as archive:
        for file in sorted(model.iterdir()):
            archive.add(file, arcname=file.name)

    _script("evaluate.py", "--base", str(base))
    evaluation: dict[str, Any] = json.loads((base / "evaluation" / "evaluation.json").read_text())
    return evaluation


def _script(name: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "steps" / name), *arguments],
        env=os.environ | (environment or {}),
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StepFailed(f"steps/{name}: {done.stderr.strip()}")


def main() -> int:
    """Print the metrics and what the gate would say; return 0 if the model would be registered, else 1."""
    if importlib.util.find_spec("xgboost") is None:
        print("xgboost is not installed here: uv pip sync requirements-dev.txt", file=sys.stderr)
        return 1
    try:
        settings = load_settings()
        with tempfile.TemporaryDirectory() as folder:
            metrics = run(settings, Path(folder))["regression_metrics"]
    except (SettingsError, StepFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    for name, metric in metrics.items():
        print(f"{name:<5}{metric['value']:>12.4f}  ± {metric['standard_deviation']:.4f}")
    rmse, limit = metrics["rmse"]["value"], settings.gate.max_rmse
    passes = rmse <= limit
    print(f"gate: RMSE {rmse} {'reaches' if passes else 'is above'} the limit of {limit:g}")
    return 0 if passes else 1


if __name__ == "__main__":
    sys.exit(main())
