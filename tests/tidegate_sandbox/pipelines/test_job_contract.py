"""What a training container is made of where the request leaves it to the image, and what is passed over, in words."""

from pathlib import Path
from typing import Any

import pytest

from tidegate_sandbox import images
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.services.jobs import contract
from tidegate_sandbox.services.jobs.logs import last_of_each

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


def test_an_algorithms_own_metrics_are_the_last_of_each_data_set_as_it_prints_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "Running xgboost in algorithm mode\n"
        "[0]#011train-rmse:7.5#011validation-rmse:8\n"
        "[1]#011train-rmse:1.5#011train-error@0.7:0.25#011validation-rmse:nothing\n"
    )
    image = images.stand_in("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1")
    assert last_of_each(log, image.metrics) == {"train:rmse": 1.5, "validation:rmse": 8.0, "train:error@0.7": 0.25}
