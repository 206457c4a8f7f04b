"""CodeCommit's pull requests, as the API, git and an event rule meet them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from developer import git


@pytest.fixture
def opened(sandbox: Any, repository: dict[str, Any], checkout: Path) -> dict[str, Any]:
    """A pull request of the branch feature into main."""
    git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=checkout)
    git("commit", "-q", "--allow-empty", "-m", "Change", cwd=checkout)
    git("push", "-q", "origin", "HEAD:refs/heads/feature", cwd=checkout)
    target = {"repositoryName": repository["repositoryName"], "sourceReference": "feature"}
    answer = sandbox.client("codecommit").create_pull_request(title='Say "{{7*7}}"', targets=[target])
    return dict(answer["pullRequest"])


def told(events: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    kind = "CodeCommit Pull Request State Change"
    return [each["detail"] for each in events() if each["detail-type"] == kind]


def test_a_pull_request_says_what_it_would_merge(
    sandbox: Any, repository: dict[str, Any], opened: dict[str, Any], checkout: Path
) -> None:
    found = sandbox.client("codecommit").get_pull_request(pullRequestId=opened["pullRequestId"])["pullRequest"]
    [target] = found["pullRequestTargets"]
    assert (found["pullRequestStatus"], target["mergeMetadata"]) == ("OPEN", {"isMerged": False})
    assert target["sourceCommit"] == git("rev-parse", "HEAD", cwd=checkout)
    assert target["destinationCommit"] == git("rev-parse", "HEAD^", cwd=checkout)
    assert target["destinationReference"] == "refs/heads/main"
    listed = sandbox.client("codecommit").list_pull_requests(repositoryName=repository["repositoryName"])
    assert listed["pullRequestIds"] == [opened["pullRequestId"]]


def test_its_events_follow_its_branch_until_it_is_merged(
    sandbox: Any, events: Any, opened: dict[str, Any], checkout: Path, eventually: Callable[..., Any]
) -> None:
    git("commit", "-q", "--allow-empty", "-m", "More", cwd=checkout)
    git("push", "-q", "origin", "HEAD:refs/heads/feature", cwd=checkout)
    tip = git("rev-parse", "HEAD", cwd=checkout)
    eventually(lambda: len(told(events)) == 2)
    sandbox.client("codecommit").merge_pull_request_by_fast_forward(
        pullRequestId=opened["pullRequestId"], repositoryName=opened["pullRequestTargets"][0]["repositoryName"]
    )
    eventually(lambda: len(told(events)) == 3)
    created, updated, merged = told(events)
    assert [each["event"] for each in (created, updated, merged)] == [
        "pullRequestCreated",
        "pullRequestSourceBranchUpdated",
        "pullRequestMergeStatusUpdated",
    ]
    assert (updated["sourceCommit"], updated["pullRequestStatus"], updated["isMerged"]) == (tip, "Open", "False")
    assert (merged["pullRequestStatus"], merged["isMerged"]) == ("Closed", "True")
    assert updated["revisionId"] != created["revisionId"]
    assert git("ls-remote", "origin", "refs/heads/main", cwd=checkout).split()[0] == tip


def parted(checkout: Path, ours: str, theirs: str) -> None:
    """Let main have the lines `ours`, and feature `theirs`, each in a commit of its own since they parted."""
    git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=checkout)
    (checkout / "words").write_text("one\n\ntwo\n\nthree\n")
    git("add", "-A", cwd=checkout)
    git("commit", "-q", "-m", "Words", cwd=checkout)
    git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=checkout)
    for branch, (name, text) in (("main", ours.split("=")), ("feature", theirs.split("="))):
        (checkout / name).write_text(text.replace("/", "\n\n") + "\n")
        git("add", "-A", cwd=checkout)
        git("commit", "-q", "-m", f"Change {branch}", cwd=checkout)
        git("push", "-q", "origin", f"HEAD:refs/heads/{branch}", cwd=checkout)
        git("reset", "-q", "--hard", "HEAD^", cwd=checkout)


@pytest.fixture
def request_of(sandbox: Any, repository: dict[str, Any]) -> Callable[[], dict[str, str]]:
    def made() -> dict[str, str]:
        name = repository["repositoryName"]
        target = {"repositoryName": name, "sourceReference": "feature"}
        opened = sandbox.client("codecommit").create_pull_request(title="Merge", targets=[target])["pullRequest"]
        return {"pullRequestId": opened["pullRequestId"], "repositoryName": name}

    return made


@pytest.mark.parametrize(("how", "parents"), [("squash", 1), ("three_way", 2)])
def test_branches_that_parted_are_merged_with_a_commit_of_its_own(
    sandbox: Any, request_of: Any, checkout: Path, how: str, parents: int
) -> None:
    parted(checkout, "ours=a", "theirs=b")
    asked, client = request_of(), sandbox.client("codecommit")
    with pytest.raises(ClientError, match="the destination has commits that the source has not"):
        client.merge_pull_request_by_fast_forward(**asked)

    merge = getattr(client, f"merge_pull_request_by_{how}")
    made = merge(**asked, commitMessage="Both", authorName="Dev", email="dev@example.com")["pullRequest"]

    git("fetch", "-q", "origin", cwd=checkout)
    told = git("log", "-1", "--format=%an <%ae> %s|%P", "origin/main", cwd=checkout)
    assert told.partition("|")[0] == "Dev <dev@example.com> Both"
    assert len(told.partition("|")[2].split()) == parents
    assert {"ours", "theirs"} <= set(git("ls-tree", "--name-only", "origin/main", cwd=checkout).split())
    [target] = made["pullRequestTargets"]
    assert target["mergeMetadata"]["mergeOption"] == f"{how.upper()}_MERGE"
    assert target["mergeMetadata"]["mergeCommitId"] == git("rev-parse", "origin/main", cwd=checkout)


def test_both_changing_a_file_is_a_conflict_unless_lines_are_asked_for(
    sandbox: Any, request_of: Any, checkout: Path
) -> None:
    parted(checkout, "words=ONE/two/three", "words=one/two/THREE")
    asked, client = request_of(), sandbox.client("codecommit")
    ends = {"sourceCommitSpecifier": "feature", "destinationCommitSpecifier": "main"}
    options = {"repositoryName": asked["repositoryName"], **ends}
    assert client.get_merge_options(**options)["mergeOptions"] == []
    assert client.get_merge_options(**options, conflictDetailLevel="LINE_LEVEL")["mergeOptions"] == [
        "SQUASH_MERGE",
        "THREE_WAY_MERGE",
    ]
    with pytest.raises(ClientError, match="both branches changed words"):
        client.merge_pull_request_by_squash(**asked)
    with pytest.raises(ClientError, match="strategy that resolves conflicts is not in the local simulation"):
        client.merge_pull_request_by_squash(**asked, conflictResolutionStrategy="ACCEPT_SOURCE")

    client.merge_pull_request_by_squash(**asked, conflictDetailLevel="LINE_LEVEL")

    git("fetch", "-q", "origin", cwd=checkout)
    assert git("show", "origin/main:words", cwd=checkout).split() == ["ONE", "two", "THREE"]


def test_both_changing_a_line_is_a_conflict_in_any_case(sandbox: Any, request_of: Any, checkout: Path) -> None:
    parted(checkout, "words=a/two/three", "words=b/two/three")

    with pytest.raises(ClientError, match="changed the same lines of words"):
        sandbox.client("codecommit").merge_pull_request_by_three_way(**request_of(), conflictDetailLevel="LINE_LEVEL")


def test_a_comment_is_made_once_for_a_token(sandbox: Any, opened: dict[str, Any]) -> None:
    client, [target] = sandbox.client("codecommit"), opened["pullRequestTargets"]
    comment = {
        "pullRequestId": opened["pullRequestId"],
        "repositoryName": target["repositoryName"],
        "beforeCommitId": target["destinationCommit"],
        "afterCommitId": target["sourceCommit"],
        "content": "**passed**",
        "clientRequestToken": "build-1",
    }
    for _ in range(2):
        client.post_comment_for_pull_request(**comment)
    found = client.get_comments_for_pull_request(pullRequestId=opened["pullRequestId"])["commentsForPullRequestData"]
    assert [[one["content"] for one in each["comments"]] for each in found] == [["**passed**"]]


def test_what_cannot_be_is_refused(sandbox: Any, repository: dict[str, Any], opened: dict[str, Any]) -> None:
    client, name = sandbox.client("codecommit"), repository["repositoryName"]
    target = {"repositoryName": name, "sourceReference": "main"}
    with pytest.raises(ClientError, match="SourceAndDestinationAreSame"):
        client.create_pull_request(title="None", targets=[target])
    with pytest.raises(ClientError, match="ReferenceDoesNotExist"):
        client.create_pull_request(title="None", targets=[target | {"sourceReference": "none"}])
    client.update_pull_request_status(pullRequestId=opened["pullRequestId"], pullRequestStatus="CLOSED")
    with pytest.raises(ClientError, match="PullRequestAlreadyClosed"):
        client.merge_pull_request_by_fast_forward(pullRequestId=opened["pullRequestId"], repositoryName=name)
    assert client.list_pull_requests(repositoryName=name, pullRequestStatus="OPEN")["pullRequestIds"] == []


def test_a_call_that_names_another_repository_than_its_pull_requests_changes_nothing(
    sandbox: Any, opened: dict[str, Any]
) -> None:
    client, asked = sandbox.client("codecommit"), opened["pullRequestId"]
    other = f"{opened['pullRequestTargets'][0]['repositoryName']}-other"
    with pytest.raises(ClientError, match="RepositoryDoesNotExist"):
        client.merge_pull_request_by_fast_forward(pullRequestId=asked, repositoryName=other)
    client.create_repository(repositoryName=other)
    with pytest.raises(ClientError, match="RepositoryNotAssociatedWithPullRequest"):
        client.merge_pull_request_by_fast_forward(pullRequestId=asked, repositoryName=other)
    assert client.get_pull_request(pullRequestId=asked)["pullRequest"]["pullRequestStatus"] == "OPEN"
