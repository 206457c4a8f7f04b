"""Given steps and what came of earlier ones, then it is known what starts, what is tried again, what is used again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate_sandbox.services.pipelines.definition import RetryPolicy, Step
from tidegate_sandbox.services.pipelines.schedule import Result, find, ready, retry_after, signature


@st.composite
def graphs(draw: Any) -> list[Step]:
    """Steps of which each depends on some of those before it, or refers to them."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 8))):
        earlier = draw(st.sets(st.sampled_from([step.name for step in steps]))) if steps else set()
        by_name = draw(st.sets(st.sampled_from(sorted(earlier)))) if earlier else set()
        arguments = {"Inputs": [{"Get": f"Steps.{name}.Output"} for name in sorted(earlier - by_name)]}
        steps.append(
            Step.model_validate(
                {"Name": f"S{number}", "Type": "Processing", "Arguments": arguments, "DependsOn": sorted(by_name)}
            )
        )
    return steps


@settings(max_examples=40)
@given(graphs(), st.randoms())
def test_every_step_starts_once_and_after_all_it_needs(steps: list[Step], random: Any) -> None:
    shuffled = random.sample(steps, len(steps))
    begun: list[str] = []
    succeeded: set[str] = set()
    while starting := ready(shuffled, begun, succeeded):
        assert all(step.needs() <= succeeded for step in starting)
        begun += [step.name for step in starting]
        succeeded.add(random.choice([name for name in begun if name not in succeeded]))
        while not ready(shuffled, begun, succeeded) and set(begun) - succeeded:
            succeeded.add(next(name for name in begun if name not in succeeded))
    assert sorted(begun) == sorted(step.name for step in steps)


def policy(**members: Any) -> RetryPolicy:
    return RetryPolicy.model_validate({"ExceptionType": ["Step.THROTTLING"], **members})


NONE = timedelta(0)


@pytest.mark.parametrize(
    ("policies", "fault", "failures", "elapsed", "wait"),
    [
        ([], "Step.THROTTLING", 1, NONE, None),
        ([policy()], None, 1, NONE, None),
        ([policy()], "Step.SERVICE_FAULT", 1, NONE, None),
        ([policy(IntervalSeconds=10)], "Step.THROTTLING", 1, NONE, 10),
        ([policy(IntervalSeconds=10)], "Step.THROTTLING", 3, NONE, 40),
        ([policy(IntervalSeconds=10, BackoffRate=1.5)], "Step.THROTTLING", 2, NONE, 15),
        ([policy(MaxAttempts=2)], "Step.THROTTLING", 2, NONE, 2),
        ([policy(MaxAttempts=2)], "Step.THROTTLING", 3, NONE, None),
        ([policy()], "Step.THROTTLING", 5, NONE, 16),
        ([policy()], "Step.THROTTLING", 6, NONE, None),
        ([policy(IntervalSeconds=60, ExpireAfterMin=2)], "Step.THROTTLING", 1, timedelta(minutes=1), 60),
        ([policy(IntervalSeconds=60, ExpireAfterMin=2)], "Step.THROTTLING", 1, timedelta(minutes=1.5), None),
        ([policy(MaxAttempts=1), policy(MaxAttempts=9)], "Step.THROTTLING", 2, NONE, None),
    ],
)
def test_a_fault_is_tried_again_as_the_first_policy_for_it_says(
    policies: list[RetryPolicy], fault: str | None, failures: int, elapsed: timedelta, wait: float | None
) -> None:
    assert retry_after(policies, fault, failures, elapsed) == wait


PROCESSING = {
    "AppSpecification": {"ImageUri": "image", "ContainerArguments": ["--month", "3"]},
    "ProcessingInputs": [{"InputName": "rows", "S3Input": {"S3Uri": "s3://b/rows"}}],
    "Environment": {"A": "1"},
    "RoleArn": "role",
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}},
    "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://b/run-1"}}]},
}


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"ProcessingOutputConfig": {}}, True),
        ({"RoleArn": "another"}, True),
        ({"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.4xlarge"}}}, True),
        ({"Environment": {"A": "2"}}, False),
        ({"AppSpecification": {"ImageUri": "image", "ContainerArguments": ["--month", "4"]}}, False),
        ({"ProcessingInputs": []}, False),
    ],
)
def test_only_what_decides_the_result_decides_whether_it_is_used_again(change: dict[str, Any], again: bool) -> None:
    assert (signature("Processing", PROCESSING) == signature("Processing", {**PROCESSING, **change})) is again


def test_the_newest_result_that_is_not_too_old_is_used() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def result(days: float, step: str = "Train", key: str = "k") -> Result:
        return Result(step, key, now - timedelta(days=days), f"arn-{days}", {}, {})

    results = [result(3), result(1), result(2), result(0.1, step="Other"), result(0.1, key="other")]
    found = find(results, "Train", "k", now, timedelta(days=30))
    assert found is results[1]
    assert find(results, "Train", "k", now, timedelta(hours=12)) is None
