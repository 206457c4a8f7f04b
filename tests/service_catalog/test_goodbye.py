"""A goodbye: what it removes, in which order, what it keeps, and how it goes on where it failed."""

# ruff: noqa: N803 - arguments have AWS's own names
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service_catalog.goodbye.__main__ import outcome
from service_catalog.goodbye.aws import Watch
from service_catalog.goodbye.farewell import say_goodbye
from service_catalog.goodbye.project import Ledger, Project
from tests.service_catalog.small_account import (
    ACCESS_LOG,
    BUCKET,
    ID,
    IMAGES,
    PREFIX,
    STACKS,
    SmallAccount,
    properties,
)
from tests.tidegate.answering import refusal

KEPT = {"groups", "versions", "buckets", "images", "key"}
DENIED = refusal("AccessDeniedException", "User is not authorized to perform this action.")
ENDPOINT_REFUSES = refusal("ValidationException", "Cannot update in-progress endpoint.")


class Time:
    """Time that passes only where somebody waits for it."""

    def __init__(self) -> None:
        self.at = 0.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def goodbye(account: SmallAccount, status: str = "DELETE_IN_PROGRESS", **changes: Any) -> Ledger:
    ledger, time = Ledger(), Time()
    watch = Watch(600, lambda: time.at, time.sleep)
    project = Project.of(properties(**changes))
    say_goodbye(account.client, no_role, project, status, ledger, watch)
    return ledger


def no_role(role: str) -> Any:
    raise AssertionError(f"{role} was asked for")


@pytest.fixture
def account() -> SmallAccount:
    return SmallAccount()


def test_given_keep_then_only_what_holds_work_is_left_and_nothing_of_another_project_is_touched(
    account: SmallAccount,
) -> None:
    others = account.of_others()
    ledger = goodbye(account)
    assert ledger.problems == []
    assert set(account.left()) == KEPT
    assert account.of_others() == others
    assert account.buckets[BUCKET] == [("model", "1"), ("model", "2")]


def test_given_keep_then_what_is_kept_says_of_which_project_it_is_and_since_when(account: SmallAccount) -> None:
    goodbye(account)
    buckets = (account.bucket_tags[BUCKET], account.bucket_tags[ACCESS_LOG])
    for tags in (account.groups[PREFIX], *buckets, account.images[IMAGES]):
        assert tags["tidegate:deleted-project"] == PREFIX
        assert tags["tidegate:deleted-at"].startswith("20")
    assert account.key_tags.keys() == {"tidegate:deleted-project", "tidegate:deleted-at"}
    assert account.bucket_tags[BUCKET]["aws:cloudformation:stack-name"] == "SC-1", "AWS's own tags cannot be left out"
    report = account.objects["goodbye/report.txt"].decode()
    assert "Endpoint config Config-1 is deleted." in report


def test_given_something_that_cannot_be_tagged_then_the_project_is_deleted_all_the_same_and_the_report_says_so(
    account: SmallAccount,
) -> None:
    account.refusing["PutBucketTagging", BUCKET] = refusal("InvalidTag", "System tags cannot be updated by requester")
    ledger = goodbye(account)
    assert ledger.problems == []
    assert set(account.left()) == KEPT
    told = f"Bucket {BUCKET} is kept, and could not be tagged: System tags cannot be updated by requester."
    assert told in account.objects["goodbye/report.txt"].decode()


def test_given_remove_then_nothing_is_left_but_the_key_pending_deletion(account: SmallAccount) -> None:
    ledger = goodbye(account, OnDeletion="remove")
    assert ledger.problems == []
    assert account.left() == {"key": {"PendingDeletion"}}
    assert account.objects == {}


def test_then_what_runs_is_stopped_before_what_serves_is_removed_and_work_is_removed_last(
    account: SmallAccount,
) -> None:
    goodbye(account, OnDeletion="remove")
    done = [step.split(" ")[0] for step in account.order]
    assert list(dict.fromkeys(done)) == [
        *("StopBuild", "StopPipelineExecution", "DeletePipeline", "DeleteStack"),
        *("DeleteEndpointConfig", "DeleteModel", "DeleteAlarms", "DeleteLogGroup"),
        *("DeleteModelPackage", "DeleteModelPackageGroup", "DeleteRepository", "DeleteObjects", "DeleteBucket"),
        "ScheduleKeyDeletion",
    ]


@pytest.mark.parametrize("mode", ["keep", "remove"])
def test_given_it_is_repeated_then_there_is_nothing_left_to_do_and_it_succeeds(
    account: SmallAccount, mode: str
) -> None:
    goodbye(account, OnDeletion=mode)
    left = account.left()
    account.order.clear()
    assert goodbye(account, OnDeletion=mode).problems == []
    assert account.left() == left
    assert account.order == []


def test_given_an_endpoint_that_refuses_to_go_then_it_is_named_with_the_reason_and_work_stays(
    account: SmallAccount,
) -> None:
    account.refusing["DeleteEndpoint", f"{PREFIX}-prod"] = ENDPOINT_REFUSES
    ledger = goodbye(account, OnDeletion="remove")
    (problem,) = ledger.problems
    assert STACKS[1] in problem
    assert f"{PREFIX}-prod (AWS::SageMaker::Endpoint)" in problem
    assert "Cannot update in-progress endpoint" in problem
    left = account.left()
    assert left["stacks"] == {STACKS[1]}
    assert left["configs"] == {"Config-1", "Config-2"}, "one of them serves"
    assert left.keys() >= KEPT
    assert account.key_state == "Enabled"
    told = outcome(ledger)["failure"]
    assert "delete the project again" in told


def test_then_repeating_it_once_the_endpoint_goes_ends_it(account: SmallAccount) -> None:
    account.refusing["DeleteEndpoint", f"{PREFIX}-prod"] = ENDPOINT_REFUSES
    goodbye(account, OnDeletion="remove")
    account.refusing.clear()
    assert goodbye(account, OnDeletion="remove").problems == []
    assert account.left() == {"key": {"PendingDeletion"}}


def test_given_a_log_group_that_is_denied_then_all_else_goes_and_repeating_it_ends_it(account: SmallAccount) -> None:
    group = f"/aws/sagemaker/Endpoints/{PREFIX}-prod"
    account.refusing["DeleteLogGroup", group] = DENIED
    (problem,) = goodbye(account).problems
    assert problem == f"Log group {group} cannot be deleted: User is not authorized to perform this action."
    assert set(account.left()) == {"log groups", *KEPT}
    assert account.key_tags == {}, "the project is not deleted yet"
    account.refusing.clear()
    assert goodbye(account).problems == []
    assert set(account.left()) == KEPT


def test_given_a_stack_that_cannot_be_asked_to_go_then_its_own_words_are_told(account: SmallAccount) -> None:
    words = f"Stack [{STACKS[0]}] cannot be deleted while TerminationProtection is enabled"
    account.refusing["DeleteStack", STACKS[0]] = refusal("ValidationError", words)
    (problem,) = goodbye(account).problems
    assert words in problem
    assert account.stacks[STACKS[1]] == "DELETE_COMPLETE", "the other one goes all the same"


def test_given_a_release_that_has_not_ended_then_it_is_waited_for_and_then_told(account: SmallAccount) -> None:
    account.stacks[STACKS[1]] = "UPDATE_IN_PROGRESS"
    (problem,) = goodbye(account).problems
    assert problem == f"Stack {STACKS[1]} is UPDATE_IN_PROGRESS: a release of it has not ended."
    assert f"DeleteStack {STACKS[1]}" not in account.order


def test_given_endpoints_that_no_stack_knows_then_they_go_after_their_schedules(account: SmallAccount) -> None:
    account.stacks.clear()
    account.schedules.add(f"{PREFIX}-prod-data-quality")
    assert goodbye(account).problems == []
    assert set(account.left()) == KEPT
    first = account.order.index(f"DeleteMonitoringSchedule {PREFIX}-prod-data-quality")
    assert first < account.order.index(f"DeleteEndpoint {PREFIX}-prod")


@pytest.mark.parametrize(
    "status",
    [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    ],
)
def test_given_the_resource_goes_in_an_update_then_the_project_lives_on(account: SmallAccount, status: str) -> None:
    before = account.left()
    assert goodbye(account, status, OnDeletion="remove").problems == []
    assert account.left() == before
    assert account.order == []


@pytest.mark.parametrize("mode", ["keep", "remove"])
def test_given_a_launch_that_failed_then_buckets_and_registry_are_empty_for_cloudformation_to_delete(
    account: SmallAccount, mode: str
) -> None:
    assert goodbye(account, "ROLLBACK_IN_PROGRESS", OnDeletion=mode).problems == []
    assert account.left() == {
        "groups": {PREFIX},
        "buckets": {BUCKET, ACCESS_LOG},
        "images": {IMAGES},  # which CloudFormation deletes whatever is in it
        "key": {"Enabled"},
    }
    assert account.buckets == {BUCKET: [], ACCESS_LOG: []}
    assert account.key_tags == {}


def test_given_s3_writes_its_log_once_more_then_the_bucket_is_emptied_again(account: SmallAccount) -> None:
    delete, late = account.client("s3").delete_bucket, [("late", "1")]
    account.buckets[ACCESS_LOG] = [("early", "1")]

    def delete_bucket(Bucket: str) -> Any:
        if Bucket == ACCESS_LOG and late:
            account.buckets[Bucket].append(late.pop())
        return delete(Bucket=Bucket)

    account.client("s3").delete_bucket = delete_bucket
    from service_catalog.goodbye import work

    ledger = Ledger()
    work.remove(account.client, Project.of(properties(OnDeletion="remove")), ledger, sleep=lambda _: None)
    assert ledger.problems == []
    assert account.buckets == {}


def test_given_stages_in_another_account_then_they_are_removed_there_by_the_role_of_that_account(
    account: SmallAccount,
) -> None:
    there, role = SmallAccount(), f"arn:aws:iam::999999999999:role/tidegate/sagemaker-{ID}-deploy-eu-west-1"
    stacks = [{"Stack": STACKS[0], "Role": ""}, {"Stack": STACKS[1], "Role": role}]
    assumed: list[str] = []

    def assume(arn: str) -> Any:
        assumed.append(arn)
        return there.client

    ledger, time = Ledger(), Time()
    project = Project.of(properties(Stacks=stacks))
    watch = Watch(600, lambda: time.at, time.sleep)
    say_goodbye(account.client, assume, project, "DELETE_IN_PROGRESS", ledger, watch)
    assert ledger.problems == []
    assert assumed == [role]
    assert there.stacks[STACKS[1]] == "DELETE_COMPLETE"
    assert there.stacks[STACKS[0]] == "UPDATE_COMPLETE"
    assert not {"configs", "models", "log groups"} & set(there.left())
    assert set(there.versions), "the registry is the project's own account's"
    assert f"Stack {STACKS[1]} in account 999999999999 is deleted." in ledger.done


def test_given_a_role_that_cannot_be_assumed_then_it_is_named_and_the_own_account_is_done_all_the_same(
    account: SmallAccount,
) -> None:
    def assume(arn: str) -> Any:
        raise refusal("AccessDenied", "is not authorized to perform: sts:AssumeRole")

    stacks = [{"Stack": STACKS[0]}, {"Stack": STACKS[1], "Role": "arn:aws:iam::999999999999:role/x"}]
    ledger, time = Ledger(), Time()
    watch = Watch(600, lambda: time.at, time.sleep)
    say_goodbye(account.client, assume, Project.of(properties(Stacks=stacks)), "DELETE_IN_PROGRESS", ledger, watch)
    (problem,) = ledger.problems
    assert problem.startswith("Role arn:aws:iam::999999999999:role/x cannot be assumed")
    assert account.stacks[STACKS[0]] == "DELETE_COMPLETE"


# ---------------------------------------------------------------- repositories
def git(*arguments: str, at: Path) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
    done = subprocess.run(["git", *identity, *arguments], cwd=at, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two branches and a tag."""
    bare, work = tmp_path / "remote.git", tmp_path / "work"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), at=tmp_path)
    git("clone", "--quiet", str(bare), str(work), at=tmp_path)
    for branch in ("main", "idea"):
        git("checkout", "--quiet", "-B", branch, at=work)
        (work / branch).write_text(branch)
        git("add", ".", at=work)
        git("commit", "--quiet", "-m", branch, at=work)
    git("tag", "v1", at=work)
    git("push", "--quiet", "origin", "main", "idea", "v1", at=work)
    return bare


def named(**remotes: Path) -> dict[str, Any]:
    return {part: {"Name": f"{PREFIX}-model{part}", "Remote": at.as_uri()} for part, at in remotes.items()}


def test_given_a_repository_then_every_branch_and_tag_of_it_is_in_the_bundle(
    account: SmallAccount, repository: Path, tmp_path: Path
) -> None:
    account.repositories = {f"{PREFIX}-modelbuild"}
    ledger = goodbye(account, Repositories=named(build=repository))
    assert ledger.problems == []
    (tmp_path / "build.bundle").write_bytes(account.objects["goodbye/build.bundle"])
    git("clone", "--quiet", "build.bundle", "again", at=tmp_path)
    branches = git("branch", "--remotes", "--format=%(refname:lstrip=3)", at=tmp_path / "again").split()
    assert set(branches) - {"HEAD"} == {"idea", "main"}
    assert git("tag", at=tmp_path / "again") == "v1"
    (said,) = [each for each in ledger.done if each.startswith("Repository")]
    assert f"s3://{BUCKET}/goodbye/build.bundle" in said


def test_given_a_repository_without_a_commit_then_it_is_said_that_there_is_no_bundle(
    account: SmallAccount, tmp_path: Path
) -> None:
    git("init", "--quiet", "--bare", "empty.git", at=tmp_path)
    account.repositories = {f"{PREFIX}-modelbuild"}
    ledger = goodbye(account, Repositories=named(build=tmp_path / "empty.git"))
    assert ledger.problems == []
    assert account.objects.keys() == {"goodbye/report.txt"}
    assert f"Repository {PREFIX}-modelbuild has no commits, so there is no bundle of it." in ledger.done


def test_given_a_repository_that_somebody_deleted_then_the_goodbye_does_not_wait_for_it(
    account: SmallAccount, tmp_path: Path
) -> None:
    assert goodbye(account, Repositories=named(build=tmp_path / "gone.git")).problems == []


def test_given_a_repository_that_cannot_be_cloned_then_it_is_not_deleted(account: SmallAccount, tmp_path: Path) -> None:
    account.repositories = {f"{PREFIX}-modelbuild"}
    (problem,) = goodbye(account, Repositories=named(build=tmp_path / "gone.git")).problems
    assert "cannot be bundled, so it is not deleted" in problem


def test_given_remove_then_no_bundle_is_made(account: SmallAccount, repository: Path) -> None:
    account.repositories = {f"{PREFIX}-modelbuild"}
    goodbye(account, OnDeletion="remove", Repositories=named(build=repository))
    assert account.objects == {}


# ---------------------------------------------------------------- what CloudFormation is told
def test_given_many_problems_then_the_answer_fits_and_says_where_all_of_them_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CODEBUILD_BUILD_ID", "sagemaker-p-abc123-goodbye:1")
    ledger = Ledger(problems=[f"Model number-{number} cannot be deleted: for a long reason." for number in range(99)])
    told = outcome(ledger)["failure"]
    assert len(json.dumps(told)) < 1100
    assert "number-0" in told
    assert "sagemaker-p-abc123-goodbye:1" in told
