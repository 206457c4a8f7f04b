"""The walk of an upgrade: from one published version to the next, after owners have worked on both repositories.

The next version is this checkout with changes of its own, published by its own script. The code comes first, fetched by
somebody who may do no more than owners may; then the infrastructure.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[3]
VERSION = "0.2.0"
RETENTION_DAYS = 120
SEEDS = {part: f"seed_code/{part}/{{{{cookiecutter.project_name}}}}-model{part}" for part in ("build", "deploy")}
# What the next version changes: of what a launch makes, and of what the repositories begin with.
NEXT = {
    "pyproject.toml": ('version = "0.1.0"', f'version = "{VERSION}"'),
    "service_catalog/project/builds.py": ("LOG_RETENTION_DAYS = 90", f"LOG_RETENTION_DAYS = {RETENTION_DAYS}"),
    f"{SEEDS['build']}/pipeline.yml": ("num_round: 200", "num_round: 300"),
    f"{SEEDS['deploy']}/stages/prod.yml": ("periods: 3 of 5", "periods: 2 of 4"),
    f"{SEEDS['deploy']}/stages/staging.yml": ("termination_wait: 2m", "termination_wait: 3m"),
}
NEXT_FILES = {f"{SEEDS['build']}/steps/compare.md": "How two versions compare.\n"}
# What the owners have changed meanwhile, in the same files; in the last one, in the same place.
OWNERS = {
    "build": {"pipeline.yml": ("max_rmse: 60", "max_rmse: 45")},
    "deploy": {
        "stages/prod.yml": ("count: 4", "count: 6"),
        "stages/staging.yml": ("termination_wait: 2m", "termination_wait: 5m"),
    },
}
OWNERS_FILES = {"build": "docs/our-features.md", "deploy": "our-runbook.md"}
CLASH = "stages/staging.yml"


@dataclass(frozen=True)
class Told:
    """How a command ended, and all that it printed."""

    status: int
    said: str


@dataclass(frozen=True)
class Clone:
    """An owner's clone of a repository."""

    folder: Path

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Owner", "-c", "user.email=owner@example.com", "-c", "core.editor=true")
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.folder, env={**os.environ, **own}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read(".tidegate.json"))
        return found

    def run(self, *command: str, **environment: str) -> Told:
        return run([sys.executable, *command], self.folder, environment)


@dataclass(frozen=True)
class Upgraded:
    """What was seen on the way."""

    id: str
    before: dict[str, dict[str, Any]]
    too_early: Told
    previewed: Told
    branches: dict[str, Told]
    clash: str
    clones: dict[str, Clone]
    checked: dict[str, Told]
    again: dict[str, Told]
    preview: Told
    applied: Told
    nothing: Told
    retention: set[int]
    owner: str
    policy: str


def walk(gallery: Any, project: str, project_id: str, folder: Path) -> Upgraded:
    """Upgrade a launched project of `gallery` to a version that is published on the way."""
    builds = len(gallery.runs(project_id, "build"))
    clones = {part: _worked_on(gallery, project, project_id, part, folder) for part in SEEDS}
    before = {part: clone.record() for part, clone in clones.items()}
    checkout = _next_version(folder / "next")
    platform = gallery.sandbox.environment() | {"CDK_VALIDATION": "false"}

    def script(name: str, *arguments: str) -> Told:
        return run([sys.executable, "-m", f"service_catalog.{name}", *arguments], checkout, platform)

    published = script("publishing.publish")
    assert published.status == 0, published.said
    gallery.at_rest(project_id, builds + 1)
    too_early = script("upgrade.upgrade", project, "--apply")
    owner, policy, session = _owner(gallery, published.said)

    def by_owners() -> dict[str, Told]:
        return {part: clone.run("scripts/upgrade.py", **session) for part, clone in clones.items()}

    previewed = clones["deploy"].run("scripts/upgrade.py", "--preview", **session)
    branches = by_owners()
    clash = clones["deploy"].read(CLASH)
    _decide(clones["deploy"])
    for clone in clones.values():
        branch = clone.git("for-each-ref", "--format=%(refname:short)", "refs/heads/upgrade-to-*")
        clone.git("switch", "--quiet", "main")
        clone.git("merge", "--quiet", branch)
        clone.git("push", "--quiet", "origin", "main")
    checked = {
        "deploy": clones["deploy"].run("-m", "tidegate", "validate"),
        "deploy's tests": clones["deploy"].run("-m", "pytest", "-q", "-p", "no:randomly", "tests"),
        "build's settings": clones["build"].run(
            "-c", "from pipelines import settings; print(settings.load_settings().gate, settings.load_project())"
        ),
    }
    gallery.at_rest(project_id, builds + 2)
    preview, applied = script("upgrade.upgrade", project), script("upgrade.upgrade", project, "--apply")
    groups = gallery.sandbox.client("logs").describe_log_groups(
        logGroupNamePrefix=f"/aws/codebuild/sagemaker-{project_id}-"
    )
    return Upgraded(
        project_id, before, too_early, previewed, branches, clash, clones, checked, by_owners(), preview, applied,
        script("upgrade.upgrade", project), {each["retentionInDays"] for each in groups["logGroups"]}, owner, policy,
    )  # fmt: skip


def run(command: list[str], folder: Path, environment: dict[str, str]) -> Told:
    """Run a command with nothing of this shell's AWS in its environment."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        command, cwd=folder, env={**plain, **environment}, capture_output=True, text=True, check=False, timeout=300
    )
    return Told(done.returncode, done.stdout + done.stderr)


def _worked_on(gallery: Any, project: str, project_id: str, part: str, folder: Path) -> Clone:
    """Return a clone of a repository in which its owners have changed and added something, and pushed it."""
    clone = Clone(gallery.first_commit(project, project_id, part, folder))
    clone.git("config", "user.name", "Owner")
    clone.git("config", "user.email", "owner@example.com")
    for name, edit in OWNERS[part].items():
        _edit(clone.folder / name, *edit)
    ours = clone.folder / OWNERS_FILES[part]
    ours.parent.mkdir(exist_ok=True)
    ours.write_text("ours\n")
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "Our own work")
    clone.git("push", "--quiet", "origin", "main")
    return clone


def _edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1, f"{file} does not hold {before!r} once"
    file.write_text(text.replace(before, after))


def _next_version(folder: Path) -> Path:
    """Return a checkout of the next version, installed as that."""
    folder.mkdir()
    for name in ("src", "service_catalog", "seed_code", "templates", "requirements"):
        left_out = shutil.ignore_patterns("__pycache__", ".venv", ".pytest_cache")
        shutil.copytree(CHECKOUT / name, folder / name, symlinks=True, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder)
    for name, edit in NEXT.items():
        _edit(folder / name, *edit)
    for name, text in NEXT_FILES.items():
        (folder / name).write_text(text)
    installed = folder / f"tidegate-{VERSION}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tidegate\nVersion: {VERSION}\n")
    return folder


def _owner(gallery: Any, published: str) -> tuple[str, str, dict[str, str]]:
    """Return the role of somebody who has the owners' policy and no other, the policy's ARN, and a session's keys."""
    found = re.search(r"arn:aws:iam::\d+:policy/tidegate/tidegate-owners-\S+", published)
    assert found, published
    client, trust = gallery.sandbox.client, {"Effect": "Allow", "Principal": {"AWS": gallery.sandbox.account}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = client("iam").create_role(RoleName="Owner", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    client("iam").attach_role_policy(RoleName="Owner", PolicyArn=found[0])
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="owner")["Credentials"]
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
             "AWS_SESSION_TOKEN": "SessionToken"}  # fmt: skip
    session = {variable: keys[name] for variable, name in names.items()}
    return role, found[0], {**gallery.sandbox.environment(), **session}


def _decide(clone: Clone) -> None:
    """Keep what the owners had where both sides have changed the same, as the command says how."""
    text = clone.read(CLASH)
    (clone.folder / CLASH).write_text(
        re.sub(r"<<<<<<<[^\n]*\n(.*?)=======\n.*?>>>>>>>[^\n]*\n", r"\1", text, flags=re.S)
    )
    clone.git("add", CLASH)
    clone.git("cherry-pick", "--continue")
