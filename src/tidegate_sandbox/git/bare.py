"""A bare git repository in a folder."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tidegate_sandbox import processes

GIT_SETTINGS = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
NO_COMMIT = "0" * 40
"""What git says for the commit of a reference that is not there."""


@dataclass(frozen=True)
class CommitDetails:
    """A commit's message, who wrote it, and when it was written and committed (ISO 8601)."""

    message: str
    author_name: str
    author_email: str
    author_date: str
    committer_date: str


@dataclass
class BareRepository:
    """A repository whose git directory is the folder `path`."""

    name: str
    path: Path
    told: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    """The references that others have been told of, or are about to be, each with its commit."""

    def make(self) -> None:
        """Make it, empty, in place of whatever is in the folder; pushes leave word for who serves them."""
        # What an earlier life of the sandbox left there is no repository of this one.
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        self.git("config", "http.receivepack", "true")
        hook = self.path / "hooks" / "post-receive"
        hook.parent.mkdir()
        hook.write_text('#!/bin/sh\nexec cat >> "$PUSHED_REFERENCES"\n')
        hook.chmod(0o755)

    def git(self, *arguments: str, env: dict[str, str] | None = None) -> bytes:
        """Run git on the bare repository and return its output; subprocess.CalledProcessError where it fails."""
        return subprocess.run(
            ["git", "--git-dir", str(self.path), *arguments],
            env=processes.environment(GIT_SETTINGS | (env or {})),
            check=True,
            capture_output=True,
        ).stdout

    def tell(self, moved: Iterable[tuple[str, str, str]]) -> None:
        """Note that others are told of references that moved: old commit, new commit, name in full."""
        for _, new, reference in moved:
            if new == NO_COMMIT:
                self.told.pop(reference, None)
            else:
                self.told[reference] = new

    def untold(self) -> list[tuple[str, str, str]]:
        """Return the branches and tags that have moved without anybody being told, as `tell` takes them.

        What git has is on disk at once: a sandbox that was killed may have had no time to tell of it.
        """
        listing = self.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags").decode()
        there = {name: commit for commit, name in (line.split(" ", 1) for line in listing.splitlines())}
        return [
            (self.told.get(name, NO_COMMIT), there.get(name, NO_COMMIT), name)
            for name in sorted(there.keys() | self.told.keys())
            if there.get(name) != self.told.get(name)
        ]

    def branches(self) -> dict[str, str]:
        """Return each branch with the commit at its tip."""
        listing = self.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").decode()
        return dict(line.rsplit(" ", 1) for line in listing.splitlines())

    def details(self, commit: str) -> CommitDetails | None:
        """Return what `commit` says of itself, or None where there is no such commit."""
        form = "--format=%an%n%ae%n%aI%n%cI%n%B"
        try:
            shown = self.git("show", "-s", form, "--end-of-options", f"{commit}^{{commit}}")
        except subprocess.CalledProcessError:
            return None
        name, email, author_date, committer_date, message = shown.decode().split("\n", 4)
        return CommitDetails(message.strip(), name, email, author_date, committer_date)

    def changed(self, old: str, new: str, since_they_parted: bool = False) -> list[str]:
        """Return the paths of the files that differ between two commits, of which `old` may be NO_COMMIT: all of them.

        With `since_they_parted`, what `new` changed since it went its own way.
        """
        if old == NO_COMMIT:
            return self.git("ls-tree", "-r", "-z", "--name-only", new).decode().split("\0")[:-1]
        asked = [f"{old}...{new}"] if since_they_parted else [old, new]
        return self.git("diff", "-z", "--name-only", "--no-renames", *asked, "--").decode().split("\0")[:-1]

    def checkout(self, commit: str, into: Path) -> None:
        """Write the files of `commit` to the folder `into`, without git's own."""
        index = into.with_suffix(".index")
        try:
            self.git("--work-tree", str(into), "read-tree", commit, env={"GIT_INDEX_FILE": str(index)})
            self.git("--work-tree", str(into), "checkout-index", "--all", env={"GIT_INDEX_FILE": str(index)})
        finally:
            index.unlink(missing_ok=True)
