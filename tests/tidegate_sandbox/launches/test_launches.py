"""Launches of the published product at the wall's own speed: one, ten at once, one given lies, two that fail.

The first is then upgraded to a version that is published later (upgrading.py).
"""

import io
import json
import re
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from deciding import LATE, Decided, register_version
from gallery import Gallery, Launched
from machine import Load
from upgrading import CLASH, Upgraded
from upgrading import walk as walk_upgrade

from tests.tidegate_sandbox.networks import Network, lay
from tidegate_sandbox import journal
from tidegate_sandbox.hooks import iam as iam_hooks

CHECKOUT = Path(__file__).parents[3]
TEN = [f"ten-{number}" for number in range(10)]
ANSWERED_WITHIN = 60.0
"""Seconds in which a launch has to be told of a seeding that failed."""
LAUNCHED_WITHIN = 30.0
"""Seconds in which a launch has to be through, with both repositories seeded, on a machine that does nothing else."""


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
        stopping = threading.Thread(target=published.stop_pipelines, args=(over,))
        stopping.start()
        yield published
        over.set()
        stopping.join()


@pytest.fixture(scope="module")
def network(gallery: Gallery) -> Network:
    return lay(gallery.sandbox.client)


@pytest.fixture(scope="module")
def one(gallery: Gallery, network: Network) -> Launched:
    """A launch in a network, whose deploys start by hand only and whose notices go to somebody; with none beside it.

    Its seconds are those that it takes where nothing else runs.
    """
    with Load() as load:
        launched = gallery.launched(
            "one",
            NotifyEmail="ml-team@example.com",
            ReleaseOnApproval="no",
            ReleaseOnRejection="no",
            ReleaseOnPush="no",
            VpcId=network.vpc,
            SubnetIds=",".join(network.subnets),
            SecurityGroupIds=network.group,
        )
    return replace(launched, seconds=launched.seconds / load.factor)


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


def test_every_build_of_a_launch_in_a_network_is_in_it_and_both_repositories_name_it(
    gallery: Gallery, one: Launched, network: Network, tmp_path: Path
) -> None:
    client = gallery.sandbox.client("codebuild")
    names = [each for each in client.list_projects()["projects"] if one.id in each]
    projects = client.batch_get_projects(names=names)["projects"]
    assert {each["name"].rpartition("-")[2] for each in projects} >= {"seed", "build", "render", "verify", "goodbye"}
    assert [each["vpcConfig"] for each in projects] == [network.of_builds] * len(projects)
    seeded = client.list_builds_for_project(projectName=f"sagemaker-{one.id}-seed")["ids"]
    [build] = client.batch_get_builds(ids=seeded)["builds"]
    assert (build["buildStatus"], build["vpcConfig"]) == ("SUCCEEDED", network.of_builds)
    told = {"subnets": list(network.subnets), "security_groups": [network.group]}
    jobs = json.loads((gallery.first_commit("one", one.id, "build", tmp_path) / "project.json").read_text())
    assert {key: jobs[key] for key in told} == told
    stages = yaml.safe_load((gallery.first_commit("one", one.id, "deploy", tmp_path) / "endpoint.yml").read_text())
    assert stages["network"] == told


def test_a_launch_in_a_network_that_is_not_there_says_what_is_not_and_leaves_nothing(
    gallery: Gallery, network: Network
) -> None:
    absent = "subnet-0123456789abcdef0"
    ended = gallery.launched("nowhere", VpcId=network.vpc, SubnetIds=absent, SecurityGroupIds=network.group)
    assert ended.status == "CreateFailed"
    assert f"The subnet ID '{absent}' does not exist" in ended.reason
    assert gallery.remains(ended.id) == {}


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
    "half a network": ("VpcId", "vpc-0123456789abcdef0"),
    "another project's id": ("SageMakerProjectId", "p-abc123def456"),
    "another project's name": ("SageMakerProjectName", "ten-0"),
    "a parameter that is none": ("Privileged", "yes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_launch_that_is_given_lies_is_refused_with_a_sentence_and_makes_nothing(gallery: Gallery, case: str) -> None:
    key, value = HOSTILE[case]
    name = f"lie-{list(HOSTILE).index(case)}"
    stacks = gallery.sandbox.client("cloudformation")

    def launched() -> set[str]:
        # Pipelines of projects that other tests launched go on, and make stacks of their own.
        return {each["StackName"] for each in stacks.describe_stacks()["Stacks"] if each["StackName"].startswith("SC-")}

    before = launched()
    try:
        ended = gallery.launched(name, **{key: value})
    except ClientError as refused:
        said = refused.response["Error"]["Message"]
    else:
        assert ended.status == "CreateFailed"
        assert not gallery.remains(ended.id)
        said = ended.reason
    assert key in said or "onstraint" in said or "address" in said, said
    assert launched() <= before


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


@pytest.fixture(scope="module")
def decided(gallery: Gallery, eventually: Callable[..., Any]) -> Decided:
    launched = gallery.launched("twice")
    (bucket,) = [each for each in gallery.remains(launched.id)["buckets"] if not each.endswith("-log")]
    gallery.sandbox.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=b"any")
    version = register_version(gallery, f"twice-{launched.id}", bucket)
    found = Decided(gallery, "twice", launched.id, bucket, version, [])
    gallery.spare(found.pipeline)
    for _ in range(2):
        found.decide(version, "Rejected")

    def both() -> list[dict[str, Any]]:
        runs = found.runs("rejection")
        return runs if len(runs) == 2 and all(each["status"] != "InProgress" for each in runs) else []

    return replace(found, told_twice=eventually(both, 300))


def test_a_decision_that_is_told_twice_starts_two_runs_that_say_what_started_them_and_change_nothing(
    decided: Decided,
) -> None:
    for run in decided.told_twice:
        assert run["status"] == "Succeeded"
        ran = decided.ran(run)
        assert set(ran) == {"Source", "Render"}, "nobody is asked, and nothing is deployed"
        started_by = ran["Render"]["output"]["outputVariables"]["STARTED_BY"]
        assert started_by == "the rejection of a version in the model registry"


def test_an_approval_that_is_told_late_releases_what_the_registry_says_by_then(
    decided: Decided, eventually: Callable[..., Any]
) -> None:
    """First the version has been rejected since; then it is approved, and so is a newer one."""
    client = decided.gallery.sandbox.client
    client("events").put_rule(
        Name=f"sagemaker-{decided.id}-approval", EventPattern=json.dumps({"source": [LATE]}), State="ENABLED"
    )

    def ended() -> dict[str, Any] | None:
        (run,) = decided.runs("approval") or [{"status": "InProgress"}]
        return None if run["status"] == "InProgress" else run

    rejected_since = decided.tell_late(ended, eventually)
    newer = decided.register()
    for version in (decided.version, newer):
        decided.decide(version, "Approved")

    def rendered() -> dict[str, Any] | None:
        runs = decided.runs("approval")
        render = decided.ran(runs[0]).get("Render", {}) if len(runs) == 2 else {}
        return render if render.get("status") not in (None, "InProgress") else None

    render = decided.tell_late(rendered, eventually)
    with suppress(ClientError):  # what it would go on with has no container to serve it
        client("codepipeline").stop_pipeline_execution(
            pipelineName=decided.pipeline,
            pipelineExecutionId=decided.runs("approval")[0]["pipelineExecutionId"],
            abandon=True,
        )

    assert rejected_since["status"] == "Succeeded"
    ran = decided.ran(rejected_since)
    assert set(ran) == {"Source", "Render"}, "what is rejected by now is not released"
    started_by = {each["output"]["outputVariables"]["STARTED_BY"] for each in (ran["Render"], render)}
    assert started_by == {"the approval of a version in the model registry"}
    assert render["status"] == "Succeeded"
    (artefact,) = render["output"]["outputArtifacts"]
    place = artefact["s3location"]
    body = client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for stage in ("staging", "prod"):
            assert newer in archive.read(f"{stage}.release.json").decode(), "the newest that is approved"


@pytest.fixture(scope="module")
def upgraded(gallery: Gallery, one: Launched, tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    """The first launch, brought to a newer version after its owners have worked on both repositories."""
    return walk_upgrade(gallery, "one", one.id, tmp_path_factory.mktemp("upgrade"))


def test_given_a_newer_version_then_nothing_of_a_project_is_brought_to_it_before_its_code(upgraded: Upgraded) -> None:
    assert upgraded.too_early.status == 1
    assert "! The code comes first: a version's repositories" in upgraded.too_early.said
    assert f"one-{upgraded.id}-modeldeploy is of another version" in upgraded.too_early.said
    assert "Nothing has been changed, for what the lines with ! say." in upgraded.too_early.said


def test_then_owners_see_in_each_repository_what_is_merged_and_what_is_left_to_them(upgraded: Upgraded) -> None:
    clashes = f"- {CLASH}: edited here, and changed differently by the template"
    assert "nothing has been changed" in upgraded.previewed.said
    assert {part: each.status for part, each in upgraded.branches.items()} == {"build": 0, "deploy": 0}
    for told in (upgraded.previewed, upgraded.branches["deploy"]):
        assert clashes in told.said
        assert "stages/prod.yml" in told.said
    assert clashes not in upgraded.branches["build"].said
    assert "steps/compare.md" in upgraded.branches["build"].said
    assert "The branch upgrade-to-0.2.0-" in upgraded.branches["build"].said
    assert re.search(r"<<<<<<< .*\n.*5m\n=======\n.*3m\n>>>>>>> ", upgraded.clash)


def test_then_both_sides_are_in_the_repositories_and_they_tell_the_new_version(upgraded: Upgraded) -> None:
    build, deploy = upgraded.clones["build"], upgraded.clones["deploy"]
    assert "max_rmse: 45" in build.read("pipeline.yml")
    assert "num_round: 300" in build.read("pipeline.yml")
    assert (build.read("steps/compare.md"), build.read("docs/our-features.md")) == (
        "How two versions compare.\n",
        "ours\n",
    )
    assert "count: 6" in deploy.read("stages/prod.yml")
    assert "periods: 2 of 4" in deploy.read("stages/prod.yml")
    assert "termination_wait: 5m" in deploy.read(CLASH)
    assert deploy.read("our-runbook.md") == "ours\n"
    assert [path.name for path in (deploy.folder / "vendor").glob("*.whl")] == ["tidegate-0.2.0-py3-none-any.whl"]
    for part, clone in upgraded.clones.items():
        before, after = upgraded.before[part], clone.record()
        assert (before["version"], after["version"]) == ("0.1.0", "0.2.0")
        assert before["bundle"]["key"] != after["bundle"]["key"]
        assert before["answers"] == after["answers"]
        assert "up to date" in upgraded.again[part].said


def test_then_what_the_repositories_check_of_themselves_still_holds(upgraded: Upgraded) -> None:
    assert {name: told.said for name, told in upgraded.checked.items() if told.status} == {}
    assert "max_rmse=45" in upgraded.checked["build's settings"].said


def test_then_the_infrastructure_is_told_resource_by_resource_and_brought_to_the_version(upgraded: Upgraded) -> None:
    told = upgraded.preview.said
    assert upgraded.preview.status == 0
    assert re.search(r"version 0\.1\.0-[0-9a-f]{8} → 0\.2\.0-[0-9a-f]{8}\n", told)
    assert "by CloudFormation's change set" in told
    assert re.search(r"~ \w+ \(AWS::Logs::LogGroup\)[^\n]*\n    RetentionInDays\n", told)
    assert "REPLACED" not in told
    assert "!" not in told
    assert upgraded.applied.status == 0, upgraded.applied.said
    assert "UpdateCompleted: one is of version 0.2.0-" in upgraded.applied.said
    assert upgraded.retention == {120}
    assert "there is nothing to upgrade" in upgraded.nothing.said


def test_then_the_policy_of_owners_is_what_fetching_a_version_takes_and_no_more(
    gallery: Gallery, upgraded: Upgraded
) -> None:
    lines = map(json.loads, journal.path(gallery.sandbox.home).read_text().splitlines())
    asked = [line for line in lines if line["role"] == upgraded.owner]
    iam = gallery.sandbox.client("iam")
    version = iam.get_policy(PolicyArn=upgraded.policy)["Policy"]["DefaultVersionId"]
    policy = iam.get_policy_version(PolicyArn=upgraded.policy, VersionId=version)["PolicyVersion"]["Document"]
    for line in asked:
        check = (line["action"], line["resource"], line["keys"])
        assert iam_hooks.decide([policy], None, upgraded.owner, check, line["region"]).allowed, check
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert {line["action"] for line in asked} == allowed
