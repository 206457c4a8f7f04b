"""Serves CodeCommit's repositories to git, and sends the events that a push causes."""

import re

from tidegate_sandbox import context, credentials, hooks, journal
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.git import NO_COMMIT, answer, basic_user, serve
from tidegate_sandbox.git.http import SERVICES, is_push, wants_to_be_asked
from tidegate_sandbox.routes import Message, Receive, Send
from tidegate_sandbox.services.codecommit.pull_requests import reference_moved
from tidegate_sandbox.services.codecommit.repositories import OF_REGION, ROUTE, Repository, repositories
from tidegate_sandbox.state import changing
from tidegate_sandbox.state.tasks import begin

_ADDRESS = re.compile(rf"(?:{OF_REGION})?{re.escape(ROUTE)}(?P<name>[\w.-]+?)(?:\.git)?/{SERVICES}")


def is_git_address(path: str) -> bool:
    """Whether `path` is where git finds a repository, of a region that is named or of whichever has it."""
    return re.match(f"(?:{OF_REGION})?{re.escape(ROUTE)}", path) is not None


async def git_http(scope: Message, receive: Receive, send: Send) -> None:
    """Serve git's smart http protocol (an ASGI app)."""
    matched = _ADDRESS.fullmatch(scope["path"])
    if matched is None:
        return await answer(send, 404, "Only git's smart http protocol is served here.")
    name, region, asked = matched["name"], matched["region"], matched[matched.lastindex or 0]
    named = [here[name] for _, here in repositories.everywhere() if name in here]
    if region is not None:
        named = [one for one in named if one.scope.region == region]
    user = basic_user(scope)
    if user is None and wants_to_be_asked(scope):
        return await answer(send, 401, "CodeCommit asks for an AWS caller's credentials.")
    if len({one.scope.account for one in named}) > 1:
        if user is None:
            return await answer(send, 401, "Several accounts have it: give the account id as the user name.")
        named = [one for one in named if one.scope.account == credentials.account_of(user)]
    if not named:
        return await answer(send, 404, f"no repository named {name}")
    # Of several regions it is the one that had the name first: the others' addresses have their region in them.
    one = min(named, key=lambda each: each.is_regional)
    action = "codecommit:GitPush" if is_push(asked, scope) else "codecommit:GitPull"
    try:
        journal.write(credentials.of_request(user or ""), [(action, one.arn, {})], one.scope.region)
    except AwsError as denied:
        return await answer(send, 403, denied.message)
    moved = await serve(one, asked, one.scope.account, scope, receive, send)
    if moved:
        _pushed(one, moved)
    return None


def _pushed(one: Repository, moved: list[tuple[str, str, str]]) -> None:
    with hooks.acting_in(one.scope.account, one.scope.region), changing():
        one.tell(moved)
        begin(references_changed, one, moved, name=f"pushed-{one.name}")


def go_on() -> None:
    """Tell of what was pushed to the sandbox before this one, where that had no time to."""
    for _, here in repositories.everywhere():
        for one in here.values():
            if moved := one.untold():
                _pushed(one, moved)


def references_changed(one: Repository, moved: list[tuple[str, str, str]]) -> None:
    """Tell of references that moved: old commit, new commit, name in full."""
    one.tell(moved)
    one.modified = context.sandbox().clock.now()
    for old, new, reference in moved:
        if one.default_branch is None and reference.startswith("refs/heads/") and new != NO_COMMIT:
            one.default_branch = reference.removeprefix("refs/heads/")
            one.git("symbolic-ref", "HEAD", reference)
        detail = reference_event(old, new, reference) | {
            "repositoryName": one.name,
            "repositoryId": one.id,
            "callerUserArn": f"arn:aws:iam::{one.scope.account}:root",
        }
        hooks.emit_event("aws.codecommit", "CodeCommit Repository State Change", detail, [one.arn])
        reference_moved(one, new, reference)


def reference_event(old: str, new: str, reference: str) -> dict[str, str]:
    """Return what the event says of one pushed reference (CodeCommit user guide, "Monitoring CodeCommit events")."""
    kind = "tag" if reference.startswith("refs/tags/") else "branch"
    event = {
        "referenceType": kind,
        "referenceName": reference.removeprefix("refs/tags/").removeprefix("refs/heads/"),
        "referenceFullName": reference,
    }
    if old == NO_COMMIT:
        return event | {"event": "referenceCreated", "commitId": new}
    if new == NO_COMMIT:
        return event | {"event": "referenceDeleted", "oldCommitId": old}
    return event | {"event": "referenceUpdated", "commitId": new, "oldCommitId": old}
