"""Clients of AWS whose answers a test gives, both sides checked against botocore's own model."""

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

Handler = Callable[..., dict[str, Any]]


def refusal(code: str, message: str, operation: str = "Operation", status: int = 400) -> ClientError:
    """Return the error with which a service refuses."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)  # type: ignore[arg-type]


def answering(service: str, handlers: dict[str, Handler], region: str = "eu-west-1") -> Any:
    """Return a real client whose calls are answered by `handlers`, by the names of the operations."""
    made = _made(service, region)
    client = object.__new__(type(made))
    client.__dict__.update(made.__dict__)

    def call(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        model = client.meta.service_model.operation_model(operation)
        # botocore makes these up where a caller leaves them out.
        parameters = dict.fromkeys(model.idempotent_members, "t" * 32) | parameters
        _check(parameters, model.input_shape, f"request of {operation}")
        answer = handlers[operation](**parameters)
        if model.output_shape is not None:
            _check(answer, model.output_shape, f"answer of {operation}")
        return answer

    client._make_api_call = call
    return client


@cache
def _made(service: str, region: str) -> Any:
    return boto3.client(service, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")


def _check(value: dict[str, Any], shape: Any, what: str) -> None:
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), f"{what}: {report.generate_report()}"
