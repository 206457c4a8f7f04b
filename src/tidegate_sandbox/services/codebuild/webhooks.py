"""Which happenings at a git host start a build: a webhook's filter groups, as pure functions.

CodeBuild user guide, "Filter ... webhook events". A group passes if all its filters do; one group that passes starts
the build.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate_sandbox.git import NO_COMMIT
from tidegate_sandbox.services.connections import PullRequestEvent, Push

Groups = Sequence[Sequence[Mapping[str, Any]]]

EVENTS = {
    "created": "PULL_REQUEST_CREATED",
    "updated": "PULL_REQUEST_UPDATED",
    "merged": "PULL_REQUEST_MERGED",
}
_SIMULATED = ("EVENT", "HEAD_REF", "BASE_REF")


@dataclass(frozen=True)
class Happening:
    """What a webhook tells, references in full, `base` of a pull request only; `trigger` is pr/1 or branch/main."""

    event: str
    head: str
    base: str
    commit: str
    trigger: str

    def variables(self) -> dict[str, str]:
        """Return what a build that it starts has in its environment (CodeBuild user guide, "Environment variables")."""
        known = {
            "CODEBUILD_WEBHOOK_EVENT": self.event,
            "CODEBUILD_WEBHOOK_HEAD_REF": self.head,
            "CODEBUILD_WEBHOOK_BASE_REF": self.base,
            "CODEBUILD_WEBHOOK_TRIGGER": self.trigger,
        }
        return {name: value for name, value in known.items() if value}


def happening(what: Push | PullRequestEvent) -> Happening | None:
    """Return what a webhook tells of it; None for what is no event of CodeBuild's."""
    if isinstance(what, PullRequestEvent):
        pull = what.pull
        head, base = f"refs/heads/{pull.head}", f"refs/heads/{pull.base}"
        return Happening(EVENTS[what.event], head, base, pull.commit, f"pr/{pull.number}")
    if what.new == NO_COMMIT:
        return None
    _, kind, name = what.reference.split("/", 2)
    trigger = f"{'tag' if kind == 'tags' else 'branch'}/{name}"
    return Happening("PUSH", what.reference, "", what.new, trigger)


def refused(groups: Groups) -> str:
    """Say why the filter groups cannot be had; nothing where they can."""
    for group in groups:
        if not any(one["type"] == "EVENT" for one in group):
            return "A group of webhook filters has one of type EVENT"
        for one in group:
            if one["type"] not in _SIMULATED:
                return f"webhook filters of type {one['type']} are not in the local simulation: {', '.join(_SIMULATED)}"
    return ""


def passes(groups: Groups, told: Happening) -> bool:
    """Whether `told` starts a build; without any groups, every push does."""
    if not groups:
        return told.event == "PUSH"
    return any(all(_matches(one, told) for one in group) for group in groups)


def _matches(one: Mapping[str, Any], told: Happening) -> bool:
    pattern = one["pattern"]
    if one["type"] == "EVENT":
        found = told.event in [event.strip() for event in pattern.split(",")]
    else:
        found = re.search(pattern, told.head if one["type"] == "HEAD_REF" else told.base) is not None
    return found != bool(one.get("excludeMatchedPattern"))
