"""Starts pipelines whose source is a connection when something happens at the git host."""

from collections.abc import Iterator
from functools import partial

from tidegate_sandbox import hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.git import NO_COMMIT
from tidegate_sandbox.services import connections
from tidegate_sandbox.services.codepipeline.pipelines import Kept, everywhere, start
from tidegate_sandbox.services.codepipeline.structure import Action
from tidegate_sandbox.services.codepipeline.triggers import PROVIDER
from tidegate_sandbox.services.connections import HostedRepository, PullRequestEvent, Push


def start_from_host(what: Push | PullRequestEvent) -> None:
    """Start every pipeline that a push or a pull request is to start, each with the commit that it is about."""
    for scope, kept in everywhere():
        for action in _sources(kept, what.repository):
            if commit := _commit(kept, action, what):
                branches = {action.name: branch} if (branch := _branch(what)) else {}
                with hooks.acting_in(scope.account, scope.region):
                    trigger = {"triggerType": "WebhookV2", "triggerDetail": what.repository.name}
                    start(kept, trigger, commits={action.name: commit}, branches=branches)


def _sources(kept: Kept, repository: HostedRepository) -> Iterator[Action]:
    for action in kept.pipeline.stages[0].actions:
        if action.provider != PROVIDER or action.configuration["FullRepositoryId"] != repository.name:
            continue
        try:
            reached = connections.reach(action.configuration["ConnectionArn"], repository.name)
        except AwsError:  # a host tells nothing through a connection that is gone
            continue
        if reached is repository:
            yield action


def _branch(what: Push | PullRequestEvent) -> str:
    """Return the branch where the change was made, or nothing of a tag."""
    if isinstance(what, PullRequestEvent):
        return what.pull.head
    kind, _, name = what.reference.partition("refs/heads/")
    return name if not kind else ""


def _commit(kept: Kept, action: Action, what: Push | PullRequestEvent) -> str | None:
    """Return the commit to build, or None where this starts nothing."""
    trigger = next((one for one in kept.pipeline.triggers if one.source == action.name), None)
    repository = what.repository
    if isinstance(what, PullRequestEvent):
        pull = what.pull
        changed = partial(repository.changed, f"refs/heads/{pull.base}", pull.commit, True)
        wanted = trigger is not None and trigger.on_pull_request(what.event, pull.base, changed)
        return pull.commit if wanted else None
    if what.new == NO_COMMIT:
        return None
    if trigger is not None:
        return what.new if trigger.on_push(what.reference, partial(repository.changed, what.old, what.new)) else None
    detects = action.configuration.get("DetectChanges", "true").lower() == "true"
    return what.new if detects and what.reference == f"refs/heads/{action.configuration['BranchName']}" else None
