"""Train on the channels `train` and `validation` (SageMaker script mode); pack the model with what serves it."""

import argparse
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import xgboost as xgb


def load(channel: str) -> xgb.DMatrix:
    """Return a channel's rows: every CSV in its folder, no header, label first."""
    files = sorted(Path(os.environ[f"SM_CHANNEL_{channel.upper()}"]).glob("*.csv"))
    rows = pd.concat(pd.read_csv(file, header=None) for file in files)
    return xgb.DMatrix(rows.iloc[:, 1:].to_numpy(), label=rows.iloc[:, 0].to_numpy())


def main() -> None:
    """Hyperparameters arrive as --name value; the model goes to SM_MODEL_DIR, which becomes model.tar.gz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max_depth", type=int, required=True)
    parser.add_argument("--eta", type=float, required=True)
    parser.add_argument("--num_round", type=int, required=True)
    args = parser.parse_args()
    booster = xgb.train(
        {
            # Rentals are counts: a prediction is never negative, and the spread grows with the mean.
            "objective": "count:poisson",
            "max_depth": args.max_depth,
            "eta": args.eta,
            "seed": 7,
            # With some thousand rows, threads wait for each other longer than they work.
            "nthread": 1,
        },
        load("train"),
        num_boost_round=args.num_round,
        evals=[(load("validation"), "validation")],
        early_stopping_rounds=20,
        verbose_eval=50,
    )
    # Only the rounds up to the best are saved, so every way to predict with the file gives the same numbers.
    best = booster[: booster.best_iteration + 1]
    model_dir = Path(os.environ["SM_MODEL_DIR"])
    best.save_model(model_dir / "model.json")
    (model_dir / "code").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("inference.py"), model_dir / "code" / "inference.py")
    print(json.dumps({"rounds": booster.best_iteration + 1, "validation_loss": booster.best_score}))


if __name__ == "__main__":
    main()
