"""Model Monitor on a stage's endpoint: what is looked at, and when."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tidegate.stage import limits
from tidegate.stage.frozen import Frozen
from tidegate.stage.values import AttributeName, MonitoringInstanceType, S3Uri, Schedule, one_of


class ProblemType(StrEnum):
    """`ProblemType` of a model quality job (botocore: MonitoringProblemType)."""

    REGRESSION = "Regression"
    BINARY_CLASSIFICATION = "BinaryClassification"
    MULTICLASS_CLASSIFICATION = "MulticlassClassification"


class DataQuality(Frozen):
    """A Model Monitor job that holds captured requests against a baseline."""

    schedule: Schedule = Field(examples=["hourly"])
    """When it runs, UTC."""
    baseline: S3Uri | None = None
    """A prefix that holds `statistics.json` and `constraints.json`; left out, the model package's own."""
    instance_type: MonitoringInstanceType = limits.DEFAULT_MONITORING_INSTANCE_TYPE
    """What the job runs on."""


class ModelQuality(Frozen):
    """A Model Monitor job that holds captured answers against ground truth that comes later."""

    schedule: Schedule = Field(examples=["daily"])
    """When it runs, UTC."""
    ground_truth: S3Uri = Field(examples=["s3://bucket/ground-truth"])
    """A prefix under which the true answers arrive, by the hour."""
    problem_type: Annotated[ProblemType, one_of(ProblemType, "a problem type")] = Field(examples=["Regression"])
    """What kind of answers the model gives."""
    inference_attribute: AttributeName | None = None
    """Where in an answer the prediction is: its name in JSON, its position in CSV."""
    probability_attribute: AttributeName | None = None
    """Where in an answer the probability is: its name in JSON, its position in CSV."""
    baseline: S3Uri | None = None
    """A prefix that holds `statistics.json` and `constraints.json`; left out, the model package's own."""
    instance_type: MonitoringInstanceType = limits.DEFAULT_MONITORING_INSTANCE_TYPE
    """What the job runs on."""


class Monitoring(Frozen):
    """What Model Monitor looks at, at best once an hour."""

    data_quality: DataQuality | None = None
    """Holds captured requests against a baseline; needs `capture`."""
    model_quality: ModelQuality | None = None
    """Holds captured answers against ground truth that comes later; needs `capture`."""
