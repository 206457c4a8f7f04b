"""What ministack does slowly and often, done by libyaml, once, or now and then: with the same outcome.

A part of `hooks`, whose `check` asserts these names too.
"""

from typing import Any

import yaml
from botocore.exceptions import UnknownServiceError
from ministack.core import responses as _responses
from ministack.services import cloudwatch as _cloudwatch
from ministack.services.cloudformation import engine as _engine

from tidegate_sandbox.service_models import service_model

RELIED_ON: list[tuple[Any, str]] = [
    (_cloudwatch, "TWO_WEEKS_SECONDS"),
    (_cloudwatch, "_evict_old_metrics"),
    (_cloudwatch, "time"),
    (_engine, "CfnLoader"),
    (_responses, "_BOTOCORE_NAME"),
    (_responses, "_service_model"),
    (_responses, "get_account_id"),
    (_responses, "get_region"),
]

LOOKS = 100
"""Metric values are looked through so often in the time for which they are kept, so they may stay 1 % longer."""


def install() -> None:
    """Put the quicker ways in the place of ministack's own."""
    _engine.CfnLoader = quick_loader()
    _responses._service_model = _shared_model
    _cloudwatch._evict_old_metrics = now_and_then(_cloudwatch._evict_old_metrics)


def quick_loader() -> Any:
    """Return a YAML loader that reads what ministack's reads, !Ref and its like included, in C where that is there."""
    if not yaml.__with_libyaml__:
        return _engine.CfnLoader
    return type("CfnLoader", (yaml.CSafeLoader,), {"yaml_constructors": dict(_engine.CfnLoader.yaml_constructors)})


def _shared_model(service: str) -> Any:
    """Return the model by which ministack learns how an answer of `service` is written; None where there is none."""
    try:
        return service_model(_responses._BOTOCORE_NAME.get(service, service))
    except UnknownServiceError:
        return None


def now_and_then(evict: Any) -> Any:
    """Let metric values of a scope be looked through LOOKS times as long as one is kept, not with every request."""
    looked: dict[tuple[str, str], float] = {}

    def look() -> None:
        scope = (_responses.get_account_id(), _responses.get_region())
        now = _cloudwatch.time.time()
        if 0 <= now - looked.get(scope, float("-inf")) < _cloudwatch.TWO_WEEKS_SECONDS / LOOKS:
            return
        looked[scope] = now
        evict()

    return look
