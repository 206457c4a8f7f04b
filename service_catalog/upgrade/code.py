"""Upgrade the code of a seeded repository: what the template changed between two versions, as a branch of it.

Runs from the unpacked bundle of the new version, which `scripts/upgrade.py` of the repository fetches and starts.
Both versions are rendered with the answers that the repository records, and git merges the difference three ways.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_catalog.seed import SeedError, bake
from service_catalog.upgrade.history import Clash, GitError, Outcome, Repository, step

RECORD = ".tidegate.json"
PARTS = {"modelbuild": "build", "modeldeploy": "deploy"}
# The answers that belong to the version, not to the project; the record keeps them apart.
VERSIONED = ("tidegate_version", "seed_bucket", "seed_key")
WHEEL = re.compile(r"tidegate-([^-]+)-.*\.whl")


class UpgradeError(Exception):
    """The upgrade cannot go on, and the repository is as it was; the message is a sentence."""


@dataclass(frozen=True)
class Record:
    """What a repository says of the template that it was made from."""

    part: str
    version: str
    bucket: str
    key: str
    answers: Mapping[str, str]


def read_record(repository: Path) -> Record:
    """Return what the repository records.

    Raises UpgradeError if that is missing or cannot be read.
    """
    try:
        said: dict[str, Any] = json.loads((repository / RECORD).read_text(encoding="utf-8"))
        bundle = said["bundle"]
        record = Record(
            PARTS[said["template"]], said["version"], bundle["bucket"], bundle["key"], dict(said["answers"])
        )
    except FileNotFoundError:
        raise UpgradeError(f"{RECORD}: there is none here; run this in a repository that Tidegate made.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UpgradeError(
            f"{RECORD}: it does not say template, version, bundle and answers ({error!r}); "
            "take it back from the repository's history."
        ) from None
    return record


def upgrade(
    repository: Path, old: Path, new: Path, new_key: str, *, name: str, given: Mapping[str, str], preview: bool
) -> str:
    """Make the branch `upgrade-to-{name}` of the repository, and return what to tell its owner.

    `old` and `new` are unpacked bundles, `new_key` is where the new one lies in the recorded bucket. `given` are
    answers for what only the new version asks. With `preview`, nothing is changed.

    Raises UpgradeError, GitError or SeedError with a sentence; nothing has changed then.
    """
    owner = Repository(repository)
    record = read_record(repository)
    branch = f"upgrade-to-{name}"
    _ready(owner, branch)
    with tempfile.TemporaryDirectory(prefix="tidegate-upgrade-") as folder:
        scratch = Path(folder)
        kept = {"tidegate_version": record.version, "seed_bucket": record.bucket, "seed_key": record.key}
        before = _render(old, record, {**record.answers, **kept}, {}, scratch / "old")
        became = {"tidegate_version": _version(new), "seed_bucket": record.bucket, "seed_key": new_key}
        after = _render(new, record, {**record.answers, **became}, given, scratch / "new")
        with step(owner, before, after, f"Upgrade Tidegate's project template to {name}") as taken:
            outcome = taken.try_out()
            if preview:
                return _preview(branch, outcome)
            if not outcome.clashes:
                taken.make_branch(branch)
                return _merged(branch, outcome)
            return _clashed(owner, branch, outcome, taken.begin_on(branch))


def _ready(owner: Repository, branch: str) -> None:
    """Refuse what an upgrade could lose something in, or could not end well in."""
    top = owner.try_git("rev-parse", "--show-toplevel")
    if top.returncode:
        raise UpgradeError(f"{owner.folder} is no git repository: run this in a clone of the project's repository.")
    if Path(top.stdout.rstrip("\n")).resolve() != owner.folder.resolve():
        raise UpgradeError(f"{owner.folder} is a folder of the repository {top.stdout.strip()}: run this at its top.")
    if not owner.has("HEAD"):
        raise UpgradeError("There is no commit here yet: run this in a clone that has the project's history.")
    for going_on in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"):
        if owner.has(going_on):
            raise UpgradeError(f"Something is being merged here ({going_on}): bring it to an end, then run this again.")
    if dirty := owner.git("status", "--porcelain", "--untracked-files=no").rstrip():
        raise UpgradeError(f"There are changes that are not committed; commit or stash them first:\n{dirty}")
    if owner.try_git("var", "GIT_COMMITTER_IDENT").returncode:
        raise UpgradeError("git does not know who commits: git config user.name and user.email, then run this again.")
    if owner.has(f"refs/heads/{branch}"):
        raise UpgradeError(f"There is a branch {branch} already: go on there, or git branch -D {branch} first.")


def _render(bundle: Path, record: Record, answers: Mapping[str, str], given: Mapping[str, str], into: Path) -> Path:
    """Render the repository's part of a bundle with those of the answers that it asks for.

    Raises UpgradeError if it asks for more.
    """
    seed = bundle / "seed_code" / record.part
    asked: dict[str, Any] = json.loads((seed / "cookiecutter.json").read_text(encoding="utf-8"))
    questions = {key: default for key, default in asked.items() if not key.startswith("_")}
    known = {**answers, **given}
    # What may stay empty need not be answered.
    if missing := [key for key, default in questions.items() if default and not known.get(key)]:
        raise UpgradeError(
            f"The new version asks for what this repository has no answer to: {', '.join(missing)}. "
            "Give each with --answer NAME=VALUE."
        )
    wheel = next((bundle / "vendor").glob("tidegate-*.whl"))
    context = {key: known[key] for key in questions if known.get(key)}
    return bake(seed, context, into, wheel=wheel if record.part == "deploy" else None)


def _version(bundle: Path) -> str:
    """Return the version of the engine's wheel in a bundle."""
    found = [match[1] for path in (bundle / "vendor").iterdir() if (match := WHEEL.fullmatch(path.name))]
    if len(found) != 1:
        raise UpgradeError(f"The bundle has {len(found)} wheels of tidegate in vendor/; it needs exactly one.")
    return found[0]


def _preview(branch: str, outcome: Outcome) -> str:
    return _told(
        "What the upgrade would change here; nothing has been changed:",
        outcome.summary,
        _listed("These files would be left for you to decide on:", outcome.clashes),
        f"Without --preview this makes the branch {branch}.",
    )


def _merged(branch: str, outcome: Outcome) -> str:
    return _told(
        f"The branch {branch} has the upgrade; your own branch and your files are as they were.",
        outcome.summary,
        f"Look at it: git diff HEAD...{branch}. Then open a pull request with it (git push origin {branch}), or "
        f"take it over at once: git merge {branch}.",
    )


def _clashed(owner: Repository, branch: str, outcome: Outcome, clashes: Sequence[Clash]) -> str:
    before = owner.git("rev-parse", "--abbrev-ref", "@{-1}").strip()
    return _told(
        f"You are on the new branch {branch}. What could be merged is staged:",
        outcome.summary,
        _listed("These files are left for you to decide on:", clashes),
        "Edit them (git marks both sides with <<<<<<< and >>>>>>>), git add each, then git cherry-pick --continue.",
        f"To have everything as it was: git cherry-pick --abort && git switch {before} && git branch -D {branch}.",
    )


def _listed(title: str, clashes: Sequence[Clash]) -> str:
    return "\n".join([title, *(f"- {clash}" for clash in clashes)]) if clashes else ""


def _told(*paragraphs: str) -> str:
    return "\n".join(paragraph for paragraph in paragraphs if paragraph)


def _answer(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key or key in VERSIONED:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return key, value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="upgrade.py", description=__doc__)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--old", type=Path, required=True, help="the unpacked bundle that the repository records")
    parser.add_argument("--key", required=True, help="where this bundle lies in the recorded bucket")
    parser.add_argument("--name", required=True, help="what the new version is called")
    parser.add_argument("--answer", type=_answer, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--preview", action="store_true")
    options = parser.parse_args(arguments)
    new = Path(__file__).resolve().parents[2]
    try:
        told = upgrade(
            options.repository,
            options.old,
            new,
            options.key,
            name=options.name,
            given=dict(options.answer),
            preview=options.preview,
        )
    except (UpgradeError, GitError, SeedError) as error:
        print(error, file=sys.stderr)
        return 1
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
