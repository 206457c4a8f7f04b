"""Guardrails to and from `DeploymentConfig`, the shape that SageMaker's API and CloudFormation share."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, assert_never

from tidegate.guardrails.strategy import (
    AllAtOnce,
    Canary,
    Guardrails,
    GuardrailsError,
    Linear,
    Rolling,
    Strategy,
)
from tidegate.stage import CapacityType, Size, limits
from tidegate.stage import Strategy as StrategyName
from tidegate.stage.steps import PERCENTAGES


def _seconds(least: timedelta, most: timedelta) -> tuple[int, int]:
    return int(least.total_seconds()), int(most.total_seconds())


_WAIT_SECONDS = _seconds(timedelta(0), limits.WAIT_MAX)
_TIMEOUT_SECONDS = _seconds(limits.EXECUTION_TIMEOUT_MIN, limits.EXECUTION_TIMEOUT_MAX)
_ROLLBACK_PERCENT = (1, limits.ROLLING_ROLLBACK_MAX_PERCENT)
_INSTANCES = (1, limits.INSTANCES_MAX)
_TIMEOUT = "MaximumExecutionTimeoutInSeconds"

_Json = Mapping[str, Any]


def to_deployment_config(guardrails: Guardrails) -> dict[str, Any]:
    """Return the `DeploymentConfig` of UpdateEndpoint and of `AWS::SageMaker::Endpoint`.

    `WaitIntervalInSeconds` is always given: the API requires it, though CloudFormation does not.
    """
    config = _update_policy(guardrails)
    if guardrails.alarms:
        alarms = [{"AlarmName": name} for name in guardrails.alarms]
        config["AutoRollbackConfiguration"] = {"Alarms": alarms}
    return config


def _update_policy(guardrails: Guardrails) -> dict[str, Any]:
    routing: dict[str, Any]
    limit = guardrails.maximum_execution_timeout
    timeout = {} if limit is None else {"MaximumExecutionTimeoutInSeconds": limit}
    match guardrails.strategy:
        case AllAtOnce(wait_interval):
            routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": wait_interval}
        case Canary(size, wait_interval):
            routing = {"Type": "CANARY", "WaitIntervalInSeconds": wait_interval, "CanarySize": _written(size)}
        case Linear(size, wait_interval):
            routing = {"Type": "LINEAR", "WaitIntervalInSeconds": wait_interval, "LinearStepSize": _written(size)}
        case Rolling(size, wait_interval, rollback_size):
            rolling = {"MaximumBatchSize": _written(size), "WaitIntervalInSeconds": wait_interval}
            rollback = {} if rollback_size is None else {"RollbackMaximumBatchSize": _written(rollback_size)}
            return {"RollingUpdatePolicy": rolling | timeout | rollback}
        case _:
            assert_never(guardrails.strategy)
    wait = {"TerminationWaitInSeconds": guardrails.termination_wait}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing} | wait | timeout}


def _written(size: Size) -> dict[str, Any]:
    return {"Type": size.kind.value, "Value": size.value}


def from_deployment_config(config: _Json | None) -> Guardrails:
    """Return the guardrails that a `DeploymentConfig` asks for. None asks for all at once without a bake.

    Raises GuardrailsError with a sentence for what SageMaker refuses whatever the fleet; `shifts` refuses the rest.
    """
    if config is None:
        return Guardrails()
    where = "DeploymentConfig"
    _only(config, {"BlueGreenUpdatePolicy", "RollingUpdatePolicy", "AutoRollbackConfiguration"}, where)
    alarms = _alarms(config.get("AutoRollbackConfiguration"), f"{where}.AutoRollbackConfiguration")
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green is not None and rolling is not None:
        raise GuardrailsError(f"{where} has two update policies; SageMaker takes one")
    if blue_green is not None:
        return _blue_green(blue_green, alarms, f"{where}.BlueGreenUpdatePolicy")
    if rolling is not None:
        return _rolling(rolling, alarms, f"{where}.RollingUpdatePolicy")
    return Guardrails(alarms=alarms)


def _blue_green(policy: _Json, alarms: tuple[str, ...], where: str) -> Guardrails:
    _only(policy, {"TrafficRoutingConfiguration", "TerminationWaitInSeconds", _TIMEOUT}, where)
    routing = policy.get("TrafficRoutingConfiguration")
    if routing is None:
        raise GuardrailsError(f"{where}.TrafficRoutingConfiguration is required")
    strategy = _strategy(routing, f"{where}.TrafficRoutingConfiguration")
    termination_wait = _integer(policy, "TerminationWaitInSeconds", _WAIT_SECONDS, where, default=0)
    least_wait = termination_wait + (0 if isinstance(strategy, AllAtOnce) else strategy.wait_interval)
    return Guardrails(strategy, termination_wait, _timeout(policy, least_wait, where), alarms)


def _rolling(policy: _Json, alarms: tuple[str, ...], where: str) -> Guardrails:
    size_key, wait_key, rollback_key = "MaximumBatchSize", "WaitIntervalInSeconds", "RollbackMaximumBatchSize"
    _only(policy, {size_key, wait_key, rollback_key, _TIMEOUT}, where)
    strategy = Rolling(
        _size(policy, size_key, PERCENTAGES[StrategyName.ROLLING], where),
        _integer(policy, wait_key, _WAIT_SECONDS, where),
        _size(policy, rollback_key, _ROLLBACK_PERCENT, where) if rollback_key in policy else None,
    )
    return Guardrails(strategy, 0, _timeout(policy, strategy.wait_interval, where), alarms)


def _timeout(policy: _Json, least_wait: int, where: str) -> int | None:
    """Refuse a limit that the update could not keep whatever the fleet; how many steps there are depends on it."""
    if _TIMEOUT not in policy:
        return None
    timeout = _integer(policy, _TIMEOUT, _TIMEOUT_SECONDS, where)
    if timeout <= least_wait:
        raise GuardrailsError(f"{where}.{_TIMEOUT} is {timeout}, but the waits alone add up to {least_wait} s")
    return timeout


def _strategy(routing: _Json, where: str) -> Strategy:
    kind = routing.get("Type")
    wait_key = "WaitIntervalInSeconds"
    if kind == "ALL_AT_ONCE":
        _only(routing, {"Type", wait_key}, where)
        return AllAtOnce(_integer(routing, wait_key, _WAIT_SECONDS, where, default=0))
    if kind == "CANARY":
        _only(routing, {"Type", wait_key, "CanarySize"}, where)
        size = _size(routing, "CanarySize", PERCENTAGES[StrategyName.CANARY], where)
        return Canary(size, _integer(routing, wait_key, _WAIT_SECONDS, where))
    if kind == "LINEAR":
        _only(routing, {"Type", wait_key, "LinearStepSize"}, where)
        size = _size(routing, "LinearStepSize", PERCENTAGES[StrategyName.LINEAR], where)
        return Linear(size, _integer(routing, wait_key, _WAIT_SECONDS, where))
    raise GuardrailsError(f"{where}.Type is {kind!r}; it must be ALL_AT_ONCE, CANARY or LINEAR")


def _size(values: _Json, key: str, percentages: tuple[int, int], where: str) -> Size:
    size, where = values.get(key), f"{where}.{key}"
    if size is None:
        raise GuardrailsError(f"{where} is required")
    _only(size, {"Type", "Value"}, where)
    if size.get("Type") not in set(CapacityType):
        raise GuardrailsError(f"{where}.Type is {size.get('Type')!r}; it must be {' or '.join(CapacityType)}")
    kind = CapacityType(size["Type"])
    least, most = percentages if kind is CapacityType.CAPACITY_PERCENT else _INSTANCES
    return Size(kind, _integer(size, "Value", (max(1, least), most), where))


def _alarms(rollback: _Json | None, where: str) -> tuple[str, ...]:
    if rollback is None or "Alarms" not in rollback:
        return ()
    _only(rollback, {"Alarms"}, where)
    names = tuple(alarm.get("AlarmName") for alarm in rollback["Alarms"])
    most = limits.ROLLBACK_ALARMS_MAX
    if not 1 <= len(names) <= most:
        raise GuardrailsError(f"{where}.Alarms has {len(names)} alarms; SageMaker takes 1 to {most}")
    for index, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or len(name) > limits.ALARM_NAME_MAX:
            raise GuardrailsError(
                f"{where}.Alarms[{index}].AlarmName is {name!r}; it must have 1 to {limits.ALARM_NAME_MAX} characters"
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
