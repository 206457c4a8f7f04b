"""Application Auto Scaling's operations, for the instances of endpoints' variants."""

import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tidegate.stage.limits import BURSTABLE_FAMILIES
from tidegate_sandbox import context, credentials, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.service import Service
from tidegate_sandbox.services.autoscaling import alarms, scaling
from tidegate_sandbox.services.autoscaling.records import (
    DIMENSION,
    NAMESPACE,
    Activity,
    Policy,
    Target,
    inventory,
    lock,
    variant_of,
)
from tidegate_sandbox.services.paging import page

autoscaling = Service("application-autoscaling")

LINKED_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
LINKED_ROLE = f"aws-service-role/{LINKED_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"

MOST_POLICIES = 50
"""Policies that a target can have (Application Auto Scaling user guide, "Quotas")."""

_OTHER_PAGE = "InvalidNextTokenException"


def _invalid(sentence: str) -> AwsError:
    return AwsError("ValidationException", sentence)


def _not_found(kind: str, given: Mapping[str, Any]) -> AwsError:
    return AwsError(
        "ObjectNotFoundException",
        f"No {kind} for service namespace: {given['ServiceNamespace']}, resource ID: {given['ResourceId']}, scalable "
        f"dimension: {given['ScalableDimension']}",
    )


# ---------------------------------------------------------------- targets
@autoscaling.operation("RegisterScalableTarget")
def register_scalable_target(parameters: dict[str, Any]) -> dict[str, Any]:
    """Register a variant, or change what it was registered with; its capacity is brought into the range at once."""
    _check_kind(parameters)
    resource_id, here = parameters["ResourceId"], inventory.here()
    described = _described(resource_id)
    known = here.targets.get(resource_id)
    minimum = parameters.get("MinCapacity", known.minimum if known else None)
    maximum = parameters.get("MaxCapacity", known.maximum if known else None)
    if minimum is None or maximum is None:
        raise _invalid("MinCapacity and MaxCapacity are required to register a new scalable target.")
    _check_range(minimum, maximum)
    if known is None:
        _check_variant(resource_id, described)
        _link_role()
        known = _new_target(resource_id, parameters.get("Tags", {}))
    elif parameters.get("Tags"):
        raise _invalid("Tags are given to a scalable target when it is registered first; then use TagResource.")
    with lock:
        known.minimum, known.maximum = minimum, maximum
        known.suspended = {**known.suspended, **parameters.get("SuspendedState", {})}
        here.targets[resource_id] = known
    _bring_into_range(known, described)
    return {"ScalableTargetARN": known.arn}


def _new_target(resource_id: str, tags: Mapping[str, str]) -> Target:
    here = context.scope()
    return Target(
        resource_id,
        minimum=1,
        maximum=1,
        arn=here.arn("application-autoscaling", f"scalable-target/{secrets.token_hex(17)}"),
        role=f"arn:aws:iam::{here.account}:role/{LINKED_ROLE}",
        created=context.sandbox().clock.now(),
        tags=dict(tags),
    )


def _check_kind(parameters: Mapping[str, Any]) -> None:
    namespace, dimension = parameters["ServiceNamespace"], parameters["ScalableDimension"]
    if (namespace, dimension) != (NAMESPACE, DIMENSION):
        raise _invalid(f"{namespace} {dimension} is not in the local simulation, which scales {DIMENSION} alone")
    try:
        variant_of(parameters["ResourceId"])
    except ValueError as error:
        raise _invalid(f"Unsupported service namespace, resource type or scalable dimension: {error}") from error


def _check_range(minimum: int, maximum: int) -> None:
    if minimum < 1:
        raise _invalid(
            f"MinCapacity {minimum}: a variant that answers at once has at least 1 instance, and others are not in the "
            "local simulation"
        )
    if maximum < minimum:
        raise _invalid(f"Maximum capacity cannot be less than minimum capacity: {maximum} is less than {minimum}.")


def _described(resource_id: str) -> dict[str, Any]:
    """Return what SageMaker tells whoever registers a variant of its endpoint."""
    endpoint, _ = variant_of(resource_id)
    try:
        with credentials.acting_with(credentials.acting() or journal.caller()):
            answer: dict[str, Any] = context.scope().client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        raise _invalid(error.response["Error"]["Message"]) from error
    return answer


def _check_variant(resource_id: str, described: Mapping[str, Any]) -> None:
    _, variant = variant_of(resource_id)
    if variant not in [each["VariantName"] for each in described.get("ProductionVariants", ())]:
        raise _invalid(f"The endpoint {described['EndpointName']} has no production variant {variant}.")
    config = alarms.own("sagemaker").describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    for each in config["ProductionVariants"]:
        if each["VariantName"] == variant and each["InstanceType"].startswith(BURSTABLE_FAMILIES):
            raise _invalid(f"{each['InstanceType']} is a burstable instance type, which is not scaled automatically.")


def _link_role() -> None:
    """Bring the service-linked role into being where it is not there yet, if whoever registers a target may."""
    from tidegate_sandbox.hooks import iam as iam_hooks

    account = context.scope().account
    if iam_hooks.role_named(account, LINKED_ROLE.rpartition("/")[2]) is None:
        with credentials.acting_with(credentials.acting() or journal.caller()):
            arn = f"arn:aws:iam::{account}:role/{LINKED_ROLE}"
            journal.acted("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": LINKED_SERVICE})
        alarms.own("iam").create_service_linked_role(AWSServiceName=LINKED_SERVICE)


def _bring_into_range(target: Target, described: Mapping[str, Any]) -> None:
    if described["EndpointStatus"] != "InService":
        return
    counts = {each["VariantName"]: each["DesiredInstanceCount"] for each in described["ProductionVariants"]}
    current = counts.get(target.variant)
    if current is None or (wanted := target.bounded(current)) == current:
        return
    bound = "minimum" if wanted > current else "maximum"
    scaling.change(inventory.here(), target, current, wanted, f"{bound} capacity was set to {wanted}")


@autoscaling.operation("DescribeScalableTargets")
def describe_scalable_targets(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe the targets of a namespace."""
    wanted = parameters.get("ResourceIds")
    found = [
        _target(target)
        for target in list(inventory.here().targets.values())
        if _is_asked_for(parameters, target.resource_id, wanted)
    ]
    return page(found, parameters, "ScalableTargets", at_most=50, error=_OTHER_PAGE)


def _is_asked_for(parameters: Mapping[str, Any], resource_id: str, wanted: Iterable[str] | None) -> bool:
    return (
        parameters["ServiceNamespace"] == NAMESPACE
        and parameters.get("ScalableDimension", DIMENSION) == DIMENSION
        and (wanted is None or resource_id in wanted)
    )


def _target(target: Target) -> dict[str, Any]:
    off = dict.fromkeys(("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False)
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": target.resource_id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": target.role,
        "CreationTime": target.created,
        "SuspendedState": off | target.suspended,
        "ScalableTargetARN": target.arn,
    }


@autoscaling.operation("DeregisterScalableTarget")
def deregister_scalable_target(parameters: dict[str, Any]) -> None:
    """Deregister a target; its policies and their alarms go with it, its capacity stays as it is."""
    target, here = _registered(parameters), inventory.here()
    policies = here.policies_of(target.resource_id)
    for policy in policies:
        alarms.drop(policy)
    with lock:
        for policy in policies:
            here.policies.pop((policy.resource_id, policy.name), None)
        here.targets.pop(target.resource_id, None)


def _registered(parameters: Mapping[str, Any]) -> Target:
    target = inventory.here().targets.get(parameters["ResourceId"])
    if target is None or (parameters["ServiceNamespace"], parameters["ScalableDimension"]) != (NAMESPACE, DIMENSION):
        raise _not_found("scalable target registered", parameters)
    return target


# ---------------------------------------------------------------- policies
@autoscaling.operation("PutScalingPolicy")
def put_scaling_policy(parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a target tracking policy, or change one; its alarms are made anew."""
    target = _registered(parameters)
    here, name = inventory.here(), parameters["PolicyName"]
    known = here.policies.get((target.resource_id, name))
    kind = parameters.get("PolicyType", "TargetTrackingScaling" if known else "StepScaling")
    if kind != "TargetTrackingScaling":
        raise _invalid(f"PolicyType {kind} is not in the local simulation, which has TargetTrackingScaling")
    configuration = parameters.get("TargetTrackingScalingPolicyConfiguration")
    _check(configuration)
    assert configuration is not None
    others = [policy for policy in here.policies_of(target.resource_id) if policy.name != name]
    if known is None and len(others) >= MOST_POLICIES:
        raise AwsError("LimitExceededException", f"{target.resource_id} has {MOST_POLICIES} policies already.")
    if any(_specification(policy.configuration) == _specification(configuration) for policy in others):
        raise _invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
    resource = f"resource/{NAMESPACE}/{target.resource_id}:policyName/{name}"
    made = Policy(
        name,
        known.arn if known else context.scope().arn("autoscaling", f"scalingPolicy:{uuid.uuid4()}:{resource}"),
        target.resource_id,
        configuration,
        known.created if known else context.sandbox().clock.now(),
        known.created_by if known else str(uuid.uuid4()),
    )
    try:
        alarms.put(made)
    except AwsError:
        alarms.drop(made)
        raise
    with lock:
        here.policies[target.resource_id, name] = made
    if known is not None:
        alarms.drop(known)
    return {"PolicyARN": made.arn, "Alarms": alarms.described(made)}


def _check(configuration: Mapping[str, Any] | None) -> None:
    if configuration is None:
        raise _invalid("TargetTrackingScaling needs TargetTrackingScalingPolicyConfiguration.")
    predefined = configuration.get("PredefinedMetricSpecification")
    customised = configuration.get("CustomizedMetricSpecification")
    if (predefined is None) == (customised is None):
        raise _invalid("Give one of PredefinedMetricSpecification and CustomizedMetricSpecification.")
    if configuration["TargetValue"] <= 0:
        raise _invalid(f"TargetValue must be above 0, and it is {configuration['TargetValue']:g}.")
    for cooldown in ("ScaleInCooldown", "ScaleOutCooldown"):
        if configuration.get(cooldown, 0) < 0:
            raise _invalid(f"{cooldown} is in seconds, and {configuration[cooldown]} is negative.")
    if predefined is not None:
        kind = predefined["PredefinedMetricType"]
        if kind != alarms.INVOCATIONS:
            raise _invalid(
                f"PredefinedMetricType {kind} is not in the local simulation, which has {alarms.INVOCATIONS}"
            )
        if predefined.get("ResourceLabel"):
            raise _invalid(f"A resource label is not for {kind}.")
    elif customised is not None:
        if customised.get("Metrics"):
            return
        missing = [name for name in ("MetricName", "Namespace", "Statistic") if not customised.get(name)]
        if missing:
            raise _invalid(f"CustomizedMetricSpecification needs {', '.join(missing)}.")


def _specification(configuration: Mapping[str, Any]) -> Any:
    return configuration.get("PredefinedMetricSpecification") or configuration.get("CustomizedMetricSpecification")


@autoscaling.operation("DescribeScalingPolicies")
def describe_scaling_policies(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe the policies of a namespace, with their alarms."""
    named, one = parameters.get("PolicyNames"), parameters.get("ResourceId")
    found = [
        _policy(policy)
        for policy in list(inventory.here().policies.values())
        if _is_asked_for(parameters, policy.resource_id, [one] if one else None)
        and (not named or policy.name in named or policy.arn in named)
    ]
    return page(found, parameters, "ScalingPolicies", at_most=50, error=_OTHER_PAGE)


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyARN": policy.arn,
        "PolicyName": policy.name,
        "ServiceNamespace": NAMESPACE,
        "ResourceId": policy.resource_id,
        "ScalableDimension": DIMENSION,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": dict(policy.configuration),
        "Alarms": alarms.described(policy),
        "CreationTime": policy.created,
    }


@autoscaling.operation("DeleteScalingPolicy")
def delete_scaling_policy(parameters: dict[str, Any]) -> None:
    """Delete a policy with its alarms."""
    here, key = inventory.here(), (parameters["ResourceId"], parameters["PolicyName"])
    policy = here.policies.get(key)
    if policy is None:
        raise _not_found(f"scaling policy found with name {parameters['PolicyName']}", parameters)
    alarms.drop(policy)
    with lock:
        here.policies.pop(key, None)


# ---------------------------------------------------------------- activities
@autoscaling.operation("DescribeScalingActivities")
def describe_scaling_activities(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe what was done, the last first. Only what was begun is kept, so there is nothing that was not scaled."""
    one = parameters.get("ResourceId")
    found = [
        _activity(activity)
        for activity in reversed(list(inventory.here().activities))
        if _is_asked_for(parameters, activity.resource_id, [one] if one else None)
    ]
    return page(found, parameters, "ScalingActivities", at_most=50, error=_OTHER_PAGE)


def _activity(activity: Activity) -> dict[str, Any]:
    return {
        "ActivityId": activity.id,
        "ServiceNamespace": NAMESPACE,
        "ResourceId": activity.resource_id,
        "ScalableDimension": DIMENSION,
        "Description": f"Setting desired instance count to {activity.wanted}.",
        "Cause": activity.cause,
        "StartTime": activity.started,
        "StatusCode": activity.status,
        "StatusMessage": activity.message,
        **({"EndTime": activity.ended} if activity.ended else {}),
    }


# ---------------------------------------------------------------- schedules and tags
@autoscaling.operation("DescribeScheduledActions")
def describe_scheduled_actions(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe scheduled actions: none can be made here."""
    return page([], parameters, "ScheduledActions", at_most=50, error=_OTHER_PAGE)


@autoscaling.operation("TagResource")
def tag_resource(parameters: dict[str, Any]) -> None:
    """Add tags to a target."""
    _tagged(parameters).tags.update(parameters["Tags"])


@autoscaling.operation("UntagResource")
def untag_resource(parameters: dict[str, Any]) -> None:
    """Take tags off a target, by key."""
    for key in parameters["TagKeys"]:
        _tagged(parameters).tags.pop(key, None)


@autoscaling.operation("ListTagsForResource")
def list_tags_for_resource(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a target."""
    return {"Tags": dict(_tagged(parameters).tags)}


def tags_of(arn: str) -> list[dict[str, str]]:
    """Return the tags of the target `arn`; none where there is no such target."""
    found = (target for target in list(inventory.here().targets.values()) if target.arn == arn)
    return [{"Key": key, "Value": value} for target in found for key, value in target.tags.items()]


def _tagged(parameters: Mapping[str, Any]) -> Target:
    arn = parameters["ResourceARN"]
    for target in list(inventory.here().targets.values()):
        if target.arn == arn:
            return target
    raise AwsError("ResourceNotFoundException", f"There is no scalable target {arn}.")
