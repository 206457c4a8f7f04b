"""Rules on Model Monitor: what it needs, and where it cannot run."""

from collections.abc import Iterator

from tidegate.stage.fleet import Capture
from tidegate.stage.model_monitor import REGISTRIES, WITHOUT_JOB_DEFINITIONS
from tidegate.stage.monitoring import Monitoring, ProblemType
from tidegate.stage.rules.rule import KEY, Finding, Rule, rule
from tidegate.stage.trial import Trial


def _kinds(monitoring: Monitoring) -> Iterator[str]:
    if monitoring.data_quality:
        yield "data_quality"
    if monitoring.model_quality:
        yield "model_quality"


@rule(
    "TG051",
    "A monitor has captured data to look at",
    why="Model Monitor looks at what the endpoint has captured. Without capture, or with 0% of it, each run fails "
    "for want of data, hour by hour, and is paid for.",
    source="botocore, in the text of EndpointInput.EndpointName: an endpoint with DataCaptureConfig enabled",
    right="Add `capture: {sampling: 100%}`, or take the monitor out.",
)
def monitor_without_capture(monitoring: Monitoring, capture: Capture | None) -> Iterator[Finding]:
    """Find monitors that would find nothing."""
    if capture and capture.sampling:
        return
    for kind in _kinds(monitoring):
        yield Finding(
            ("monitoring", kind, KEY),
            f"{kind} looks at captured data, and nothing is captured",
            "write `capture: {sampling: 100%}`, or take the monitor out",
        )


schedule = Rule(
    "TG052",
    "A schedule is one that Model Monitor takes",
    why="Model Monitor runs each hour, each day at some hour, or every so many hours. It takes no rate(...), no "
    "minutes other than 0, and no days of the week. Each run starts up to 20 minutes late. Hours are UTC.",
    source="botocore, in the text of ScheduleConfig.ScheduleExpression",
    right="Write hourly, daily, cron(0 * ? * * *), cron(0 6 ? * * *) for each day at six, or cron(0 0/6 ? * * *) "
    "for every six hours from midnight.",
    keys=("monitoring.data_quality.schedule", "monitoring.model_quality.schedule"),
)


@rule(
    "TG053",
    "A monitored endpoint has one model that answers",
    why="Model Monitor supports endpoints that host a single model. While an A/B test goes on two models answer, "
    "and a monitor would hold the answers of both against the baseline of one. A shadow answers nobody, so it "
    "may go on beside a monitor.",
    source="SageMaker developer guide, Data and model quality monitoring with Model Monitor: only endpoints that "
    "host a single model",
    right="Test with a shadow, or take the monitor out of the stage that has the A/B test.",
)
def monitor_beside_ab(monitoring: Monitoring, test: Trial | None) -> Iterator[Finding]:
    """Find monitors where two models answer."""
    if test and test.ab:
        for kind in _kinds(monitoring):
            yield Finding(
                ("monitoring", kind, KEY),
                f"{kind} supports one model that answers, and with test.ab there are two",
                "test with a shadow, or take the monitor out",
            )


@rule(
    "TG054",
    "Model quality knows where the prediction is",
    why="Predictions are held against ground truth. A regression and a classification into several classes need "
    "the predicted value, a binary classification that or the probability. Of a regression there is no "
    "probability.",
    source="botocore: EndpointInput.InferenceAttribute and ProbabilityAttribute; SageMaker Python SDK, model_monitor",
    right="Give `inference_attribute` or, for a binary classification, `probability_attribute`: the position in "
    'CSV, such as "0", or the name in JSON.',
)
def prediction_nowhere(monitoring: Monitoring) -> Iterator[Finding]:
    """Find model quality that could not tell what was predicted."""
    quality = monitoring.model_quality
    if quality is None:
        return
    path = ("monitoring", "model_quality")
    if quality.problem_type is ProblemType.REGRESSION and quality.probability_attribute is not None:
        yield Finding(
            (*path, "probability_attribute", KEY),
            "`probability_attribute` means nothing to a Regression",
            "take it out, and name the predicted value with inference_attribute",
        )
    if quality.inference_attribute is not None:
        return
    if quality.problem_type is not ProblemType.BINARY_CLASSIFICATION:
        missing = "`inference_attribute` is missing"
    elif quality.probability_attribute is None:
        missing = "neither `inference_attribute` nor `probability_attribute` is there"
    else:
        return
    yield Finding(
        (*path, KEY),
        f"{missing}, so nothing says where the prediction is",
        'add it, such as `inference_attribute: "0"`',
    )


@rule(
    "TG055",
    "Model Monitor is in the stage's region",
    why="Not every region has Model Monitor's image, and where it has, CloudFormation cannot everywhere make the job "
    "that runs it. A stack that asks for one there fails, long after the push.",
    source="SageMaker Python SDK 3.27.0: its images of Model Monitor, region by region; CloudFormation's resource "
    "schemas, region by region: AWS::SageMaker::DataQualityJobDefinition and ModelQualityJobDefinition",
    right="Take the monitor out of the stage, or have the stage in another region.",
)
def monitor_of_another_region(monitoring: Monitoring, region: str) -> Iterator[Finding]:
    """Find monitors where there is no Model Monitor."""
    if region not in REGISTRIES:
        wrong = f"Model Monitor has no image in {region} that AWS's SDK knows"
    elif region in WITHOUT_JOB_DEFINITIONS:
        wrong = f"CloudFormation has no job definitions of Model Monitor in {region}"
    else:
        return
    for kind in _kinds(monitoring):
        yield Finding(("monitoring", kind, KEY), wrong, "take the monitor out")


RULES = (monitor_without_capture, schedule, monitor_beside_ab, prediction_nowhere, monitor_of_another_region)
