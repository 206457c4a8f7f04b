"""The account that boto3 reaches: whose it is, and its clients, behind errors that are sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    WaiterError,
)


class PublishError(Exception):
    """Publishing or taking back cannot go on; the message is a sentence."""


@dataclass(frozen=True)
class Account:
    """An account and region, reached through `session`."""

    session: boto3.Session
    id: str
    region: str

    @property
    def partition(self) -> str:
        """The part of AWS that the region lies in: `aws`, `aws-cn`, `aws-us-gov`."""
        return self.session.get_partition_for_region(self.region)

    @cache  # noqa: B019 - the few accounts of a run live as long as it does
    def client(self, service: str) -> Any:
        """Return boto3's client of `service` in this region, the same each time."""
        make: Any = self.session.client
        return make(service, region_name=self.region)


def reach() -> Account:
    """Return the account that boto3's own settings lead to.

    Raises PublishError if no region is set.
    """
    session = boto3.Session()
    region = session.region_name
    if not region:
        raise PublishError("No region is set: set AWS_DEFAULT_REGION, or a region in the AWS profile.")
    account = session.client("sts", region_name=region).get_caller_identity()["Account"]
    return Account(session, account, region)


def code(error: ClientError) -> str:
    """Return the service's own code of an error; for an answer without a body it is the HTTP status."""
    return str(error.response["Error"]["Code"])


@contextmanager
def sentences() -> Iterator[None]:
    """Turn boto3's errors into PublishError."""
    try:
        yield
    except NoCredentialsError:
        raise PublishError(
            "No AWS credentials were found: sign in (aws sso login, or the AWS_* variables), then run this again."
        ) from None
    except NoRegionError:
        raise PublishError("No region is set: set AWS_DEFAULT_REGION.") from None
    except EndpointConnectionError as error:
        raise PublishError(f"AWS cannot be reached: {error}") from error
    except (WaiterError, ClientError, BotoCoreError) as error:
        raise PublishError(str(error)) from error
