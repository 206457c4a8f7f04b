"""Compile the pipeline, put it into the account, run it to its end.

    python -m pipelines.release compile   the definition, on standard output; needs no account
    python -m pipelines.release upsert    upload code and data, create or update the pipeline
    python -m pipelines.release run       upsert, start an execution, follow it, exit 1 if it fails

Everything goes through boto3 with the credentials, region and endpoint of the environment.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipelines.compilation import Compiled, compile_pipeline
from pipelines.execution import ExecutionFailed, follow
from pipelines.settings import ROOT, Project, Settings, SettingsError, load_project, load_settings
from pipelines.shapes import problems

Say = Callable[[str], None]
RETRY = Config(retries={"mode": "standard", "max_attempts": 5})


class DefinitionError(Exception):
    """The compiled definition is one that SageMaker's API would refuse."""


def parameters(settings: Settings, data_url: str, commit: str) -> dict[str, str]:
    """Return every pipeline parameter of a run, so that the execution's own record is complete."""
    return {
        "InputDataUrl": data_url,
        "FromMonth": str(settings.data.from_month),
        "ToMonth": str(settings.data.to_month),
        "MaxDepth": str(settings.training.max_depth),
        "Eta": str(settings.training.eta),
        "NumRound": str(settings.training.num_round),
        "MaxRmse": str(settings.gate.max_rmse),
        "ProcessingInstanceType": settings.instances.processing,
        "TrainingInstanceType": settings.instances.training,
        "ModelApprovalStatus": settings.approval_status,
        "GitCommit": commit,
    }


def commit_id() -> str:
    """Return the commit being built: CodeBuild's word for it, else git's, else `unknown`."""
    if named := os.environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION"):
        return named
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def upload(s3: Any, project: Project, objects: Mapping[str, bytes], say: Say) -> None:
    """Put the objects that are not there yet. A key is the hash of its content, so what is there is right."""
    present: set[str] = set()
    for folder in sorted({"/".join(key.split("/")[:3]) for key in objects}):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix=f"{folder}/")
        present |= {entry["Key"] for page in pages for entry in page.get("Contents", ())}
    missing = sorted(objects.keys() - present)
    for key in missing:
        s3.put_object(
            Bucket=project.bucket,
            Key=key,
            Body=objects[key],
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=project.kms_key_arn,
        )
    say(f"code and data: {len(missing)} objects uploaded, {len(objects) - len(missing)} already there")


def upsert(sagemaker: Any, project: Project, compiled: Compiled, say: Say) -> str:
    """Create the pipeline, or update it if its definition or role changed; return its ARN."""
    wanted = {"PipelineDefinition": compiled.definition, "RoleArn": project.execution_role_arn}
    try:
        found = sagemaker.describe_pipeline(PipelineName=compiled.name)
    except sagemaker.exceptions.ResourceNotFound:
        tags = {"sagemaker:project-name": project.project_name, "sagemaker:project-id": project.project_id}
        created = sagemaker.create_pipeline(
            PipelineName=compiled.name,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            **wanted,
        )
        say(f"pipeline {compiled.name}: created")
        return str(created["PipelineArn"])
    if all(found.get(key) == value for key, value in wanted.items()):
        say(f"pipeline {compiled.name}: unchanged")
    else:
        sagemaker.update_pipeline(PipelineName=compiled.name, **wanted)
        say(f"pipeline {compiled.name}: updated")
    return str(found["PipelineArn"])


def start(sagemaker: Any, compiled: Compiled, settings: Settings, commit: str) -> str:
    """Start an execution; return its ARN. A build that is run again finds the execution that it started."""
    values = parameters(settings, compiled.data_url, commit)
    build = os.environ.get("CODEBUILD_BUILD_ID")
    once = {"ClientRequestToken": hashlib.sha256(build.encode()).hexdigest()} if build else {}
    started = sagemaker.start_pipeline_execution(
        PipelineName=compiled.name,
        PipelineExecutionDisplayName=f"commit-{commit[:12]}",
        PipelineExecutionDescription=f"Months {settings.data.from_month} to {settings.data.to_month}, commit {commit}",
        PipelineParameters=[{"Name": name, "Value": value} for name, value in values.items()],
        **once,
    )
    return str(started["PipelineExecutionArn"])


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.release", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    compiling = commands.add_parser("compile", help="print the definition; needs no account")
    compiling.add_argument("--objects", type=Path, metavar="DIR", help="also write code and data to DIR/BUCKET/KEY")
    commands.add_parser("upsert", help="upload code and data, create or update the pipeline")
    commands.add_parser("run", help="upsert, start an execution and follow it to its end")
    args = parser.parse_args(arguments)
    try:
        return _do(args.command, getattr(args, "objects", None))
    except (SettingsError, DefinitionError, ExecutionFailed, BotoCoreError, ClientError) as problem:
        print(problem, file=sys.stderr)
        return 1


def _do(command: str, objects_dir: Path | None) -> int:
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - started:5.0f}s  {line}", flush=True)

    project, settings = load_project(), load_settings()
    compiled = compile_pipeline(project, settings)
    if refused := problems(compiled.definition):
        raise DefinitionError("the definition would be refused:\n" + "\n".join(refused))
    if command == "compile":
        print(compiled.definition)
        for key, content in compiled.objects.items() if objects_dir else ():
            target = Path(str(objects_dir)) / project.bucket / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return 0
    say("compiled and checked")
    upload(boto3.client("s3", region_name=project.region, config=RETRY), project, compiled.objects, say)
    sagemaker = boto3.client("sagemaker", region_name=project.region, config=RETRY)
    say(upsert(sagemaker, project, compiled, say))
    if command == "run":
        execution = start(sagemaker, compiled, settings, commit_id())
        say(f"started {execution}")
        follow(sagemaker, execution, say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
