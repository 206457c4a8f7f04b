"""Check a definition's steps against the API's own shapes, as botocore carries them.

SageMaker reads a step's Arguments only when the step runs, so a wrong one is otherwise found after the jobs before it.
"""

import json
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

# The request each type of step becomes, and the names in it that SageMaker makes up.
REQUESTS = {
    "Processing": ("CreateProcessingJobRequest", {"ProcessingJobName": "made-up"}),
    "Training": ("CreateTrainingJobRequest", {"TrainingJobName": "made-up"}),
    "RegisterModel": ("CreateModelPackageInput", {}),
}
EXPRESSIONS = {"Get", "Std:Join", "Std:JsonGet"}


def problems(definition: str) -> list[str]:
    """Return a sentence for each thing that the API would refuse in the steps' arguments; none if all is well."""
    service = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    found = []
    for step in all_steps(json.loads(definition)["Steps"]):
        if step["Type"] not in REQUESTS:
            continue
        name, made_up = REQUESTS[step["Type"]]
        shape = service.shape_for(name)
        report = ParamValidator().validate(_concrete(step["Arguments"], shape) | made_up, shape)
        if report.has_errors():
            found.append(f"step {step['Name']}: {report.generate_report()}")
    return found


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the steps and those inside conditions."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from all_steps(step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"])


def _concrete(value: Any, shape: Any) -> Any:
    """Replace what is only known at run time by a value that its shape accepts."""
    if isinstance(value, dict) and len(value) == 1 and value.keys() <= EXPRESSIONS:
        return _example(shape)
    if isinstance(value, dict) and shape.type_name == "structure":
        members = shape.members
        return {key: _concrete(part, members[key]) if key in members else part for key, part in value.items()}
    if isinstance(value, dict) and shape.type_name == "map":
        return {key: _concrete(part, shape.value) for key, part in value.items()}
    if isinstance(value, list) and shape.type_name == "list":
        return [_concrete(part, shape.member) for part in value]
    return value


def _example(shape: Any) -> Any:
    """Return a scalar that fits; for other shapes None, which the validation then refuses."""
    least = shape.metadata.get("min", 1)
    examples = {"string": "x" * max(1, least), "integer": least, "float": 1.0, "double": 1.0, "boolean": True}
    return examples.get(shape.type_name)
