"""What the stacks of stages can hold: a stage file decides which of these a stage has."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "templates"


def rendered_types() -> set[str]:
    """Return every type of resource that the engine's templates can hold."""
    found = {kind for path in TEMPLATES.glob("*.j2") for kind in re.findall(r"Type: (AWS::\w+::\w+)", path.read_text())}
    monitors = {f"AWS::SageMaker::{kind}QualityJobDefinition" for kind in ("Data", "Model")}
    return found | monitors | {"AWS::SageMaker::MonitoringSchedule", "AWS::ApplicationAutoScaling::ScalableTarget"}
