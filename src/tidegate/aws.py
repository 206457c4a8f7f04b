"""The one place that makes AWS clients, and knows what their errors mean. botocore is imported only when it is used."""

from typing import Any


def client(service: str, region: str | None = None) -> Any:
    """Return a boto3 client of `service` with standard retries and time limits of its own.

    Credentials and, where `AWS_ENDPOINT_URL` says so, the address come from the environment, as everywhere in boto3.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        connect_timeout=5,
        read_timeout=30,
        user_agent_extra="tidegate",
    )
    make: Any = boto3.client  # its stubs know services by literal names only
    return make(service, region_name=region, config=config)


def aws_errors() -> tuple[type[Exception], ...]:
    """Return what clients raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


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
