"""Guardrails to and from `DeploymentConfig`, the shape that SageMaker's API and CloudFormation share."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tidegate.guardrails.strategy import AllAtOnce, Canary, Guardrails, GuardrailsError, Strategy, waits
from tidegate.stage import CapacityType, Size, limits


def _seconds(least: timedelta, most: timedelta) -> tuple[int, int]:
    return int(least.total_seconds()), int(most.total_seconds())


_WAIT_SECONDS = _seconds(timedelta(0), limits.WAIT_MAX)
_TIMEOUT_SECONDS = _seconds(limits.EXECUTION_TIMEOUT_MIN, limits.EXECUTION_TIMEOUT_MAX)
_CANARY_PERCENT = (1, limits.CANARY_MAX_PERCENT)
_CANARY_INSTANCES = (1, limits.INSTANCES_MAX)
_ALARM_NAME_MAX = 255  # botocore: AlarmName

_Json = Mapping[str, Any]


def to_deployment_config(guardrails: Guardrails) -> dict[str, Any]:
    """Return the `DeploymentConfig` of UpdateEndpoint and of `AWS::SageMaker::Endpoint`.

    `WaitIntervalInSeconds` is always given: the API requires it, though CloudFormation does not.
    """
    routing: dict[str, Any]
    match guardrails.strategy:
        case AllAtOnce(wait_interval):
            routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": wait_interval}
        case Canary(size, wait_interval):
            routing = {
                "Type": "CANARY",
                "WaitIntervalInSeconds": wait_interval,
                "CanarySize": {"Type": size.kind.value, "Value": size.value},
            }
    policy: dict[str, Any] = {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": guardrails.termination_wait,
    }
    if guardrails.maximum_execution_timeout is not None:
        policy["MaximumExecutionTimeoutInSeconds"] = guardrails.maximum_execution_timeout
    config: dict[str, Any] = {"BlueGreenUpdatePolicy": policy}
    if guardrails.alarms:
        alarms = [{"AlarmName": name} for name in guardrails.alarms]
        config["AutoRollbackConfiguration"] = {"Alarms": alarms}
    return config


def from_deployment_config(config: _Json | None) -> Guardrails:
    """Return the guardrails that a `DeploymentConfig` asks for. None asks for all at once without a bake.

    Raises GuardrailsError with a sentence for what SageMaker refuses, and for strategies that cannot be driven here.
    """
    if config is None:
        return Guardrails()
    where = "DeploymentConfig"
    _only(config, {"BlueGreenUpdatePolicy", "RollingUpdatePolicy", "AutoRollbackConfiguration"}, where)
    if "RollingUpdatePolicy" in config:
        if "BlueGreenUpdatePolicy" in config:
            raise GuardrailsError(f"{where} has two update policies; SageMaker takes one")
        raise GuardrailsError(f"{where}.RollingUpdatePolicy: rolling updates are not supported")
    alarms = _alarms(config.get("AutoRollbackConfiguration"), f"{where}.AutoRollbackConfiguration")
    policy = config.get("BlueGreenUpdatePolicy")
    if policy is None:
        return Guardrails(alarms=alarms)
    return _blue_green(policy, alarms, f"{where}.BlueGreenUpdatePolicy")


def _blue_green(policy: _Json, alarms: tuple[str, ...], where: str) -> Guardrails:
    timeout_key = "MaximumExecutionTimeoutInSeconds"
    _only(policy, {"TrafficRoutingConfiguration", "TerminationWaitInSeconds", timeout_key}, where)
    routing = policy.get("TrafficRoutingConfiguration")
    if routing is None:
        raise GuardrailsError(f"{where}.TrafficRoutingConfiguration is required")
    guardrails = Guardrails(
        strategy=_strategy(routing, f"{where}.TrafficRoutingConfiguration"),
        termination_wait=_integer(policy, "TerminationWaitInSeconds", _WAIT_SECONDS, where, default=0),
        maximum_execution_timeout=(
            _integer(policy, timeout_key, _TIMEOUT_SECONDS, where) if timeout_key in policy else None
        ),
        alarms=alarms,
    )
    timeout, total = guardrails.maximum_execution_timeout, waits(guardrails)
    if timeout is not None and timeout <= total:
        raise GuardrailsError(f"{where}.{timeout_key} is {timeout}, but the waits alone add up to {total} s")
    return guardrails


def _strategy(routing: _Json, where: str) -> Strategy:
    kind = routing.get("Type")
    wait_key = "WaitIntervalInSeconds"
    if kind == "ALL_AT_ONCE":
        _only(routing, {"Type", wait_key}, where)
        return AllAtOnce(_integer(routing, wait_key, _WAIT_SECONDS, where, default=0))
    if kind == "CANARY":
        _only(routing, {"Type", wait_key, "CanarySize"}, where)
        if "CanarySize" not in routing:
            raise GuardrailsError(f"{where}.CanarySize is required for a canary")
        size = _canary_size(routing["CanarySize"], f"{where}.CanarySize")
        return Canary(size, _integer(routing, wait_key, _WAIT_SECONDS, where))
    if kind == "LINEAR":
        raise GuardrailsError(f"{where}.Type: linear updates are not supported")
    raise GuardrailsError(f"{where}.Type is {kind!r}; it must be ALL_AT_ONCE, CANARY or LINEAR")


def _canary_size(size: _Json, where: str) -> Size:
    _only(size, {"Type", "Value"}, where)
    if size.get("Type") not in set(CapacityType):
        raise GuardrailsError(f"{where}.Type is {size.get('Type')!r}; it must be {' or '.join(CapacityType)}")
    kind = CapacityType(size["Type"])
    bounds = _CANARY_PERCENT if kind is CapacityType.CAPACITY_PERCENT else _CANARY_INSTANCES
    return Size(kind, _integer(size, "Value", bounds, where))


def _alarms(rollback: _Json | None, where: str) -> tuple[str, ...]:
    if rollback is None or "Alarms" not in rollback:
        return ()
    _only(rollback, {"Alarms"}, where)
    names = tuple(alarm.get("AlarmName") for alarm in rollback["Alarms"])
    most = limits.ROLLBACK_ALARMS_MAX
    if not 1 <= len(names) <= most:
        raise GuardrailsError(f"{where}.Alarms has {len(names)} alarms; SageMaker takes 1 to {most}")
    for index, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or len(name) > _ALARM_NAME_MAX:
            raise GuardrailsError(
                f"{where}.Alarms[{index}].AlarmName is {name!r}; it must have 1 to {_ALARM_NAME_MAX} characters"
            )
    return names


def _integer(values: _Json, key: str, bounds: tuple[int, int], where: str, *, default: int | None = None) -> int:
    value = values.get(key, default)
    if value is None:
        raise GuardrailsError(f"{where}.{key} is required")
    least, most = bounds
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise GuardrailsError(f"{where}.{key} is {value!r}; it must be a whole number from {least} to {most}")
    return value


def _only(values: _Json, known: set[str], where: str) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise GuardrailsError(f"{where} cannot have {', '.join(unknown)}; it takes {', '.join(sorted(known))}")
