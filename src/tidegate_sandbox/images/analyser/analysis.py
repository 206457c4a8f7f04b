"""One analysis: from what the container's environment names to the reports in its output folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .captured import OUTPUT, lines, moment
from .data_quality import data_quality
from .model_quality import model_quality


def analyse(environment: Mapping[str, str]) -> None:
    """Analyse, and leave every report; SystemExit, with a sentence in `failure`, where there is nothing to analyse."""
    start, end = (moment(environment[name]) for name in ("start_time", "end_time"))
    records = [
        record
        for record in lines(Path(environment["dataset_source"]))
        if start <= moment(record["eventMetadata"]["inferenceTime"]) < end
    ]
    baseline, statistics = (_json(environment.get(f"baseline_{name}")) for name in ("constraints", "statistics"))
    if environment.get("analysis_type") == "MODEL_QUALITY":
        reports, violations, metrics = model_quality(records, baseline, environment)
    else:
        reports, violations, metrics = data_quality(records, baseline, statistics)
    output = Path(environment["output_path"])
    output.mkdir(parents=True, exist_ok=True)
    for name, report in {**reports, "constraint_violations.json": {"violations": violations}}.items():
        (output / name).write_text(json.dumps(report, indent=2))
    if environment.get("publish_cloudwatch_metrics") == "Enabled":
        _publish(metrics, environment)
    many = f"{len(violations)} violation{'' if len(violations) == 1 else 's'}"
    said = f"CompletedWithViolations: Job completed successfully with {many}."
    message = said if violations else "Completed: Job completed successfully with no violations."
    (OUTPUT / "message").write_text(message)
    print(f"local simulation of Model Monitor's analyser: {len(records)} records. {message}")


def _json(path: str | None) -> Any:
    return json.loads(Path(path).read_text()) if path else None


def _publish(metrics: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> None:
    folder = OUTPUT / "metrics" / "cloudwatch"
    folder.mkdir(parents=True, exist_ok=True)
    dimensions = [
        {"Name": "Endpoint", "Value": environment["sagemaker_endpoint_name"]},
        {"Name": "MonitoringSchedule", "Value": environment["sagemaker_monitoring_schedule_name"]},
    ]
    about = {"Timestamp": environment["end_time"], "Dimensions": dimensions}
    lines = (json.dumps({**about, **metric}) for metric in metrics)
    (folder / "cloudwatch_metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
