"""An endpoint: what it is now, how it is described, and the events of what happens to it."""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidegate import guardrails
from tidegate_sandbox import context, hooks
from tidegate_sandbox.context import Scope, Scoped
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.endpoints.capture import Capturer
from tidegate_sandbox.services.endpoints.fleets import Fleet
from tidegate_sandbox.services.endpoints.metering import Ledger
from tidegate_sandbox.services.endpoints.records import Capture, Variant
from tidegate_sandbox.services.endpoints.router import Router
from tidegate_sandbox.state import Lock

_log = logging.getLogger(__name__)

IN_PROGRESS = ("Creating", "Updating", "RollingBack", "Deleting")
"""The statuses of an endpoint that is being changed."""

_EVENT_STATUS = {
    "InService": "IN_SERVICE",
    "RollingBack": "ROLLING_BACK",
    "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED",
}
"""EventBridge spells statuses in capitals; those of more than one word with an underscore."""

_STATE_CHANGE = "SageMaker Endpoint State Change"

_REASON_LENGTH = 1024


class Endpoint:
    """An endpoint. Whoever has begun a change (`begin`) owns its fields until `settle`."""

    def __init__(self, scope: Scope, name: str, config: str, deployment_config: Mapping[str, Any] | None) -> None:
        self.scope = scope
        self.name = name
        self.arn = scope.arn("sagemaker", f"endpoint/{name.lower()}")
        self.created = self.modified = _now()
        self.status = "Creating"
        self.config = config
        self.deployment_config = deployment_config
        self.failure_reason: str | None = None
        self.fleet: Fleet | None = None
        self.next_fleet: Fleet | None = None
        self.stuck: tuple[Fleet, float] | None = None
        """The fleet of an update whose rollback failed, and its share of the traffic."""
        self.rollout: guardrails.Rollout | None = None
        self.desired: Mapping[str, Mapping[str, Any]] = {}
        """What is asked of variants by name, DesiredWeight and DesiredInstanceCount, while they are brought to it."""
        self.promoted = False
        """Whether the update that goes on has made the new fleet the endpoint's; the old one is being removed."""
        self.router = Router()
        self.ledger = Ledger()
        self.mirrored = Ledger()
        self.capturer = Capturer(scope, name)
        self.lock = threading.Condition(Lock())  # type: ignore[arg-type]
        """Held while what is told of the endpoint changes; notified once a change has ended."""

    def begin(self, status: str, desired: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Begin a change that `status` names, or raise AwsError where another is in progress.

        `desired` is what is asked of the variants that serve, where that is the change.
        """
        with self.lock:
            if self.status in IN_PROGRESS:
                raise AwsError("ValidationException", f'Cannot update in-progress endpoint "{self.arn}".')
            if status == "Updating" and self.status == "Failed":
                raise AwsError("ValidationException", f'Cannot update failed endpoint "{self.arn}"; delete it.')
            self.status = status
            self.desired = desired or {}
            self.failure_reason = None
            self.modified = _now()
            begun = self._describe()
        self._emit(_STATE_CHANGE, begun)

    def roll_back(self) -> None:
        """Tell that the instances asked for cannot be had, and that those that there were are gone back to."""
        with self.lock:
            self.status, self.desired = "RollingBack", {}
            described = self._describe()
        self._emit(_STATE_CHANGE, described)

    def settle(self, status: str, failure_reason: str | None = None) -> None:
        """End the change that was begun."""
        with self.lock:
            self.status = status
            self.failure_reason = failure_reason[:_REASON_LENGTH] if failure_reason else None
            self.next_fleet = self.rollout = None
            self.desired = {}
            self.promoted = False
            self.modified = _now()
            settled = self._describe()
            self.lock.notify_all()
        if status != "Deleted":
            self._emit(_STATE_CHANGE, settled)

    def wait(self) -> None:
        """Return once no change is in progress."""
        with self.lock:
            self.lock.wait_for(lambda: self.status not in IN_PROGRESS)

    @property
    def serving(self) -> tuple[tuple[Fleet, float], ...]:
        """The fleets that serve while no update goes on, each with its share of the traffic."""
        if self.fleet is None:
            return ()
        if self.stuck is None:
            return ((self.fleet, 1.0),)
        other, share = self.stuck
        return (self.fleet, 1.0 - share), (other, share)

    def describe(self) -> dict[str, Any]:
        """Return what DescribeEndpoint answers."""
        with self.lock:
            return self._describe()

    def _describe(self) -> dict[str, Any]:
        described: dict[str, Any] = {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config,
            "EndpointStatus": self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
        if self.fleet is not None:
            plan = self.fleet.plan
            described["ProductionVariants"] = [self._live(variant) for variant in plan.variants]
            if plan.shadows:
                described["ShadowProductionVariants"] = [_variant(variant) for variant in plan.shadows]
            if plan.capture is not None:
                described["DataCaptureConfig"] = _capture(plan.capture)
        if self.failure_reason is not None:
            described["FailureReason"] = self.failure_reason
        if self.deployment_config is not None:
            described["LastDeploymentConfig"] = dict(self.deployment_config)
        pending = self._pending()
        if pending is not None:
            described["PendingDeploymentSummary"] = pending
        return described

    def _pending(self) -> dict[str, Any] | None:
        fleet, rollout = self.next_fleet, self.rollout
        if fleet is None or rollout is None:
            return None
        status = {
            "Status": rollout.variant_status,
            "StatusMessage": rollout.status_message,
            "StartTime": rollout.since,
        }

        def pending(variant: Variant, share: float) -> dict[str, Any]:
            part = _variant(variant, round(share * variant.instance_count))
            return {**part, "InstanceType": variant.instance_type, "VariantStatus": [status]}

        summary: dict[str, Any] = {
            "EndpointConfigName": fleet.plan.config,
            "ProductionVariants": [pending(variant, rollout.green_share) for variant in fleet.plan.variants],
            "StartTime": rollout.started_at,
        }
        if fleet.plan.shadows:
            summary["ShadowProductionVariants"] = [pending(variant, 1.0) for variant in fleet.plan.shadows]
        return summary

    def _live(self, variant: Variant) -> dict[str, Any]:
        """Describe a variant that serves; a rolling update takes its instances away, and its rollback makes new ones.

        What SageMaker says of the old fleet meanwhile is not documented; the message is one that its events have.
        """
        rollout = self.rollout
        if rollout is None or rollout.blue_provisioned == rollout.instance_count:
            described = _variant(variant)
        else:
            share = rollout.blue_provisioned / rollout.instance_count
            described = _variant(variant, round(share * variant.instance_count))
        if rollout is not None and rollout.phase is guardrails.Phase.ROLLING_BACK:
            message = f"Scaling out desired instance count to {rollout.blue_provisioned}."
            described["VariantStatus"] = [{"Status": "Updating", "StatusMessage": message, "StartTime": rollout.since}]
        return {**described, **self.desired.get(variant.name, {})}

    def emit_state(self) -> None:
        """Emit `SageMaker Endpoint State Change`."""
        self._emit(_STATE_CHANGE, self.describe())

    def emit_deployment_state(self) -> None:
        """Emit `SageMaker Endpoint Deployment State Change`."""
        self._emit("SageMaker Endpoint Deployment State Change", self.describe())

    def _emit(self, detail_type: str, described: dict[str, Any]) -> None:
        detail, status = _with_epochs(described), described["EndpointStatus"]
        detail["EndpointStatus"] = _EVENT_STATUS.get(status, status.upper())
        try:
            with hooks.acting_in(self.scope.account, self.scope.region):
                detail["Tags"] = {tag["Key"]: tag["Value"] for tag in tags.tags_of(self.arn)}
                hooks.emit_event("aws.sagemaker", detail_type, detail, [self.arn])
        except Exception:  # whoever listens must not change what happens to the endpoint
            _log.exception("an event of the endpoint %s could not be delivered", self.name)


endpoints: Scoped[dict[str, Endpoint]] = Scoped(dict)


def endpoint_named(name: str) -> Endpoint:
    """Return the endpoint `name` of the scope that is being served, or raise AwsError."""
    endpoint = endpoints.here().get(name)
    if endpoint is None:
        arn = context.scope().arn("sagemaker", f"endpoint/{name.lower()}")
        raise AwsError("ValidationException", f'Could not find endpoint "{arn}".')
    return endpoint


def _variant(variant: Variant, current_instances: int | None = None) -> dict[str, Any]:
    return {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": variant.container.image}],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": variant.instance_count if current_instances is None else current_instances,
        "DesiredInstanceCount": variant.instance_count,
    }


def _capture(capture: Capture) -> dict[str, Any]:
    return {
        "EnableCapture": capture.enabled,
        "CaptureStatus": "Started" if capture.enabled else "Stopped",
        "CurrentSamplingPercentage": capture.sampling,
        "DestinationS3Uri": capture.destination,
        "KmsKeyId": capture.kms_key,
    }


def _with_epochs(value: Any) -> Any:
    """Return `value` with times as SageMaker's events have them: milliseconds since 1970."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _with_epochs(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_epochs(item) for item in value]
    return value


def _now() -> datetime:
    return context.sandbox().clock.now()
