"""CloudFormation's AWS::SageMaker::Model, EndpointConfig and Endpoint."""

import secrets
from collections.abc import Mapping
from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.faults import standing
from tidegate_sandbox.hooks import stacks as stack_hooks
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.endpoints.endpoint import Endpoint, endpoints
from tidegate_sandbox.services.endpoints.records import EndpointConfig, Model, inventory
from tidegate_sandbox.services.properties import as_parameters
from tidegate_sandbox.services.sagemaker import sagemaker

_LONGEST_NAME = 63
_SUFFIX_BYTES = 6
_UPDATE_ONLY = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")


def install() -> None:
    """Let CloudFormation provision the three."""
    hooks.register_resource_type("AWS::SageMaker::Model", _CreateOnly("Model"))
    hooks.register_resource_type("AWS::SageMaker::EndpointConfig", _CreateOnly("EndpointConfig"))
    hooks.register_resource_type("AWS::SageMaker::Endpoint", EndpointType(), waits=True)


def _call(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Call an operation of SageMaker as its API would; ValueError with its reason where it refuses."""
    try:
        return sagemaker.operations[operation](check_parameters("sagemaker", operation, parameters)) or {}
    except AwsError as error:
        raise ValueError(error.message) from error


class _CreateOnly:
    """A type whose properties are create-only but for its tags: `kind` is Model or EndpointConfig."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._name = f"{kind}Name"

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create it; Ref gives its ARN."""
        named = {self._name: _new_name(stack, logical_id), **properties}
        arn = _call(f"Create{self._kind}", as_parameters("sagemaker", f"Create{self._kind}", named))[f"{self._kind}Arn"]
        return arn, {self._name: named[self._name], f"{self._kind}Arn": arn}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Change its tags in place, or else replace it."""
        name = self._name_of(physical_id)
        if name is None or _untagged(old) != _untagged(new):
            return self.create(logical_id, new, stack)
        tags.replace_tags(physical_id, new.get("Tags", []))
        return physical_id, {self._name: name, f"{self._kind}Arn": physical_id}

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete it."""
        name = self._name_of(physical_id)
        if name is not None:
            _call(f"Delete{self._kind}", {self._name: name})

    def _name_of(self, arn: str) -> str | None:
        here = inventory.here()
        known: list[Model | EndpointConfig] = [*(here.models if self._kind == "Model" else here.configs).values()]
        return next((item.name for item in known if item.arn == arn), None)


class EndpointType:
    """An endpoint. Its stack waits until it is in service, and until an update has ended."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create it; Ref gives its ARN. One that cannot come into service is removed again."""
        named = {"EndpointName": _new_name(stack, logical_id), **properties}
        parameters = {key: value for key, value in named.items() if key not in _UPDATE_ONLY}
        if not (stack_hooks.goes_on() and named["EndpointName"] in endpoints.here()):
            _call("CreateEndpoint", as_parameters("sagemaker", "CreateEndpoint", _with_wait_interval(parameters)))
        endpoint = endpoints.here()[named["EndpointName"]]
        endpoint.wait()
        if endpoint.status != "InService":
            reason = endpoint.failure_reason
            self.delete(endpoint.arn, properties)
            raise ValueError(reason)
        return endpoint.arn, _attributes(endpoint)

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Update it where its configuration is not the live one already; another name replaces it.

        Whether CloudFormation fails the resource after SageMaker's automatic rollback is not verified, so the sandbox
        does as it was told.
        """
        endpoint = _by_arn(physical_id)
        if endpoint is None or old.get("EndpointName") != new.get("EndpointName"):
            return self.create(logical_id, new, stack)
        tags.replace_tags(endpoint.arn, new.get("Tags", []))
        if endpoint.config != new["EndpointConfigName"]:
            asked = {key: value for key, value in new.items() if key != "Tags"} | {"EndpointName": endpoint.name}
            if not (stack_hooks.goes_on() and endpoint.status == "Updating"):
                _call("UpdateEndpoint", as_parameters("sagemaker", "UpdateEndpoint", _with_wait_interval(asked)))
            endpoint.wait()
            rolled_back = endpoint.config != new["EndpointConfigName"]
            if rolled_back and standing.after_rollback(endpoint.scope.account, endpoint.name) == "fail":
                raise ValueError(endpoint.failure_reason or f"the endpoint {endpoint.name} is {endpoint.status}")
        return endpoint.arn, _attributes(endpoint)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete it, and wait until it is gone."""
        endpoint = _by_arn(physical_id)
        if endpoint is not None:
            if not (stack_hooks.goes_on() and endpoint.status == "Deleting"):
                _call("DeleteEndpoint", {"EndpointName": endpoint.name})
            endpoint.wait()


def _new_name(stack: str, logical_id: str) -> str:
    """Return a name that nothing has: a replacement lives beside what it replaces."""
    suffix = secrets.token_hex(_SUFFIX_BYTES)
    return f"{f'{stack}-{logical_id}'[: _LONGEST_NAME - len(suffix) - 1].rstrip('-')}-{suffix}"


def _by_arn(arn: str) -> Endpoint | None:
    return next((endpoint for endpoint in list(endpoints.here().values()) if endpoint.arn == arn), None)


def _attributes(endpoint: Endpoint) -> hooks.Attributes:
    return {"EndpointName": endpoint.name, "EndpointArn": endpoint.arn}


def _untagged(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != "Tags"}


def _with_wait_interval(properties: dict[str, Any]) -> dict[str, Any]:
    """Return `properties` with the wait interval that the API requires and CloudFormation's blue/green does not."""
    config = properties.get("DeploymentConfig") or {}
    policy = config.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration")
    if routing is None:
        return properties
    policy = {**policy, "TrafficRoutingConfiguration": {"WaitIntervalInSeconds": 0, **routing}}
    return {**properties, "DeploymentConfig": {**config, "BlueGreenUpdatePolicy": policy}}
