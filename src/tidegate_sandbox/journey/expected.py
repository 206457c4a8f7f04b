"""Runs in the environment that stands in for the model's container; prints what each version's model predicts.

    python expected.py BUILD_REPO ROWS MODEL.tar.gz ...

The rows are made by the build repo's own processing step from its own data, and the predictions come from the model
file alone (`Booster.predict`), not from the serving code: so an answer that equals one was served right.
Prints JSON: {"rows": [CSV line, ...], "predictions": [[one a row], ...]}, a list of predictions a model.
"""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost


def main(repo: Path, count: int, archives: list[Path]) -> None:
    """Print `count` rows, evenly spread over the data, and what each model in `archives` predicts for them."""
    sys.path.insert(0, str(repo / "steps"))
    import process

    raw = pd.read_csv(repo / "data" / "bikeshare.csv")
    year = pd.concat(process.split(raw, 1, 12).values())
    features = year.iloc[np.linspace(0, len(year) - 1, count).astype(int)].drop(columns=[process.LABEL])
    predictions = []
    for archive in archives:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
            Path(folder, "model.json").write_bytes(tar.extractfile("model.json").read())
            booster = xgboost.Booster(model_file=str(Path(folder) / "model.json"))
        matrix = xgboost.DMatrix(features.to_numpy())
        predictions.append([float(value) for value in booster.predict(matrix)])
    rows = [",".join(f"{value:g}" for value in row) for row in features.to_numpy()]
    json.dump({"rows": rows, "predictions": predictions}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
