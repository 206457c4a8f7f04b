"""What starts a pipeline whose source is a connection: its triggers, or else any push to the source's branch.

CodePipeline user guide, "Add trigger with code push or pull request event types".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tidegate_sandbox.services.codebuild.artifacts import matches

PROVIDER = "CodeStarSourceConnection"
Changed = Callable[[], Sequence[str]]
"""Gives the paths of the files that were changed, which only a filter by paths asks for."""
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
class Paths:
    """Patterns of files, in which ** crosses folders and * does not; without any, a change of anything will do."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def take(self, changed: Changed) -> bool:
        """Whether one of the files that were changed is included and not excluded."""
        if not self.includes and not self.excludes:
            return True
        wanted = [matches(pattern) for pattern in self.includes or ("**",)]
        unwanted = [matches(pattern) for pattern in self.excludes]
        return any(
            any(one.fullmatch(path) for one in wanted) and not any(one.fullmatch(path) for one in unwanted)
            for path in changed()
        )


@dataclass(frozen=True)
class PullRequests:
    """Pull requests into certain branches, at certain events (OPEN, UPDATED, CLOSED; without any, all)."""

    events: tuple[str, ...]
    branches: Names
    paths: Paths


@dataclass(frozen=True)
class Pushes:
    """Pushes to certain branches."""

    branches: Names
    paths: Paths


@dataclass(frozen=True)
class Trigger:
    """What of the source action `source` starts the pipeline."""

    source: str
    pushes: tuple[Pushes, ...] = ()
    tags: tuple[Names, ...] = ()
    pulls: tuple[PullRequests, ...] = ()

    def on_push(self, reference: str, changed: Changed) -> bool:
        """Whether a push that moved `reference` (in full) and `changed` some files starts the pipeline."""
        if reference.startswith("refs/tags/"):
            return any(names.take(reference.removeprefix("refs/tags/")) for names in self.tags)
        branch = reference.removeprefix("refs/heads/")
        return any(one.branches.take(branch) and one.paths.take(changed) for one in self.pushes)

    def on_pull_request(self, event: str, base: str, changed: Changed) -> bool:
        """Whether a pull request into `base` that was created, updated or merged starts the pipeline."""
        return any(
            (not one.events or _EVENTS[event] in one.events) and one.branches.take(base) and one.paths.take(changed)
            for one in self.pulls
        )


def read(declared: Sequence[Mapping[str, Any]]) -> tuple[Trigger, ...]:
    """Read botocore's shape PipelineTriggerDeclarationList; ValueError, as a sentence, for what is not simulated."""
    return tuple(_trigger(one["gitConfiguration"]) for one in declared)


def _trigger(given: Mapping[str, Any]) -> Trigger:
    pushes, tags, pulls = [], [], []
    for push in given.get("push", []):
        paths = _paths(push)
        if "tags" in push:
            if "branches" in push or "filePaths" in push:
                raise ValueError("a push filter has tags, or else branches and filePaths")
            tags.append(_names(push["tags"]))
        elif "branches" in push or "filePaths" in push:
            pushes.append(Pushes(_names(push.get("branches", {})), paths))
        else:
            raise ValueError("a push filter has tags, branches or filePaths")
    for pull in given.get("pullRequest", []):
        pulls.append(PullRequests(tuple(pull.get("events", ())), _names(pull.get("branches", {})), _paths(pull)))
    if not pushes and not tags and not pulls:
        raise ValueError("a trigger has a push or a pullRequest filter")
    return Trigger(given["sourceActionName"], tuple(pushes), tuple(tags), tuple(pulls))


def _paths(given: Mapping[str, Any]) -> Paths:
    names = _names(given.get("filePaths", {}))
    return Paths(names.includes, names.excludes)


def _names(given: Mapping[str, Any]) -> Names:
    return Names(tuple(given.get("includes", ())), tuple(given.get("excludes", ())))
