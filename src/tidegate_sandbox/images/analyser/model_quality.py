"""Holds captured answers against the truth that came since, and the metrics against a baseline's constraints."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .captured import Record, Row, fail, lines, table
from .data_quality import Result, number


def model_quality(records: Sequence[Record], baseline: Any, environment: Mapping[str, str]) -> Result:
    """Hold answers against the truth that came since, joined by the request's InferenceId, else its event's id."""
    truths: dict[str, list[str]] = {}
    for record in lines(Path(environment["ground_truth_source"])):
        truth = [row["_c0"] for row in table(record["groundTruthData"])]
        truths[record["eventMetadata"]["eventId"]] = truth
    pairs = []
    for record in records:
        about = record["eventMetadata"]
        truth = truths.get(about.get("inferenceId") or about["eventId"], [])
        answers = table(record["captureData"].get("endpointOutput"))
        pairs += [(_answer(row, environment), actual) for row, actual in zip(answers, truth, strict=False)]
    if not pairs:
        fail("Error: No ground truth was found for any of the captured requests.")
    kind = environment["problem_type"]
    section, compute = PROBLEMS[kind]
    values = compute([predicted for predicted, _ in pairs], [actual for _, actual in pairs])
    metrics = {name: {"value": value, "standard_deviation": None} for name, value in values.items()}
    limits = (baseline or {}).get(f"{section}_constraints", {})
    violations = [
        {
            "constraint_check_type": limit["comparison_operator"],
            "description": f"Metric {name} with {values[name]} was {_limit(limit)}",
            "metric_name": name,
        }
        for name, limit in limits.items()
        if name in values and _beyond(values[name], limit)
    ]
    reports = {
        "statistics.json": {
            "version": 0.0,
            "dataset": {"item_count": len(pairs), "start_time": environment["start_time"]},
            f"{section}_metrics": metrics,
        },
        "constraints.json": {"version": 0.0, f"{section}_constraints": limits},
    }
    return reports, violations, [{"MetricName": name, "Value": value} for name, value in values.items()]


def _limit(limit: Mapping[str, Any]) -> str:
    return f"{limit['comparison_operator']} '{limit['threshold']}'"


def _beyond(value: float, limit: Mapping[str, Any]) -> bool:
    threshold = float(limit["threshold"])
    return value > threshold if limit["comparison_operator"] == "GreaterThanThreshold" else value < threshold


def _answer(row: Row, environment: Mapping[str, str]) -> str:
    inference, probability = (environment.get(f"{name}_attribute") for name in ("inference", "probability"))
    if inference is None and probability is not None:
        least = float(environment.get("probability_threshold_attribute", "0.5"))
        return "1" if float(_attribute(row, probability)) >= least else "0"
    return _attribute(row, inference or "0")


def _attribute(row: Row, name: str) -> str:
    found = row.get(f"_c{name}") if name.isdigit() else row.get(name)
    if found is None:
        fail(f"Error: The attribute {name} is not in a captured answer, which has {', '.join(row)}.")
    return found


def regression(predicted: Sequence[str], actual: Sequence[str]) -> dict[str, float]:
    """Return mae, mse, rmse and, where the truth varies, r2."""
    pairs = [(float(one), float(other)) for one, other in zip(predicted, actual, strict=True)]
    count = len(pairs)
    mean = math.fsum(truth for _, truth in pairs) / count
    squared = math.fsum((guess - truth) ** 2 for guess, truth in pairs)
    spread = math.fsum((truth - mean) ** 2 for _, truth in pairs)
    found = {"mae": math.fsum(abs(guess - truth) for guess, truth in pairs) / count, "mse": squared / count}
    found["rmse"] = math.sqrt(found["mse"])
    return found | ({"r2": 1 - squared / spread} if spread else {})


def binary(predicted: Sequence[str], actual: Sequence[str]) -> dict[str, float]:
    """Return the rates of a classification whose positive label is 1."""
    counts = Counter((_positive(one), _positive(other)) for one, other in zip(predicted, actual, strict=True))
    hits, false_alarms, misses, rest = (counts[pair] for pair in ((1, 1), (1, 0), (0, 1), (0, 0)))
    recall, precision = _ratio(hits, hits + misses), _ratio(hits, hits + false_alarms)
    return {
        "recall": recall,
        "precision": precision,
        "accuracy": (hits + rest) / len(predicted),
        "true_positive_rate": recall,
        "true_negative_rate": _ratio(rest, rest + false_alarms),
        "false_positive_rate": _ratio(false_alarms, rest + false_alarms),
        "false_negative_rate": _ratio(misses, hits + misses),
        "f1": _ratio(2 * precision * recall, precision + recall),
    }


def multiclass(predicted: Sequence[str], actual: Sequence[str]) -> dict[str, float]:
    """Return accuracy, and recall, precision and f1 weighted by how often a label is true."""
    pairs = Counter(zip(map(_label, predicted), map(_label, actual), strict=True))
    count = len(predicted)
    guesses, truths = Counter(map(_label, predicted)), Counter(map(_label, actual))
    found = {"accuracy": sum(pairs[label, label] for label in truths) / count}
    weighted = {"recall": 0.0, "precision": 0.0, "f1": 0.0}
    for label, often in truths.items():
        recall, precision = pairs[label, label] / often, _ratio(pairs[label, label], guesses[label])
        values = {"recall": recall, "precision": precision, "f1": _ratio(2 * precision * recall, precision + recall)}
        for name, value in values.items():
            weighted[name] += value * often / count
    return found | {f"weighted_{name}": value for name, value in weighted.items()}


def _positive(label: str) -> int:
    found = number(label)
    return int(found == 1 if found is not None else label.lower() == "true")


def _label(label: str) -> str:
    found = number(label)
    return f"{found:g}" if found is not None else label


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


Compute = Callable[[Sequence[str], Sequence[str]], dict[str, float]]

PROBLEMS: Mapping[str, tuple[str, Compute]] = {
    "Regression": ("regression", regression),
    "BinaryClassification": ("binary_classification", binary),
    "MulticlassClassification": ("multiclass_classification", multiclass),
}
"""By ProblemType, what it is called in reports and constraints, and its metrics."""
