"""The SageMaker service; projects, registry, pipelines and endpoints register their operations on it."""

from tidegate_sandbox.service import Service

sagemaker = Service("sagemaker")


def install() -> None:
    """Serve SageMaker's API."""
    sagemaker.serve()
