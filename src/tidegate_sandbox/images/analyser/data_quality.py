"""Holds the columns of captured requests and answers against a baseline's constraints and statistics."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .captured import Record, joined

CONFIG = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
    },
}
"""`monitoring_config` where a baseline's constraints say nothing else."""

BUCKETS = 10
KOLMOGOROV_SMIRNOV = 1.358
"""The two-sample statistic's factor at a level of 5 %."""


Result = tuple[dict[str, Any], list[dict[str, str]], list[dict[str, Any]]]
"""Reports by their file's name, violations, and metrics in the shape of PutMetricData."""


def data_quality(records: Sequence[Record], baseline: Any, statistics: Any) -> Result:
    """Describe the columns, and hold them against a baseline's constraints and statistics, where there are any."""
    rows = [row for record in records for row in joined(record)]
    expected = [feature["name"] for feature in (baseline or {}).get("features", ())]
    positional = bool(rows) and all(name.startswith("_c") for row in rows for name in row)
    if positional and expected:
        rows = [{_named(name, expected): cell for name, cell in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name, "") for row in rows] for name in names}
    features = [_statistics(name, cells) for name, cells in columns.items()]
    constraints = [_constraints(name, cells) for name, cells in columns.items()]
    distances: dict[str, float] = {}
    violations: list[dict[str, str]] = []
    if baseline is not None:
        config = {**CONFIG, **baseline.get("monitoring_config", {})}
        known = {each["name"]: each for each in (statistics or {}).get("features", ())}
        distances = _distances(columns, baseline, known, config["distribution_constraints"])
        if config["evaluate_constraints"] == "Enabled":
            violations = [*_of_columns(expected, names), *_of_cells(columns, baseline, config)]
            violations += _of_drift(distances, baseline, config["distribution_constraints"])
    reports = {
        "statistics.json": {"version": 0.0, "dataset": {"item_count": len(rows)}, "features": features},
        "constraints.json": {"version": 0.0, "features": constraints, "monitoring_config": CONFIG},
    }
    return reports, violations, [*_column_metrics(columns), *_drift_metrics(distances)]


def _named(column: str, expected: Sequence[str]) -> str:
    index = int(column.removeprefix("_c"))
    return expected[index] if index < len(expected) else column


def number(cell: str) -> float | None:
    """Return the finite number that `cell` is, None where it is none."""
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _type(cell: str) -> str:
    found = number(cell)
    if found is None:
        return "String"
    return "Integral" if found.is_integer() and cell.lstrip("+-").isdigit() else "Fractional"


def inferred(cells: Sequence[str]) -> str:
    """Return the type that all present cells have."""
    found = {_type(cell) for cell in cells if cell}
    if not found:
        return "Unknown"
    if "String" in found:
        return "String"
    return "Fractional" if "Fractional" in found else "Integral"


def _constraints(name: str, cells: Sequence[str]) -> dict[str, Any]:
    kind, present = inferred(cells), [cell for cell in cells if cell]
    found: dict[str, Any] = {"name": name, "inferred_type": kind, "completeness": len(present) / len(cells)}
    if kind in ("Integral", "Fractional"):
        found["num_constraints"] = {"is_non_negative": all(float(cell) >= 0 for cell in present)}
    elif kind == "String":
        found["string_constraints"] = {"domains": sorted(set(present))}
    return found


def _statistics(name: str, cells: Sequence[str]) -> dict[str, Any]:
    kind, present = inferred(cells), [cell for cell in cells if cell]
    common = {"num_present": len(present), "num_missing": len(cells) - len(present)}
    if kind not in ("Integral", "Fractional"):
        counts = Counter(present)
        buckets = [{"value": value, "count": count} for value, count in counts.most_common()]
        distribution = {"categorical": {"buckets": buckets}}
        told = {"common": common, "distinct_count": len(counts), "distribution": distribution}
        return {"name": name, "inferred_type": kind, "string_statistics": told}
    numbers = sorted(map(float, present))
    mean, low, high = math.fsum(numbers) / len(numbers), numbers[0], numbers[-1]
    width = (high - low) / BUCKETS
    bounds = [(low + index * width, low + (index + 1) * width) for index in range(BUCKETS)] if width else [(low, low)]
    counted = Counter(min(int((each - low) / width), BUCKETS - 1) if width else 0 for each in numbers)
    buckets = [
        {"lower_bound": lower, "upper_bound": upper, "count": counted[index]}
        for index, (lower, upper) in enumerate(bounds)
    ]
    told = {
        "common": common,
        "mean": mean,
        "sum": math.fsum(numbers),
        "std_dev": math.sqrt(math.fsum((each - mean) ** 2 for each in numbers) / len(numbers)),
        "min": low,
        "max": high,
        "distribution": {"kll": {"buckets": buckets}},
    }
    return {"name": name, "inferred_type": kind, "numerical_statistics": told}


def _of_columns(expected: Sequence[str], names: Sequence[str]) -> Iterator[dict[str, str]]:
    for name in expected:
        if name not in names:
            yield _violation(name, "missing_column_check", f"The baseline has the column {name}, and the data has not.")
    for name in names:
        if name not in expected:
            yield _violation(name, "extra_column_check", f"The data has the column {name}, and the baseline has not.")


def _of_cells(columns: Mapping[str, Sequence[str]], baseline: Any, config: Any) -> Iterator[dict[str, str]]:
    fits = {"Integral": ("Integral",), "Fractional": ("Integral", "Fractional")}
    for feature in baseline.get("features", ()):
        name, kind, cells = feature["name"], feature["inferred_type"], columns.get(feature["name"])
        if not cells:
            continue
        present = [cell for cell in cells if cell]
        whole, needed = len(present) / len(cells), feature.get("completeness", 0.0)
        if whole < needed:
            said = f"{whole:.1%} of the values are there, and the baseline asks for {needed:.1%}."
            yield _violation(name, "completeness_check", said)
        if kind in fits and present:
            share, least = sum(_type(cell) in fits[kind] for cell in present) / len(present), _least(config, feature)
            if share < least:
                said = f"{share:.1%} of the values are {kind}, and {least:.1%} have to be."
                yield _violation(name, "data_type_check", said)
        domains = feature.get("string_constraints", {}).get("domains")
        if domains and present:
            share, least = (
                sum(cell in domains for cell in present) / len(present),
                _own(config, feature, "domain_content_threshold"),
            )
            if share < least:
                said = f"{share:.1%} of the values are among those of the baseline, and {least:.1%} have to be."
                yield _violation(name, "categorical_values_check", said)


def _least(config: Any, feature: Any) -> float:
    return _own(config, feature, "datatype_check_threshold")


def _own(config: Any, feature: Any, name: str) -> float:
    return float(feature.get("monitoring_config_overrides", {}).get(name, config[name]))


def _distances(
    columns: Mapping[str, Sequence[str]], baseline: Any, known: Mapping[str, Any], config: Any
) -> dict[str, float]:
    if config["perform_comparison"] != "Enabled":
        return {}
    distances = {}
    for feature in baseline.get("features", ()):
        name = feature["name"]
        present = [cell for cell in columns.get(name, ()) if cell]
        statistics = known.get(name, {})
        told = statistics.get("numerical_statistics") or statistics.get("string_statistics") or {}
        shape = told.get("distribution", {})
        if buckets := shape.get("kll", {}).get("buckets"):
            numbers = [found for cell in present if (found := number(cell)) is not None]
            at = [bucket["upper_bound"] for bucket in buckets]
            expected, sample = [bucket["count"] for bucket in buckets], len(numbers)
            seen = [sum(each <= bound for each in numbers) for bound in at]
            pairs = list(zip(_running(expected), seen, strict=True))
        elif buckets := shape.get("categorical", {}).get("buckets"):
            counts, sample = Counter(present), len(present)
            expected = [bucket["count"] for bucket in buckets]
            pairs = [(bucket["count"], counts[bucket["value"]]) for bucket in buckets]
            pairs += [(0, count) for value, count in counts.items() if value not in {b["value"] for b in buckets}]
        else:
            continue
        total = sum(expected)
        if sample and total:
            distances[name] = _distance(pairs, total, sample, robust=config["comparison_method"] == "Robust")
    return distances


def _distance(pairs: Sequence[tuple[float, float]], total: float, sample: float, *, robust: bool) -> float:
    """Return the largest difference of two distributions, robust: less what samples of that size differ by anyhow."""
    largest = max(abs(one / total - other / sample) for one, other in pairs)
    by_chance = KOLMOGOROV_SMIRNOV * math.sqrt((total + sample) / (total * sample)) if robust else 0.0
    return max(0.0, largest - by_chance)


def _running(counts: Sequence[float]) -> list[float]:
    return [sum(counts[: index + 1]) for index in range(len(counts))]


def _of_drift(distances: Mapping[str, float], baseline: Any, config: Any) -> Iterator[dict[str, str]]:
    own = {each["name"]: each.get("monitoring_config_overrides", {}) for each in baseline.get("features", ())}
    for name, distance in distances.items():
        overrides = own[name].get("distribution_constraints", {})
        most = float(overrides.get("comparison_threshold", config["comparison_threshold"]))
        if distance > most:
            said = f"Baseline drift distance: {distance:.4f} exceeds threshold: {most}"
            yield _violation(name, "baseline_drift_check", said)


def _violation(feature: str, check: str, description: str) -> dict[str, str]:
    return {"feature_name": feature, "constraint_check_type": check, "description": description}


def _column_metrics(columns: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Any]]:
    for name, cells in columns.items():
        present = [cell for cell in cells if cell]
        if inferred(cells) in ("Integral", "Fractional"):
            numbers = [float(cell) for cell in present]
            values = {"SampleCount": len(numbers), "Sum": math.fsum(numbers)}
            values |= {"Minimum": min(numbers), "Maximum": max(numbers)}
            yield {"MetricName": f"feature_data_{name}", "StatisticValues": values}
        yield {"MetricName": f"feature_non_null_{name}", "Value": len(present) / len(cells)}


def _drift_metrics(distances: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    for name, distance in distances.items():
        yield {"MetricName": f"feature_baseline_drift_{name}", "Value": distance}
