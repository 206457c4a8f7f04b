"""Turn raw rides into train, validation and test rows, split in the order of time.

Each part is a CSV without a header, the label first: the convention of SageMaker's XGBoost. The test rows are the
newest, as the rows a deployed model meets are newer than all it has seen; a shuffled split would flatter it.
"""

import argparse
from pathlib import Path

import pandas as pd

LABEL = "bikers"
# `casual` and `registered` are left out on purpose: they add up to the label.
FEATURES = ("hr", "holiday", "weekday", "workingday", "temp", "atemp", "hum", "windspeed", "weather")
WEATHER = {"clear": 0, "cloudy/misty": 1, "light rain/snow": 2, "heavy rain/snow": 3}
TRAIN_SHARE, VALIDATION_SHARE = 0.70, 0.15  # the rest is test
FEWEST_ROWS = 100


def split(raw: pd.DataFrame, from_month: int, to_month: int) -> dict[str, pd.DataFrame]:
    """Return `train`, `validation` and `test` rows of the months, oldest first, each with the label and FEATURES.

    Raises ValueError if the months hold too few rows to learn from, or a row has a weather that is not in WEATHER.
    """
    rows = raw[raw["mnth"].between(from_month, to_month)].sort_values(["mnth", "day", "hr"], kind="stable")
    if len(rows) < FEWEST_ROWS:
        raise ValueError(
            f"months {from_month} to {to_month} hold {len(rows)} rows and at least {FEWEST_ROWS} are needed: "
            "widen data.from_month and data.to_month in pipeline.yml"
        )
    weather = rows["weathersit"].map(WEATHER)
    if weather.isna().any():
        unknown = sorted(set(rows.loc[weather.isna(), "weathersit"].astype(str)))
        raise ValueError(f"column weathersit has {unknown}; known are {list(WEATHER)}")
    rows = rows.assign(weather=weather)[[LABEL, *FEATURES]].astype(float)
    train_end = int(len(rows) * TRAIN_SHARE)
    validation_end = int(len(rows) * (TRAIN_SHARE + VALIDATION_SHARE))
    return {
        "train": rows[:train_end],
        "validation": rows[train_end:validation_end],
        "test": rows[validation_end:],
    }


def main() -> None:
    """Read BASE/input/*.csv; write BASE/train, BASE/validation and BASE/test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from-month", type=int, required=True)
    parser.add_argument("--to-month", type=int, required=True)
    parser.add_argument("--base", type=Path, default=Path("/opt/ml/processing"))
    args = parser.parse_args()
    files = sorted((args.base / "input").glob("*.csv"))
    if not files:
        raise SystemExit(f"no *.csv in {args.base / 'input'}: is the parameter InputDataUrl a folder of CSV files?")
    try:
        parts = split(pd.concat(pd.read_csv(file) for file in files), args.from_month, args.to_month)
    except ValueError as problem:
        raise SystemExit(str(problem)) from problem
    for name, rows in parts.items():
        folder = args.base / name
        folder.mkdir(parents=True, exist_ok=True)
        rows.to_csv(folder / f"{name}.csv", header=False, index=False)
        print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    main()
