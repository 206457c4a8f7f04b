"""SageMaker's operations on endpoints."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tidegate import guardrails
from tidegate.guardrails import Guardrails, GuardrailsError
from tidegate_sandbox import context, hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services import tags
from tidegate_sandbox.services.endpoints import rollout
from tidegate_sandbox.services.endpoints.endpoint import Endpoint, endpoint_named, endpoints
from tidegate_sandbox.services.endpoints.models import config_named, listed, plan_of, refuse_unsimulated
from tidegate_sandbox.services.endpoints.records import Plan
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.services.sagemaker import sagemaker


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
    hooks.run_in_background(rollout.create, endpoint, plan, name=f"create endpoint {name}")
    return {"EndpointArn": endpoint.arn}


@sagemaker.operation("UpdateEndpoint")
def update_endpoint(parameters: dict[str, Any]) -> dict[str, Any]:
    """Begin to update an endpoint, guarded where the variants' names stay the same."""
    endpoint = endpoint_named(parameters["EndpointName"])
    plan = plan_of(config_named(parameters["EndpointConfigName"]))
    deployment_config = parameters.get("DeploymentConfig")
    if parameters.get("RetainDeploymentConfig"):
        if deployment_config is not None:
            raise AwsError("ValidationException", "Give DeploymentConfig or RetainDeploymentConfig, not both.")
        deployment_config = endpoint.deployment_config
    if endpoint.fleet is not None:
        plan = _retain(parameters, endpoint.fleet.plan, plan)
    asked = _guardrails(deployment_config, plan)
    endpoint.begin("Updating")
    assert endpoint.fleet is not None  # an endpoint that can be updated has one
    if endpoint.fleet.plan.variant_names != plan.variant_names:
        # As SageMaker: other variants than before are switched to all at once, unguarded, without a word.
        asked = Guardrails()
    endpoint.deployment_config = deployment_config
    hooks.run_in_background(rollout.update, endpoint, plan, asked, name=f"update endpoint {endpoint.name}")
    return {"EndpointArn": endpoint.arn}


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


def _retain(parameters: Mapping[str, Any], now: Plan, asked: Plan) -> Plan:
    """Return `asked` with what is to be retained of the live variants and their capture."""
    excluded = {given["VariantPropertyType"] for given in parameters.get("ExcludeRetainedVariantProperties", ())}
    if not parameters.get("RetainAllVariantProperties"):
        if excluded:
            raise AwsError(
                "ValidationException", "ExcludeRetainedVariantProperties needs RetainAllVariantProperties to be true."
            )
        return asked
    live = {variant.name: variant for variant in now.variants}
    variants = []
    for variant in asked.variants:
        if variant.name in live:
            if "DesiredInstanceCount" not in excluded:
                variant = replace(variant, instance_count=live[variant.name].instance_count)
            if "DesiredWeight" not in excluded:
                variant = replace(variant, weight=live[variant.name].weight)
        variants.append(variant)
    capture = asked.capture if "DataCaptureConfig" in excluded else now.capture
    return replace(asked, variants=tuple(variants), capture=capture)


@sagemaker.operation("DescribeEndpoint")
def describe_endpoint(parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe an endpoint; while it is updated, the new fleet as PendingDeploymentSummary."""
    return endpoint_named(parameters["EndpointName"]).describe()


@sagemaker.operation("DeleteEndpoint")
def delete_endpoint(parameters: dict[str, Any]) -> None:
    """Begin to delete an endpoint; requests in flight are answered."""
    endpoint = endpoint_named(parameters["EndpointName"])
    endpoint.begin("Deleting")
    hooks.run_in_background(rollout.delete, endpoint, name=f"delete endpoint {endpoint.name}")


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
