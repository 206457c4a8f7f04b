"""How the endpoint answers: rows in, predicted rentals an hour out (SageMaker script mode's four functions).

A row is nine numbers in the order of FEATURES. `text/csv`: a row a line, a prediction a line.
`application/json`: `{"instances": [[...], ...]}` gives `{"predictions": [...]}`. `train.py` packs this file beside
the model.
"""

import io
import json
from pathlib import Path

import numpy as np
import xgboost as xgb

try:
    from sagemaker_inference.errors import BaseInferenceToolkitError
except ImportError:  # training jobs and laptops have no serving toolkit; the serving container has

    class BaseInferenceToolkitError(Exception):
        """The toolkit's error: the container answers with the status that it carries."""

        def __init__(self, status_code: int, message: str, phrase: str) -> None:
            super().__init__(message)
            self.status_code, self.message, self.phrase = status_code, message, phrase


FEATURES = ("hr", "holiday", "weekday", "workingday", "temp", "atemp", "hum", "windspeed", "weather")
CSV, JSON = "text/csv", "application/json"


class BadRequest(BaseInferenceToolkitError, ValueError):
    """The caller's mistake. A 4xx, so that it never counts towards an alarm on the model's own errors."""

    def __init__(self, message: str, status_code: int = 400) -> None:
        super().__init__(status_code, message, message)

    def __str__(self) -> str:
        return self.message


def model_fn(model_dir: str) -> xgb.Booster:
    """Load what train.py saved."""
    booster = xgb.Booster({"nthread": 1})  # a request is a few rows: threads would cost more than they save
    booster.load_model(Path(model_dir) / "model.json")
    return booster


def input_fn(body: bytes | str, content_type: str) -> np.ndarray:
    """Return the request's rows as an array of shape (rows, len(FEATURES)); raise BadRequest if they are not that."""
    text = body.decode("utf-8", errors="replace") if isinstance(body, bytes | bytearray) else body
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        if media_type == CSV:
            # An empty body must be an error, not numpy's warning and no rows.
            rows = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2) if text.strip() else np.empty((0, 0))
        elif media_type == JSON:
            rows = np.asarray(json.loads(text)["instances"], dtype=float)
        else:
            raise BadRequest(f"content type {content_type} is not served: send {CSV} or {JSON}", 415)
    except (ValueError, KeyError, TypeError) as problem:
        if isinstance(problem, BadRequest):
            raise
        raise BadRequest(f"the {media_type} body cannot be read as rows of numbers: {problem}") from problem
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != len(FEATURES):
        raise BadRequest(f"rows of shape {rows.shape}; each row needs {len(FEATURES)} numbers: {','.join(FEATURES)}")
    return rows


def predict_fn(rows: np.ndarray, booster: xgb.Booster) -> np.ndarray:
    """Return predicted rentals an hour, shape (rows,)."""
    return booster.inplace_predict(rows)


def output_fn(prediction: np.ndarray, accept: str) -> tuple[str, str]:
    """Return the answer's body and content type: CSV unless JSON is asked for. Numbers keep all their digits."""
    numbers = [float(value) for value in prediction]
    if accept.partition(";")[0].strip().lower() == JSON:
        return json.dumps({"predictions": numbers}), JSON
    return "\n".join(map(repr, numbers)) + "\n", CSV
