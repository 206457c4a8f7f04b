"""The published product in a sandbox of its own, and what people do with it: launch, wait, look at what is there."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

LOOKS_EVERY = 3.0
"""Seconds after which pipelines are looked for that run all the same."""


@dataclass(frozen=True)
class Launched:
    """How a launch ended: SageMaker's word for it, its reason, and after how many seconds."""

    id: str
    status: str
    reason: str
    seconds: float


class Gallery:
    """The published product, and who launches it."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self._spared: set[str] = set()
        self._stopping = threading.Lock()
        catalog = sandbox.client("servicecatalog")
        found = catalog.search_products()["ProductViewSummaries"]
        self.product = next(each["ProductId"] for each in found if "CodeCommit" in each["Name"])
        self.version = catalog.describe_product(Id=self.product)["ProvisioningArtifacts"][-1]["Id"]

    def spare(self, pipeline: str) -> None:
        """Let the pipeline's runs go on from now on."""
        with self._stopping:
            self._spared.add(pipeline)

    def stop_pipelines(self, over: threading.Event) -> None:
        """Stop what a launch ends with, until it is over: building the model would take minutes, and is told elsewhere.

        Hears of a run when it starts, before anything of it has; now and then looks for one that it did not hear of.
        """
        queue, look_at = self._started(), time.monotonic()
        while not over.is_set():
            found = self.sandbox.client("sqs").receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for message in found.get("Messages", ()):
                self.sandbox.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                run = json.loads(message["Body"])["detail"]
                self._stop(run["pipeline"], run["execution-id"])
            if time.monotonic() >= look_at:
                self._stop_all()
                look_at = time.monotonic() + LOOKS_EVERY

    def _started(self) -> str:
        """Return the address of a queue that is told of every run that starts."""
        name = "started"
        queue = self.sandbox.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        started = {
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Pipeline Execution State Change"],
            "detail": {"state": ["STARTED"]},
        }
        events = self.sandbox.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(started))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": self.sandbox.arn("sqs", name)}])
        return str(queue)

    def _stop_all(self) -> None:
        codepipeline = self.sandbox.client("codepipeline")
        for name in [each["name"] for each in codepipeline.list_pipelines()["pipelines"]]:
            if name in self._spared:
                continue
            with suppress(ClientError):  # it has gone since
                for each in codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]:
                    if each["status"] == "InProgress":
                        self._stop(name, each["pipelineExecutionId"])

    def _stop(self, pipeline: str, run: str) -> None:
        with self._stopping, suppress(ClientError):  # it has ended, or gone, since
            if pipeline not in self._spared:
                self.sandbox.client("codepipeline").stop_pipeline_execution(
                    pipelineName=pipeline, pipelineExecutionId=run, abandon=True
                )

    def launch(self, name: str, **answers: str) -> None:
        self.sandbox.client("sagemaker").create_project(
            ProjectName=name,
            ServiceCatalogProvisioningDetails={
                "ProductId": self.product,
                "ProvisioningArtifactId": self.version,
                "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in answers.items()],
            },
        )

    def ended(self, name: str, since: float) -> Launched:
        """Wait for the launch's end; its seconds are counted from `since`, a monotonic time."""
        while True:
            found = self.sandbox.client("sagemaker").describe_project(ProjectName=name)
            if not found["ProjectStatus"].endswith("InProgress"):
                said = found["ServiceCatalogProvisionedProductDetails"].get("ProvisionedProductStatusMessage", "")
                return Launched(found["ProjectId"], found["ProjectStatus"], said, time.monotonic() - since)
            time.sleep(0.5)

    def launched(self, name: str, **answers: str) -> Launched:
        begun = time.monotonic()
        self.launch(name, **answers)
        return self.ended(name, begun)

    def failed(self, name: str, break_it: Callable[[dict[str, Any]], None]) -> Launched:
        """Launch, and call `break_it` with the seed build as soon as that runs; the seconds are counted from there."""
        self.launch(name)
        builds = self.sandbox.client("codebuild")
        wanted = self.sandbox.client("sagemaker").describe_project(ProjectName=name)["ProjectId"]
        while True:
            ids = [each for each in builds.list_builds()["ids"] if each.startswith(f"sagemaker-{wanted}-seed:")]
            found = builds.batch_get_builds(ids=ids)["builds"] if ids else []
            if found and found[0]["currentPhase"] in ("INSTALL", "BUILD"):
                break_it(found[0])
                return self.ended(name, time.monotonic())
            time.sleep(0.05)

    def remains(self, project_id: str) -> dict[str, list[str]]:
        """Return what is in the account and has the project's id in its name, but for its stack."""
        client = self.sandbox.client
        seen = {
            "repositories": [
                each["repositoryName"] for each in client("codecommit").list_repositories()["repositories"]
            ],
            "buckets": [each["Name"] for each in client("s3").list_buckets()["Buckets"]],
            "roles": [each["RoleName"] for each in client("iam").list_roles(PathPrefix="/tidegate/")["Roles"]],
            "rules": [each["Name"] for each in client("events").list_rules()["Rules"]],
            "functions": [each["FunctionName"] for each in client("lambda").list_functions()["Functions"]],
            "log groups": [each["logGroupName"] for each in client("logs").describe_log_groups()["logGroups"]],
            "topics": [each["TopicArn"] for each in client("sns").list_topics()["Topics"]],
            "projects": client("codebuild").list_projects()["projects"],
            "pipelines": [each["name"] for each in client("codepipeline").list_pipelines()["pipelines"]],
            "images": [each["repositoryName"] for each in client("ecr").describe_repositories()["repositories"]],
            "groups": [
                each["ModelPackageGroupName"]
                for each in client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
            ],
        }
        return {kind: kept for kind, names in seen.items() if (kept := [each for each in names if project_id in each])}

    def runs(self, project_id: str, part: str) -> list[str]:
        """Return how each execution so far of one of a project's pipelines has ended, or that it goes on."""
        found = self.sandbox.client("codepipeline").list_pipeline_executions(
            pipelineName=f"sagemaker-{project_id}-model{part}"
        )
        return [each["status"] for each in found["pipelineExecutionSummaries"]]

    def at_rest(self, project_id: str, builds: int) -> None:
        """Wait until a project's build pipeline has run so many times, and nothing of either pipeline runs."""
        until = time.monotonic() + 120
        while True:
            runs = {part: self.runs(project_id, part) for part in ("build", "deploy")}
            if len(runs["build"]) >= builds and not {"InProgress", "Stopping"} & {*runs["build"], *runs["deploy"]}:
                return
            assert time.monotonic() < until, f"the pipelines of {project_id} do not come to rest"
            time.sleep(0.6)

    def first_commit(self, name: str, project_id: str, part: str, into: Path) -> Path:
        repository = f"{name}-{project_id}-model{part}"
        found = self.sandbox.client("codecommit").get_repository(repositoryName=repository)["repositoryMetadata"]
        folder = into / repository
        subprocess.run(
            ["git", "clone", "--quiet", found["cloneUrlHttp"], str(folder)],
            check=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "NO_PROXY": "127.0.0.1"},
        )
        return folder
