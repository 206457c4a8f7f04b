"""What a training container is made of where the request leaves it to the image, and what is passed over, in words."""

from typing import Any

import pytest

from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.jobs import contract

REQUEST: dict[str, Any] = {
    "TrainingJobName": "t",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/models"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
}
TRAIN = ("python3", "/images/train.py", "xgboost", "1.0-1")


def test_an_image_that_trains_by_itself_needs_no_entrypoint_and_one_that_does_not_is_refused() -> None:
    assert contract.training(REQUEST, "arn", TRAIN).command == TRAIN
    own = {**REQUEST["AlgorithmSpecification"], "ContainerEntrypoint": ["python3", "mine.py"]}
    assert contract.training({**REQUEST, "AlgorithmSpecification": own}, "arn", TRAIN).command == ("python3", "mine.py")
    with pytest.raises(AwsError, match="without TrainingImage and ContainerEntrypoint"):
        contract.training(REQUEST, "arn")


def test_what_the_sdk_asks_for_unasked_is_passed_over_and_told_and_what_somebody_asked_for_is_refused() -> None:
    unasked = {
        "DebugHookConfig": {"S3OutputPath": "s3://b/models", "CollectionConfigurations": []},
        "ProfilerRuleConfigurations": [{"RuleConfigurationName": "ProfilerReport", "RuleEvaluatorImage": "rules"}],
        "ProfilerConfig": {"S3OutputPath": "s3://b/models"},
    }
    remarks = contract.training({**REQUEST, **unasked}, "arn", TRAIN).remarks
    assert [remark.split()[2] for remark in remarks] == ["DebugHookConfig", "ProfilerRuleConfigurations"]
    assert contract.training(REQUEST, "arn", TRAIN).remarks == ()
    asked = {"S3OutputPath": "s3://b/d", "CollectionConfigurations": [{"CollectionName": "losses"}]}
    with pytest.raises(AwsError, match=r"DebugHookConfig\.CollectionConfigurations"):
        contract.training({**REQUEST, "DebugHookConfig": asked}, "arn", TRAIN)
