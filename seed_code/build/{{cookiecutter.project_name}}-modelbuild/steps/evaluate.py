"""Score the test rows with the code that will serve them, and write evaluation.json.

The report has the shape of Model Monitor's regression metrics: each metric with its value and its standard
deviation, here that of 200 bootstrap resamples. The condition reads `regression_metrics.rmse.value`, rentals an hour.
"""

import argparse
import json
import sys
import tarfile
from pathlib import Path

import numpy as np

RESAMPLES = 200
DIGITS = 4  # the metric ends up in sentences


def metrics(label: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Return mae, mse, rmse (rentals an hour, its square for mse) and r2."""
    error = label - prediction
    mse = float(np.mean(error**2))
    return {
        "mae": float(np.mean(np.abs(error))),
        "mse": mse,
        "rmse": mse**0.5,
        "r2": 1.0 - mse / float(np.var(label)),
    }


def report(label: np.ndarray, prediction: np.ndarray) -> dict[str, object]:
    """Return the metrics with their spread. The resampling is seeded: equal inputs give an equal report."""
    generator = np.random.default_rng(7)
    draws = generator.integers(0, len(label), size=(RESAMPLES, len(label)))
    resampled = [metrics(label[draw], prediction[draw]) for draw in draws]
    return {
        "version": 0.0,
        "regression_metrics": {
            name: {
                "value": round(value, DIGITS),
                "standard_deviation": round(float(np.std([one[name] for one in resampled])), DIGITS),
            }
            for name, value in metrics(label, prediction).items()
        },
    }


def main() -> None:
    """Read BASE/model/model.tar.gz and BASE/test/test.csv; write BASE/evaluation/evaluation.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    base = parser.parse_args().base
    model_dir = base / "model"
    with tarfile.open(model_dir / "model.tar.gz") as archive:
        # Python has the filter from 3.11.4 on; before, the archive, which is this pipeline's own, is taken as it is.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(model_dir)
    sys.path.insert(0, str(model_dir / "code"))
    import inference

    test = np.loadtxt(base / "test" / "test.csv", delimiter=",", ndmin=2)
    prediction = inference.predict_fn(test[:, 1:], inference.model_fn(str(model_dir)))
    evaluation = report(test[:, 0], np.asarray(prediction, dtype=float))
    folder = base / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(evaluation, indent=2) + "\n")
    print(json.dumps(evaluation["regression_metrics"]))


if __name__ == "__main__":
    main()
