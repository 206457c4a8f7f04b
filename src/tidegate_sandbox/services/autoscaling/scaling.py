"""Scales: looks at every policy's alarms each minute, and changes the instance counts that they ask for."""

import logging
import threading
import uuid
from datetime import datetime

from botocore.exceptions import ClientError

from tidegate_sandbox import context, hooks
from tidegate_sandbox.services.autoscaling import alarms
from tidegate_sandbox.services.autoscaling.records import Activity, Inventory, Target, inventory, lock
from tidegate_sandbox.services.autoscaling.tracking import decide
from tidegate_sandbox.state import changing

_log = logging.getLogger(__name__)

_MINUTE = 60
_AFTER = 5
"""Seconds after a minute has ended, when its alarms have been looked at."""


def start() -> None:
    """Begin to scale."""
    threading.Thread(target=_look_for_ever, name="autoscaling", daemon=True).start()


def _look_for_ever() -> None:
    clock = context.sandbox().clock
    while True:
        now = clock.now().timestamp()
        clock.sleep(_MINUTE - (now - _AFTER) % _MINUTE)
        for scope, here in inventory.everywhere():
            with hooks.acting_in(scope.account, scope.region):
                for target in list(here.targets.values()):
                    try:
                        look_at(here, target, clock.now())
                    except Exception:  # one target must not end the scaling of the others
                        _log.exception("%s could not be scaled", target.resource_id)


def look_at(here: Inventory, target: Target, now: datetime) -> None:
    """See to one target: end what was under way, then do what its policies ask for."""
    described = alarms.own("sagemaker").describe_endpoint(EndpointName=target.endpoint)
    counts = {each["VariantName"]: each for each in described.get("ProductionVariants", ())}
    if target.variant not in counts:
        return
    counted = counts[target.variant]
    activity = here.under_way(target.resource_id)
    if activity is not None:
        if described["EndpointStatus"] in ("Updating", "RollingBack"):
            return
        _end(target, activity, counted["CurrentInstanceCount"], now)
    readings = [alarms.read(policy, now) for policy in here.policies_of(target.resource_id)]
    decision = decide(target, readings, counted["DesiredInstanceCount"], now) if readings else None
    if decision is not None:
        cause = f"monitor alarm {decision.alarm} in state ALARM triggered policy {decision.policy.name}"
        change(here, target, counted["DesiredInstanceCount"], decision.capacity, cause)


def change(here: Inventory, target: Target, before: int, wanted: int, cause: str) -> None:
    """Ask SageMaker for `wanted` instances; what it refuses, while the endpoint is updated say, has failed."""
    now = context.sandbox().clock.now()
    activity = Activity(str(uuid.uuid4()), target.resource_id, cause, before, wanted, now)
    asked = {"VariantName": target.variant, "DesiredInstanceCount": wanted}
    # At once: a sandbox that is killed has neither asked nor noted it, or both.
    with changing():
        try:
            alarms.own("sagemaker").update_endpoint_weights_and_capacities(
                EndpointName=target.endpoint, DesiredWeightsAndCapacities=[asked]
            )
        except ClientError as error:
            reason = error.response["Error"]["Message"]
            activity.status, activity.ended = "Failed", now
            activity.message = f"Failed to set desired instance count to {wanted}. Reason: {reason}"
        else:
            activity.message = (
                f"Successfully set desired instance count to {wanted}. Waiting for change to be fulfilled by sagemaker."
            )
        with lock:
            here.activities.append(activity)


def _end(target: Target, activity: Activity, count: int, now: datetime) -> None:
    wanted = activity.wanted
    with lock:
        activity.ended = now
        if count == wanted:
            activity.status = "Successful"
            activity.message = (
                f"Successfully set desired instance count to {wanted}. Change successfully fulfilled by sagemaker."
            )
        else:
            activity.status = "Unfulfilled"
            activity.message = (
                f"Successfully set desired instance count to {wanted}, and sagemaker has {count} instances."
            )
        if count > activity.before:
            target.scaled_out, target.scaled_in = (now, activity.before), None
        elif count < activity.before:
            target.scaled_in = now
