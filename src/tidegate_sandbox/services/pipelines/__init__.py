"""SageMaker Pipelines: runs the real definition of a pipeline, its jobs as real processes."""

from tidegate_sandbox.services import jobs


def install() -> None:
    """Serve the operations on pipelines and on the jobs that they start."""
    from tidegate_sandbox.services.pipelines import operations  # noqa: F401 - its decorators register them

    jobs.install()
