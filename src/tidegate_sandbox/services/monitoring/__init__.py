"""SageMaker Model Monitor: job definitions, schedules, and the processing jobs that these run."""

import threading

from tidegate_sandbox.services.monitoring import definitions, resources, schedules


def install() -> None:
    """Let CloudFormation make monitors, and execute schedules from now on."""
    resources.install()
    threading.Thread(target=schedules.run_for_ever, name="monitoring schedules", daemon=True).start()


__all__ = ["definitions", "install"]
