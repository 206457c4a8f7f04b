"""SageMaker's processing and training jobs: real processes that see their data at /opt/ml.

`inventory.create` starts one from inside the sandbox; `operations` is the API.
"""

import logging
import shutil

from tidegate_sandbox import context, isolation
from tidegate_sandbox.services.jobs import operations  # noqa: F401 - registers its operations

_log = logging.getLogger(__name__)


def install() -> None:
    """Remove what a sandbox that was killed left of its jobs."""
    shutil.rmtree(context.sandbox().home / "jobs", ignore_errors=True)
    try:
        isolation.check()
    except RuntimeError as cannot:
        _log.warning("%s", cannot)
