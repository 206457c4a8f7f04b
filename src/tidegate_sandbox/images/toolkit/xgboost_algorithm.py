"""SageMaker's XGBoost as an algorithm: channels of csv or libsvm, its hyperparameters, and a model for its own server.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html; what is printed and how a model is saved by
https://github.com/aws/sagemaker-xgboost-container.
"""

import csv
import importlib
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .environment import Environment
from .hyperparameters import checked
from .problems import NotSimulatedError, UserError

MODEL = "xgboost-model"

PICKLED = ("1.0-1", "1.2-1", "1.2-2")
"""Versions whose models are pickled; later ones are in XGBoost's own format."""

_TYPES = {"text/csv": "csv", "csv": "csv"} | dict.fromkeys(("libsvm", "text/libsvm", "text/x-libsvm"), "libsvm")
_UNSIMULATED_TYPES = ("parquet", "application/x-parquet", "recordio-protobuf", "application/x-recordio-protobuf")

_HIGHER_IS_BETTER = ("auc", "aucpr", "map", "ndcg")

_NOT_FOR_XGBOOST = (
    *("num_round", "csv_weights", "early_stopping_rounds", "eval_metric", "_tuning_objective_metric"),
    *("save_model_on_termination", "use_dask_gpu_training"),
)


def train(environment: Environment, version: str) -> None:
    """Train by the channels and hyperparameters, print the metrics of each round, save the model."""
    parameters = checked(environment.given, version)
    kinds = _kinds(environment.channels)
    xgboost: Any = importlib.import_module("xgboost")
    weights = bool(parameters.get("csv_weights"))
    data = {name: _load(xgboost, name, environment.channel(name), kinds["train"], weights) for name in kinds}
    sets = [(data[name], name) for name in ("train", "validation") if name in data]
    for matrix, name in sets:
        print(f"{name.capitalize()} matrix has {matrix.num_row()} rows and {matrix.num_col()} columns", flush=True)
    booster = _boost(xgboost, parameters, sets)
    environment.model.mkdir(parents=True, exist_ok=True)
    target = environment.model / MODEL
    if version in PICKLED:
        target.write_bytes(pickle.dumps(booster, protocol=4))
    else:
        booster.save_model(str(target))


def _kinds(channels: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the kind of data of each channel that is trained with."""
    if "train" not in channels:
        raise UserError("Missing required channel: train")
    kinds = {}
    for name, channel in channels.items():
        if name not in ("train", "validation", "code"):
            raise UserError(f"Extraneous channel found: {name}")
        content_type, *about = (part.strip() for part in channel.get("ContentType", "libsvm").lower().split(";"))
        if content_type in _UNSIMULATED_TYPES:
            raise NotSimulatedError(f"the ContentType {content_type} of {name!r} is not in the local simulation")
        if content_type not in _TYPES:
            raise UserError(f"{content_type} is not an accepted ContentType: {', '.join(_TYPES)}.")
        if any(each.startswith("label_size") and each.partition("=")[2].strip() != "1" for each in about):
            raise UserError(f"{channel['ContentType']} is not an accepted csv ContentType: label_size must be 1")
        kinds[name] = _TYPES[content_type]
    kinds.pop("code", None)
    return kinds


def _load(xgboost: Any, name: str, folder: Path, kind: str, weights: bool) -> Any:
    files = list(_files(folder))
    if not files:
        what = "training" if name == "train" else name
        raise UserError(f"No data in {what} channel path {folder}")
    with tempfile.TemporaryDirectory() as gathered:  # XGBoost reads a folder's files, and none of the folders in it
        for number, file in enumerate(files):
            (Path(gathered) / f"{number}").symlink_to(file)
        address = f"{gathered}?format=libsvm"
        if kind == "csv":
            address = f"{gathered}?format=csv&label_column=0&delimiter={_delimiter(files[0])}"
            address += "&weight_column=1" if weights else ""
        try:
            return xgboost.DMatrix(address)
        except Exception as error:
            raise UserError(f"Failed to load {kind} data with exception:\n{error}") from error


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith((".", "_")) and path.stat().st_size:
            yield path


def _delimiter(file: Path) -> str:
    with file.open(errors="ignore") as lines:
        line = lines.readline()
    try:
        return csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error


def _boost(xgboost: Any, parameters: Mapping[str, Any], sets: Sequence[tuple[Any, str]]) -> Any:
    metrics = [*parameters.get("eval_metric", ()), *parameters.get("_tuning_objective_metric", ())]
    own = [(name, value) for name, value in parameters.items() if name not in _NOT_FOR_XGBOOST]
    metrics_once = list(dict.fromkeys(metrics))
    try:
        booster = xgboost.Booster([*own, *(("eval_metric", metric) for metric in metrics_once)], [d for d, _ in sets])
        patience = parameters.get("early_stopping_rounds") if metrics and len(sets) > 1 else None
        best: tuple[float, int] | None = None
        for number in range(parameters["num_round"]):
            booster.update(sets[0][0], number)
            line = booster.eval_set(sets, number)
            print(line.replace("\t", "#011"), flush=True)  # as a tab stands in CloudWatch Logs
            if patience is not None:
                score = _score(line, metrics_once[-1])
                best = max(best or (score, number), (score, number), key=lambda each: each[0])
                if number - best[1] >= patience:
                    break
    except xgboost.core.XGBoostError as error:
        raise UserError(f"XGB train call failed with exception:\n {error}") from error
    if best is None:
        return booster
    booster.set_attr(best_iteration=str(best[1]))
    if hasattr(xgboost.Booster, "__getitem__"):
        return booster[: best[1] + 1]
    booster.best_ntree_limit = (best[1] + 1) * int(parameters.get("num_parallel_tree", 1))
    return booster


def _score(line: str, metric: str) -> float:
    """Return what the validation data's `metric` is in a line of an evaluation, the more the better."""
    found = next(part for part in line.split("\t") if part.startswith(f"validation-{metric}:"))
    value = float(found.rpartition(":")[2])
    return value if metric.partition("@")[0] in _HIGHER_IS_BETTER else -value
