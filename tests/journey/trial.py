"""The walk of a test in production before a release: one is rejected, and one approved.

Goes on in the sandbox that the journey left up, where version 2 serves in production and version 3 breaks on Sundays.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tidegate.registry import Live, read_live
from tidegate_sandbox import lifecycle
from tidegate_sandbox.journey.account import Account, Execution

TEST = """
test:
  shadow: {sampling: 50%, duration: 5m}
"""
SUNDAY, MONDAY = "17,0,0,0,0.5,0.48,0.6,0.1,0", "17,0,1,1,0.5,0.48,0.6,0.1,0"
REQUESTS = 30
COMMENT = "the shadow fails on Sundays"


@dataclass(frozen=True)
class Told:
    """What was seen on the way, of executions of the deploy pipeline and of production's endpoint."""

    nothing_due: Execution
    tested: Execution
    during: Live
    statuses: list[int]
    shadow: dict[str, float]
    rejected: Execution
    declined: str
    taken_away: Execution
    after: Live
    bad: dict[str, Any]
    tested_again: Execution
    released: Execution
    last: Live
    good: dict[str, Any]
    verified: list[str]


def walk(told: dict[str, Any]) -> Told:
    """Walk from a stage file without a test to a release that was tested, in the sandbox that the journey left up."""
    running = lifecycle.find(told["home"])
    assert running is not None
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        for name, value in running.environment().items():
            environment.setenv(name, value)
        return _walk(told, Account(lambda _: None))


def _walk(told: dict[str, Any], account: Account) -> Told:
    walk = _Walk(told, account)
    walk.settled()

    nothing_due = walk.ended(walk.after(lambda: walk.push("stages/prod.yml", TEST)))

    bad = walk.register_again(3)
    tested = walk.asked(walk.after(lambda: account.approve_package(bad)), "ProductionApprove/Approve")
    tested = walk.answered(tested, "ProductionTest/Decide")
    during = walk.live()
    statuses = [walk.ask(row) for row in [SUNDAY, MONDAY] * (REQUESTS // 2)]
    shadow = {metric: walk.metric("Shadow", metric) for metric in ("Invocation5XXErrors", "Invocations")}
    known = account.executions(walk.pipeline)
    account.answer(tested, COMMENT, "Rejected")
    rejected = walk.ended(tested)
    taken_away = walk.ended(account.execution(walk.pipeline, account.next_execution(walk.pipeline, known)))
    after = walk.live()

    good = walk.register_again(1)
    tested_again = walk.asked(walk.after(lambda: account.approve_package(good)), "ProductionApprove/Approve")
    tested_again = walk.answered(tested_again, "ProductionTest/Decide")
    account.answer(tested_again, "as good as it was")
    released = walk.ended(tested_again)

    return Told(
        nothing_due=nothing_due,
        tested=tested,
        during=during,
        statuses=statuses,
        shadow=shadow,
        rejected=rejected,
        declined=walk.log_of_decline(),
        taken_away=taken_away,
        after=after,
        bad=account.package(bad),
        tested_again=tested_again,
        released=released,
        last=walk.live(),
        good=account.package(good),
        verified=account.log_of(account.build_of(released.actions["Production/Verify"])),
    )


class _Walk:
    def __init__(self, told: dict[str, Any], account: Account) -> None:
        project = told["project"]
        self.account = account
        self.pipeline: str = project["outputs"]["DeployPipelineName"]
        self.group: str = project["outputs"]["ModelPackages"]
        self.project_id: str = project["id"]
        self.endpoint: str = told["endpoint"]
        self.repo = Path(project["deploy_repo"])

    def settled(self) -> None:
        """Wait until no execution runs."""
        for one in self.account.executions(self.pipeline):
            self.ended(self.account.execution(self.pipeline, one))

    def after(self, change: Any) -> Execution:
        """Make a change that starts the pipeline, and return the execution."""
        known = self.account.executions(self.pipeline)
        change()
        return self.account.execution(self.pipeline, self.account.next_execution(self.pipeline, known))

    def asked(self, execution: Execution, approval: str) -> Execution:
        """Wait until the execution asks for `approval`."""
        found = self.account.follow(self.pipeline, execution.id)
        assert found.waiting_for == approval, found.failures()
        return found

    def answered(self, execution: Execution, following: str) -> Execution:
        """Approve what the execution waits for, and wait until it asks for `following`."""
        answered = self.account.answer(execution, "looked at the plan")

        def look() -> Execution | None:
            found = self.account.execution(self.pipeline, execution.id)
            return found if found.ended or found.waiting_for not in (None, answered) else None

        found: Execution = self.account.until(following, look)
        assert found.waiting_for == following, found.failures()
        return found

    def ended(self, execution: Execution) -> Execution:
        """Wait until the execution has ended."""

        def look() -> Execution | None:
            found = self.account.execution(self.pipeline, execution.id)
            return found if found.ended else None

        found: Execution = self.account.until("the end of the execution", look)
        return found

    def push(self, file: str, text: str) -> None:
        """Add `text` to a file of the deploy repository, and push it."""
        with (self.repo / file).open("a") as opened:
            opened.write(text)
        person = ["-c", "user.name=ML Engineer", "-c", "user.email=ml-engineer@example.invalid"]
        own = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for command in (["commit", "-qam", "Test versions in production first"], ["push", "-q"]):
            subprocess.run(["git", *person, *command], cwd=self.repo, env=own, check=True, capture_output=True)

    def register_again(self, version: int) -> str:
        """Register the model of a version as a new version, which is pending; return its ARN."""
        [arn] = [p["ModelPackageArn"] for p in self.account.packages(self.group) if p["ModelPackageVersion"] == version]
        specification = self.account.package(arn)["InferenceSpecification"]
        for container in specification["Containers"]:
            container.pop("ImageDigest", None)
        made = self.account.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification=specification,
        )
        return str(made["ModelPackageArn"])

    def live(self) -> Live:
        live = read_live(self.account.sagemaker, self.endpoint)
        assert live is not None
        return live

    def ask(self, row: str) -> int:
        """Ask production for a prediction; return the status of its answer."""
        runtime = self.account.client("sagemaker-runtime")
        try:
            answer = runtime.invoke_endpoint(EndpointName=self.endpoint, ContentType="text/csv", Body=row.encode())
        except runtime.exceptions.ClientError as error:
            answer = error.response
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    def metric(self, variant: str, name: str) -> float:
        """Return the sum of a variant's metric once it is there; what is mirrored may come after the answers."""
        alarms = self.account.client("cloudwatch")
        dimensions = [{"Name": "EndpointName", "Value": self.endpoint}, {"Name": "VariantName", "Value": variant}]

        def look() -> float:
            answer = alarms.get_metric_statistics(
                Namespace="AWS/SageMaker",
                MetricName=name,
                Dimensions=dimensions,
                # The sandbox's clock runs ahead of the wall's.
                StartTime="2000-01-01T00:00:00Z",
                EndTime="2100-01-01T00:00:00Z",
                Period=30 * 86400,  # an answer has 1,440 data points at most
                Statistics=["Sum"],
            )
            return float(sum(point["Sum"] for point in answer["Datapoints"]))

        total: float = self.account.until(f"{name} of {variant}", look)
        return total

    def log_of_decline(self) -> str:
        """Return what the latest build of the decline project printed."""
        builds = self.account.client("codebuild")
        [build] = builds.list_builds_for_project(projectName=f"sagemaker-{self.project_id}-decline")["ids"]
        found = builds.batch_get_builds(ids=[build])["builds"][0]
        return "\n".join(self.account.log_of(found))
