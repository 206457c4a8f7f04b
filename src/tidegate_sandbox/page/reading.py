"""How the page asks the sandbox: with boto3, as the account itself, in one account and region."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate_sandbox.context import Scope

Told = dict[str, Any]
"""What an operation answers, in botocore's shape."""

_LARGEST_DOCUMENT = 2_000_000


class NotFoundError(Exception):
    """Why there is nothing to show, as a sentence."""


@dataclass(frozen=True)
class Reader:
    """Asks in the account and region of `scope`."""

    scope: Scope

    def ask(self, service: str, operation: str, **parameters: Any) -> Told:
        """Return what an operation (by its Python name, such as `describe_endpoint`) answers."""
        answer: Told = getattr(self.scope.client(service), operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer

    def every(self, service: str, operation: str, member: str, **parameters: Any) -> list[Any]:
        """Return what is listed under `member` on all pages of an operation's answer."""
        client = self.scope.client(service)
        if not client.can_paginate(operation):
            return list(self.ask(service, operation, **parameters).get(member, []))
        pages = client.get_paginator(operation).paginate(**parameters)
        return [each for page in pages for each in page.get(member, [])]

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a SageMaker resource."""
        return {tag["Key"]: tag["Value"] for tag in self.every("sagemaker", "list_tags", "Tags", ResourceArn=arn)}

    def document(self, uri: str) -> Any:
        """Return what the JSON document at the s3:// address `uri` says; None where it cannot be read, or is long."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            found = self.ask("s3", "get_object", Bucket=bucket, Key=key)
            return json.loads(found["Body"].read()) if found["ContentLength"] <= _LARGEST_DOCUMENT else None
        except (ClientError, ValueError):
            return None


def or_none(reader: Reader, service: str, operation: str, **parameters: Any) -> Told | None:
    """Return what an operation answers, None where AWS refuses: what is asked for may have gone meanwhile."""
    try:
        return reader.ask(service, operation, **parameters)
    except ClientError:
        return None


def named(items: Iterable[Told], member: str, value: str) -> Told:
    """Return the one of `items` whose `member` is `value`, or an empty one."""
    return next((each for each in items if each.get(member) == value), {})


def newest_executions(executions: list[Told], most: int, chosen: str) -> Told:
    """Return the first `most` of `executions` and the one whose id was `chosen`, and how many are left out."""
    shown = [each for at, each in enumerate(executions) if at < most or each["id"] == chosen]
    return {"executions": shown, "left_out": len(executions) - len(shown)}


def last_part(arn: str) -> str:
    """Return the last part of an ARN or path: a name, or a number."""
    return arn.rpartition("/")[2]
