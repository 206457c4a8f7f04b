"""Launches of the published product at the wall's own speed: one, ten at once, one given lies, two that fail."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

CHECKOUT = Path(__file__).parents[3]
TEN = [f"ten-{number}" for number in range(10)]
ANSWERED_WITHIN = 60.0
"""Seconds in which a launch has to be told of a seeding that failed."""
LAUNCHED_WITHIN = 30.0
"""Seconds in which a launch has to be through, with both repositories seeded."""


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
        self.spared: set[str] = set()
        catalog = sandbox.client("servicecatalog")
        found = catalog.search_products()["ProductViewSummaries"]
        self.product = next(each["ProductId"] for each in found if "CodeCommit" in each["Name"])
        self.version = catalog.describe_product(Id=self.product)["ProvisioningArtifacts"][-1]["Id"]

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
            time.sleep(0.1)

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


@pytest.fixture(scope="module")
def gallery(another_sandbox: Any) -> Iterator[Gallery]:
    """A sandbox as fast as the wall, with the product published; what the new pipelines would run is stopped."""
    with another_sandbox(speed=1) as sandbox:
        subprocess.run(
            [sys.executable, "-m", "service_catalog.publishing.publish"],
            cwd=CHECKOUT,
            env={**sandbox.environment(), "CDK_VALIDATION": "false"},
            check=True,
            capture_output=True,
        )
        over, published = threading.Event(), Gallery(sandbox)
        stopping = threading.Thread(target=_stop_pipelines, args=(published, over))
        stopping.start()
        yield published
        over.set()
        stopping.join()


def _stop_pipelines(gallery: Gallery, over: threading.Event) -> None:
    """Stop what a launch ends with: building the model would take minutes, and is told elsewhere."""
    codepipeline = gallery.sandbox.client("codepipeline")
    while not over.wait(0.2):
        for name in {each["name"] for each in codepipeline.list_pipelines()["pipelines"]} - gallery.spared:
            with suppress(ClientError):  # it has ended, or gone, since
                for each in codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]:
                    if each["status"] == "InProgress":
                        codepipeline.stop_pipeline_execution(
                            pipelineName=name, pipelineExecutionId=each["pipelineExecutionId"], abandon=True
                        )


@pytest.fixture(scope="module")
def one(gallery: Gallery) -> Launched:
    """A launch with nothing beside it, whose deploys start by hand only and whose notices go to somebody."""
    return gallery.launched(
        "one", NotifyEmail="ml-team@example.com", ReleaseOnApproval="no", ReleaseOnRejection="no", ReleaseOnPush="no"
    )


@pytest.fixture(scope="module")
def ten(gallery: Gallery, one: Launched) -> dict[str, Launched]:
    """Ten launches at once."""
    begun = time.monotonic()
    with ThreadPoolExecutor(len(TEN)) as together:
        list(together.map(gallery.launch, TEN))
    return {name: gallery.ended(name, begun) for name in TEN}


def test_a_launch_is_through_within_half_a_minute(one: Launched) -> None:
    assert (one.status, one.reason) == ("CreateCompleted", "")
    assert one.seconds < LAUNCHED_WITHIN


def test_what_starts_a_deploy_is_what_the_launch_chose(gallery: Gallery, one: Launched) -> None:
    found = gallery.sandbox.client("events").list_rules(NamePrefix=f"sagemaker-{one.id}-")["Rules"]
    off = {each["Name"].removeprefix(f"sagemaker-{one.id}-") for each in found if each["State"] == "DISABLED"}
    assert off == {"approval", "rejection", "deploy-push"}
    subscribed = gallery.sandbox.client("sns").list_subscriptions()["Subscriptions"]
    assert [each["Endpoint"] for each in subscribed if one.id in each["TopicArn"]] == ["ml-team@example.com"]


def test_ten_launches_at_once_all_end_well_and_each_repository_is_of_its_own_project(
    gallery: Gallery, ten: dict[str, Launched], tmp_path: Path
) -> None:
    assert {each.status for each in ten.values()} == {"CreateCompleted"}
    others = {each.id for each in ten.values()}
    assert len(others) == len(TEN)
    for name, launched in ten.items():
        for part in ("build", "deploy"):
            folder = gallery.first_commit(name, launched.id, part, tmp_path)
            answers = json.loads((folder / ".tidegate.json").read_text())["answers"]
            assert (answers["project_name"], answers["project_id"]) == (name, launched.id)
            texts = [path.read_text() for path in folder.rglob("*.*") if path.suffix in (".json", ".yml", ".md")]
            named = {found for text in texts for found in re.findall(r"p-[a-z0-9]{12}", text)} & others
            assert named == {launched.id}
        assert set(gallery.remains(launched.id)) >= {"repositories", "buckets", "images", "rules", "pipelines"}


HOSTILE = {
    "braces": ("NotifyEmail", "{{ 7*7 }}@example.com"),
    "quotes": ("NotifyEmail", "a@example.com' && true '"),
    "a newline": ("NotifyEmail", "a@example.com\nb@example.com"),
    "4,096 characters": ("NotifyEmail", f"{'a' * 4084}@example.com"),
    "a word of its own": ("ReleaseOnPush", "maybe"),
    "another project's id": ("SageMakerProjectId", "p-abc123def456"),
    "another project's name": ("SageMakerProjectName", "ten-0"),
    "a parameter that is none": ("Privileged", "yes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_launch_that_is_given_lies_is_refused_with_a_sentence_and_makes_nothing(gallery: Gallery, case: str) -> None:
    key, value = HOSTILE[case]
    name = f"lie-{list(HOSTILE).index(case)}"
    stacks = gallery.sandbox.client("cloudformation")
    before = len(stacks.describe_stacks()["Stacks"])
    try:
        ended = gallery.launched(name, **{key: value})
    except ClientError as refused:
        said = refused.response["Error"]["Message"]
    else:
        assert ended.status == "CreateFailed"
        assert not gallery.remains(ended.id)
        said = ended.reason
    assert key in said or "onstraint" in said or "address" in said, said
    assert len(stacks.describe_stacks()["Stacks"]) == before


@pytest.mark.parametrize("name", ["a" * 33, "{{7*7}}", "-demo", "demo_1", "a'b", "a\nb", "a" * 4096])
def test_a_project_is_not_called_what_no_project_may_be_called(gallery: Gallery, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        gallery.launch(name)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_project_is_not_called_as_another_is(gallery: Gallery, one: Launched) -> None:
    with pytest.raises(ClientError) as refused:
        gallery.launch("one")
    assert "one" in refused.value.response["Error"]["Message"]


def test_a_seed_build_that_is_killed_is_answered_for_and_the_launch_leaves_nothing(gallery: Gallery) -> None:
    killed = gallery.failed("killed", lambda build: gallery.sandbox.client("codebuild").stop_build(id=build["id"]))
    assert killed.status == "CreateFailed"
    assert "ended as STOPPED before it could say how far it came" in killed.reason
    assert killed.seconds < ANSWERED_WITHIN
    assert gallery.remains(killed.id) == {}


def test_a_push_that_is_refused_is_told_in_gits_own_words_and_the_launch_leaves_nothing(gallery: Gallery) -> None:
    def take_the_repository_away(build: dict[str, Any]) -> None:
        client = gallery.sandbox.client("codecommit")
        for each in client.list_repositories()["repositories"]:
            if each["repositoryName"].startswith("refused-") and each["repositoryName"].endswith("-modeldeploy"):
                client.delete_repository(repositoryName=each["repositoryName"])

    refused = gallery.failed("refused", take_the_repository_away)
    assert refused.status == "CreateFailed"
    assert re.search(r"git (ls-remote|push) failed", refused.reason), refused.reason
    assert refused.seconds < ANSWERED_WITHIN
    assert gallery.remains(refused.id) == {}


def test_a_decision_that_is_told_twice_starts_two_runs_that_say_what_started_them_and_change_nothing(
    gallery: Gallery, eventually: Callable[..., Any]
) -> None:
    client, launched = gallery.sandbox.client, gallery.launched("twice")
    pipeline, group = f"sagemaker-{launched.id}-modeldeploy", f"twice-{launched.id}"
    (bucket,) = [each for each in gallery.remains(launched.id)["buckets"] if not each.endswith("-log")]
    client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=b"any")
    container = {"Image": "any", "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    version = client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={"Containers": [container], **types},
    )["ModelPackageArn"]
    gallery.spared.add(pipeline)

    for _ in range(2):
        client("sagemaker").update_model_package(ModelPackageArn=version, ModelApprovalStatus="Rejected")

    def both() -> list[dict[str, Any]]:
        found = client("codepipeline").list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
        runs = [each for each in found if each["trigger"]["triggerDetail"].endswith("-rejection")]
        return runs if len(runs) == 2 and all(each["status"] != "InProgress" for each in runs) else []

    for run in eventually(both, 300):
        assert run["status"] == "Succeeded"
        details = client("codepipeline").list_action_executions(
            pipelineName=pipeline, filter={"pipelineExecutionId": run["pipelineExecutionId"]}
        )["actionExecutionDetails"]
        ran = {each["actionName"]: each["output"]["outputVariables"] for each in details}
        assert set(ran) == {"Source", "Render"}, "nobody is asked, and nothing is deployed"
        assert ran["Render"]["STARTED_BY"] == "the rejection of a version in the model registry"
