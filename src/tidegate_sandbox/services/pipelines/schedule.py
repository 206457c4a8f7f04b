"""Which steps may start, when a failed one is tried again, and which earlier run is as good as a new one. Pure."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidegate_sandbox.services.pipelines.definition import RetryPolicy, Step

_DEFAULT_ATTEMPTS = 5


def ready(steps: Iterable[Step], begun: Collection[str], succeeded: Collection[str]) -> list[Step]:
    """Return those of `steps` that have not begun and whose needs have all succeeded, in their order."""
    return [step for step in steps if step.name not in begun and step.needs() <= set(succeeded)]


def retry_after(policies: Iterable[RetryPolicy], fault: str | None, failures: int, elapsed: timedelta) -> float | None:
    """Return the seconds to wait before the next attempt, None where the step has failed for good.

    `failures` attempts have failed so far, the first of them began `elapsed` ago; `fault` is one of FAULTS, or None
    for a failure that no policy is for. The first policy for the fault counts.
    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
    """
    policy = next((each for each in policies if fault in each.exception_type), None)
    if policy is None:
        return None
    wait = policy.interval_seconds * policy.backoff_rate ** (failures - 1)
    if policy.expire_after_min is not None:
        return wait if elapsed + timedelta(seconds=wait) <= timedelta(minutes=policy.expire_after_min) else None
    return wait if failures <= (policy.max_attempts or _DEFAULT_ATTEMPTS) else None


CACHE_KEYS: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
}
"""The arguments that decide whether an earlier run is used again: not the outputs, the role or the instances.
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html"""


def signature(kind: str, arguments: Mapping[str, Any]) -> str:
    """Return a hash of what decides, in a step's resolved arguments, whether an earlier run is used again."""
    decisive = {name: arguments[name] for name in CACHE_KEYS[kind] if name in arguments}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Result:
    """What a successful run of a step left: its properties, as expressions refer to them, and its metadata."""

    step: str
    signature: str
    ended: datetime
    execution_arn: str
    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]


def find(results: Iterable[Result], step: str, signature: str, now: datetime, expire_after: timedelta) -> Result | None:
    """Return the newest of a pipeline's `results` that can stand for a run of `step`, None where none can.

    As the service does, it looks at the arguments only, not at the data that they name.
    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching.html
    """
    fit = [
        result
        for result in results
        if result.step == step and result.signature == signature and now - result.ended <= expire_after
    ]
    return max(fit, key=lambda result: result.ended, default=None)
