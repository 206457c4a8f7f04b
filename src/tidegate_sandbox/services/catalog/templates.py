"""Reads the CloudFormation templates of products from S3."""

from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.cloudformation.addresses import s3_object
from tidegate_sandbox.context import sandbox, scope
from tidegate_sandbox.errors import AwsError


def template(url: str) -> tuple[str, dict[str, Any]]:
    """Read a template from S3; return where CloudFormation finds it, and what it says.

    Raise AwsError(InvalidParametersException) for a URL that names no object, or an object that is no template.
    """
    where = s3_object(url)
    if where is None:
        raise AwsError("InvalidParametersException", f"{url} is not the URL of an S3 object.")
    bucket, key = where
    client = scope().client("s3")
    try:
        text = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except client.exceptions.ClientError as error:
        raise AwsError("InvalidParametersException", f"The template at {url} cannot be read: {error}") from error
    try:
        parsed = hooks.parse_template(text)
    except ValueError as error:
        raise AwsError("InvalidParametersException", f"The template at {url} is not valid: {error}") from error
    if not parsed.get("Resources"):
        raise AwsError("InvalidParametersException", f"The template at {url} is not valid: it has no Resources.")
    return f"{sandbox().url}/{bucket}/{key}", parsed
