"""The stand-ins for git hosts: repositories, their pull requests, and the checks that are reported on commits."""

import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tidegate_sandbox import context
from tidegate_sandbox.git import NO_COMMIT, BareRepository
from tidegate_sandbox.state import keep
from tidegate_sandbox.state.tasks import begin

HOSTS = "/git-hosts/"
"""Where people's git finds a host: `/git-hosts/PROVIDER/OWNER/NAME.git`."""

FULL_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+"
README = "A repository that its host began with a README.\n"

Event = Literal["created", "updated", "merged"]


@dataclass(frozen=True)
class Check:
    """What somebody reported on a commit: `state` is pending, success or failure."""

    name: str
    state: str
    url: str


@dataclass
class PullRequest:
    """A request to merge the branch `head` into `base`; `commit` is the tip of `head`."""

    number: int
    head: str
    base: str
    commit: str
    state: Literal["open", "merged"] = "open"


@dataclass
class HostedRepository(BareRepository):
    """A repository at a host; `name` is its full name, such as owner/name."""

    provider: str
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    checks: dict[str, dict[str, Check]] = field(default_factory=dict)

    def report(self, commit: str, check: Check) -> None:
        """Put `check` on `commit`, in place of the one of the same name."""
        self.checks.setdefault(commit, {})[check.name] = check

    def contains(self, branch: str, commit: str) -> bool:
        """Whether `commit` is in the history of `branch`."""
        try:
            self.git("merge-base", "--is-ancestor", commit, f"refs/heads/{branch}")
        except subprocess.CalledProcessError:
            return False
        return True


@dataclass(frozen=True)
class Push:
    """A branch or a tag of a repository that moved; `new` is NO_COMMIT where it is gone."""

    repository: HostedRepository
    reference: str
    old: str
    new: str


@dataclass(frozen=True)
class PullRequestEvent:
    """A pull request was opened, its branch moved, or it was merged."""

    repository: HostedRepository
    pull: PullRequest
    event: Event


Listener = Callable[[Push | PullRequestEvent], None]

_repositories: dict[tuple[str, str], HostedRepository] = keep("git hosts", {})
_listeners: list[Listener] = []
_lock = threading.Lock()


def subscribe(listener: Listener) -> None:
    """Call `listener` for everything that happens at a host, in a thread that acts in no account of its own."""
    _listeners.append(listener)


def find(provider: str, name: str) -> HostedRepository | None:
    """Return the repository `name` at the host `provider`, or None."""
    return _repositories.get((provider, name))


def every() -> list[HostedRepository]:
    """Return every repository at any host."""
    return list(_repositories.values())


def create(provider: str, name: str, readme: bool) -> HostedRepository:
    """Make a repository, empty or begun with a README as hosts offer; ValueError, as a sentence, where it cannot be."""
    if not re.fullmatch(FULL_NAME, name) or name.endswith(".git"):
        raise ValueError(f"{name!r} is no full name of a repository: it is OWNER/NAME, without .git")
    path = context.sandbox().home / "git-hosts" / provider / f"{name}.git"
    with _lock:
        if (provider, name) in _repositories:
            raise ValueError(f"{provider} has a repository named {name} already")
        made = HostedRepository(name, path, provider)
        made.make()
        if readme:
            _begin(made)
        made.tell(made.untold())
        _repositories[provider, name] = made
    return made


def _begin(made: HostedRepository) -> None:
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", made.provider), ("EMAIL", "noreply@host.invalid"))
    }
    source = made.path / "README.md"
    source.write_text(README)
    blob = made.git("hash-object", "-w", str(source)).decode().strip()
    source.unlink()
    index = {"GIT_INDEX_FILE": str(made.path / "begin.index")}
    made.git("update-index", "--add", "--cacheinfo", f"100644,{blob},README.md", env=index)
    tree = made.git("write-tree", env=index).decode().strip()
    commit = made.git("commit-tree", tree, "-m", "Initial commit", env=identity).decode().strip()
    made.git("update-ref", "refs/heads/main", commit)


def open_pull_request(repository: HostedRepository, head: str, base: str) -> PullRequest:
    """Open a pull request; ValueError, as a sentence, where it cannot be."""
    branches = repository.branches()
    for branch in (head, base):
        if branch not in branches:
            raise ValueError(f"{repository.name} has no branch named {branch}")
    with _lock:
        pull = PullRequest(len(repository.pulls) + 1, head, base, branches[head])
        repository.pulls[pull.number] = pull
    _move(repository, pull, pull.commit)
    _tell(PullRequestEvent(repository, pull, "created"))
    return pull


def pushed(repository: HostedRepository, moved: list[tuple[str, str, str]]) -> None:
    """Tell of references that git moved, and of the pull requests that they belong to."""
    repository.tell(moved)
    for old, new, reference in moved:
        _tell(Push(repository, reference, old, new))
        branch = reference.removeprefix("refs/heads/")
        for pull in [pull for pull in repository.pulls.values() if pull.state == "open"]:
            # A push is told of after its answer: a pull request may have been opened at what it brought already.
            if pull.head == branch and new not in (NO_COMMIT, pull.commit):
                _move(repository, pull, new)
                _tell(PullRequestEvent(repository, pull, "updated"))
            elif pull.base == branch and repository.contains(branch, pull.commit):
                pull.state = "merged"
                _tell(PullRequestEvent(repository, pull, "merged"))


def _move(repository: HostedRepository, pull: PullRequest, commit: str) -> None:
    pull.commit = commit
    repository.git("update-ref", f"refs/pull/{pull.number}/head", commit)


def _tell(what: Push | PullRequestEvent) -> None:
    for listener in _listeners:
        begin(listener, what, name=f"git-host-{what.repository.name}")
