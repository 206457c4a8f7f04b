from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.registry import ModelPackage
from tidegate.stage import Repo

PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/bikeshare-p-abc123def456"
STRATEGIES: dict[str, dict[str, Any]] = {
    "all_at_once": {"strategy": "all_at_once", "wait_interval": "0s", "termination_wait": "5m"},
    "canary": {
        "strategy": "canary",
        "canary_size": "25%",
        "wait_interval": "10m",
        "termination_wait": "5m",
        "maximum_execution_timeout": "1h",
        "rollback_on": [
            {"metric": "Invocation5XXErrors", "above": "1%", "periods": "2 of 3"},
            {"metric": "ModelLatency", "above": "250ms"},
        ],
    },
}


@pytest.fixture
def package() -> Callable[[int], ModelPackage]:
    """Make an approved version of the model."""
    return lambda version: ModelPackage(f"{PACKAGE}/{version}", version, "Completed", "Approved")


@pytest.fixture
def repo(tmp_path: Path) -> Callable[..., Repo]:
    """Make a deploy repository with one stage, `prod`, of a strategy and with other values where given."""

    def make(strategy: str = "canary", shared: dict[str, Any] | None = None, **stage: Any) -> Repo:
        place = {"account": "111122223333", "region": "eu-west-1"}
        return Repo.model_validate(
            {
                "root": tmp_path,
                "project": {"name": "bikeshare", "id": "p-abc123def456", **place},
                "stages": [
                    {
                        "name": "prod",
                        **place,
                        "model_package_group": "bikeshare-p-abc123def456",
                        "execution_role": "arn:aws:iam::111122223333:role/tidegate/sagemaker-p-abc123def456-execution",
                        "bucket": "sagemaker-project-p-abc123def456",
                        "kms_key": "arn:aws:kms:eu-west-1:111122223333:key/0ab1c2d3-1111-2222-3333-444455556666",
                        "instances": {"type": "ml.m5.large", "count": 4},
                        "release": STRATEGIES[strategy],
                        **stage,
                    }
                ],
                **(shared or {}),
            }
        )

    return make
