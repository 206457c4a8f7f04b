"""A repository, a bucket and pipelines on them, and short words for what is done with them."""

import io
import json
import os
import subprocess
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROLE = "arn:aws:iam::111122223333:role/any"
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
    "NO_PROXY": "127.0.0.1",
}


class Journey:
    """A repository, a bucket and pipelines on them, all named after one token."""

    def __init__(self, sandbox: Any, eventually: Callable[..., Any], folder: Path) -> None:
        self.sandbox, self.eventually, self.folder = sandbox, eventually, folder
        self.name = f"p-{uuid.uuid4().hex[:8]}"
        self.client = sandbox.client("codepipeline")
        repository = sandbox.client("codecommit").create_repository(repositoryName=self.name)
        sandbox.client("s3").create_bucket(
            Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": sandbox.region}
        )
        self.git(
            "clone", "-q", repository["repositoryMetadata"]["cloneUrlHttp"], str(self.folder / "checkout"), cwd=folder
        )
        self.push({"word.txt": "hello\n"})

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        environment = {**os.environ, **GIT}
        ran = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.folder / "checkout",
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return ran.stdout.strip()

    def push(self, files: dict[str, str], message: str = "A commit") -> str:
        for name, content in files.items():
            (self.folder / "checkout" / name).write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def project(self, name: str, *commands: str, **spec: Any) -> str:
        """Make a CodeBuild project for the pipeline."""
        buildspec = {"version": "0.2", "phases": {"build": {"commands": list(commands)}}, **spec}
        self.sandbox.client("codebuild").create_project(
            name=f"{self.name}-{name}",
            source={"type": "CODEPIPELINE", "buildspec": json.dumps(buildspec)},
            artifacts={"type": "CODEPIPELINE"},
            environment={"type": "LINUX_CONTAINER", "image": "any", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole=ROLE,
        )
        return f"{self.name}-{name}"

    def action(self, name: str, category: str, provider: str, **rest: Any) -> dict[str, Any]:
        kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        return {"name": name, "actionTypeId": kind, **rest}

    def source(self) -> dict[str, Any]:
        configuration = {"RepositoryName": self.name, "BranchName": "main", "PollForSourceChanges": "false"}
        action = self.action("Source", "Source", "CodeCommit", configuration=configuration, namespace="Source")
        return action | {"outputArtifacts": [{"name": "Source"}]}

    def build(self, name: str, project: str, **rest: Any) -> dict[str, Any]:
        configuration = {"ProjectName": project, **rest.pop("configuration", {})}
        rest = {"inputArtifacts": [{"name": "Source"}], **rest}
        return self.action(name, "Build", "CodeBuild", configuration=configuration, **rest)

    def approval(self, **rest: Any) -> dict[str, Any]:
        return self.action("Approve", "Approval", "Manual", **rest)

    def declaration(self, *stages: list[dict[str, Any]] | dict[str, Any], **rest: Any) -> dict[str, Any]:
        named = [
            {"name": f"S{number}", **(stage if isinstance(stage, dict) else {"actions": stage})}
            for number, stage in enumerate(stages, 1)
        ]
        return {
            "name": self.name,
            "roleArn": ROLE,
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            "artifactStore": {"type": "S3", "location": self.name},
            "stages": [{"name": "Source", "actions": [self.source()]}, *named],
            **rest,
        }

    def create(self, *stages: list[dict[str, Any]] | dict[str, Any], **rest: Any) -> str:
        """Create the pipeline; return its first execution, which AWS starts by itself."""
        self.client.create_pipeline(pipeline=self.declaration(*stages, **rest))
        return str(self.executions()[0]["pipelineExecutionId"])

    def start(self, **rest: Any) -> str:
        return str(self.client.start_pipeline_execution(name=self.name, **rest)["pipelineExecutionId"])

    def executions(self) -> list[dict[str, Any]]:
        return list(self.client.list_pipeline_executions(pipelineName=self.name)["pipelineExecutionSummaries"])

    def status(self, execution: str) -> str:
        found = self.client.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=execution)
        return str(found["pipelineExecution"]["status"])

    def becomes(self, execution: str, status: str) -> None:
        over = ("Cancelled", "Stopped", "Succeeded", "Superseded", "Failed")
        self.eventually(lambda: self.status(execution) in (*over, status), 60)
        assert self.status(execution) == status, self.actions(execution)

    def actions(self, execution: str) -> dict[str, dict[str, Any]]:
        wanted = {"pipelineExecutionId": execution}
        details = self.client.list_action_executions(pipelineName=self.name, filter=wanted)["actionExecutionDetails"]
        return {one["actionName"]: one for one in reversed(details)}

    def summary(self, execution: str, action: str) -> str:
        return str(self.actions(execution)[action]["output"]["executionResult"]["externalExecutionSummary"])

    def artifact(self, execution: str, action: str) -> zipfile.ZipFile:
        [made] = self.actions(execution)[action]["output"]["outputArtifacts"]
        found = self.sandbox.client("s3").get_object(Bucket=made["s3location"]["bucket"], Key=made["s3location"]["key"])
        return zipfile.ZipFile(io.BytesIO(found["Body"].read()))

    def token(self, stage: str = "S1") -> str:
        """Wait for the approval of `stage` and return its token."""

        def asked() -> Any:
            states = {one["stageName"]: one for one in self.client.get_pipeline_state(name=self.name)["stageStates"]}
            return states[stage]["actionStates"][0].get("latestExecution", {}).get("token")

        return str(self.eventually(asked))

    def stage(self, name: str) -> dict[str, Any]:
        states = self.client.get_pipeline_state(name=self.name)["stageStates"]
        return next(one for one in states if one["stageName"] == name)

    def answer(self, token: str, status: str = "Approved", summary: str = "fine", stage: str = "S1") -> None:
        self.client.put_approval_result(
            pipelineName=self.name,
            stageName=stage,
            actionName="Approve",
            token=token,
            result={"status": status, "summary": summary},
        )
