"""The runbook for what no pipeline gets out of by itself, as values: what is seen, what follows, what can be done.

`UpdateRollbackFailed`: old and new instances serve side by side, each of which answers requests. SageMaker's reference
says that this comes of a rolling update whose rollback failed too, most often for want of capacity. What brings the
endpoint back is another update. `UPDATE_ROLLBACK_FAILED`: the stack takes no update until its rollback is continued.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tidegate.errors import TidegateError
from tidegate.guardrails import AllAtOnce, Guardrails, Rolling, to_deployment_config
from tidegate.registry.live import describe_endpoint
from tidegate.retained import NotRetainedError, Retained, RetainedConfig, find_retained
from tidegate.retained.inventory import describe_variants
from tidegate.stacks import ENDPOINT, describe_stack, stack_resources
from tidegate.stage import CapacityType, Size, Strategy
from tidegate.stage.steps import PERCENTAGES, allowed_instances
from tidegate.verify.reasons import is_want_of_capacity


class Action(StrEnum):
    """What a step calls, where `recover` can take it."""

    UPDATE_ENDPOINT = "sagemaker:UpdateEndpoint"
    CONTINUE_UPDATE_ROLLBACK = "cloudformation:ContinueUpdateRollback"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the runbook; `action` is None where a person has to take it. `parameters` are those of the call."""

    what: str
    why: str
    action: Action | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """The endpoint and its stack as they are; "" where there is none.

    `good` is the config to go back to, None if nothing tells which one is good; `same_variants` tells that it has the
    variants that the endpoint has now, and `instances` how large its fleet will be, 0 where it has several variants.
    `stuck` are the stack's resources that could not be rolled back.
    """

    endpoint_name: str
    stack_name: str
    endpoint_status: str = ""
    config_name: str = ""
    failure_reason: str = ""
    stack_status: str = ""
    stack_reason: str = ""
    stuck: tuple[tuple[str, str], ...] = ()
    good: RetainedConfig | None = None
    same_variants: bool = False
    instances: int = 0
    candidates: tuple[RetainedConfig, ...] = ()
    unknown: str = ""


def see(sagemaker: Any, cloudformation: Any, endpoint_name: str, stack_name: str, to: str | None = None) -> Seen:
    """Look at the endpoint, its stack, and the configs that its releases left; `to` names the config to go back to.

    Raises TidegateError for a `to` that no release of the stage made.
    """
    endpoint = describe_endpoint(sagemaker, endpoint_name) or {}
    stack = describe_stack(cloudformation, stack_name) or {}
    status = stack.get("StackStatus", "")
    good: RetainedConfig | None = None
    retained: Retained | None = None
    same, instances, unknown = False, 0, ""
    if endpoint:
        try:
            retained = find_retained(sagemaker, cloudformation, endpoint_name, stack_name)
        except NotRetainedError as error:
            unknown = str(error)
    if retained is not None:
        good = _good(retained, to)
        if good is not None:
            variants = describe_variants(sagemaker, good)
            serving = describe_variants(sagemaker, retained.live, retained.endpoint)
            same = {each.name for each in variants} == {each.name for each in serving}
            instances = (serving if same else variants)[0].instance_count if len(variants) == 1 else 0
    elif to is not None:
        raise TidegateError(unknown or f"there is no endpoint {endpoint_name} to take back to {to}")
    return Seen(
        endpoint_name=endpoint_name,
        stack_name=stack_name,
        endpoint_status=endpoint.get("EndpointStatus", ""),
        config_name=endpoint.get("EndpointConfigName", ""),
        failure_reason=endpoint.get("FailureReason", ""),
        stack_status=status,
        stack_reason=stack.get("StackStatusReason", ""),
        stuck=tuple(_stuck(cloudformation, stack_name)) if status == "UPDATE_ROLLBACK_FAILED" else (),
        good=good,
        same_variants=same,
        instances=instances,
        candidates=retained.configs if retained else (),
        unknown=unknown,
    )


def _good(retained: Retained, to: str | None) -> RetainedConfig | None:
    """Return the config that is named, or else the one that verify saw serve last without a test in it."""
    if to is None:
        good = [each for each in retained.configs if each.is_good]
        return max(good, key=lambda each: each.outcome_at or each.created_at, default=None)
    for config in retained.configs:
        if config.name == to:
            return config
    known = ", ".join(config.name for config in retained.configs)
    raise TidegateError(
        f"no release of {retained.endpoint['EndpointName']} made an endpoint config {to}; it has {known}"
    )


def _stuck(cloudformation: Any, name: str) -> Iterator[tuple[str, str]]:
    for resource in stack_resources(cloudformation, name):
        if resource["ResourceStatus"] == "UPDATE_FAILED":
            yield resource["LogicalResourceId"], resource["ResourceType"]


def recovery_steps(seen: Seen) -> tuple[Step, ...]:
    """Return what to do, in order. Empty: nothing has to be recovered."""
    return (*_endpoint_steps(seen), *_stack_steps(seen))


def _endpoint_steps(seen: Seen) -> Iterator[Step]:
    name = seen.endpoint_name
    match seen.endpoint_status:
        case "UpdateRollbackFailed" if seen.good is None:
            yield Step(
                f"name the endpoint config to go back to with --to: {', '.join(each.name for each in seen.candidates)}",
                f"nothing tells which config of {name} is good{f' ({seen.unknown})' if seen.unknown else ''}; what is "
                "known of each: tidegate history STAGE",
            )
        case "UpdateRollbackFailed":
            yield _update(seen)
            yield Step(
                "if SageMaker refuses that, release a good version through the pipeline, which makes a new config; if "
                "it refuses that as well, call AWS support",
                "whether an update to a config that the endpoint names already is taken is not verified",
            )
        case "Failed":
            yield Step(
                f"delete the stack {seen.stack_name} and release again",
                f"{name} has failed ({seen.failure_reason or 'no reason given'}) and serves nothing; SageMaker lets a "
                "failed endpoint only be deleted",
            )
        case "Creating" | "Updating" | "SystemUpdating" | "RollingBack" | "Deleting":
            yield Step("wait until it is at rest, and look again", f"{name} is {seen.endpoint_status}")


def _update(seen: Seen) -> Step:
    good = seen.good
    assert good is not None
    least, most = allowed_instances(*PERCENTAGES[Strategy.ROLLING], seen.instances)
    if is_want_of_capacity(seen.failure_reason) and 0 < least <= most:
        batch = "one instance" if least == 1 else f"{least} instances"
        how, guardrails = f"{batch} at a time", Guardrails(Rolling(Size(CapacityType.INSTANCE_COUNT, least), 0))
        why = f"capacity is missing, and this needs room for {batch} more only"
    else:
        how, guardrails = "all at once", Guardrails(AllAtOnce())
        why = "this replaces the whole mixture in one step"
    # What autoscaling has asked for is kept where it can be: with other variants SageMaker has nothing to keep it for.
    retain = {"RetainAllVariantProperties": True} if seen.same_variants else {}
    release = f"release {good.release_id}, {good.outcome} at {good.outcome_at}" if good.outcome else good.release_id
    return Step(
        f"update {seen.endpoint_name} to endpoint config {good.name}, {how} and without alarms",
        f"old and new instances serve side by side; {good.name} ({release}) is known to be good, {why}, and an alarm "
        "that the mixture keeps firing would only undo it",
        Action.UPDATE_ENDPOINT,
        {
            "EndpointName": seen.endpoint_name,
            "EndpointConfigName": good.name,
            "DeploymentConfig": to_deployment_config(guardrails),
            **retain,
        },
    )


def _stack_steps(seen: Seen) -> Iterator[Step]:
    name = seen.stack_name
    match seen.stack_status:
        case "UPDATE_ROLLBACK_FAILED":
            skipped = [logical for logical, _ in seen.stuck]
            rest = seen.endpoint_status in {"InService", ""}
            stuck = f", passing over {', '.join(skipped)}" if skipped else ""
            yield Step(
                f"continue the rollback of the stack {name}{stuck}",
                "until then it takes no update, so no release can begin"
                + ("" if rest else "; it waits for the endpoint, which has to be InService first"),
                Action.CONTINUE_UPDATE_ROLLBACK if rest else None,
                {"StackName": name, **({"ResourcesToSkip": skipped} if skipped else {})},
            )
            if any(kind == ENDPOINT for _, kind in seen.stuck):
                yield Step(
                    "release a good version through the pipeline",
                    "CloudFormation takes what it passed over for rolled back without looking; the next release makes "
                    "both agree again",
                )
        case "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED":
            yield Step(
                f"put right what failed first, delete the stack {name}, and release again",
                f"it is {seen.stack_status}{f' ({seen.stack_reason})' if seen.stack_reason else ''}, in which state "
                "CloudFormation updates no stack; models and endpoint configs are retained",
            )


def perform(sagemaker: Any, cloudformation: Any, step: Step) -> None:
    """Take a step that has an action."""
    match step.action:
        case Action.UPDATE_ENDPOINT:
            sagemaker.update_endpoint(**step.parameters)
        case Action.CONTINUE_UPDATE_ROLLBACK:
            cloudformation.continue_update_rollback(**step.parameters)
        case None:
            raise ValueError(f"a person has to take this step: {step.what}")
