"""Whom a pipeline acts as, its own role or one that this hands an action or a rule to, and how what it does ends."""

import contextlib
import logging
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from tidegate_sandbox import credentials
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.codepipeline.actions import ActionFailedError, Outcome
from tidegate_sandbox.services.codepipeline.execution import Execution
from tidegate_sandbox.services.codepipeline.structure import Pipeline
from tidegate_sandbox.services.codepipeline.variables import UnknownVariableError


def check_roles(pipeline: Pipeline) -> None:
    """Raise AwsError for a role that CodePipeline may not assume, or that the pipeline's own role may not."""

    def refusal(who: str, role: str) -> AwsError:
        said = f"{who} is not authorized to perform AssumeRole on role {role}"
        return AwsError("InvalidStructureException", said)

    if not credentials.may_assume(pipeline.role_arn, "codepipeline"):
        raise refusal("CodePipeline", pipeline.role_arn)
    with credentials.acting_as(pipeline.role_arn, "codepipeline", pipeline.name):
        for role in sorted(pipeline.handed()):
            try:
                credentials.handed_to(role, pipeline.name)
            except (AwsError, ClientError):
                raise refusal(pipeline.role_arn, role) from None


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
