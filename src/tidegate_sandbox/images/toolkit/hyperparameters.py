"""The hyperparameters of SageMaker's XGBoost algorithm: what may be given, and as what XGBoost gets it.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
"""

import ast
from collections.abc import Mapping
from typing import Any

from .problems import NotSimulatedError, UserError

_NUMBERS = """
alpha float [0,inf]
base_score float [0,inf]
colsample_bylevel float (0,1]
colsample_bynode float (0,1]
colsample_bytree float (0,1]
csv_weights int [0,1]
early_stopping_rounds int [1,inf]
eta float [0,1]
gamma float [0,inf]
lambda float [0,inf]
lambda_bias float [0,1]
max_bin int [0,inf]
max_delta_step float [0,inf]
max_depth int [0,inf]
max_leaves int [0,inf]
min_child_weight float [0,inf]
nthread int [1,inf]
num_class int [2,inf]
num_parallel_tree int [1,inf]
num_round int [1,inf]
one_drop int [0,1]
prob_buffer_row int (1,inf]
rate_drop float [0,1]
refresh_leaf int [0,1]
scale_pos_weight float (0,inf]
seed int [-2147483647,2147483646]
sketch_eps float (0,1)
skip_drop float [0,1]
subsample float (0,1]
tweedie_variance_power float (1,2)
verbosity int [0,3]
"""
"""Name, type and interval, of which a round bracket leaves the end out."""

_WORDS = {
    "aft_loss_distribution": "normal logistic extreme",
    "booster": "gbtree gblinear dart",
    "deterministic_histogram": "true false",
    "dsplit": "row col",
    "grow_policy": "depthwise lossguide",
    "normalize_type": "tree forest",
    "objective": "binary:logistic binary:logitraw binary:hinge count:poisson multi:softmax multi:softprob "
    "rank:pairwise rank:ndcg rank:map reg:absoluteerror reg:gamma reg:linear reg:logistic reg:pseudohubererror "
    "reg:squarederror reg:squaredlogerror reg:tweedie survival:aft survival:cox",
    "predictor": "auto cpu_predictor gpu_predictor",
    "process_type": "default update",
    "sample_type": "uniform weighted",
    "sampling_method": "uniform gradient_based",
    "save_model_on_termination": "true false",
    "tree_method": "auto exact approx hist gpu_hist",
    "use_dask_gpu_training": "true false",
}

_LITERALS = ("interaction_constraints", "monotone_constraints")

_ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_alpha": "alpha", "reg_lambda": "lambda"}

_METRICS = (
    "aft-nloglik auc aucpr cox-nloglik error gamma-deviance gamma-nloglik interval-regression-accuracy logloss mae map "
    "mape merror mlogloss mphe ndcg poisson-nloglik rmse rmsle tweedie-nloglik"
)
_CONTAINERS_OWN_METRICS = (
    "accuracy balanced_accuracy f1 f1_binary f1_macro mse precision precision_macro precision_micro r2 recall "
    "recall_macro recall_micro"
)
_WITH_THRESHOLD = ("error", "map", "ndcg")

_UNSIMULATED = {"_kfold": (), "_num_cv_round": (), "save_model_on_termination": ("false",)} | {
    "use_dask_gpu_training": ("false",),
    "tree_method": ("auto", "exact", "approx", "hist"),
    "predictor": ("auto", "cpu_predictor"),
}
"""What the stand-in lacks, and the values with which that does not matter."""


def checked(given: Mapping[str, str], version: str) -> dict[str, Any]:
    """Return the hyperparameters as numbers, words and lists; UserError for what the image refuses.

    Only the image of `version` 1.0-1 knows `silent`.
    """
    found = {_ALIASES.get(name, name): str(value) for name, value in given.items()}
    if "num_round" not in found:
        raise UserError("Missing required hyperparameter: num_round")
    for name, harmless in _UNSIMULATED.items():
        if name in found and found[name] not in harmless:
            raise NotSimulatedError(f"the hyperparameter {name}={found[name]} is not in the local simulation")
    numbers = _NUMBERS + ("silent int [0,1]\n" if version == "1.0-1" else "")
    intervals = {line.split()[0]: line.split()[1:] for line in numbers.strip().splitlines()}
    checked = {name: _value(name, value, intervals) for name, value in found.items()}
    if str(checked.get("objective")) in ("multi:softmax", "multi:softprob") and "num_class" not in checked:
        raise UserError("Require input for parameter 'num_class' for multi-classification")
    return checked


def _value(name: str, value: str, intervals: Mapping[str, list[str]]) -> Any:
    if name in intervals:
        return _number(name, value, *intervals[name])
    if name in _WORDS:
        if value not in _WORDS[name].split():
            raise UserError(f"Hyperparameter {name}: {value} is not in {_WORDS[name].split()}")
        return value
    if name in ("eval_metric", "_tuning_objective_metric"):
        return [_metric(metric.strip()) for metric in value.removeprefix("validation:").split(",")]
    if name in _LITERALS:
        try:
            return str(ast.literal_eval(value))
        except (ValueError, SyntaxError) as error:
            raise UserError(f"Hyperparameter {name}: could not parse value") from error
    if name in ("updater", "aft_loss_distribution_scale"):
        return value
    raise UserError(f"Extraneous hyperparameter found: {name}")


def _number(name: str, value: str, kind: str, interval: str) -> float:
    try:
        number = int(value) if kind == "int" else float(value)
    except ValueError as error:
        raise UserError(f"Hyperparameter {name}: could not parse value") from error
    least, most = (float(end) for end in interval[1:-1].split(","))
    above = number > least if interval[0] == "(" else number >= least
    below = number < most if interval[-1] == ")" else number <= most
    if not (above and below):
        raise UserError(f"Hyperparameter {name}: {value} is not in {interval}")
    return number


def _metric(metric: str) -> str:
    name, at, threshold = metric.partition("@")
    if metric in _CONTAINERS_OWN_METRICS.split():
        raise NotSimulatedError(f"the container's own metric {metric} is not in the local simulation")
    if name not in (_WITH_THRESHOLD if at else _METRICS.split()):
        raise UserError(f"Hyperparameter eval_metric: value {metric} not in range {_METRICS.split()}")
    if at and not threshold.replace(".", "", 1).rstrip("-").isdigit():
        raise UserError(f"Threshold value 't' in '{name}@t' expects float input.")
    return metric
