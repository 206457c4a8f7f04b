"""Render the seeds and push them to a project's new repositories.

Runs in the seed build, from the unpacked bundle, where it stands alone with cookiecutter. The custom resource's event
comes in the variables CLOUDFORMATION_EVENT_00, _01 and so on; what became of it is written for `answer.py` to tell.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What a launch gives to both seeds.
CONTEXT_KEYS = (
    "project_name",
    "project_id",
    "account",
    "region",
    "bucket",
    "kms_key_arn",
    "model_package_group",
    "execution_role_arn",
    "image_repository",
    "deploy_pipeline",
    "staging_account",
    "production_account",
    "tidegate_version",
    # Where the bundle lies, so that this version can be had again when the repository is upgraded.
    "seed_bucket",
    "seed_key",
    "subnets",
    "security_groups",
)
# cookiecutter evaluates values as Jinja2, and names folders by them.
SAFE_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+=@-]*")
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
SAFE_TEXT = "letters, digits and _.:/+=@-"
NAMES = ("project_name", "project_id")
# Ids with commas between them, or nothing.
SAFE_LIST = re.compile(r"([a-z0-9-]+(,[a-z0-9-]+)*)?")
LISTS = ("subnets", "security_groups")

PARTS = ("build", "deploy")
BRANCH = "main"
IDENTITY = ("-c", "user.name=Tidegate", "-c", "user.email=noreply@tidegate.invalid")

GIT_COMMANDS = (
    "ls-remote", "init", "fetch", "rev-list", "ls-tree", "show", "reset", "ls-files", "checkout", "add", "commit",
    "push",
)  # fmt: skip
# What a host offers to begin a repository with.
FIRST_FILES = re.compile(r"(README|LICEN[CS]E|COPYING)(\.\w+)?|\.gitignore|\.gitattributes", re.IGNORECASE)
# Where a repository says what it was planted with.
ANSWERS = ".tidegate.json"
THERE = "FETCH_HEAD"

OUTCOME = Path("outcome.json")
# Each variable of that name and a number has a part of the event.
EVENT = "CLOUDFORMATION_EVENT_"
GIT_SAYS_MAX = 800


class SeedError(Exception):
    """Something about the seeds, the context or the repositories; the message is a sentence."""


def bake(seed: Path, context: Mapping[str, str], out: Path, *, wheel: Path | None = None) -> Path:
    """Render the cookiecutter template `seed` with `context` into the folder `out`; return the repository's.

    Keys that `context` leaves out keep the seed's own defaults. `wheel`, if given, is copied into the
    repository's `vendor/`. No hook of a seed is run and nothing is read from or written to the home directory.

    Raises SeedError if a value could be evaluated, could leave `out`, or has a key that nobody knows.
    """
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter
    from jinja2 import TemplateError

    known = {*CONTEXT_KEYS, *json.loads((seed / "cookiecutter.json").read_text(encoding="utf-8"))}
    for key, value in context.items():
        _check(key, value, known)
    with tempfile.TemporaryDirectory() as scratch:
        # cookiecutter keeps a replay of every run; a config of our own keeps it out of the home directory.
        config = Path(scratch, "config.json")
        folders = {"cookiecutters_dir": f"{scratch}/cookiecutters", "replay_dir": f"{scratch}/replay"}
        config.write_text(json.dumps(folders), encoding="utf-8")
        try:
            baked = cookiecutter(
                str(seed),
                no_input=True,
                extra_context=dict(context),
                output_dir=str(out),
                config_file=str(config),
                accept_hooks=False,
            )
        except (CookiecutterException, TemplateError) as error:
            raise SeedError(f"The seed {seed.name} could not be rendered: {error}") from error
    repository = Path(baked)
    if wheel:
        (repository / "vendor").mkdir(exist_ok=True)
        shutil.copyfile(wheel, repository / "vendor" / wheel.name)
    return repository


def _check(key: str, value: str, known: set[str]) -> None:
    if key not in known:
        raise SeedError(f"The context has a key that no seed knows: {key}.")
    safe = SAFE_NAME if key in NAMES else SAFE_LIST if key in LISTS else SAFE_VALUE
    if not isinstance(value, str) or not safe.fullmatch(value):
        of_names = "letters, digits and hyphens"
        allowed = of_names if key in NAMES else f"{of_names}, commas between them" if key in LISTS else SAFE_TEXT
        raise SeedError(f"The context's {key} is {value!r}; it may only have {allowed}.")


def is_free(repository: Path, url: str, project_id: str) -> bool:
    """Say whether the seed in the folder `repository` may go to `url`: nobody has begun there yet.

    A repository is free if it is empty, or if its host has begun it with what hosts offer: one commit of nothing but
    FIRST_FILES. That commit then comes before the seed's, and its files stay but for those that the seed has too. What
    anybody else has put there is left alone.

    Raises SeedError if git fails, if BRANCH, which the pipelines follow, is none of the branches there, or if what is
    there was planted for another project, whose pipelines and buckets it names.
    """
    _begin(repository)
    heads = [line.split("\t")[1] for line in _git("ls-remote", "--heads", url).splitlines()]
    if not heads:
        return True
    if f"refs/heads/{BRANCH}" not in heads:
        raise SeedError(f"{url} has branches, and {BRANCH}, which the pipelines follow, is none of them.")
    _git("fetch", "--quiet", "--depth=2", url, f"refs/heads/{BRANCH}", at=repository)
    files = [name for name in _git("ls-tree", "-r", "--name-only", "-z", THERE, at=repository).split("\0") if name]
    commits = _git("rev-list", "--count", THERE, at=repository).strip()
    if len(heads) == 1 and commits == "1" and all(FIRST_FILES.fullmatch(name) for name in files):
        _git("reset", "--quiet", THERE, at=repository)
        for name in filter(None, _git("ls-files", "--deleted", "-z", at=repository).split("\0")):
            _git("checkout", "--quiet", "--", name, at=repository)
        return True
    if ANSWERS in files:
        planted_for = _project_of(_git("show", f"{THERE}:{ANSWERS}", at=repository))
        if planted_for not in (None, project_id):
            raise SeedError(
                f"{url} holds what was planted for project {planted_for}, perhaps by a launch that failed. Name an "
                "empty repository, or remove what is in this one."
            )
    return False


def _project_of(answers: str) -> str | None:
    """Return the project that a repository was planted for, as its file of answers says, if it says."""
    try:
        project = json.loads(answers)["answers"]["project_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return project if isinstance(project, str) else None


def push(repository: Path, url: str) -> None:
    """Commit everything in the folder `repository`, ignored files too, and push it to `url` as BRANCH."""
    _begin(repository)
    _git("add", "--all", "--force", at=repository)
    _git(
        *IDENTITY, "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null",
        "commit", "--quiet", "--message", "Begin with Tidegate's project template",
        at=repository,
    )  # fmt: skip
    _git("push", "--quiet", url, f"HEAD:refs/heads/{BRANCH}", at=repository)


def _begin(repository: Path) -> None:
    """Make the folder a git repository; where it is one already, nothing changes."""
    _git("init", "--quiet", "--template=", f"--initial-branch={BRANCH}", at=repository)


def _git(*arguments: str, at: Path | None = None) -> str:
    # Nobody is there to be asked for a name or a password.
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(["git", *arguments], cwd=at, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        command = next(word for word in arguments if word in GIT_COMMANDS)
        raise SeedError(f"git {command} failed: {done.stderr.strip()[-GIT_SAYS_MAX:]}")
    return done.stdout


def plant(bundle: Path, properties: Mapping[str, Any]) -> dict[str, str]:
    """Render both seeds of `bundle` and push each to its repository; say of each `planted` or `left alone`.

    `properties` are the custom resource's: `Context`, and `Repositories` with a URL for each part. Both are
    rendered, and both repositories looked at, before either is pushed to. What people have begun is left alone (see
    `is_free`).

    Raises SeedError if the context is not whole or not safe, or if git fails.
    """
    context: Mapping[str, str] = properties["Context"]
    if missing := [key for key in CONTEXT_KEYS if key not in context]:
        raise SeedError(f"The context lacks {', '.join(missing)}.")
    wheels = sorted((bundle / "vendor").glob("tidegate-*.whl"))
    if len(wheels) != 1:
        raise SeedError(f"The bundle has {len(wheels)} wheels of tidegate in vendor/; it needs exactly one.")
    done: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        baked = {
            part: bake(
                bundle / "seed_code" / part,
                context,
                Path(scratch),
                wheel=wheels[0] if part == "deploy" else None,
            )
            for part in PARTS
        }
        urls: Mapping[str, str] = properties["Repositories"]
        free = {part: is_free(repository, urls[part], context["project_id"]) for part, repository in baked.items()}
        for part, repository in baked.items():
            if free[part]:
                try:
                    push(repository, urls[part])
                except SeedError as error:
                    raise SeedError(f"{error} {_left(urls, done)}".rstrip()) from None
            done[part] = "planted" if free[part] else "left alone"
            print(f"{part}: {done[part]}", flush=True)
    return done


def _left(urls: Mapping[str, str], done: Mapping[str, str]) -> str:
    """Say what a launch that fails now has put where it may outlast it; a push by force is not to be had everywhere."""
    planted = [urls[part] for part, what in done.items() if what == "planted"]
    if not planted:
        return ""
    return f"{planted[0]} has its first commit already: unless it goes with the launch, empty it before the next one."


def main() -> int:
    """Plant what the event names; return the exit code."""
    event = json.loads("".join(os.environ[name] for name in sorted(os.environ) if name.startswith(EVENT)))
    try:
        done = plant(Path(__file__).parent, event["ResourceProperties"])
    except SeedError as error:
        OUTCOME.write_text(json.dumps({"failure": str(error)}), encoding="utf-8")
        print(error, file=sys.stderr)
        return 1
    outcome = {"done": done, "reason": "Both repositories have their first commit."}
    OUTCOME.write_text(json.dumps(outcome), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
