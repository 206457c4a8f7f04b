"""The one place that makes AWS clients. boto3 is imported here and only when a client is made."""

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
