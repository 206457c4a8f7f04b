"""Whom a pipeline acts as, its own role or one that this hands an action or a rule to, and how what it does ends."""

import contextlib
import logging
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from tidegate_sandbox import credentials
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome
from tidegate_sandbox.services.codepipeline.execution import Execution
from tidegate_sandbox.services.codepipeline.variables import UnknownVariableError


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


def attempt(
    execution: Execution, name: str, role_arn: str | None, do: Callable[[], Outcome]
) -> tuple[Outcome, ActionFailedError | None]:
    """Do what an action or a rule does, with its role; return what came of it, and why it failed, if it did."""
    try:
        with acting(execution, role_arn):
            return do(), None
    except ActionFailedError as error:
        return Outcome(), error
    except UnknownVariableError as error:
        return Outcome(), ActionFailedError(str(error), "ConfigurationError")
    except AwsError as refused:
        return Outcome(), ActionFailedError(refused.message, "PermissionError")
    except Exception as error:
        logging.getLogger(__name__).exception("%s of %s", name, execution.id)
        return Outcome(), ActionFailedError(f"the local simulation failed, see its log: {error}", "InternalError")
