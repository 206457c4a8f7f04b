"""A project template of aws-samples/sagemaker-custom-project-templates, walked as its README says, with IAM enforced.

Nothing of it is changed. An administrator (the account itself) publishes it with its own product template and the
repository's own portfolio template; whoever launches it acts with a role for Studio, which has the policy that a
domain's has on AWS; and everything that it makes acts as the roles that its template names.
"""

import json
import random
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMIT = "6906ed9046ace27f7f40c8eaff1248bb9cf46d08"
ROOT = "sagemaker-custom-project-templates-main"
"""The folder in GitHub's archive of the main branch, which the product templates take for granted."""
FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"


def abalones(number: int = 1200) -> bytes:
    """Return rows in the form of the data that the templates train on: made up, since AWS's own lie in a bucket of its.

    Sex, length, diameter, height and four weights of an abalone, and its rings, which follow from its length.
    """
    chance, rows = random.Random(1), []
    for _ in range(number):
        length = chance.uniform(0.1, 0.8)
        weight = 5 * length**3
        sizes = (length, 0.8 * length, 0.28 * length, weight, 0.43 * weight, 0.22 * weight, 0.28 * weight)
        rings = max(1, round(3 + 14 * length + chance.gauss(0, 1.5)))
        rows.append(",".join([chance.choice("MFI"), *(f"{size:.4f}" for size in sizes), str(rings)]))
    return "\n".join(rows).encode()


@dataclass(frozen=True)
class Checkout:
    """The repository, in a folder with its git objects: a clone, or a bare one."""

    folder: Path

    def _git(self, *words: str) -> bytes:
        return subprocess.run(["git", "-C", self.folder, *words], capture_output=True, check=True).stdout

    def has_the_commit(self) -> bool:
        try:
            return self._git("cat-file", "-t", COMMIT).strip() == b"commit"
        except (subprocess.CalledProcessError, OSError):
            return False

    def text(self, path: str) -> str:
        return self._git("show", f"{COMMIT}:{path}").decode()

    def archive(self, folder: str) -> bytes:
        """Return what GitHub gives as the archive of the repository, as far as a product template looks at it."""
        return self._git("archive", "--format=zip", f"--prefix={ROOT}/", COMMIT, folder)

    def seed(self, folder: str) -> bytes:
        """Return what is in a folder as an archive that a repository begins with."""
        return self._git("archive", "--format=zip", f"{COMMIT}:{folder}")


class Walk:
    """A template of the repository, published, launched, and its pipelines followed."""

    def __init__(
        self, sandbox: Any, checkout: Checkout, folder: str, eventually: Callable[..., Any], prefix: str = "others"
    ) -> None:
        self.sandbox, self.checkout, self.folder, self.eventually = sandbox, checkout, folder, eventually
        self.tag = uuid.uuid4().hex[:6]
        self.name = f"{prefix}-{self.tag}"
        self.iam, self.s3 = sandbox.client("iam"), sandbox.client("s3")
        self.sagemaker, self.pipelines = sandbox.client("sagemaker"), sandbox.client("codepipeline")
        self.id = ""

    # ------------------------------------------------------------ publishing and launching
    def publish(self, product_template: str, **parameters: str) -> str:
        """Publish the template in a portfolio for the domain's execution role; return the id of the product."""
        self.sagemaker.enable_sagemaker_servicecatalog_portfolio()
        self.people = self._people()
        portfolio = self._stack(
            f"portfolio-{self.tag}",
            "sagemaker-projects-portfolio.yaml",
            SageMakerStudioExecutionRoleParameter=self.people,
        )["CreatedPortfolioID"]
        made = self._stack(
            f"product-{self.tag}",
            f"{self.folder}/{product_template}",
            PortfolioIDParameter=portfolio,
            SageMakerProjectRepoZipParameter=self._archive(),
            **parameters,
        )
        return made["CreatedServiceCatalogProductId"]

    def launch(self, product: str, **parameters: str) -> None:
        """Launch it as people in Studio do, and wait until it stands."""
        catalogue = self.sandbox.client("servicecatalog")
        [version] = catalogue.describe_product_as_admin(Id=product)["ProvisioningArtifactSummaries"]
        given = {
            "ProductId": product,
            "ProvisioningArtifactId": version["Id"],
            "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in parameters.items()],
        }
        studio = self.sandbox.assumed(self.people, "sagemaker")
        made = studio.create_project(ProjectName=self.name, ServiceCatalogProvisioningDetails=given)
        self.id = made["ProjectId"]
        self.eventually(lambda: not self._project()["ProjectStatus"].endswith(("InProgress", "Pending")))
        assert self._project()["ProjectStatus"] == "CreateCompleted", self._why_not_launched()

    def _project(self) -> Any:
        return self.sagemaker.describe_project(ProjectName=self.name)

    def _why_not_launched(self) -> str:
        details = self._project()["ServiceCatalogProvisionedProductDetails"]
        return f"{details.get('ProvisionedProductStatusMessage')}\n{self._failures(self._stack_of_the_project())}"

    def _stack_of_the_project(self) -> str:
        stacks = self.sandbox.client("cloudformation").describe_stacks()["Stacks"]
        return next(
            each["StackName"]
            for each in stacks
            if {"Key": "sagemaker:project-name", "Value": self.name} in each.get("Tags", ())
        )

    def _people(self) -> str:
        """Return the ARN of a role for the people in Studio, with the policy that a domain's has on AWS."""
        trusted = {"AWS": f"arn:aws:iam::{self.sandbox.account}:root", "Service": "sagemaker.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        made = self.iam.create_role(
            RoleName=f"studio-{self.tag}",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        self.iam.attach_role_policy(RoleName=f"studio-{self.tag}", PolicyArn=FULL_ACCESS)
        return str(made["Role"]["Arn"])

    def _archive(self) -> str:
        """Return an address of what GitHub gives as the archive of the repository."""
        bucket = f"downloads-{self.tag}"
        self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.sandbox.region})
        self.s3.put_object(Bucket=bucket, Key="main.zip", Body=self.checkout.archive(self.folder))
        where = {"Bucket": bucket, "Key": "main.zip"}
        return str(self.s3.generate_presigned_url("get_object", Params=where, ExpiresIn=3600))

    def _stack(self, name: str, path: str, **parameters: str) -> dict[str, str]:
        cloudformation = self.sandbox.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=self.checkout.text(path),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )

        def ended() -> Any:
            [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        stack = self.eventually(ended)
        assert stack["StackStatus"] == "CREATE_COMPLETE", self._failures(name)
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def _failures(self, stack: str) -> str:
        events = self.sandbox.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return "\n".join(
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
            for each in reversed(events)
            if "FAILED" in each["ResourceStatus"]
        )

    # ------------------------------------------------------------ its pipelines
    def pipeline(self, part: str) -> str:
        """Return the name of the one of its pipelines that ends in `part`."""
        names = [each["name"] for each in self.pipelines.list_pipelines()["pipelines"]]
        [name] = [each for each in names if self.name in each and each.endswith(part)]
        return name

    def runs(self, part: str) -> list[Mapping[str, Any]]:
        """Return the executions of a pipeline, newest first."""
        listed = self.pipelines.list_pipeline_executions(pipelineName=self.pipeline(part))
        return list(listed["pipelineExecutionSummaries"])

    def follow(self, part: str, number: int, within: float = 600.0) -> str:
        """Approve what waits for it in the pipeline until its execution of that `number` ends; return how it did."""
        name, until = self.pipeline(part), time.monotonic() + within
        while len(runs := self.runs(part)) < number or runs[-number]["status"] == "InProgress":
            assert time.monotonic() < until, self.told(part)
            for stage, action, token in self._waiting(name):
                self.pipelines.put_approval_result(
                    pipelineName=name,
                    stageName=stage,
                    actionName=action,
                    token=token,
                    result={"status": "Approved", "summary": "looked at"},
                )
            time.sleep(1)
        return str(runs[-number]["status"])

    def _waiting(self, name: str) -> Iterator[tuple[str, str, str]]:
        for stage in self.pipelines.get_pipeline_state(name=name)["stageStates"]:
            for action in stage["actionStates"]:
                latest = action.get("latestExecution", {})
                if latest.get("status") == "InProgress" and "token" in latest:
                    yield stage["stageName"], action["actionName"], latest["token"]

    def told(self, part: str) -> str:
        """Return what the actions of the newest execution came to, with the end of each failed build's log."""
        name, builds, lines = self.pipeline(part), self.sandbox.client("codebuild"), []
        newest = {"pipelineExecutionId": self.runs(part)[0]["pipelineExecutionId"]}
        listed = self.pipelines.list_action_executions(pipelineName=name, filter=newest)["actionExecutionDetails"]
        for action in reversed(listed):
            result = action.get("output", {}).get("executionResult", {})
            said = result.get("errorDetails") or result.get("externalExecutionSummary") or ""
            lines.append(f"{action['stageName']} {action['actionName']} {action['status']} {said}")
            ran = result.get("externalExecutionId", "")
            if action["status"] == "Failed" and ran.count(":") == 1:
                [build] = builds.batch_get_builds(ids=[ran])["builds"]
                lines += Path(build["logs"]["deepLink"].removeprefix("file://")).read_text().splitlines()[-60:]
            elif action["status"] == "Failed" and ran.startswith("arn:aws:cloudformation"):
                lines.append(self._failures(ran))
        return "\n".join(lines)

    # ------------------------------------------------------------ its models
    @property
    def group(self) -> str:
        """The model package group that the template's build registers in, and its deploy pipeline takes from."""
        return f"{self.name}-{self.id}"

    def versions(self) -> list[str]:
        """Return the ARNs of the versions in its registry."""
        found = self.sagemaker.list_model_packages(ModelPackageGroupName=self.group)["ModelPackageSummaryList"]
        return [each["ModelPackageArn"] for each in found]

    def train_again(self) -> None:
        """Start its SageMaker pipeline once more, and wait until it has registered another version."""
        known = len(self.versions())
        self.sagemaker.start_pipeline_execution(PipelineName=self.group)
        self.eventually(lambda: len(self.versions()) > known, within=600)

    def approve_newest(self) -> None:
        """Approve the newest version, and it alone: the templates take the first of those that are approved."""
        newest, *others = sorted(self.versions(), key=lambda arn: int(arn.rpartition("/")[2]), reverse=True)
        for arn in others:
            self.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="PendingManualApproval")
        self.sagemaker.update_model_package(ModelPackageArn=newest, ModelApprovalStatus="Approved")

    def answer(self, stage: str) -> str:
        """Return what the endpoint of a stage answers to an abalone, scaled as the template's preparation scales it."""
        body = b"0.1,0.2,0.3,0.1,0.2,0.3,0.1,1,0,0"
        runtime = self.sandbox.client("sagemaker-runtime")
        called = runtime.invoke_endpoint(EndpointName=f"{self.name}-{stage}", ContentType="text/csv", Body=body)
        return str(called["Body"].read().decode())
