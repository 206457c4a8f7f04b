"""CloudFormation's types of Model Monitor: job definitions, which are replaced, and schedules, which are changed."""

from typing import Any

from tidegate_sandbox import hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import check_parameters
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.monitoring.records import KINDS, Kind, definitions, schedules
from tidegate_sandbox.services.properties import as_parameters
from tidegate_sandbox.services.sagemaker import sagemaker

_LONGEST_NAME = 63


def install() -> None:
    """Let CloudFormation provision them."""
    for kind in KINDS:
        hooks.register_resource_type(f"AWS::SageMaker::{kind}JobDefinition", _JobDefinitionType(kind))
    hooks.register_resource_type("AWS::SageMaker::MonitoringSchedule", _ScheduleType())


def _call(operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Call an operation of SageMaker as its API would; ValueError with its reason where it refuses."""
    parameters = as_parameters("sagemaker", operation, properties)
    try:
        return sagemaker.operations[operation](check_parameters("sagemaker", operation, parameters)) or {}
    except AwsError as error:
        raise ValueError(error.message) from error


class _JobDefinitionType:
    """A job definition: every property is create-only, its tags too."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create it; Ref gives its ARN."""
        named = {"JobDefinitionName": hooks.physical_name(stack, logical_id, _LONGEST_NAME), **properties}
        arn = _call(f"Create{self._kind}JobDefinition", named)["JobDefinitionArn"]
        return arn, {"JobDefinitionName": named["JobDefinitionName"], "JobDefinitionArn": arn}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Replace it."""
        return self.create(logical_id, new, stack)

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete it."""
        known = next((each.name for each in list(definitions.here().values()) if each.arn == physical_id), None)
        if known is not None:
            _call(f"Delete{self._kind}JobDefinition", {"JobDefinitionName": known})


class _ScheduleType:
    """A schedule: its name is create-only, the rest is updated in place."""

    def create(self, logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, hooks.Attributes]:
        """Create it; Ref gives its ARN."""
        arn = _call("CreateMonitoringSchedule", properties)["MonitoringScheduleArn"]
        return arn, {"MonitoringScheduleArn": arn}

    def update(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, hooks.Attributes]:
        """Change it; another name replaces it."""
        if old.get("MonitoringScheduleName") != new.get("MonitoringScheduleName"):
            return self.create(logical_id, new, stack)
        tags.replace_tags(physical_id, new.get("Tags", []))
        _call("UpdateMonitoringSchedule", {key: value for key, value in new.items() if key != "Tags"})
        return physical_id, {"MonitoringScheduleArn": physical_id}

    def delete(self, physical_id: str, properties: dict[str, Any]) -> None:
        """Delete it."""
        known = next((each.name for each in list(schedules.here().values()) if each.arn == physical_id), None)
        if known is not None:
            _call("DeleteMonitoringSchedule", {"MonitoringScheduleName": known})
