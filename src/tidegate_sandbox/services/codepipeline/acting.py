"""Whom a pipeline acts as: its own role, or one that this hands an action or a rule to."""

import contextlib
from collections.abc import Iterator

from botocore.exceptions import ClientError

from tidegate_sandbox import credentials
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError
from tidegate_sandbox.services.codepipeline.execution import Execution


@contextlib.contextmanager
def acting(execution: Execution, role_arn: str | None) -> Iterator[None]:
    """Act with the pipeline's role, or with the role `role_arn` that it assumes; ActionFailedError where it may not."""
    with credentials.acting_as(execution.pipeline.role_arn, "codepipeline", execution.id):
        if role_arn is None:
            yield
            return
        try:
            handed = credentials.handed_to(role_arn, execution.id)
        except ClientError as error:
            raise ActionFailedError(error.response["Error"]["Message"], "ConfigurationError") from None
        with handed:
            yield
