"""Stages to release, by the words of a stage file."""

from collections.abc import Callable
from typing import Any

import pytest

from tidegate.stage import Stage

ERRORS = {"metric": "Invocation5XXErrors", "above": "1%"}
LATENCY = {"metric": "ModelLatency", "above": "250ms"}


def stage_of(instances: int = 4, **release: Any) -> Stage:
    """A canary of 25% for 10 minutes, then 5 more, watched for errors: unless `release` says otherwise."""
    given = {"strategy": "canary", "canary_size": "25%", "wait_interval": "10m", "termination_wait": "5m"}
    return Stage.model_validate(
        {
            "name": "prod",
            "account": "111122223333",
            "region": "eu-west-1",
            "model_package_group": "group",
            "execution_role": "arn:aws:iam::111122223333:role/name",
            "bucket": "bucket",
            "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/id",
            "instances": {"type": release.pop("type", "ml.m5.large"), "count": instances},
            "expect": release.pop("expect", None),
            "release": {
                "maximum_execution_timeout": "8h",
                "rollback_on": [ERRORS],
                **(release if "strategy" in release else {**given, **release}),
            },
        }
    )


@pytest.fixture
def make_stage() -> Callable[..., Stage]:
    return stage_of
