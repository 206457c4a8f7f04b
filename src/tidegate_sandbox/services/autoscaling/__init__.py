"""Application Auto Scaling of endpoints' variants: target tracking that reacts to CloudWatch, each minute."""

from tidegate_sandbox.services.autoscaling import resources, scaling
from tidegate_sandbox.services.autoscaling.operations import autoscaling


def install() -> None:
    """Serve the API, offer the resource types, and begin to scale."""
    autoscaling.serve()
    resources.install()
    scaling.start()
