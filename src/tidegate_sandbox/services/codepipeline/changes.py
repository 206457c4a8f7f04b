"""Starts pipelines whose source is a connection when something happens at the git host."""

from collections.abc import Iterator

from tidegate_sandbox import hooks
from tidegate_sandbox.errors import AwsError
from tidegate_sandbox.git import NO_COMMIT
from tidegate_sandbox.services import connections
from tidegate_sandbox.services.codepipeline.pipelines import Kept, everywhere, start
from tidegate_sandbox.services.codepipeline.structure import Action
from tidegate_sandbox.services.codepipeline.triggers import PROVIDER, Trigger
from tidegate_sandbox.services.connections import HostedRepository, PullRequestEvent, Push


def start_from_host(what: Push | PullRequestEvent) -> None:
    """Start every pipeline that a push or a pull request is to start, each with the commit that it is about."""
    for scope, kept in everywhere():
        for action in _sources(kept, what.repository):
            if commit := _commit(kept, action, what):
                with hooks.acting_in(scope.account, scope.region):
                    trigger = {"triggerType": "WebhookV2", "triggerDetail": what.repository.name}
                    start(kept, trigger, commits={action.name: commit})


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


def _commit(kept: Kept, action: Action, what: Push | PullRequestEvent) -> str | None:
    """Return the commit to build, or None where this starts nothing."""
    trigger = next((one for one in kept.pipeline.triggers if one.source == action.name), None)
    if isinstance(what, PullRequestEvent):
        wanted = trigger is not None and trigger.on_pull_request(what.event, what.pull.base)
        return what.pull.commit if wanted else None
    if what.new == NO_COMMIT or not _wants(trigger, action, what.reference):
        return None
    return what.new


def _wants(trigger: Trigger | None, action: Action, reference: str) -> bool:
    if trigger is not None:
        return trigger.on_push(reference)
    detects = action.configuration.get("DetectChanges", "true").lower() == "true"
    return detects and reference == f"refs/heads/{action.configuration['BranchName']}"
