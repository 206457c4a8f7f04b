"""What baking the seed gives: the files that are meant and no others, and nothing left to fill in."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from build_seed import CACHE, CHECKOUT, OTHER_ANSWERS, SEED

from service_catalog.seed import bake
from service_catalog.upgrade.code import VERSIONED

FILES = {
    ".gitignore",
    ".tidegate.json",
    "README.md",
    "buildspec.yml",
    "data/README.md",
    "data/bikeshare.csv",
    "pipeline.yml",
    "pipelines/__init__.py",
    "pipelines/compilation.py",
    "pipelines/execution.py",
    "pipelines/local.py",
    "pipelines/pipeline.py",
    "pipelines/release.py",
    "pipelines/session.py",
    "pipelines/settings.py",
    "pipelines/shapes.py",
    "project.json",
    "pyproject.toml",
    "requirements-dev.in",
    "requirements-dev.txt",
    "requirements.in",
    "requirements.txt",
    "scripts/environment.py",
    "scripts/upgrade.py",
    "scripts/uv.txt",
    "steps/evaluate.py",
    "steps/process.py",
    "steps/train/inference.py",
    "steps/train/train.py",
    "tests/conftest.py",
    "tests/test_definition.py",
    "tests/test_inference.py",
    "tests/test_local.py",
    "tests/test_process.py",
    "tests/test_release.py",
    "tests/test_settings.py",
}


def baked_files(repo: Path) -> dict[str, str]:
    """Return the text of what was baked, by name."""
    return {name: (repo / name).read_text() for name in FILES}


def test_the_files_are_those_and_only_those(tmp_path: Path) -> None:
    baked = bake(SEED, {}, tmp_path)  # fresh, so that what a tool left in the seed itself is found
    assert {str(file.relative_to(baked)) for file in baked.rglob("*") if file.is_file()} == FILES


def test_the_repo_is_called_by_its_project(default_repo: Path, other_repo: Path) -> None:
    assert default_repo.name == "bikeshare-modelbuild"
    assert other_repo.name == "Fraud-Scores-2-modelbuild"


def test_no_token_is_left(repo: Path) -> None:
    for name, text in baked_files(repo).items():
        assert "cookiecutter" not in text, name
        assert not re.search(r"{%|{{\s", text), name


def test_the_defaults_leave_no_trace_in_a_project_with_other_answers(other_repo: Path) -> None:
    defaults = json.loads((SEED / "cookiecutter.json").read_text())
    for name, text in baked_files(other_repo).items():
        for key in ("project_id", "kms_key_arn", "bucket", "execution_role_arn"):
            assert defaults[key] not in text, f"{name}: {key}"


def test_the_answers_arrive(other_repo: Path) -> None:
    project = json.loads((other_repo / "project.json").read_text())
    kept = {key: value for key, value in OTHER_ANSWERS.items() if key in project}
    kept |= {key: OTHER_ANSWERS[key].split(",") for key in ("subnets", "security_groups")}
    assert project == kept | {"pipeline": "Fraud-Scores-2-p-zyx987wvu654"}


def test_the_repo_records_its_template_and_answers(other_repo: Path) -> None:
    record = json.loads((other_repo / ".tidegate.json").read_text())
    bundle = {"bucket": OTHER_ANSWERS["seed_bucket"], "key": OTHER_ANSWERS["seed_key"]}
    answers = {key: value for key, value in OTHER_ANSWERS.items() if key not in VERSIONED}
    assert record == {"template": "modelbuild", "version": "9.8.7", "bundle": bundle, "answers": answers}


def test_the_data_are_attributed(default_repo: Path) -> None:
    readme = (default_repo / "data" / "README.md").read_text()
    for due in ("Fanaee-T", "Gama", "2013", "CC BY 4.0", "ISLP 0.6.0"):
        assert due in readme


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_is_hashed_and_names_no_index(default_repo: Path, lock: str) -> None:
    text = (default_repo / lock).read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if entry.strip()]
    assert len(entries) > 40
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|--index|--extra-index", text)


def test_the_locks_agree_on_what_they_share(default_repo: Path) -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^\S+==.*?(?= \\)", (default_repo / lock).read_text(), re.MULTILINE))

    assert pins("requirements.txt") < pins("requirements-dev.txt")


def test_the_environment_is_made_for_the_python_that_makes_it(default_repo: Path) -> None:
    settings = tomllib.loads((default_repo / "pyproject.toml").read_text())["tool"]["uv"]["pip"]
    assert not {"python-version", "python-platform", "target", "prefix"} & settings.keys()  # installing obeys these too


def test_the_build_runs_what_is_in_the_repo(default_repo: Path) -> None:
    spec = yaml.safe_load((default_repo / "buildspec.yml").read_text())
    commands = [command for phase in spec["phases"].values() for command in phase["commands"]]
    assert spec["version"] == 0.2
    for command in commands:
        for module in re.findall(r"-m (pipelines\.\w+)", command):
            assert (default_repo / module.replace(".", "/")).with_suffix(".py").is_file()
        for script in re.findall(r"scripts/\S+", command):
            assert (default_repo / script).is_file()
    done = [command.partition(" || {")[0] for command in commands]
    assert done[-1].endswith("pipelines.release run")
    for command, alone in zip(commands, done, strict=True):
        ran = subprocess.run(["sh", "-c", command.replace(alone, "false")], capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert ran.stdout.startswith("Next: "), f"nothing is said where this fails: {alone}"


@pytest.mark.parametrize("check", [["format", "--check"], ["check"]], ids=" ".join)
def test_ruff_finds_nothing(repo: Path, check: list[str]) -> None:
    ruff = [sys.executable, "-m", "ruff", *check, "--no-cache"]
    done = subprocess.run(ruff, cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_hold(default_repo: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", str(CACHE / "mypy")]
    done = subprocess.run(mypy, cwd=default_repo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_features_are_the_same_to_those_who_write_and_to_those_who_read_them(default_repo: Path) -> None:
    named = [
        re.search(r"^FEATURES = \((.*?)\)", (default_repo / file).read_text(), re.MULTILINE)
        for file in ("steps/process.py", "steps/train/inference.py")
    ]
    assert all(named)
    assert len({found[1] for found in named if found}) == 1


def test_the_documented_months_are_those_of_the_seed(default_repo: Path) -> None:
    settings = yaml.safe_load((default_repo / "pipeline.yml").read_text())
    assert settings["data"] == {"from_month": 1, "to_month": 3}
    assert f"`max_rmse: {settings['gate']['max_rmse']}`" in (CHECKOUT / "docs" / "build-repo.md").read_text()
