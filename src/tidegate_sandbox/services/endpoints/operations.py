"""SageMaker's operations on endpoints."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from tidegate import guardrails
from tidegate.guardrails import Guardrails, GuardrailsError
from tidegate_sandbox import context, credentials, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.autoscaling.records import DIMENSION, NAMESPACE, scaled_variants
from tidegate_sandbox.services.endpoints import rollout
from tidegate_sandbox.services.endpoints.endpoint import IN_PROGRESS, Endpoint, endpoint_named, endpoints
from tidegate_sandbox.services.endpoints.models import config_named, listed, plan_of, refuse_unsimulated
from tidegate_sandbox.services.endpoints.records import Plan, Variant
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.services.sagemaker import sagemaker
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import begin


@sagemaker.operation("CreateEndpoint")
def create_endpoint(parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to create an endpoint. Guardrails act on updates only: there is no old fleet yet."""
    name = parameters["EndpointName"]
    plan = plan_of(config_named(parameters["EndpointConfigName"]))
    _guardrails(parameters.get("DeploymentConfig"), plan)
    endpoint = Endpoint(context.scope(), name, plan.config, parameters.get("DeploymentConfig"))
    if endpoints.here().setdefault(name, endpoint) is not endpoint:
        raise AwsError("ValidationException", f'Cannot create already existing endpoint "{endpoint.arn}".')
    tags.set_tags(endpoint.arn, parameters.get("Tags", []))
    begin(rollout.create, endpoint, plan, name=f"create endpoint {name}")
    return {"EndpointArn": endpoint.arn}


@sagemaker.operation("UpdateEndpoint")
def update_endpoint(parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to update an endpoint, guarded as asked for unless SageMaker would ignore that."""
    endpoint = endpoint_named(parameters["EndpointName"])
    plan = plan_of(config_named(parameters["EndpointConfigName"]))
    deployment_config = parameters.get("DeploymentConfig")
    if parameters.get("RetainDeploymentConfig"):
        if deployment_config is not None:
            raise AwsError("ValidationException", "Give DeploymentConfig or RetainDeploymentConfig, not both.")
        deployment_config = endpoint.deployment_config
    if endpoint.fleet is not None:
        _check_scaled(endpoint.name, endpoint.fleet.plan, plan)
        plan = _retain(parameters, endpoint.fleet.plan, plan)
    asked = _guardrails(deployment_config, plan)
    endpoint.begin("Updating")
    assert endpoint.fleet is not None  # an endpoint that can be updated has one
    if _ignored(asked, endpoint.fleet.plan, plan):
        asked = Guardrails()
    with endpoint.lock:
        endpoint.deployment_config = deployment_config
    begin(rollout.update, endpoint, plan, asked, name=f"update endpoint {endpoint.name}")
    return {"EndpointArn": endpoint.arn}


def _check_scaled(endpoint: str, before: Plan, after: Plan) -> None:
    """Raise AwsError where a variant that is scaled would go, or get another instance type.

    Source: SageMaker developer guide, "Update endpoints that use auto scaling".
    """
    kinds = {variant.name: variant.instance_type for variant in after.variants}
    of_now = {variant.name: variant.instance_type for variant in before.variants}
    changed = [name for name in scaled_variants(endpoint) if name in of_now and kinds.get(name) != of_now[name]]
    if changed:
        raise AwsError(
            "ValidationException",
            f"The variant(s) {json.dumps(sorted(changed))} must be deregistered as scalable targets with AutoScaling "
            "before they can be removed or have their instance type updated.",
        )


def _guardrails(deployment_config: Mapping[str, Any] | None, plan: Plan) -> Guardrails:
    try:
        asked = guardrails.from_deployment_config(deployment_config)
        guardrails.shifts(asked, plan.instance_count)
    except GuardrailsError as error:
        raise AwsError("ValidationException", str(error)) from error
    missing = rollout.missing_alarms(asked.alarms)
    if missing:
        raise AwsError("ValidationException", f"AutoRollbackConfiguration names no alarm of CloudWatch: {missing}")
    return asked


def _ignored(asked: Guardrails, before: Plan, after: Plan) -> bool:
    """Whether the update is switched all at once, unguarded, without a word, as SageMaker does it."""
    kinds = {variant.instance_type for variant in before.every_variant + after.every_variant}
    return bool(guardrails.ignored_because(asked, before.variant_names, after.variant_names, instance_types=kinds))


def _retain(parameters: Mapping[str, Any], now: Plan, asked: Plan) -> Plan:
    """Return `asked` with what is to be retained of the live variants and their capture."""
    excluded = {given["VariantPropertyType"] for given in parameters.get("ExcludeRetainedVariantProperties", ())}
    if not parameters.get("RetainAllVariantProperties"):
        if excluded:
            raise AwsError(
                "ValidationException", "ExcludeRetainedVariantProperties needs RetainAllVariantProperties to be true."
            )
        return asked
    live = {variant.name: variant for variant in now.every_variant}

    def retained(variant: Variant) -> Variant:
        if variant.name not in live:
            return variant
        if "DesiredInstanceCount" not in excluded:
            variant = replace(variant, instance_count=live[variant.name].instance_count)
        if "DesiredWeight" not in excluded:
            variant = replace(variant, weight=live[variant.name].weight)
        return variant

    capture = asked.capture if "DataCaptureConfig" in excluded else now.capture
    return replace(asked.changed(retained), capture=capture)


@sagemaker.operation("UpdateEndpointWeightsAndCapacities")
def update_endpoint_weights_and_capacities(parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to change weights of several variants, or the instance count of one. Nothing guards it, as at AWS."""
    endpoint = endpoint_named(parameters["EndpointName"])
    asked = {given["VariantName"]: given for given in parameters["DesiredWeightsAndCapacities"]}
    if endpoint.fleet is not None:
        unknown = sorted(asked.keys() - endpoint.fleet.plan.variant_names)
        if unknown:
            raise AwsError("ValidationException", f'Endpoint "{endpoint.arn}" has no variant {", ".join(unknown)}.')
    for name, given in asked.items():
        refuse_unsimulated(given, ("ServerlessUpdateConfig",), f"Production variant {name}: ")
        if given.get("DesiredInstanceCount", 1) < 1:
            raise AwsError("ValidationException", f"Production variant {name} needs at least 1 instance.")
    members = ("DesiredWeight", "DesiredInstanceCount")
    wanted = {name: {member: given[member] for member in members if member in given} for name, given in asked.items()}
    with changing():
        endpoint.begin("Updating", wanted)
        begin(rollout.reweigh, endpoint, wanted, name=f"update weights of {endpoint.name}")
    return {"EndpointArn": endpoint.arn}


@sagemaker.operation("DescribeEndpoint")
def describe_endpoint(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe an endpoint; while it is updated, the new fleet as PendingDeploymentSummary."""
    return endpoint_named(parameters["EndpointName"]).describe()


@sagemaker.operation("DeleteEndpoint")
def delete_endpoint(parameters: dict[str, Any]) -> None:
    """Begin to delete an endpoint; requests in flight are answered, and its variants are scaled no more."""
    endpoint = endpoint_named(parameters["EndpointName"])
    _scale_no_more(endpoint)
    endpoint.begin("Deleting")
    begin(rollout.delete, endpoint, name=f"delete endpoint {endpoint.name}")


def _scale_no_more(endpoint: Endpoint) -> None:
    """Deregister the variants that are scaled, as whoever deletes their endpoint; AwsError where they may not.

    Source: SageMaker developer guide, "Delete endpoints configured for auto scaling".
    """
    if endpoint.status in IN_PROGRESS:
        return
    for variant in scaled_variants(endpoint.name):
        named = {"ServiceNamespace": NAMESPACE, "ScalableDimension": DIMENSION}
        try:
            with credentials.acting_with(credentials.acting() or journal.caller()):
                context.scope().client("application-autoscaling").deregister_scalable_target(
                    **named, ResourceId=f"endpoint/{endpoint.name}/variant/{variant}"
                )
        except ClientError as error:
            raise AwsError(
                "ValidationException",
                "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity "
                "used to invoke DeleteEndpoint does not have application-autoscaling:DeregisterScalableTarget "
                f"permission to deregister the scalable target. ({error.response['Error']['Message']})",
            ) from error


@sagemaker.operation("ListEndpoints")
def list_endpoints(parameters: dict[str, Any]) -> dict[str, Any]:
    """List endpoints, newest first unless asked otherwise."""
    refuse_unsimulated(parameters, ("LastModifiedTimeBefore", "LastModifiedTimeAfter"))
    if parameters.get("SortBy") == "Status":
        raise AwsError("ValidationException", "SortBy Status is not in the local simulation")
    found = listed(parameters, endpoints.here().values(), lambda endpoint: (endpoint.name, endpoint.created))
    status = parameters.get("StatusEquals")
    summaries = [
        {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "CreationTime": endpoint.created,
            "LastModifiedTime": endpoint.modified,
            "EndpointStatus": endpoint.status,
        }
        for endpoint in found
        if status in (None, endpoint.status)
    ]
    return page(summaries, parameters, "Endpoints")
