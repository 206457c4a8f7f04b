"""The journey's steps, in the order that three people would take them."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.stage import load_repo
from tidegate.verify import Outcome
from tidegate_sandbox import images
from tidegate_sandbox.journey.account import APP, Account, Execution, JourneyError
from tidegate_sandbox.journey.accounting import Account as Accounted
from tidegate_sandbox.journey.accounting import Answer, reconcile
from tidegate_sandbox.journey.changes import Change
from tidegate_sandbox.journey.hosts import Asked, Git, Review, host_of
from tidegate_sandbox.journey.narrator import Narrator
from tidegate_sandbox.journey.traffic import Traffic

PROJECT = "bikeshare"
ROWS = 400
COMPARED_ROWS = 100
APPROVE = "ProductionApprove/Approve"
"""Where the deploy pipeline asks a person."""


@dataclass(frozen=True)
class Project:
    """What a launch made: the outputs of the product's stack, and clones of the two repos."""

    name: str
    id: str
    outputs: dict[str, str]
    build_repo: Path
    deploy_repo: Path

    @property
    def group(self) -> str:
        """The model package group."""
        return self.outputs["ModelPackages"]

    @property
    def production(self) -> str:
        """The endpoint of production, by the deploy repo's own word."""
        repo = load_repo(self.deploy_repo)
        return repo.endpoint_name(repo.stage("prod"))


class Journey:
    """One walk through the product; `work` is a folder of its own."""

    def __init__(self, narrator: Narrator, checkout: Path, work: Path, git: Git, accounts: Sequence[str] = ()) -> None:
        """`accounts` are those of staging and of production, if they are others than the project's."""
        self._narrator = narrator
        self._checkout = checkout
        self._work = work
        self._account = Account(narrator.note)
        self._host = host_of(git, self._account)
        self.accounts = accounts

    # ------------------------------------------------------------ platform engineer
    def look_before(self) -> str:
        """Look for what would fail later, as a platform engineer does first; return what it came to."""
        return self._run("doctor").strip().splitlines()[-1]

    def publish(self) -> None:
        """Publish the product with the platform engineer's own script."""
        self._run("publish")

    def _run(self, script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a script of the checkout; return what it said. Raises JourneyError with the end of it if it fails."""
        log = self._work / f"{script}.log"
        with log.open("w") as out:
            done = subprocess.run(
                [self._checkout / "scripts" / script, *arguments],
                env={**os.environ, **(environment or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise JourneyError(f"scripts/{script} failed:\n{_tail(log.read_text())}")
        return log.read_text()

    def bootstrap(self) -> None:
        """Let the project's account have stages in the others, with the script that an administrator runs there."""
        home = self._account.client("sts").get_caller_identity()["Account"]
        for account in sorted({*self.accounts} - {home}):
            self._run("bootstrap-account", "--home", home, environment={"AWS_ACCESS_KEY_ID": account})
            self._narrator.note(f"account {account} lets projects of {home} have stages in it")

    # ------------------------------------------------------------ data scientist
    def launch(self) -> Project:
        """Launch a project from the published product, as Studio would."""
        catalog, sagemaker = self._account.client("servicecatalog"), self._account.sagemaker
        found = catalog.search_products()["ProductViewSummaries"]
        product = next(each for each in found if self._host.product in each["Name"])
        versions = catalog.describe_product(Id=product["ProductId"])["ProvisioningArtifacts"]
        self._narrator.note(f"product {product['Name']}, version {versions[-1]['Name']}")
        stages = zip(("StagingAccount", "ProductionAccount"), self.accounts, strict=False)
        given = {**self._host.prepare(), **dict(stages)}
        sagemaker.create_project(
            ProjectName=PROJECT,
            ServiceCatalogProvisioningDetails={
                "ProductId": product["ProductId"],
                "ProvisioningArtifactId": versions[-1]["Id"],
                "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in given.items()],
            },
        )

        def look() -> dict[str, Any] | None:
            described: dict[str, Any] = sagemaker.describe_project(ProjectName=PROJECT)
            return None if described["ProjectStatus"].endswith("InProgress") else described

        described = self._account.until("the launch", look)
        if described["ProjectStatus"] != "CreateCompleted":
            details = described.get("ServiceCatalogProvisionedProductDetails", {})
            reason = details.get("ProvisionedProductStatusMessage", "no reason was given")
            raise JourneyError(f"the launch ended as {described['ProjectStatus']}: {reason}")
        provisioned = described["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
        record = catalog.describe_provisioned_product(Id=provisioned)["ProvisionedProductDetail"]["LastRecordId"]
        answer = catalog.describe_record(Id=record)
        outputs = {output["OutputKey"]: output["OutputValue"] for output in answer["RecordOutputs"]}
        clones = {part: self._work / f"model{part}" for part in ("build", "deploy")}
        for part, clone in clones.items():
            self._git("clone", "--quiet", outputs[f"{part.title()}RepositoryUrl"], str(clone), cwd=self._work)
        return Project(PROJECT, described["ProjectId"], outputs, clones["build"], clones["deploy"])

    def push(self, project: Project, change: Change) -> None:
        """Make a change in the clone of the build repo and push it."""
        change.make(project.build_repo)
        self._git("commit", "--quiet", "--all", "--message", change.message, cwd=project.build_repo)
        self._git("push", "--quiet", cwd=project.build_repo)

    # ------------------------------------------------------------ ML engineer
    def ask_for_review(self, project: Project) -> Asked:
        """Push a change of production to a branch of the deploy repo, and open a pull request for it."""
        clone, branch = project.deploy_repo, "three-minutes"
        stage = clone / "stages" / "prod.yml"
        before, text = self._git("rev-parse", "HEAD", cwd=clone), stage.read_text()
        stage.write_text(text.replace("wait_interval: 10m", "wait_interval: 13m"))
        self._git("checkout", "--quiet", "-b", branch, cwd=clone)
        self._git("commit", "--quiet", "--all", "--message", "Watch the canary for three minutes more", cwd=clone)
        after = self._git("rev-parse", "HEAD", cwd=clone)
        self._git("push", "--quiet", "origin", branch, cwd=clone)
        self._git("checkout", "--quiet", "main", cwd=clone)
        return self._host.ask(clone, branch, (before, after))

    def reviewed(self, asked: Asked) -> str:
        """Wait for the review; return where it is told. Raises JourneyError if it did not pass."""
        review: Review = self._account.until("the review", lambda: self._host.review(asked))
        if not review.passed:
            raise JourneyError(f"the review of the pull request did not pass: {review.told}")
        return review.told

    def build(self, project: Project, known: list[str], version: int) -> dict[str, Any]:
        """Follow the build pipeline's execution after those `known`; return the version that it registered."""
        pipeline = project.outputs["BuildPipelineName"]
        execution = self._account.follow(pipeline, self._account.next_execution(pipeline, known))
        if execution.status != "Succeeded":
            raise JourneyError(f"{pipeline} ended as {execution.status}: {self._why(execution)}")
        newest = self._account.packages(project.group)[0]
        if newest["ModelPackageVersion"] != version:
            raise JourneyError(
                f"version {version} was expected in {project.group}; the newest is {newest['ModelPackageVersion']}"
            )
        return self._account.package(newest["ModelPackageArn"])

    def executions(self, pipeline: str) -> list[str]:
        """Return the executions that a pipeline has had so far."""
        return self._account.executions(pipeline)

    # ------------------------------------------------------------ ML engineer
    def release(
        self, project: Project, package: dict[str, Any], meanwhile: Callable[[], None] = lambda: None
    ) -> Execution:
        """Approve a version in the registry, then the deploy pipeline's own approval; return its execution.

        `meanwhile` is what somebody else does while production is being released.
        """
        pipeline = project.outputs["DeployPipelineName"]
        known = self._account.executions(pipeline)
        self._account.approve_package(package["ModelPackageArn"])
        execution = self._account.follow(pipeline, self._account.next_execution(pipeline, known))
        if execution.waiting_for != APPROVE:
            raise JourneyError(f"{pipeline} is {execution.status} before {APPROVE}: {self._why(execution)}")
        self._account.answer(execution, "staging answers well")
        self._narrator.note(f"{APPROVE}: approved")
        meanwhile()

        def look() -> Execution | None:
            found = self._account.execution(pipeline, execution.id)
            return found if found.ended else None

        ended: Execution = self._account.until("the release", look)
        return ended

    def verdict(self, execution: Execution, stage: str) -> str:
        """Return the outcome that `tidegate verify` told in a stage's Verify action, empty if it told none."""
        outcomes = {outcome.value for outcome in Outcome}
        for line in self._account.log_of(self._account.build_of(execution.actions[f"{stage}/Verify"])):
            word, _, why = line.strip().partition(":")
            if word in outcomes:
                self._narrator.note(f"verify: {word}:{why}")
                return word
        return ""

    def production(self, project: Project) -> dict[str, Any]:
        """Describe production's endpoint."""
        described: dict[str, Any] = self._production("sagemaker").describe_endpoint(EndpointName=project.production)
        return described

    def _git(self, *arguments: str, cwd: Path) -> str:
        return _git(*arguments, cwd=cwd, settings=self._host.settings())

    def _production(self, service: str) -> Any:
        """Return a client of production's account."""
        return self._account.client(service, self.accounts[-1] if self.accounts else None)

    def _why(self, execution: Execution) -> str:
        """Say why an execution failed, with the end of the log of each build that failed in it."""
        said = [execution.failures()]
        for name, action in execution.actions.items():
            if action["status"] == "Failed" and action["input"]["actionTypeId"]["provider"] == "CodeBuild":
                said.append(f"--- {name}\n{_tail(chr(10).join(self._account.log_of(self._account.build_of(action))))}")
        return "\n".join(said)

    # ------------------------------------------------------------ traffic and its account
    def compare(self, project: Project, package: dict[str, Any]) -> tuple[list[str], float]:
        """Compare what production serves with what the model predicts.

        Return the rows that traffic is to be made of, and the largest difference found in some of them.
        """
        rows, (predictions,) = self._expect(project, [package])
        runtime = self._production("sagemaker-runtime")
        answer = runtime.invoke_endpoint(
            EndpointName=project.production,
            ContentType="text/csv",
            Accept="text/csv",
            Body="\n".join(rows[:COMPARED_ROWS]).encode(),
        )
        served = [float(line) for line in answer["Body"].read().decode().split()]
        if len(served) != COMPARED_ROWS:
            raise JourneyError(f"{COMPARED_ROWS} rows were sent in a request, and {len(served)} predictions came back")
        return rows, max(abs(a - b) for a, b in zip(served, predictions[:COMPARED_ROWS], strict=True))

    def traffic(self, project: Project, rows: list[str], rate: float) -> Traffic:
        """Begin to send traffic to production."""
        traffic = Traffic(self._production("sagemaker-runtime"), project.production, rows, rate)
        traffic.start()
        return traffic

    def ledger(self, project: Project, url: str) -> tuple[dict[tuple[int, int], int], int]:
        """Return how many of the journey's requests to production each model version answered, by HTTP status.

        Also return how many requests others made: the deploy repo's tests, which try each release.
        """
        with urllib.request.urlopen(f"{url}/_tidegate/endpoints/{project.production}/ledger") as answer:  # noqa: S310 - loopback
            entries = json.load(answer)["requests"]
        counted: dict[tuple[int, int], int] = {}
        for entry in (entry for entry in entries if entry["app"] == APP):
            key = (int(entry["model_package"].rsplit("/", 1)[-1]), int(entry["status_code"]))
            counted[key] = counted.get(key, 0) + int(entry["count"])
        return counted, sum(int(entry["count"]) for entry in entries if entry["app"] != APP)

    def account_for(
        self,
        project: Project,
        packages: list[dict[str, Any]],
        answers: list[Answer],
        ledger: dict[tuple[int, int], int],
    ) -> Accounted:
        """Reconcile what the client saw with each version's own predictions and the router's ledger."""
        predictions = self._expect(project, packages)[1]
        versions = [int(package["ModelPackageVersion"]) for package in packages]
        return reconcile(answers, dict(zip(versions, predictions, strict=True)), ledger)

    def _expect(self, project: Project, packages: list[dict[str, Any]]) -> tuple[list[str], list[list[float]]]:
        s3 = self._account.client("s3")
        archives = []
        for package in packages:
            url = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
            bucket, key = url.removeprefix("s3://").split("/", 1)
            archive = self._work / f"model-{package['ModelPackageVersion']}.tar.gz"
            s3.download_file(bucket, key, str(archive))
            archives.append(str(archive))
        python = images.environment_for(packages[0]["InferenceSpecification"]["Containers"][0]["Image"])
        script = Path(__file__).with_name("expected.py")
        done = subprocess.run(
            [python, script, str(project.build_repo), str(ROWS), *archives], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise JourneyError(f"the models' own predictions could not be made:\n{_tail(done.stderr)}")
        made = json.loads(done.stdout)
        return made["rows"], made["predictions"]


def _git(*arguments: str, cwd: Path, settings: Mapping[str, str]) -> str:
    git = shutil.which("git") or "git"
    identity = ["-c", "user.name=Data Scientist", "-c", "user.email=data-scientist@example.invalid"]
    # The person's own configuration (signing, hooks, credential helpers) has no part in this.
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **settings,
    }
    done = subprocess.run(
        [git, *identity, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise JourneyError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _tail(text: str, lines: int = 25) -> str:
    return "\n".join(text.splitlines()[-lines:])
