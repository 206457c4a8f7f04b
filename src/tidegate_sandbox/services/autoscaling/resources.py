"""CloudFormation's AWS::ApplicationAutoScaling::ScalableTarget and ScalingPolicy."""

from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services.autoscaling.operations import autoscaling
from tidegate_sandbox.services.autoscaling.records import inventory
from tidegate_sandbox.services.properties import as_parameters

_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_SERVICE = "application-autoscaling"


def install() -> None:
    """Let CloudFormation provision the two."""
    hooks.register_resource_type("AWS::ApplicationAutoScaling::ScalableTarget", TargetType())
    hooks.register_resource_type("AWS::ApplicationAutoScaling::ScalingPolicy", PolicyType())


def _call(operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Call an operation as its API would; ValueError with its reason where it refuses."""
    parameters = as_parameters(_SERVICE, operation, properties)
    try:
        return autoscaling.operations[operation](check_parameters(_SERVICE, operation, parameters)) or {}
    except AwsError as error:
        raise ValueError(error.message) from error


def _part(properties: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: properties.get(name) for name in names}


class TargetType:
    """A scalable target: Ref and the attribute Id give `resource id|dimension|namespace`."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Register it; a target that is registered already is taken over, as the API does."""
        if properties.get("ScheduledActions"):
            raise ValueError("ScheduledActions are not in the local simulation")
        given = {name: value for name, value in properties.items() if name != "Tags"}
        if tags := properties.get("Tags"):
            given["Tags"] = {tag["Key"]: tag["Value"] for tag in tags}
        _call("RegisterScalableTarget", given)
        physical_id = "|".join(str(properties[name]) for name in _TARGET)
        return physical_id, {"Id": physical_id}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Register it again with what has changed; another variant replaces it."""
        if _part(old, _TARGET) != _part(new, _TARGET):
            return self.create(logical_id, new, stack)
        target = inventory.here().targets.get(new["ResourceId"])
        if target is None:
            return self.create(logical_id, new, stack)
        made = self.create(logical_id, {name: value for name, value in new.items() if name != "Tags"}, stack)
        target.tags = {tag["Key"]: tag["Value"] for tag in new.get("Tags") or ()}
        return made

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Deregister it."""
        resource_id, dimension, namespace = physical_id.split("|")
        if resource_id in inventory.here().targets:
            named = {"ResourceId": resource_id, "ScalableDimension": dimension, "ServiceNamespace": namespace}
            _call("DeregisterScalableTarget", named)


class PolicyType:
    """A scaling policy: Ref and the attribute Arn give its ARN."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Make it."""
        given = {name: value for name, value in properties.items() if name != "ScalingTargetId"}
        arn = _call("PutScalingPolicy", given | _named(properties))["PolicyARN"]
        return arn, {"Arn": arn}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Change it in place; one of another name or target replaces it."""
        return self.create(logical_id, new, stack)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete it; it went with its target where that was deregistered first."""
        for policy in list(inventory.here().policies.values()):
            if policy.arn == physical_id:
                _call("DeleteScalingPolicy", {"PolicyName": policy.name} | _named(properties))


def _named(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the target that a policy names, by its parts or by its id."""
    if target := properties.get("ScalingTargetId"):
        return dict(zip(_TARGET, str(target).split("|"), strict=True))
    return _part(properties, _TARGET)
