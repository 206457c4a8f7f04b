"""Model Monitor on a stage's endpoint: what is looked at, and when."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tidegate.stage import limits
from tidegate.stage.frozen import Frozen
from tidegate.stage.values import AttributeName, InstanceType, S3Uri, Schedule, one_of


class ProblemType(StrEnum):
    """`ProblemType` of a model quality job (botocore: MonitoringProblemType)."""

    REGRESSION = "Regression"
    BINARY_CLASSIFICATION = "BinaryClassification"
    MULTICLASS_CLASSIFICATION = "MulticlassClassification"


class DataQuality(Frozen):
    """A Model Monitor job that holds captured requests against a baseline."""

    schedule: Schedule = Field(examples=["hourly"])
    baseline: S3Uri | None = None
    """A prefix that holds `statistics.json` and `constraints.json`; left out, the model package's own."""
    instance_type: InstanceType = limits.DEFAULT_MONITORING_INSTANCE_TYPE


class ModelQuality(Frozen):
    """A Model Monitor job that holds captured answers against ground truth that comes later."""

    schedule: Schedule = Field(examples=["daily"])
    ground_truth: S3Uri = Field(examples=["s3://bucket/ground-truth"])
    problem_type: Annotated[ProblemType, one_of(ProblemType, "a problem type")] = Field(examples=["Regression"])
    inference_attribute: AttributeName | None = None
    probability_attribute: AttributeName | None = None
    baseline: S3Uri | None = None
    instance_type: InstanceType = limits.DEFAULT_MONITORING_INSTANCE_TYPE


class Monitoring(Frozen):
    """What Model Monitor looks at, at best once an hour."""

    data_quality: DataQuality | None = None
    model_quality: ModelQuality | None = None
