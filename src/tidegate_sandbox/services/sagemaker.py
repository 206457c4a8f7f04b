"""The SageMaker service; projects, registry, pipelines and endpoints register their operations on it."""

from typing import Any

from tidegate_sandbox.service import Service

sagemaker = Service("sagemaker")


def install() -> None:
    """Serve SageMaker's API."""
    sagemaker.serve()


def present(**members: Any) -> dict[str, Any]:
    """Return the members of an answer that have a value: what has none is left out, not null."""
    return {name: value for name, value in members.items() if value is not None}
