"""The AWS CLI as it is installed, told of the sandbox by its environment alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TEMPLATE = """
Parameters: {Name: {Type: String}}
Resources: {Group: {Type: AWS::SageMaker::ModelPackageGroup, Properties: {ModelPackageGroupName: !Ref Name}}}
Outputs: {Arn: {Value: !GetAtt Group.ModelPackageGroupArn}}
"""


class Cli:
    def __init__(self, sandbox: Any, folder: Path) -> None:
        self._folder = folder
        self._environment = sandbox.environment() | {
            "HOME": str(folder),
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __call__(self, *command: str) -> str:
        aws = [sys.executable, "-m", "awscli", "--output", "json", *command]
        done = subprocess.run(aws, env=self._environment, cwd=self._folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_the_aws_cli_works_unmodified(workshop: Any, endpoint_sandbox: Any, tmp_path: Path) -> None:
    assert workshop.endpoint(workshop.config()) == "InService"
    aws = Cli(endpoint_sandbox, tmp_path)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "body.txt").write_text("1,2")
    name = workshop.name

    aws(
        "cloudformation",
        "deploy",
        "--template-file",
        "template.yaml",
        "--stack-name",
        name,
        "--parameter-overrides",
        f"Name={name}",
    )
    (stack,) = json.loads(aws("cloudformation", "describe-stacks", "--stack-name", name))["Stacks"]
    assert stack["Outputs"][0]["OutputValue"].endswith(f"model-package-group/{name}")

    answer = json.loads(
        aws(
            "sagemaker-runtime",
            "invoke-endpoint",
            "--endpoint-name",
            name,
            "--content-type",
            "text/csv",
            "--body",
            "fileb://body.txt",
            "answer.txt",
        )
    )
    assert (tmp_path / "answer.txt").read_text() == "v1:1,2"
    assert answer["InvokedProductionVariant"] == "AllTraffic"

    # In a region where no other test makes one.
    assert json.loads(aws("--region", "ca-west-1", "codepipeline", "list-pipelines"))["pipelines"] == []
    clone = json.loads(aws("codecommit", "create-repository", "--repository-name", name))["repositoryMetadata"]
    helper = f"credential.helper=!{sys.executable} -m awscli codecommit credential-helper $@"
    subprocess.run(
        ["git", "-c", helper, "-c", "credential.UseHttpPath=true", "clone", "-q", clone["cloneUrlHttp"], "clone"],
        cwd=tmp_path,
        env=os.environ | endpoint_sandbox.environment(),
        check=True,
    )
    assert (tmp_path / "clone" / ".git").is_dir()
