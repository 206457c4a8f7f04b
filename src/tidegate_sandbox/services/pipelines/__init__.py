"""SageMaker Pipelines: runs the real definition of a pipeline, its jobs as real processes."""

from tidegate_sandbox.services import jobs
from tidegate_sandbox.services.pipelines import operations  # noqa: F401 - registers its operations


def install() -> None:
    """Make ready for the jobs that pipelines start; importing the operations has registered them."""
    jobs.install()
