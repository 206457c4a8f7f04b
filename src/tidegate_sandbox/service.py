"""Hosts an AWS service: takes requests off the wire, checks them against botocore's model, answers in kind.

Speaks the two protocols that boto3 uses for the services here: JSON 1.1 (X-Amz-Target) and Smithy RPC v2 CBOR
(`/service/NAME/operation/OPERATION`), which boto3 1.44 prefers for CodeBuild, CodePipeline and Service Catalog.
"""

import base64
import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import cbor2

from tidegate_sandbox import authorisation, hooks, journal, shapes
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults import calls
from tidegate_sandbox.hooks import iam as iam_hooks
from tidegate_sandbox.service_models import loader, service_model
from tidegate_sandbox.state import changing

logger = logging.getLogger(__name__)

Operation = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Takes an operation's parameters and returns its answer, in botocore's shapes (timestamps as aware datetimes)."""

F = TypeVar("F", bound=Operation)


class Service:
    """An AWS service by its botocore name; operations are registered with the decorator `operation`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.operations: dict[str, Operation] = {}

    def operation(self, function_name: str) -> Callable[[F], F]:
        """Register the decorated function as the operation `function_name`, such as CreateProject."""
        if function_name in self.operations:
            raise ValueError(f"{self.name}:{function_name} is served already, by another function.")

        def register(function: F) -> F:
            self.operations[function_name] = function
            return function

        return register

    def serve(self) -> None:
        """Let ministack route this service's requests here."""
        metadata = service_model(self.name).metadata
        signing_name = metadata.get("signingName") or metadata["endpointPrefix"]
        hooks.register_service(signing_name, metadata["targetPrefix"], self._handle)

    async def _handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> hooks.Response:
        wire = _Cbor() if "cbor" in headers.get("smithy-protocol", "") else _Json()
        name = wire.operation(path, headers)
        try:
            operation = self.operations.get(name)
            if operation is None:
                asked = f"{self.name}:{name}" if name else _of_another(self.name, method, path)
                raise AwsError("NotImplemented", f"{asked} is not in the local simulation", 501)
            calls.hold(self.name, name, headers)
            parameters = check_parameters(self.name, name, wire.decode(body))
            with journal.serving(iam_hooks.access_key_of(headers)) as who:
                if who is not None:
                    checks = authorisation.checks(self.name, name, parameters)
                    journal.write(who, checks, hooks.current_account_and_region()[1])
                # Encoded at once, on the same thread: what an answer is of may go on changing.
                answer = await hooks.run_blocking(
                    _whole, lambda: wire.encode(check_answer(self.name, name, operation(parameters) or {}))
                )
        except AwsError as error:
            return error.status, {**wire.headers}, wire.encode({"__type": error.code, "message": error.message})
        except Exception as error:
            logger.exception("%s:%s failed", self.name, name)
            message = f"the local simulation failed, see its log: {type(error).__name__}: {error}"
            return 500, {**wire.headers}, wire.encode({"__type": "InternalFailure", "message": message})
        # ministack adds to the headers it is given, so each answer has its own.
        return 200, {**wire.headers}, answer


def _whole(serve: Callable[[], bytes]) -> bytes:
    with changing():
        return serve()


def _of_another(service: str, method: str, path: str) -> str:
    """Return which operation a REST request is, of another service that is signed for as `service` is."""
    for other in loader().list_available_services("service-2"):
        if not other.startswith(f"{service}-"):
            continue
        for name, described in loader().load_service_model(other, "service-2")["operations"].items():
            place = re.sub(r"\\{\w+(\\\+)?\\}", "[^/]+", re.escape(described["http"]["requestUri"].partition("?")[0]))
            if described["http"]["method"] == method and re.fullmatch(place, path):
                return f"{other}:{name}"
    return f"{service}:{method} {path}"


def check_parameters(service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return `parameters` with timestamps as aware datetimes and blobs as bytes, whichever wire they came by.

    Raise AwsError(ValidationException) where they do not fit botocore's shape of the operation, or violate one of its
    lengths, ranges, patterns or enumerations.
    """
    from botocore.validate import ParamValidator

    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return {}
    typed: dict[str, Any] = shapes.as_python(shape, parameters)
    report = ParamValidator().validate(typed, shape)
    if report.has_errors():
        raise AwsError("ValidationException", report.generate_report())
    if found := shapes.violations(shape, typed):
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise AwsError("ValidationException", f"{count}: {'; '.join(found)}")
    return typed


def check_answer(service: str, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return `answer`, which is held against botocore's shape of the operation's answer: ValueError if it has another.

    Clients pass over members that they do not know and do not miss those that are not there, so nobody else would
    notice. Lengths and patterns are not looked at: AWS's own answers do not keep to all of those.
    """
    shape = service_model(service).operation_model(operation).output_shape
    found = shapes.misfits(shape, answer) if shape else [f"it has none, and {name} is in it" for name in answer]
    if found:
        raise ValueError(f"the answer of {service}:{operation} is none of AWS's: {'; '.join(found)}")
    return answer


class _Json:
    headers = {"Content-Type": "application/x-amz-json-1.1"}  # noqa: RUF012

    def operation(self, path: str, headers: dict[str, str]) -> str:
        return headers.get("x-amz-target", "").rsplit(".", 1)[-1]

    def decode(self, body: bytes) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(body or b"{}")
        return decoded

    def encode(self, value: dict[str, Any]) -> bytes:
        return json.dumps(value, default=_json_default).encode()


class _Cbor:
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}  # noqa: RUF012

    def operation(self, path: str, headers: dict[str, str]) -> str:
        return path.rsplit("/", 1)[-1]

    def decode(self, body: bytes) -> dict[str, Any]:
        decoded: dict[str, Any] = cbor2.loads(body) if body else {}
        return decoded

    def encode(self, value: dict[str, Any]) -> bytes:
        return cbor2.dumps(value, datetime_as_timestamp=True, timezone=UTC)


def _json_default(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no place in an AWS answer")
