"""What happens to a release while it is followed, on a clock that does not wait."""

from datetime import UTC, datetime, timedelta

from tests.tidegate.small_registry import package_arn
from tidegate.clock import ManualClock
from tidegate.verify import Deployment

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PACKAGE = package_arn(0).removesuffix("/0")
DEPLOYMENT = Deployment("sagemaker-p-1-modeldeploy", "execution-1")
ENDPOINT, STACK, MODEL = "AWS::SageMaker::Endpoint", "AWS::CloudFormation::Stack", "AWS::SageMaker::Model"
CONFIG = "AWS::SageMaker::EndpointConfig"
ALARM = "shop-p-1-prod-rollback-1-Invocation5XXErrors-new-fleet"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class ScriptedClock(ManualClock):
    """A clock on which things happen: at each time given, its step is taken, once."""

    def __init__(self, start, steps) -> None:
        super().__init__(start)
        self._start, self._steps = start, dict(sorted(steps.items()))
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.pauses.append(seconds)
        passed = (self.now() - self._start).total_seconds()
        for due in [due for due in self._steps if due <= passed]:
            self._steps.pop(due)()


def ends_well(aws):
    def step() -> None:
        aws.in_service("config-3", 1000)
        aws.stack = "UPDATE_COMPLETE"
        aws.deploy_action("Succeeded")

    return step


def rolls_back(aws, *, stack_fails: bool):
    def step() -> None:
        aws.in_service("config-2", 300)
        aws.alarm_fires(-4000, "in an earlier release")
        aws.alarm_fires(250)
        aws.stack = "UPDATE_ROLLBACK_COMPLETE" if stack_fails else "UPDATE_COMPLETE"
        if stack_fails:
            aws.event("Endpoint", ENDPOINT, "UPDATE_FAILED", 310, "the endpoint did not take the config")
        aws.deploy_action("Failed" if stack_fails else "Succeeded")

    return step
