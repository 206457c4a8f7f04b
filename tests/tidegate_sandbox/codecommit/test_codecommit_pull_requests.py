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
    with pytest.raises(ClientError, match="BranchDoesNotExist"):
        client.create_pull_request(title="None", targets=[target | {"sourceReference": "none"}])
    client.update_pull_request_status(pullRequestId=opened["pullRequestId"], pullRequestStatus="CLOSED")
    with pytest.raises(ClientError, match="PullRequestAlreadyClosed"):
        client.merge_pull_request_by_fast_forward(pullRequestId=opened["pullRequestId"], repositoryName=name)
    assert client.list_pull_requests(repositoryName=name, pullRequestStatus="OPEN")["pullRequestIds"] == []
