"""The journey's view of an AWS account: plain boto3 calls, and waiting for what they started."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

POLL_SECONDS = 0.25
APP = "tidegate-quickstart"
"""What the journey's own clients call themselves, so that their requests can be told from the repos' tests."""

PATIENCE_SECONDS = 900


class JourneyError(Exception):
    """The journey cannot go on; the message is a sentence for the person who watches it."""


@dataclass(frozen=True)
class Execution:
    """An execution of a CodePipeline pipeline, as far as it has come."""

    pipeline: str
    id: str
    status: str
    actions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Newest detail of each action, by `Stage/Action`."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.status not in ("InProgress", "Stopping")

    @property
    def waiting_for(self) -> str | None:
        """The approval that a person has to give or refuse, as `Stage/Action`."""
        asked = (name for name, a in self.actions.items() if a["status"] == "InProgress" and _provider(a) == "Manual")
        return next(asked, None)

    def failures(self) -> str:
        """Return what its failed actions say, as one line."""
        said = [
            f"{name}: {action.get('output', {}).get('executionResult', {}).get('externalExecutionSummary', 'failed')}"
            for name, action in self.actions.items()
            if action["status"] == "Failed"
        ]
        return "; ".join(said) or self.status


def _provider(action: Mapping[str, Any]) -> str:
    return str(action.get("input", {}).get("actionTypeId", {}).get("provider", ""))


class Account:
    """Whatever account boto3 reaches."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def client(self, service: str, account: str | None = None) -> Any:
        """Return a boto3 client that sends each request once, so that every failure is seen.

        `account` is another one than the environment's: in the sandbox, who has its number has its keys.
        """
        import boto3
        from botocore.config import Config

        keys = {"aws_access_key_id": account, "aws_secret_access_key": "local"} if account else {}
        return boto3.client(service, **keys, config=Config(retries={"total_max_attempts": 1}, user_agent_appid=APP))  # type: ignore[call-arg, call-overload]

    @cached_property
    def sagemaker(self) -> Any:
        """SageMaker's control plane."""
        return self.client("sagemaker")

    @cached_property
    def codepipeline(self) -> Any:
        """CodePipeline."""
        return self.client("codepipeline")

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        """Call `look` until it returns something true, and return that; JourneyError if that takes too long."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            if found := look():
                return found
            time.sleep(POLL_SECONDS)
        raise JourneyError(f"{what} did not happen within {PATIENCE_SECONDS} seconds")

    # ------------------------------------------------------------ pipelines
    def executions(self, pipeline: str) -> list[str]:
        """Return the ids of a pipeline's executions, newest first."""
        answer = self.codepipeline.list_pipeline_executions(pipelineName=pipeline)
        return [summary["pipelineExecutionId"] for summary in answer["pipelineExecutionSummaries"]]

    def execution(self, pipeline: str, execution_id: str) -> Execution:
        """Return an execution as it stands now."""
        status = self.codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution_id)
        pages = self.codepipeline.get_paginator("list_action_executions").paginate(
            pipelineName=pipeline, filter={"pipelineExecutionId": execution_id}
        )
        details = [detail for page in pages for detail in page["actionExecutionDetails"]]
        actions = {f"{d['stageName']}/{d['actionName']}": d for d in sorted(details, key=lambda d: d["startTime"])}
        return Execution(pipeline, execution_id, status["pipelineExecution"]["status"], actions)

    def follow(self, pipeline: str, execution_id: str) -> Execution:
        """Wait until an execution has ended or asks for approval, telling each action that ends."""

        def look() -> Execution | None:
            execution = self.execution(pipeline, execution_id)
            for name, action in execution.actions.items():
                if action["status"] in ("Succeeded", "Failed"):
                    self._say(f"{name}: {action['status'].lower()}")
            return execution if execution.ended or execution.waiting_for else None

        found: Execution = self.until(f"the end of {pipeline}", look)
        return found

    def next_execution(self, pipeline: str, known: list[str]) -> str:
        """Wait for an execution that is not `known` yet, and return its id."""

        def look() -> str | None:
            return next((found for found in self.executions(pipeline) if found not in known), None)

        started: str = self.until(f"a new execution of {pipeline}", look)
        return started

    def answer(self, execution: Execution, summary: str, status: str = "Approved") -> str:
        """Answer the manual approval that an execution waits for; return which one it was, as `Stage/Action`."""
        if execution.waiting_for is None:
            raise JourneyError(f"{execution.pipeline} waits for no approval")
        stage, action = execution.waiting_for.split("/")

        def look() -> str | None:
            states = self.codepipeline.get_pipeline_state(name=execution.pipeline)["stageStates"]
            [actions] = [each["actionStates"] for each in states if each["stageName"] == stage]
            [asked] = [each for each in actions if each["actionName"] == action]
            token: str | None = asked.get("latestExecution", {}).get("token")
            return token

        # The action is under way a moment before it has its token.
        token = self.until(f"the token of {execution.waiting_for}", look)
        result = {"summary": summary, "status": status}
        self.codepipeline.put_approval_result(
            pipelineName=execution.pipeline, stageName=stage, actionName=action, result=result, token=token
        )
        return execution.waiting_for

    # ------------------------------------------------------------ registry
    def packages(self, group: str) -> list[dict[str, Any]]:
        """Return a group's model packages, newest first."""
        pages = self.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
        )
        found = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
        return sorted(found, key=lambda summary: -summary["ModelPackageVersion"])

    def package(self, arn: str) -> dict[str, Any]:
        """Describe a model package."""
        described: dict[str, Any] = self.sagemaker.describe_model_package(ModelPackageName=arn)
        return described

    def approve_package(self, arn: str) -> None:
        """Approve a version in the registry."""
        self.sagemaker.update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="looked at its metrics"
        )

    # ------------------------------------------------------------ builds
    def build_of(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """Return the CodeBuild build that an action ran."""
        build_id = action["output"]["executionResult"]["externalExecutionId"]
        build: dict[str, Any] = self.client("codebuild").batch_get_builds(ids=[build_id])["builds"][0]
        return build

    def log_of(self, build: Mapping[str, Any]) -> list[str]:
        """Return the lines of a build's log."""
        logs = self.client("logs")
        where = build["logs"]
        lines: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = logs.get_log_events(
                logGroupName=where["groupName"], logStreamName=where["streamName"], startFromHead=True, **token
            )
            lines += [event["message"] for event in page["events"]]
            if not page["events"] or page.get("nextForwardToken") == token.get("nextToken"):
                return lines
            token = {"nextToken": page["nextForwardToken"]}
