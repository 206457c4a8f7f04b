"""What merging a pull request makes of two branches, by real git: the branch's new tip, or the files in the way.

CodeCommit user guide, "Resolve conflicts in a pull request": by default two branches are in conflict where both changed
a file; at the level of lines, where git finds that they changed the same lines.
"""

import subprocess
from dataclasses import dataclass
from typing import Literal

from tidegate_sandbox.services.codecommit.repositories import Repository

Option = Literal["FAST_FORWARD_MERGE", "SQUASH_MERGE", "THREE_WAY_MERGE"]
Level = Literal["FILE_LEVEL", "LINE_LEVEL"]


class ConflictError(Exception):
    """The branches cannot be merged so; the sentence says which files are in the way."""


@dataclass(frozen=True)
class Author:
    """Who makes the commit of a merge, and what it says."""

    name: str
    email: str
    message: str


def merge_base(one: Repository, old: str, source: str) -> str | None:
    """Return the commit at which two branches parted, None where they have none in common."""
    try:
        return one.git("merge-base", old, source).decode().strip()
    except subprocess.CalledProcessError:
        return None


def merged(one: Repository, option: Option, old: str, source: str, level: Level, author: Author) -> str:
    """Return the commit that a branch at `old` comes to by merging `source`; ConflictError where it cannot be."""
    base = merge_base(one, old, source)
    if option == "FAST_FORWARD_MERGE":
        if base != old:
            raise ConflictError("the destination has commits that the source has not")
        return source
    if base is None:
        raise ConflictError("the two branches have no commit in common")
    if level == "FILE_LEVEL" and (both := _changed_by_both(one, base, old, source)):
        raise ConflictError(f"both branches changed {', '.join(both)}")
    try:
        tree = one.git("merge-tree", "--write-tree", "--name-only", old, source).decode().split("\n", 1)[0]
    except subprocess.CalledProcessError as error:
        if error.returncode != 1:
            raise
        files = error.stdout.decode().split("\n\n")[0].splitlines()[1:]
        raise ConflictError(f"both branches changed the same lines of {', '.join(files)}") from None
    parents = [old] if option == "SQUASH_MERGE" else [old, source]
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", author.name), ("EMAIL", author.email))
    }
    parted = [argument for parent in parents for argument in ("-p", parent)]
    return one.git("commit-tree", tree, *parted, "-m", author.message, env=who).decode().strip()


def _changed_by_both(one: Repository, base: str, old: str, source: str) -> list[str]:
    """Return the files that both sides changed since `base`, and that differ between them."""
    both = set(one.changed(base, old)) & set(one.changed(base, source))
    return sorted(both & set(one.changed(old, source)))
