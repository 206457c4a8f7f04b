"""CodeCommit's pull requests: opening, commenting, merging, and the events that they cause.

CodeCommit user guide, "Monitoring CodeCommit events in Amazon EventBridge". A target of another repository, approvals
and strategies that resolve conflicts are not simulated.
"""

import contextlib
import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from tidegate_sandbox import context, hooks, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.git import NO_COMMIT
from tidegate_sandbox.services.codecommit.merges import Author, ConflictError, Option, merge_base, merged
from tidegate_sandbox.services.codecommit.repositories import Repository, codecommit, repository
from tidegate_sandbox.services.paging import page
from tidegate_sandbox.state import keep

HEADS = "refs/heads/"


@dataclass
class Comment:
    """A comment on a pull request, about what `after` changes of `before`."""

    id: str
    content: str
    before: str
    after: str
    author: str
    created: datetime
    token: str

    def describe(self) -> dict[str, Any]:
        """Return botocore's shape Comment."""
        return {
            "commentId": self.id,
            "content": self.content,
            "creationDate": self.created,
            "lastModifiedDate": self.created,
            "authorArn": self.author,
            "deleted": False,
        }


@dataclass
class PullRequest:
    """A request to merge `source` into `destination`: full references, with the commit at the tip of each."""

    id: str
    title: str
    description: str
    repository: Repository
    source: str
    destination: str
    source_commit: str
    destination_commit: str
    author: str
    created: datetime
    active: datetime
    status: str = "OPEN"
    merged: str = ""
    """The commit that its destination came to by it, and after that who merged it, and how."""
    merged_by: str = ""
    option: str = ""
    comments: list[Comment] = field(default_factory=list)

    @property
    def revision(self) -> str:
        """What CodeCommit calls the state that an approval is about."""
        return hashlib.sha256(f"{self.id} {self.source_commit} {self.destination_commit}".encode()).hexdigest()

    def _how(self) -> dict[str, Any]:
        return {"mergeCommitId": self.merged, "mergedBy": self.merged_by, "mergeOption": self.option}

    def describe(self) -> dict[str, Any]:
        """Return botocore's shape PullRequest."""
        target = {
            "repositoryName": self.repository.name,
            "sourceReference": self.source,
            "destinationReference": self.destination,
            "sourceCommit": self.source_commit,
            "destinationCommit": self.destination_commit,
            "mergeMetadata": {"isMerged": bool(self.merged)} | (self._how() if self.merged else {}),
        }
        return {
            "pullRequestId": self.id,
            "title": self.title,
            "description": self.description,
            "creationDate": self.created,
            "lastActivityDate": self.active,
            "pullRequestStatus": self.status,
            "authorArn": self.author,
            "pullRequestTargets": [target],
            "revisionId": self.revision,
        }


_requests: context.Scoped[dict[str, PullRequest]] = context.Scoped(dict)
_numbers: dict[str, int] = keep("pull requests of CodeCommit", {"last": 0})


def _find(identifier: str) -> PullRequest:
    found = _requests.here().get(identifier)
    if found is None:
        raise AwsError("PullRequestDoesNotExistException", f"There is no pull request {identifier}")
    return found


def _find_in(p: dict[str, Any]) -> PullRequest:
    """Return the pull request of a call that names its repository as well, which is what the call is allowed on."""
    found = _find(p["pullRequestId"])
    if repository(p["repositoryName"]) is not found.repository:
        sentence = f"Pull request {found.id} is not of {p['repositoryName']}"
        raise AwsError("RepositoryNotAssociatedWithPullRequestException", sentence)
    return found


def _tip(one: Repository, reference: str) -> str:
    tip = one.branches().get(reference.removeprefix(HEADS))
    if tip is None:
        raise AwsError("ReferenceDoesNotExistException", f"{one.name} has no reference {reference}")
    return tip


def _caller() -> str:
    session = journal.caller()
    return session.role_arn if session else f"arn:aws:iam::{context.scope().account}:root"


@codecommit.operation("CreatePullRequest")
def _create(p: dict[str, Any]) -> dict[str, Any]:
    if len(p["targets"]) != 1:
        raise AwsError("MultipleRepositoriesInPullRequestException", "A pull request has one target")
    [target] = p["targets"]
    found = repository(target["repositoryName"])
    source = target["sourceReference"].removeprefix(HEADS)
    destination = target.get("destinationReference", found.default_branch or "main").removeprefix(HEADS)
    if source == destination:
        raise AwsError("SourceAndDestinationAreSameException", f"{source} is both source and destination")
    now = context.sandbox().clock.now()
    _numbers["last"] += 1
    made = PullRequest(
        id=str(_numbers["last"]),
        title=p["title"],
        description=p.get("description", ""),
        repository=found,
        source=HEADS + source,
        destination=HEADS + destination,
        source_commit=_tip(found, HEADS + source),
        destination_commit=_tip(found, HEADS + destination),
        author=_caller(),
        created=now,
        active=now,
    )
    _requests.here()[made.id] = made
    _tell(made, "pullRequestCreated")
    return {"pullRequest": made.describe()}


@codecommit.operation("GetPullRequest")
def _get(p: dict[str, Any]) -> dict[str, Any]:
    return {"pullRequest": _find(p["pullRequestId"]).describe()}


@codecommit.operation("ListPullRequests")
def _list(p: dict[str, Any]) -> dict[str, Any]:
    found = repository(p["repositoryName"])
    wanted = p.get("pullRequestStatus")
    ids = [one.id for one in _requests.here().values() if one.repository is found and wanted in (None, one.status)]
    return page(ids, p, "pullRequestIds", size="maxResults", token="nextToken")  # noqa: S106 - a member's name


@codecommit.operation("UpdatePullRequestStatus")
def _close(p: dict[str, Any]) -> dict[str, Any]:
    found = _find(p["pullRequestId"])
    if p["pullRequestStatus"] != "CLOSED" or found.status == "CLOSED":
        raise AwsError("InvalidPullRequestStatusUpdateException", "An open pull request can be closed, and no more")
    found.status = "CLOSED"
    _tell(found, "pullRequestStatusChanged")
    return {"pullRequest": found.describe()}


@codecommit.operation("MergePullRequestByFastForward")
def _fast_forward(p: dict[str, Any]) -> dict[str, Any]:
    return _merge(p, "FAST_FORWARD_MERGE")


@codecommit.operation("MergePullRequestBySquash")
def _squash(p: dict[str, Any]) -> dict[str, Any]:
    return _merge(p, "SQUASH_MERGE")


@codecommit.operation("MergePullRequestByThreeWay")
def _three_way(p: dict[str, Any]) -> dict[str, Any]:
    return _merge(p, "THREE_WAY_MERGE")


def _merge(p: dict[str, Any], option: Option) -> dict[str, Any]:
    found = _find_in(p)
    if found.status != "OPEN":
        raise AwsError("PullRequestAlreadyClosedException", f"Pull request {found.id} is closed")
    if p.get("sourceCommitId", found.source_commit) != found.source_commit:
        sentence = f"{found.source} is at {found.source_commit}, and not at {p['sourceCommitId']}"
        raise AwsError("TipOfSourceReferenceIsDifferentException", sentence)
    if p.get("conflictResolutionStrategy", "NONE") != "NONE" or p.get("conflictResolution"):
        sentence = "a strategy that resolves conflicts is not in the local simulation: merge in a checkout and push"
        raise AwsError("InvalidConflictResolutionStrategyException", sentence)
    one, old = found.repository, _tip(found.repository, found.destination)
    author = Author(
        p.get("authorName") or _caller().rpartition("/")[2].rpartition(":")[2],
        p.get("email", ""),
        p.get("commitMessage") or f"Merge {found.source.removeprefix(HEADS)} by pull request {found.id}",
    )
    try:
        new = merged(one, option, old, found.source_commit, p.get("conflictDetailLevel", "FILE_LEVEL"), author)
    except ConflictError as error:
        raise AwsError("ManualMergeRequiredException", f"{found.source} into {found.destination}: {error}") from None
    one.git("update-ref", found.destination, new, old)
    found.status, found.merged, found.merged_by, found.option = "CLOSED", new, _caller(), option
    _tell(found, "pullRequestMergeStatusUpdated")
    # Imported late: what tells of references tells pull requests of them.
    from tidegate_sandbox.services.codecommit.git_http import references_changed

    references_changed(one, [(old, new, found.destination)])
    return {"pullRequest": found.describe()}


def _commit(one: Repository, specifier: str) -> str:
    """Return the commit that a branch's name, in full or not, or a commit's id stands for."""
    tip = one.branches().get(specifier.removeprefix(HEADS))
    if tip is None and one.details(specifier) is None:
        raise AwsError("CommitDoesNotExistException", f"{one.name} has no branch and no commit {specifier}")
    return tip or specifier


@codecommit.operation("GetMergeOptions")
def _options(p: dict[str, Any]) -> dict[str, Any]:
    one = repository(p["repositoryName"])
    source, old = (_commit(one, p[f"{which}CommitSpecifier"]) for which in ("source", "destination"))
    if (base := merge_base(one, old, source)) is None:
        raise AwsError("TipsDivergenceExceededException", "the two branches have no commit in common")
    possible: list[Option] = []
    nobody = Author("nobody", "", "nothing")
    for option in get_args(Option):
        with contextlib.suppress(ConflictError):
            merged(one, option, old, source, p.get("conflictDetailLevel", "FILE_LEVEL"), nobody)
            possible.append(option)
    return {"mergeOptions": possible, "sourceCommitId": source, "destinationCommitId": old, "baseCommitId": base}


@codecommit.operation("PostCommentForPullRequest")
def _comment(p: dict[str, Any]) -> dict[str, Any]:
    found, token = _find_in(p), p.get("clientRequestToken") or uuid.uuid4().hex
    if p.get("location"):
        raise AwsError("InvalidFileLocationException", "comments on a line are not in the local simulation")
    for commit in (p["beforeCommitId"], p["afterCommitId"]):
        if found.repository.details(commit) is None:
            raise AwsError("CommitDoesNotExistException", f"{found.repository.name} has no commit {commit}")
    made = next((one for one in found.comments if one.token == token), None)
    if made is None:
        now = context.sandbox().clock.now()
        made = Comment(uuid.uuid4().hex, p["content"], p["beforeCommitId"], p["afterCommitId"], _caller(), now, token)
        found.comments.append(made)
    return _about(found, made) | {"comment": made.describe()}


@codecommit.operation("GetCommentsForPullRequest")
def _comments(p: dict[str, Any]) -> dict[str, Any]:
    found = _find(p["pullRequestId"])
    told = [_about(found, one) | {"comments": [one.describe()]} for one in found.comments]
    return page(
        told,
        p,
        "commentsForPullRequestData",
        size="maxResults",
        token="nextToken",  # noqa: S106 - a member's name
    )


def _about(found: PullRequest, comment: Comment) -> dict[str, Any]:
    return {
        "repositoryName": found.repository.name,
        "pullRequestId": found.id,
        "beforeCommitId": comment.before,
        "afterCommitId": comment.after,
    }


def reference_moved(one: Repository, new: str, reference: str) -> None:
    """Let the pull requests that a branch of `one` belongs to follow it."""
    for request in list(_requests.here().values()):
        if request.repository is not one or request.status != "OPEN" or new == NO_COMMIT:
            continue
        if reference == request.source:
            request.source_commit = new
            _tell(request, "pullRequestSourceBranchUpdated")


def _tell(request: PullRequest, event: str) -> None:
    request.active = context.sandbox().clock.now()
    detail = {
        "author": request.author,
        "callerUserArn": _caller(),
        "creationDate": request.created.strftime("%a %b %d %H:%M:%S UTC %Y"),
        "description": request.description,
        "destinationCommit": request.destination_commit,
        "destinationReference": request.destination,
        "event": event,
        "isMerged": str(bool(request.merged)),
        "lastModifiedDate": request.active.strftime("%a %b %d %H:%M:%S UTC %Y"),
        "pullRequestId": request.id,
        "pullRequestStatus": request.status.title(),
        "repositoryNames": [request.repository.name],
        "revisionId": request.revision,
        "sourceCommit": request.source_commit,
        "sourceReference": request.source,
        "title": request.title,
    }
    hooks.emit_event("aws.codecommit", "CodeCommit Pull Request State Change", detail, [request.repository.arn])
