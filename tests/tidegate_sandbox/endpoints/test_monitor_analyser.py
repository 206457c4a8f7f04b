"""Given captured records and a baseline, when they are analysed, then what differs is told, and how well it was."""

import json
from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox.images.analyser.captured import joined, table
from tidegate_sandbox.images.analyser.data_quality import data_quality
from tidegate_sandbox.images.analyser.model_quality import binary, model_quality, multiclass, regression


def csv(request: str, answer: str, **about: str) -> dict[str, Any]:
    return {
        "captureData": {
            "endpointInput": {"encoding": "CSV", "data": request},
            "endpointOutput": {"encoding": "CSV", "data": answer},
        },
        "eventMetadata": {"eventId": "e", "inferenceTime": "2026-11-22T09:00:00Z", **about},
    }


def feature(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inferred_type": kind, "completeness": 1.0, **more}


def checks(records: list[dict[str, Any]], baseline: Any, statistics: Any = None) -> set[tuple[str, str]]:
    _, violations, _ = data_quality(records, baseline, statistics)
    return {(each["feature_name"], each["constraint_check_type"]) for each in violations}


BASELINE = {"features": [feature("y", "Fractional"), feature("x", "Integral")]}


def test_an_answers_columns_come_before_its_requests_row_by_row() -> None:
    assert list(joined(csv("1,a\n2,b", "7\n8"))) == [
        {"_c0": "7", "_c1": "1", "_c2": "a"},
        {"_c0": "8", "_c1": "2", "_c2": "b"},
    ]


def test_json_is_read_by_name_and_by_line_and_what_is_null_is_missing() -> None:
    body = {"encoding": "JSON", "data": '{"a": {"b": 1}, "c": null}\n{"a": {"b": 2}, "c": [3]}'}
    assert table(body) == [{"a_b": "1", "c": ""}, {"a_b": "2", "c_0": "3"}]


@pytest.mark.parametrize(
    ("request_body", "answer", "found"),
    [
        ("1", "2.5", set()),
        ("1.5", "2.5", {("x", "data_type_check")}),
        ('""', "2.5", {("x", "completeness_check")}),
        ("1,3", "2.5", {("_c2", "extra_column_check")}),
    ],
)
def test_columns_and_cells_are_held_against_the_baseline(
    request_body: str, answer: str, found: set[tuple[str, str]]
) -> None:
    assert checks([csv(request_body, answer)], BASELINE) == found


def test_a_column_that_is_not_there_is_missing() -> None:
    record = csv("", "2.5")
    del record["captureData"]["endpointInput"]
    assert checks([record], BASELINE) == {("x", "missing_column_check")}


@pytest.mark.parametrize(("method", "drifted"), [("Simple", True), ("Robust", False)])
def test_a_few_rows_differ_by_chance_and_many_by_drift(method: str, drifted: bool) -> None:
    buckets = [{"lower_bound": n, "upper_bound": n + 1, "count": 100} for n in range(10)]
    shape = {"numerical_statistics": {"distribution": {"kll": {"buckets": buckets}}}}
    statistics = {"features": [{"name": "x", **shape}]}
    config = {"perform_comparison": "Enabled", "comparison_threshold": 0.2, "comparison_method": method}
    baseline = {**BASELINE, "monitoring_config": {"distribution_constraints": config}}
    few = [csv(str(n), "2.5") for n in (6, 7, 8, 9)]
    drift = ("x", "baseline_drift_check")
    assert (drift in checks(few, baseline, statistics)) is drifted
    assert drift in checks(few * 100, baseline, statistics)
    even = [csv(str(n), "2.5") for n in range(1, 11)] * 20
    assert drift not in checks(even, baseline, statistics)


def test_values_that_the_baseline_has_not_are_told() -> None:
    domain = feature("x", "String", string_constraints={"domains": ["a", "b"]})
    baseline = {"features": [feature("y", "Fractional"), domain]}
    assert checks([csv("a", "1.5"), csv("c", "1.5")], baseline) == {("x", "categorical_values_check")}
    lenient = {"features": [feature("y", "Fractional"), domain], "monitoring_config": {"domain_content_threshold": 0.5}}
    assert checks([csv("a", "1.5"), csv("c", "1.5")], lenient) == set()


def test_without_a_baseline_columns_are_described_and_nothing_is_violated() -> None:
    reports, violations, metrics = data_quality([csv("1", "2.5"), csv("3", "4.5")], None, None)
    assert violations == []
    (y, _) = reports["statistics.json"]["features"]
    assert (y["inferred_type"], y["numerical_statistics"]["mean"]) == ("Fractional", 3.5)
    assert {"MetricName": "feature_non_null__c0", "Value": 1.0} in metrics


def test_metrics_of_each_kind_of_problem() -> None:
    told = regression(["1", "2", "4"], ["1", "3", "5"])
    assert told == pytest.approx({"mae": 2 / 3, "mse": 2 / 3, "rmse": (2 / 3) ** 0.5, "r2": 1 - 2 / 8})
    rates = binary(["1", "1.0", "0", "0"], ["1", "0", "1", "0"])
    assert (rates["recall"], rates["precision"], rates["accuracy"], rates["f1"]) == (0.5, 0.5, 0.5, 0.5)
    classes = multiclass(["a", "a", "b"], ["a", "b", "b"])
    assert classes["accuracy"] == pytest.approx(2 / 3)
    assert classes["weighted_precision"] == pytest.approx(0.5 / 3 + 2 / 3)


def test_a_metric_beyond_its_constraint_is_a_violation(tmp_path: Path) -> None:
    truth = {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "one"}}
    (tmp_path / "truth.jsonl").write_text(json.dumps(truth))
    environment = {
        "ground_truth_source": str(tmp_path),
        "problem_type": "BinaryClassification",
        "probability_attribute": "0",
        "probability_threshold_attribute": "0.8",
        "start_time": "2026-11-22T08:00:00Z",
    }
    limit = {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}
    baseline = {"binary_classification_constraints": {"accuracy": limit, "f2": limit}}
    for answer, violated in (("0.7", ["accuracy"]), ("0.9", [])):
        records = [csv("1", answer, inferenceId="one"), csv("1", "0.1", inferenceId="unknown")]
        _, violations, metrics = model_quality(records, baseline, environment)
        assert [each["metric_name"] for each in violations] == violated
        assert {each["MetricName"] for each in metrics} >= {"accuracy", "f1"}
