"""What a framework's image does where the user's program leaves input_fn, predict_fn or output_fn out.

Imported by the model server, in an environment that has the framework. By the READMEs and the handlers of
https://github.com/aws/sagemaker-scikit-learn-container and https://github.com/aws/sagemaker-xgboost-container.
"""

import io
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np


class UnsupportedFormatError(Exception):
    """A content type, or an accept, that a default does not speak."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def _array(body: str | bytes, content_type: str) -> Any:
    kind = content_type.partition(";")[0].strip()
    if kind == "application/x-npy":
        return np.load(io.BytesIO(_bytes(body)), allow_pickle=False)
    if kind == "application/json":
        return np.array(json.loads(body)).astype(np.float32)
    if kind == "text/csv":
        text = _bytes(body).decode()
        return np.genfromtxt(io.StringIO(text), dtype=np.float32, delimiter=",", ndmin=2)
    raise UnsupportedFormatError(f"Content type {content_type} is not supported by this framework.")


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _written(prediction: Any, accept: str) -> tuple[bytes, str]:
    values = np.asarray(prediction)
    if accept == "application/json":
        return json.dumps(values.tolist()).encode(), accept
    out = io.BytesIO()
    if accept == "text/csv":
        np.savetxt(out, values, delimiter=",", fmt="%s")
    elif accept == "application/x-npy":
        np.save(out, values)
    else:
        raise UnsupportedFormatError(f"Content type {accept} is not supported by this framework.")
    return out.getvalue(), accept


def defaults_of(framework: str) -> Mapping[str, Callable[..., Any]]:
    """Return the functions of the framework's image by name."""
    if framework == "scikit-learn":
        return {"input_fn": _array, "predict_fn": lambda data, model: model.predict(data), "output_fn": _written}
    import xgboost
    from xgboost_algorithm import rows_of_csv, rows_of_libsvm

    def matrix(body: str | bytes, content_type: str) -> Any:
        kind = content_type.partition(";")[0].strip()
        if kind == "text/csv":
            return xgboost.DMatrix(rows_of_csv(_bytes(body)))
        if kind in ("text/libsvm", "text/x-libsvm"):
            return xgboost.DMatrix(rows_of_libsvm(_bytes(body)))
        raise UnsupportedFormatError(f"Content type {content_type} is not supported by this framework.")

    return {
        "input_fn": matrix,
        "predict_fn": lambda data, model: model.predict(data, validate_features=False),
        "output_fn": _written,
    }
