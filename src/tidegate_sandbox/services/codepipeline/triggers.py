"""What starts a pipeline whose source is a connection: its triggers, or else any push to the source's branch.

CodePipeline user guide, "Add trigger with code push or pull request event types".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

PROVIDER = "CodeStarSourceConnection"
_EVENTS = {"created": "OPEN", "updated": "UPDATED", "merged": "CLOSED"}


@dataclass(frozen=True)
class Names:
    """Patterns of branches or tags; one that is excluded is out, whatever includes it."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def take(self, name: str) -> bool:
        """Whether the patterns take `name`; without any that includes, all are that no pattern excludes."""
        if any(fnmatchcase(name, pattern) for pattern in self.excludes):
            return False
        return not self.includes or any(fnmatchcase(name, pattern) for pattern in self.includes)


@dataclass(frozen=True)
class PullRequests:
    """Pull requests into certain branches, at certain events (OPEN, UPDATED, CLOSED; without any, all)."""

    events: tuple[str, ...]
    branches: Names


@dataclass(frozen=True)
class Trigger:
    """What of the source action `source` starts the pipeline."""

    source: str
    branches: tuple[Names, ...] = ()
    tags: tuple[Names, ...] = ()
    pulls: tuple[PullRequests, ...] = ()

    def on_push(self, reference: str) -> bool:
        """Whether a push that moved `reference` (in full) starts the pipeline."""
        if reference.startswith("refs/tags/"):
            return any(names.take(reference.removeprefix("refs/tags/")) for names in self.tags)
        return any(names.take(reference.removeprefix("refs/heads/")) for names in self.branches)

    def on_pull_request(self, event: str, base: str) -> bool:
        """Whether a pull request into `base` that was created, updated or merged starts the pipeline."""
        return any((not one.events or _EVENTS[event] in one.events) and one.branches.take(base) for one in self.pulls)


def read(declared: Sequence[Mapping[str, Any]]) -> tuple[Trigger, ...]:
    """Read botocore's shape PipelineTriggerDeclarationList; ValueError, as a sentence, for what is not simulated."""
    return tuple(_trigger(one["gitConfiguration"]) for one in declared)


def _trigger(given: Mapping[str, Any]) -> Trigger:
    branches, tags, pulls = [], [], []
    for push in given.get("push", []):
        _refuse_paths(push)
        if ("branches" in push) == ("tags" in push):
            raise ValueError("a push filter has branches or tags, and not both, in the local simulation")
        if "branches" in push:
            branches.append(_names(push["branches"]))
        else:
            tags.append(_names(push["tags"]))
    for pull in given.get("pullRequest", []):
        _refuse_paths(pull)
        pulls.append(PullRequests(tuple(pull.get("events", ())), _names(pull.get("branches", {}))))
    if not branches and not tags and not pulls:
        raise ValueError("a trigger has a push or a pullRequest filter")
    return Trigger(given["sourceActionName"], tuple(branches), tuple(tags), tuple(pulls))


def _refuse_paths(given: Mapping[str, Any]) -> None:
    if given.get("filePaths"):
        raise ValueError("filePaths of a trigger are not in the local simulation")


def _names(given: Mapping[str, Any]) -> Names:
    return Names(tuple(given.get("includes", ())), tuple(given.get("excludes", ())))
