"""Upgrading the code of a project that its owners have worked on, from one version of the real seeds to another."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from service_catalog.names import template_key
from service_catalog.project.parameters import GITS
from service_catalog.publishing.account import Account
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.bundle import CHECKOUT, File, build_wheel, collect, digest, pack
from service_catalog.seed import bake
from service_catalog.seed.seed import push
from service_catalog.upgrade.code import UpgradeError, main, upgrade
from service_catalog.upgrade.history import GitError

OLD_KEY = f"seeds/{'0' * 32}.zip"
NEW_KEY = f"seeds/{'1' * 32}.zip"
BUCKET = "tidegate-111111111111-eu-west-1"
NAME = "0.2.0-1a2b3c4d"
BRANCH = f"upgrade-to-{NAME}"
SEEDS = {part: f"seed_code/{part}/{{{{cookiecutter.project_name}}}}-model{part}" for part in ("build", "deploy")}
# What the new version changes, beside the engine's wheel.
CHANGED = {
    f"{SEEDS['build']}/pipeline.yml": ("max_rmse", "max_rmse_of_all"),
    f"{SEEDS['build']}/steps/evaluate.py": ('"""', '"""Newly: '),
    f"{SEEDS['build']}/README.md": ("# {{ cookiecutter.project_name }}", "# {{ cookiecutter.project_name }}, newly"),
    f"{SEEDS['deploy']}/buildspec.yml": ("- PROD_PLAN_URL", "- PROD_PLAN_URL\n    - PROD_NEWS"),
    f"{SEEDS['deploy']}/README.md": ("## Roll back", "## Roll back, newly"),
    f"{SEEDS['deploy']}/scenarios/slow-version.yml": ("\n", "\n# newly\n"),
}
ADDED = {
    f"{SEEDS['build']}/steps/compare.py": "compare = True\n",
    f"{SEEDS['deploy']}/payloads/noon.csv": "new: 1\n",
}
REMOVED = (f"{SEEDS['build']}/tests/test_local.py", f"{SEEDS['deploy']}/scenarios/quiet-night.yml")


def lay_out(
    folder: Path, version: str, edits: Callable[[Path], None] = lambda _: None, wheel: Path | None = None
) -> Path:
    """Unpack the bundle of this checkout into a folder, with that wheel or a stub of that version, and edit it."""
    folder.mkdir(parents=True)
    stub = folder / f"tidegate-{version}-py3-none-any.whl"
    stub.write_bytes(version.encode())
    for name, file in collect(CHECKOUT, wheel or stub).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.content)
        (folder / name).chmod(0o755 if file.executable else 0o644)
    stub.unlink()
    edits(folder)
    return folder


def make_new(folder: Path) -> None:
    for name, (before, after) in CHANGED.items():
        text = (folder / name).read_text()
        assert before in text
        (folder / name).write_text(text.replace(before, after, 1))
    for name, text in ADDED.items():
        (folder / name).write_text(text)
    for name in REMOVED:
        (folder / name).unlink()


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("old") / "bundle", "0.1.0")


@pytest.fixture(scope="session")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("new") / "bundle", "0.2.0", make_new)


@dataclass(frozen=True)
class Clone:
    """An owner's clone of a project's repository."""

    folder: Path
    old: Path
    new: Path

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, **files: str | None) -> None:
        """Write files and remove those that are None; commit that."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Our own work")

    def write(self, files: Mapping[str, str | None]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.unlink(missing_ok=True)
            if text is not None:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def on_branch(self, name: str) -> str:
        return self.git("show", f"{BRANCH}:{name}")

    def state(self) -> tuple[str, str, str]:
        """Return all of it that must not change: where it is, what it refers to, what lies about."""
        return (
            self.git("rev-parse", "--abbrev-ref", "HEAD"),
            self.git("for-each-ref"),
            self.git("status", "--porcelain", "--untracked-files=all"),
        )

    def upgrade(self, preview: bool = False, given: Mapping[str, str] | None = None, name: str = NAME) -> str:
        return upgrade(self.folder, self.old, self.new, NEW_KEY, name=name, given=given or {}, preview=preview)


@pytest.fixture(scope="session")
def origins(tmp_path_factory: pytest.TempPathFactory, old: Path) -> dict[str, Path]:
    """A project's repositories as they were seeded from the old version."""
    answers = {"project_name": "churn", "seed_bucket": BUCKET, "seed_key": OLD_KEY}
    seeded = {}
    for part in SEEDS:
        folder = tmp_path_factory.mktemp(part)
        wheel = next((old / "vendor").iterdir()) if part == "deploy" else None
        seeded[part] = folder / "origin.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", seeded[part]], check=True)
        push(bake(old / "seed_code" / part, answers, folder, wheel=wheel), str(seeded[part]))
    return seeded


def clone(origin: Path, folder: Path, old: Path, new: Path, *options: str) -> Clone:
    subprocess.run(["git", "clone", "--quiet", *options, origin.as_uri(), folder], check=True)
    made = Clone(folder, old, new)
    made.git("config", "user.name", "Owner")
    made.git("config", "user.email", "owner@example.com")
    return made


@pytest.fixture
def build(origins: dict[str, Path], tmp_path: Path, old: Path, new: Path) -> Clone:
    return clone(origins["build"], tmp_path / "build", old, new)


@pytest.fixture
def deploy(origins: dict[str, Path], tmp_path: Path, old: Path, new: Path) -> Clone:
    return clone(origins["deploy"], tmp_path / "deploy", old, new)


class TestEditsThatDoNotClash:
    def test_both_sides_are_on_the_branch_and_everything_else_is_as_it_was(self, build: Clone) -> None:
        ours = build.read("pipeline.yml") + "# ours\n"
        build.commit(**{"pipeline.yml": ours, "steps/ours.py": "ours = 1\n", "tests/test_settings.py": None})
        before = build.state()

        told = build.upgrade()

        branch, refs, status = build.state()
        assert (branch, status) == (before[0], before[2])
        assert set(refs.splitlines()) - set(before[1].splitlines()) == {
            f"{build.git('rev-parse', BRANCH)} commit\trefs/heads/{BRANCH}"
        }
        assert build.read("pipeline.yml") == ours
        assert build.on_branch("pipeline.yml") == ours.replace("max_rmse", "max_rmse_of_all", 1).strip()
        assert build.on_branch("steps/ours.py") == "ours = 1"
        assert build.on_branch("steps/compare.py") == "compare = True"
        names = build.git("ls-tree", "-r", "--name-only", BRANCH).splitlines()
        assert "tests/test_settings.py" not in names  # removed by the owner, and not changed by the template
        assert "tests/test_local.py" not in names  # removed by the template, and not changed by the owner
        assert f"git diff HEAD...{BRANCH}" in told
        assert "steps/compare.py" in told

    def test_the_branch_is_one_commit_on_the_owners_newest(self, build: Clone) -> None:
        build.upgrade()
        assert build.git("rev-parse", f"{BRANCH}^") == build.git("rev-parse", "main")
        assert build.git("log", "-1", "--format=%an|%cn <%ce>", BRANCH) == "Tidegate|Owner <owner@example.com>"
        assert build.git("log", "-1", "--format=%s", BRANCH) == f"Upgrade Tidegate's project template to {NAME}"

    def test_it_records_the_new_version_and_the_same_answers(self, build: Clone) -> None:
        before = json.loads(build.read(".tidegate.json"))
        build.upgrade()
        after = json.loads(build.on_branch(".tidegate.json"))
        assert (before["version"], before["bundle"]["key"]) == ("0.1.0", OLD_KEY)
        assert (after["version"], after["bundle"]["key"]) == ("0.2.0", NEW_KEY)
        assert after["answers"] == before["answers"]
        assert after["answers"]["project_name"] == "churn"

    def test_the_deploy_repository_gets_the_new_engine_in_place_of_the_old(self, deploy: Clone) -> None:
        deploy.commit(**{"stages/prod.yml": deploy.read("stages/prod.yml") + "# ours\n"})
        deploy.upgrade()
        wheels = deploy.git("ls-tree", "-r", "--name-only", BRANCH, "vendor/").splitlines()
        assert [name for name in wheels if name.endswith(".whl")] == ["vendor/tidegate-0.2.0-py3-none-any.whl"]
        assert deploy.on_branch(wheels[-1]) == "0.2.0"
        assert "PROD_NEWS" in deploy.on_branch("buildspec.yml")
        assert "# ours" in deploy.on_branch("stages/prod.yml")

    def test_a_file_that_the_owner_renamed_gets_the_change(self, deploy: Clone) -> None:
        deploy.git("mv", "scenarios/slow-version.yml", "scenarios/slower.yml")
        deploy.git("commit", "--quiet", "--message", "Rename")
        deploy.upgrade()
        assert "# newly" in deploy.on_branch("scenarios/slower.yml")

    def test_it_can_be_upgraded_again_from_there(self, build: Clone, tmp_path: Path) -> None:
        build.upgrade()
        build.git("merge", "--quiet", BRANCH)
        third = lay_out(tmp_path / "third", "0.3.0", lambda folder: (make_new(folder), _third(folder))[0])
        again = Clone(build.folder, build.new, third)
        told = again.upgrade(name="third")
        assert "1 file changed" not in told
        assert build.git("show", "upgrade-to-third:steps/compare.py") == "compare = 3"
        assert build.git("diff", "--name-only", "main", "upgrade-to-third").splitlines() == [
            ".tidegate.json",
            "steps/compare.py",
        ]

    def test_a_clone_without_the_whole_history_will_do(self, build: Clone, tmp_path: Path) -> None:
        build.commit(ours="ours\n")
        shallow = clone(build.folder, tmp_path / "shallow", build.old, build.new, "--depth=1")
        assert shallow.git("rev-list", "--count", "HEAD") == "1"
        shallow.upgrade()
        assert shallow.on_branch("steps/compare.py") == "compare = True"

    def test_a_second_work_tree_of_a_clone_will_do(self, build: Clone, tmp_path: Path) -> None:
        build.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "beside"))
        beside = Clone(tmp_path / "beside", build.old, build.new)
        beside.upgrade()
        assert build.on_branch("steps/compare.py") == "compare = True"


def _third(folder: Path) -> None:
    (folder / SEEDS["build"] / "steps/compare.py").write_text("compare = 3\n")


class TestEditsThatClash:
    @pytest.fixture
    def edited(self, deploy: Clone) -> Clone:
        deploy.commit(
            **{
                "README.md": deploy.read("README.md").replace("## Roll back", "## Go back"),  # changed differently
                "scenarios/slow-version.yml": None,  # removed, but changed by the template
                "scenarios/quiet-night.yml": deploy.read("scenarios/quiet-night.yml") + "# ours\n",  # the other way
                "payloads/noon.csv": "4,5,6\n",  # made by both
                "stages/prod.yml": deploy.read("stages/prod.yml") + "# ours\n",  # clashes with nothing
            }
        )
        return deploy

    def test_each_is_marked_and_named_with_what_clashes(self, edited: Clone) -> None:
        told = edited.upgrade()
        assert edited.git("rev-parse", "--abbrev-ref", "HEAD") == BRANCH
        assert edited.git("diff", "--name-only", "--diff-filter=U").splitlines() == [
            "README.md",
            "payloads/noon.csv",
            "scenarios/quiet-night.yml",
            "scenarios/slow-version.yml",
        ]
        readme = edited.read("README.md")
        assert readme.index("<<<<<<<") < readme.index("## Go back") < readme.index("## Roll back, newly")
        for sentence in (
            "- README.md: edited here, and changed differently by the template",
            "- payloads/noon.csv: made here, and differently by the template",
            "- scenarios/quiet-night.yml: edited here, but removed by the template: git rm removes it",
            "- scenarios/slow-version.yml: removed here, but changed by the template: git rm keeps it removed",
        ):
            assert sentence in told
        assert "# ours" in edited.read("scenarios/quiet-night.yml")
        assert "PROD_NEWS" in edited.read("buildspec.yml")
        assert "# ours" in edited.read("stages/prod.yml")

    def test_once_decided_it_is_a_commit_like_any_other(self, edited: Clone) -> None:
        edited.upgrade()
        edited.write({"README.md": "decided\n", "payloads/noon.csv": "7,8,9\n"})
        edited.git("add", "README.md", "payloads/noon.csv", "scenarios/quiet-night.yml")
        edited.git("rm", "--quiet", "scenarios/slow-version.yml")
        edited.git("-c", "core.editor=true", "cherry-pick", "--continue")
        assert edited.git("status", "--porcelain") == ""
        assert edited.git("rev-parse", "HEAD^") == edited.git("rev-parse", "main")
        assert json.loads(edited.read(".tidegate.json"))["version"] == "0.2.0"

    def test_it_can_all_be_taken_back_as_it_says(self, edited: Clone) -> None:
        before = edited.state()
        told = edited.upgrade()
        (command,) = [line for line in told.splitlines() if line.startswith("To have everything as it was: ")]
        subprocess.run(command.partition(": ")[2].rstrip("."), shell=True, cwd=edited.folder, check=True)
        assert edited.state() == before

    def test_a_preview_names_them_and_changes_nothing(self, edited: Clone) -> None:
        before = edited.state()
        told = edited.upgrade(preview=True)
        assert edited.state() == before
        assert "- README.md: edited here, and changed differently by the template" in told
        assert "buildspec.yml" in told

    def test_where_an_untracked_file_is_in_the_way_nothing_is_lost(self, edited: Clone) -> None:
        edited.git("rm", "--quiet", "payloads/noon.csv")
        edited.git("commit", "--quiet", "--message", "Remove")
        edited.write({"payloads/noon.csv": "untracked\n"})
        before = edited.state()
        with pytest.raises(GitError, match=r"untracked.*\n.*payloads/noon.csv"):
            edited.upgrade()
        assert edited.state() == before
        assert edited.read("payloads/noon.csv") == "untracked\n"


class TestWhatIsRefused:
    def refused(self, clone: Clone, why: str) -> None:
        before = clone.state()
        with pytest.raises(UpgradeError, match=why):
            clone.upgrade()
        assert clone.state() == before

    def test_changes_that_are_not_committed(self, build: Clone) -> None:
        build.write({"pipeline.yml": "mine\n"})
        self.refused(build, r"not committed.*\n M pipeline\.yml")
        assert build.read("pipeline.yml") == "mine\n"

    def test_a_merge_that_has_not_ended(self, build: Clone) -> None:
        (build.folder / ".git" / "CHERRY_PICK_HEAD").write_text(build.git("rev-parse", "HEAD") + "\n")
        self.refused(build, "being merged here")

    def test_a_folder_without_git(self, build: Clone) -> None:
        shutil.rmtree(build.folder / ".git")
        with pytest.raises(UpgradeError, match="is no git repository"):
            build.upgrade()

    def test_a_folder_within_another_repository(self, build: Clone, tmp_path: Path) -> None:
        inside = Clone(build.folder / "project", build.old, build.new)
        inside.folder.mkdir()
        shutil.copy(build.folder / ".tidegate.json", inside.folder)
        with pytest.raises(UpgradeError, match="run this at its top"):
            inside.upgrade()

    def test_a_branch_that_is_there_already(self, build: Clone) -> None:
        build.git("branch", BRANCH)
        self.refused(build, f"There is a branch {BRANCH} already")

    def test_a_committer_that_git_does_not_know(self, build: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
        build.git("config", "--unset", "user.email")
        build.git("config", "user.useConfigOnly", "true")
        for name in ("EMAIL", "GIT_COMMITTER_EMAIL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(build.folder.parent))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        self.refused(build, "does not know who commits")

    @pytest.mark.parametrize("text", ["", "{}", '{"template": "modelbuild"}', '{"template": 1, "bundle": []}'])
    def test_a_record_that_says_too_little(self, build: Clone, text: str) -> None:
        build.commit(**{".tidegate.json": text})
        self.refused(build, "take it back from the repository's history")

    def test_a_record_that_could_be_evaluated(self, build: Clone) -> None:
        build.commit(**{".tidegate.json": build.read(".tidegate.json").replace('"churn"', '"{{ 7*7 }}"')})
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        arguments = ["--repository", build.folder, "--old", build.old, "--key", NEW_KEY, "--name", NAME]
        done = subprocess.run(
            [sys.executable, "-m", "service_catalog.upgrade.code", *arguments],
            env=environment, cwd=build.new, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.startswith("The context's project_name is '{{ 7*7 }}'")


class TestANewQuestion:
    @pytest.fixture
    def asking(self, build: Clone, tmp_path: Path) -> Clone:
        def ask(folder: Path) -> None:
            seed = folder / "seed_code" / "build"
            questions = json.loads((seed / "cookiecutter.json").read_text())
            (seed / "cookiecutter.json").write_text(json.dumps({**questions, "colour": "red", "shade": ""}))

        return Clone(build.folder, build.old, lay_out(tmp_path / "asking", "0.2.0", ask))

    def test_without_an_answer_it_is_refused(self, asking: Clone) -> None:
        with pytest.raises(UpgradeError, match=r"no answer to: colour\. Give each"):
            asking.upgrade()

    def test_with_an_answer_that_is_recorded_and_what_is_optional_stays_empty(self, asking: Clone) -> None:
        asking.upgrade(given={"colour": "blue"})
        answers = json.loads(asking.on_branch(".tidegate.json"))["answers"]
        assert (answers["colour"], answers["shade"]) == ("blue", "")


def test_a_version_cannot_be_answered(build: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--repository", str(build.folder), "--old", "x", "--key", "k", "--name", "n", "--answer", "seed_key=x"])
    assert "'seed_key=x' is not NAME=VALUE" in capsys.readouterr().err


class TestInTheClone:
    """`scripts/upgrade.py`, as the owner of a repository runs it."""

    def run(self, clone: Clone, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, clone.folder / "scripts" / "upgrade.py", *arguments],
            cwd=clone.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def zipped(self, folder: Path) -> bytes:
        found = [path for path in folder.rglob("*") if path.is_file()]
        return pack({path.relative_to(folder).as_posix(): File(path.read_bytes()) for path in found})

    def test_a_bundle_that_is_not_the_recorded_one_is_refused(self, build: Clone, tmp_path: Path) -> None:
        bundle = tmp_path / "bundle.zip"
        bundle.write_bytes(self.zipped(build.new))
        done = self.run(build, "--old", bundle, "--new", bundle)
        assert done.returncode == 1
        assert done.stderr == f"the bundle {OLD_KEY} is not what its name says; ask who published it\n"

    def test_a_repository_of_that_version_is_up_to_date(self, build: Clone, tmp_path: Path) -> None:
        bundle = tmp_path / "bundle.zip"
        bundle.write_bytes(self.zipped(build.new))
        key = f"seeds/{digest(bundle.read_bytes())}.zip"
        build.commit(**{".tidegate.json": build.read(".tidegate.json").replace(OLD_KEY, key)})
        before = build.state()
        done = self.run(build, "--old", bundle, "--new", bundle)
        assert (done.returncode, done.stdout) == (
            0,
            "This repository is up to date: it has that version of the template.\n",
        )
        assert build.state() == before

    def test_both_versions_are_fetched_from_the_bucket_that_is_recorded(
        self, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = "222222222222"
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", own)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        monkeypatch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        bucket = AdminBucket(Account(boto3.Session(region_name=account.region), own, account.region))
        bucket.ensure()
        wheel = build_wheel(CHECKOUT, tmp_path)
        keys = {}
        for version, edits in (("0.1.0-11111111", lambda _: None), ("0.1.0-22222222", make_new)):
            content = self.zipped(lay_out(tmp_path / version, "0", edits, wheel))
            keys[version] = f"seeds/{digest(content)}.zip"
            bucket.put(keys[version], content, "application/zip")
            for git in GITS:
                bucket.put(template_key(git, version), f"seeds: {keys[version]}".encode(), "application/yaml")
        old = tmp_path / "0.1.0-11111111"
        answers = {"account": own, "seed_bucket": bucket.name, "seed_key": keys["0.1.0-11111111"]}
        origin = tmp_path / "origin.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", origin], check=True)
        push(bake(old / "seed_code" / "deploy", answers, tmp_path / "baked", wheel=wheel), str(origin))
        mine = clone(origin, tmp_path / "mine", old, tmp_path / "0.1.0-22222222")
        before = mine.state()

        preview = self.run(mine, "--preview")
        assert (preview.returncode, mine.state()) == (0, before), preview.stderr
        assert "payloads/noon.csv" in preview.stdout
        assert self.run(mine, "--to", "9.9").stderr == (
            "9.9 is not published; there are 0.1.0-11111111, 0.1.0-22222222\n"
        )
        done = self.run(mine)
        assert done.returncode == 0, done.stderr
        branch = "upgrade-to-0.1.0-22222222"
        assert json.loads(mine.git("show", f"{branch}:.tidegate.json"))["bundle"]["key"] == keys["0.1.0-22222222"]
        assert "PROD_NEWS" in mine.git("show", f"{branch}:buildspec.yml")
        mine.git("merge", "--quiet", branch)
        assert self.run(mine).stdout == "This repository is up to date: it has that version of the template.\n"
