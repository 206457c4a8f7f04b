"""Serves a model of SageMaker's XGBoost algorithm, which needs no program of the user's: csv or libsvm in, csv out.

Imported by the model server, in an environment that has XGBoost. What it answers follows
https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html and
https://github.com/aws/sagemaker-xgboost-container; the image of version 1.0-1 knows no JSON, and joins rows by commas.
"""

import csv
import json
import os
import pickle
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

Answer = tuple[int, bytes, str]
"""Status, body, content type."""

_TYPES = {"text/csv": "csv", "csv": "csv"} | dict.fromkeys(("", "libsvm", "text/libsvm", "text/x-libsvm"), "libsvm")

_OLD = "1.0-1"


class BrokenModelError(Exception):
    """The model cannot be served; the message is a sentence."""


class Algorithm:
    """A model that the algorithm trained, or one of XGBoost's own making, loaded."""

    def __init__(self, model_dir: str, version: str) -> None:
        self._version = version
        if "SAGEMAKER_INFERENCE_OUTPUT" in os.environ:
            raise BrokenModelError("SAGEMAKER_INFERENCE_OUTPUT is not in the local simulation")
        files = [path for path in sorted(Path(model_dir).iterdir()) if path.is_file() and path.name[0] != "."]
        if len(files) != 1:
            found = ", ".join(path.name for path in files) or "none"
            raise BrokenModelError(f"the algorithm serves one model here, and the model data has at its top: {found}")
        self._pickled, self._booster = _load(files[0])
        self._booster.set_param({"nthread": 1})

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answer one request. Never raises."""
        if not body:
            return HTTPStatus.NO_CONTENT, b"", "text/plain"
        kind = _TYPES.get(content_type.partition(";")[0].strip().lower())
        try:
            if kind is None:
                raise ValueError(f"{content_type} is not an accepted ContentType: {', '.join(filter(None, _TYPES))}.")
            rows = rows_of_csv(body) if kind == "csv" else rows_of_libsvm(body)
        except Exception as error:
            traceback.print_exc()
            said = f"Loading {kind} data failed with Exception, please ensure data is in {kind} format:\n {error}"
            return _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, said if kind else str(error))
        try:
            predicted = self._predict(rows, kind)
        except Exception as error:
            traceback.print_exc()
            return _refused(HTTPStatus.BAD_REQUEST, f"Unable to evaluate payload provided: {error}")
        return self._written(predicted, accept.partition(";")[0].strip().lower())

    def _predict(self, rows: Any, kind: str) -> Any:
        given, known = rows.shape[1], _features(self._booster)
        if self._pickled and kind == "csv" and known not in (given, given + 1):
            raise ValueError(f"Feature size of csv inference data {given} is not the model's {known}.")
        if self._pickled and kind == "libsvm" and given > known + 1:
            raise ValueError(f"Feature size of libsvm inference data {given} is larger than the model's {known}.")
        if kind == "libsvm" and given < known:
            rows = np.pad(rows, ((0, 0), (0, known - given)), constant_values=np.nan)
        limit = {"ntree_limit": n} if (n := getattr(self._booster, "best_ntree_limit", 0)) and self._pickled else {}
        return self._booster.predict(xgboost.DMatrix(rows), validate_features=False, **limit)

    def _written(self, predicted: Any, accept: str) -> Answer:
        values = predicted.tolist()
        if self._version == _OLD:
            return HTTPStatus.OK, ",".join(map(str, values)).encode(), "text/csv"
        if accept in ("", "*/*"):
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
        if accept == "application/json":
            return HTTPStatus.OK, json.dumps({"predictions": [{"score": value} for value in values]}).encode(), accept
        if accept != "text/csv":
            return _refused(HTTPStatus.NOT_ACCEPTABLE, f"Accept type {accept} is not supported.")
        lines = (",".join(map(str, value if isinstance(value, list) else [value])) for value in values)
        return HTTPStatus.OK, "".join(f"{line}\n" for line in lines).encode(), accept


def _load(file: Path) -> tuple[bool, Any]:
    """Return whether the model was pickled, and the model."""
    try:
        return True, pickle.loads(file.read_bytes())  # noqa: S301 - the user's own model, as in the container
    except Exception as not_pickled:
        booster = xgboost.Booster()
        try:
            booster.load_model(str(file))
        except Exception as error:
            raise BrokenModelError(f"Unable to load model: {file.name}: {not_pickled}; {error}") from error
        return False, booster


def _features(booster: Any) -> int:
    return booster.num_features() if hasattr(booster, "num_features") else len(booster.feature_names)


def _refused(status: HTTPStatus, why: str) -> Answer:
    return status, why.encode(), "text/plain"


def rows_of_csv(body: bytes) -> Any:
    """Return the numbers of csv, nan where there is none."""
    lines = body.decode().strip().split("\n")
    try:
        delimiter = csv.Sniffer().sniff(lines[0][:512]).delimiter
    except csv.Error:
        if len(lines[0].split()) != 1:
            raise
        delimiter = ","
    delimiter = "," if delimiter.isalnum() else delimiter
    return np.array([[float(value.strip() or "nan") for value in line.split(delimiter)] for line in lines])


def rows_of_libsvm(body: bytes) -> Any:
    """Return the numbers of libsvm, nan where there is none."""
    rows = [dict(_entries(line)) for line in body.decode().strip().split("\n")]
    found = np.full((len(rows), 1 + max((index for row in rows for index in row), default=0)), np.nan)
    for number, row in enumerate(rows):
        for index, value in row.items():
            found[number, index] = value
    return found


def _entries(line: str) -> list[tuple[int, float]]:
    pairs = (item.split(":", 1) for item in line.split() if ":" in item)
    return [(int(index), float(value)) for index, value in pairs]
