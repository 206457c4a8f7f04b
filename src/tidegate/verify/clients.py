"""The AWS clients that verify needs, and what their errors mean."""

from dataclasses import dataclass
from typing import Any

from tidegate.aws import client


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3 clients, or what answers like them."""

    sagemaker: Any
    cloudformation: Any
    cloudwatch: Any
    codepipeline: Any


def aws_clients(region: str | None = None) -> Clients:
    """Return clients of the region, None for the environment's own."""
    return Clients(*(client(name, region) for name in ("sagemaker", "cloudformation", "cloudwatch", "codepipeline")))


def is_missing(error: Exception) -> bool:
    """Whether the service says that what was asked for does not exist."""
    code, message = _code(error), str(error).lower()
    return (
        code in {"ResourceNotFound", "ResourceNotFoundException"}
        or (code == "ValidationException" and "could not find" in message)
        or (code == "ValidationError" and "does not exist" in message)
    )


def is_passing(error: Exception) -> bool:
    """Whether asking again later may help: a lost connection, a service that is busy or broken."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or status == 429 or "Throttl" in _code(error) or _code(error) == "TooManyRequestsException"
    return isinstance(error, HTTPClientError | NoConnectionError)


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what boto3's clients raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError
