"""Git: two renderings of a template as commits, and the step between them taken over by a repository.

All of it is tried in a scratch repository that borrows the owner's objects, so that the owner's repository, its
branches and its work tree are as they were until it is known how it ends.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TEMPLATE_AUTHOR = ("Tidegate", "noreply@tidegate.invalid")
ROLES = ("AUTHOR", "COMMITTER")
# What the two renderings are called in the scratch repository, and what becomes of the owner's newest commit.
NEW, UPGRADED = "refs/tidegate/new", "refs/tidegate/upgraded"
# What would lead git to another repository than the one at hand.
ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
# How git marks what it could not merge: two letters, the owner's side and the template's.
CLASHES = {
    "UU": "edited here, and changed differently by the template",
    "AA": "made here, and differently by the template",
    "DU": "removed here, but changed by the template: git rm keeps it removed, git add takes it",
    "UD": "edited here, but removed by the template: git rm removes it, git add keeps it",
    "DD": "renamed differently here and by the template",
    "AU": "renamed or made here, and otherwise by the template",
    "UA": "renamed or made by the template, and otherwise here",
}


class GitError(Exception):
    """Git refused; the message is a sentence with git's own words."""


@dataclass(frozen=True)
class Clash:
    """A file that git could not merge."""

    path: str
    marks: str

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.path}: {CLASHES[self.marks]}"


@dataclass(frozen=True)
class Outcome:
    """What the step from the old rendering to the new one comes to in a repository.

    `summary` is what it changes, as `git diff --stat` says it. With `clashes`, somebody has to decide.
    """

    summary: str
    clashes: tuple[Clash, ...]


class Repository:
    """A git repository with a work tree, as its owner has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str, **environment: str) -> str:
        """Run git in the work tree; return what it prints.

        Raises GitError with its words.
        """
        return _checked(self.try_git(*arguments, **environment), arguments)

    def try_git(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run git in the work tree, however it ends; in English, and without asking anybody anything."""
        plain = {"LC_ALL": "C", "GIT_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name not in ELSEWHERE} | plain | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def has(self, revision: str) -> bool:
        """Say whether there is that branch, reference or commit."""
        return self.try_git("rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}").returncode == 0

    def clashes(self) -> tuple[Clash, ...]:
        """Return the files that the index holds unmerged."""
        entries = self.git("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames").split("\0")
        return tuple(Clash(entry[3:], entry[:2]) for entry in entries if entry[:2] in CLASHES)


class Step:
    """The step from one rendering of a template to another, in a scratch repository beside the owner's."""

    def __init__(self, owner: Repository, scratch: Repository, new: str) -> None:
        self._owner = owner
        self._scratch = scratch
        self._new = new

    def try_out(self) -> Outcome:
        """Take the step from the owner's newest commit, in the scratch repository; say what it comes to."""
        head = self._owner.git("rev-parse", "HEAD").strip()
        name, _, rest = self._owner.git("var", "GIT_COMMITTER_IDENT").rpartition("> ")[0].partition(" <")
        self._scratch.git("checkout", "--quiet", "--detach", head)
        picked = self._scratch.try_git(
            *("cherry-pick", "--keep-redundant-commits", self._new), GIT_COMMITTER_NAME=name, GIT_COMMITTER_EMAIL=rest
        )
        clashes = self._scratch.clashes()
        if picked.returncode and not clashes:
            raise GitError(f"git could not merge: {picked.stderr.strip()}")
        if not clashes:
            self._scratch.git("update-ref", UPGRADED, "HEAD")
        summary = self._scratch.git("diff", "--stat", "--no-color", "--cached", head)
        return Outcome(summary.rstrip(), clashes)

    def make_branch(self, branch: str) -> None:
        """Give the owner the merged commit as `branch`; their work tree and their branch stay as they are."""
        self._owner.git("fetch", "--quiet", "--no-tags", str(self._scratch.folder), f"{UPGRADED}:refs/heads/{branch}")

    def begin_on(self, branch: str) -> tuple[Clash, ...]:
        """Take the step in the owner's work tree, on a new `branch`; leave what clashes to them and return it.

        Raises GitError if git refuses, as where an untracked file is in the way; all is as it was then.
        """
        before = self._owner.try_git("symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()
        back = (before,) if before else ("--detach", self._owner.git("rev-parse", "HEAD").strip())
        self._owner.git("fetch", "--quiet", "--no-tags", str(self._scratch.folder), NEW)
        self._owner.git("switch", "--quiet", "--create", branch)
        picked = self._owner.try_git("cherry-pick", "--keep-redundant-commits", self._new)
        clashes = self._owner.clashes()
        if picked.returncode and not clashes:
            self._owner.try_git("cherry-pick", "--abort")
            self._owner.git("switch", "--quiet", *back)
            self._owner.git("branch", "--quiet", "-D", branch)
            raise GitError(f"git could not merge: {picked.stderr.strip()}")
        return clashes


@contextmanager
def step(owner: Repository, old: Path, new: Path, message: str) -> Iterator[Step]:
    """Yield the step from the files in the folder `old` to those in `new`, to be taken by the repository `owner`."""
    with tempfile.TemporaryDirectory(prefix="tidegate-upgrade-") as folder:
        scratch = Repository(Path(folder, "scratch"))
        scratch.folder.mkdir()
        scratch.git("init", "--quiet", "--template=")
        _borrow(scratch, owner)
        before = _commit(scratch, old, "As the template was", ())
        after = _commit(scratch, new, message, (before,))
        scratch.git("update-ref", NEW, after)
        yield Step(owner, scratch, after)


def _borrow(scratch: Repository, owner: Repository) -> None:
    """Let `scratch` read the objects of `owner`, whose history may be cut short."""
    inside = scratch.folder / ".git"
    paths = {name: owner.git("rev-parse", "--git-path", name).strip() for name in ("objects", "shallow")}
    objects = (owner.folder / paths["objects"]).resolve()
    (inside / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    shallow = owner.folder / paths["shallow"]
    if shallow.is_file():
        shutil.copyfile(shallow, inside / "shallow")
    # Nothing of the owner's runs here, and the files are taken byte by byte.
    for name, value in {
        "core.hooksPath": "/dev/null",
        "core.attributesFile": "/dev/null",
        "core.autocrlf": "false",
        "core.quotePath": "false",
        "commit.gpgSign": "false",
    }.items():
        scratch.git("config", name, value)


def _commit(scratch: Repository, files: Path, message: str, parents: tuple[str, ...]) -> str:
    """Commit exactly the files of a folder, ignored ones too; return the commit."""
    inside = scratch.folder / ".git"
    with tempfile.TemporaryDirectory(dir=inside) as folder:
        at = {"GIT_DIR": str(inside), "GIT_WORK_TREE": str(files.resolve()), "GIT_INDEX_FILE": f"{folder}/index"}
        rendered = Repository(files)
        rendered.git("add", "--all", "--force", ".", **at)
        tree = rendered.git("write-tree", **at).strip()
    name, email = TEMPLATE_AUTHOR
    who = {f"GIT_{role}_NAME": name for role in ROLES} | {f"GIT_{role}_EMAIL": email for role in ROLES}
    lineage = [word for parent in parents for word in ("-p", parent)]
    return scratch.git("commit-tree", tree, *lineage, "-m", message, **who).strip()


def _checked(done: "subprocess.CompletedProcess[str]", arguments: tuple[str, ...]) -> str:
    if done.returncode:
        command = next(word for word in arguments if not word.startswith("-"))
        raise GitError(f"git {command} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
