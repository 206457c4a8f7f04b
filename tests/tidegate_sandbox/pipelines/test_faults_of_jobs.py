"""Jobs and pipelines that faults befall: no capacity, calls that are throttled, and retry policies that help."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from test_pipelines import Pipeline, jobs

from tidegate_sandbox.faults.client import Injector


@pytest.fixture
def pipeline(sandbox: Any, name: str, eventually: Any, fits: Any) -> Pipeline:
    return Pipeline(sandbox.client("sagemaker"), name, eventually, fits)


@pytest.fixture
def injector(sandbox: Any) -> Iterator[Injector]:
    made = Injector(urlsplit(sandbox.url).port or 0)
    yield made
    made.clear(None)


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (
            {"kind": "capacity", "instance_type": "ml.m5.*"},
            "SageMaker.CAPACITY_ERROR",
            "CapacityError: Unable to provision requested ML compute capacity.",
        ),
        (
            {"kind": "throttling", "call": "sagemaker:CreateProcessingJob"},
            "Step.THROTTLING",
            "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: Rate exceeded",
        ),
    ],
)
def test_a_step_fails_as_its_job_does_and_is_tried_again_where_its_policy_says_so(
    pipeline: Pipeline,
    injector: Injector,
    processing_request: Callable[..., dict[str, Any]],
    fault: dict[str, Any],
    kind: str,
    reason: str,
) -> None:
    request = processing_request("pass")
    policy = {"ExceptionType": [kind], "IntervalSeconds": 5, "MaxAttempts": 2}
    pipeline.create(jobs(("Plain", request)))
    injector.set({**fault, "times": 1})

    _, steps = pipeline.run()
    assert steps["Plain"]["FailureReason"].startswith(reason)

    pipeline.sagemaker.delete_pipeline(PipelineName=pipeline.name)
    pipeline.create(jobs(("Retried", request), RetryPolicies=[policy]))
    injector.set({**fault, "times": 1})

    _, steps = pipeline.run()
    assert (steps["Retried"]["StepStatus"], steps["Retried"]["AttemptCount"]) == ("Succeeded", 2)
