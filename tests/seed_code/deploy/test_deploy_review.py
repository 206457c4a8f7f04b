"""What a pull request in a deploy repository is told: every step is run, and the outcome said where it is read."""

import importlib.util
import stat
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from tests.tidegate.answering import refusal

SEED = Path(__file__).parents[3] / "seed_code/deploy/{{cookiecutter.project_name}}-modeldeploy"
REQUEST = {"PULL_REQUEST_ID": "7", "REPOSITORY": "churn-modeldeploy", "BEFORE_COMMIT": "a" * 40, "AFTER_COMMIT": "b" * 40}


@pytest.fixture
def review(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, whose environment has stand-ins for `tidegate` and `pytest` that say what they are asked."""
    spec = importlib.util.spec_from_file_location("review", SEED / "scripts" / "review.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # the seed stays as it is: others bake it
    spec.loader.exec_module(module)
    for name in ("tidegate", "pytest"):
        says(tmp_path / name, f"echo {name} \"$@\"")
    monkeypatch.setattr(module, "BIN", tmp_path)
    for name in (*REQUEST, "CODEBUILD_BUILD_ID"):
        monkeypatch.delenv(name, raising=False)
    return module


@pytest.fixture
def comments(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every comment that was made in CodeCommit."""
    made: list[dict[str, Any]] = []

    class CodeCommit:
        def post_comment_for_pull_request(self, **comment: Any) -> None:
            made.append(comment)

    monkeypatch.setattr(boto3, "client", lambda _: CodeCommit())
    return made


def says(path: Path, line: str) -> None:
    path.write_text(f"#!{sys.executable}\nimport subprocess, sys\n"
                    f"sys.exit(subprocess.call(['bash', '-c', {line!r}, 'x', *sys.argv[1:]]))\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_given_all_is_well_then_every_step_is_shown_and_nobody_is_written_to(
    review: ModuleType, comments: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert review.main() == 0
    said = capsys.readouterr().out
    assert said.index("tidegate validate") < said.index("pytest -q tests") < said.index("tidegate plan --all")
    assert comments == []


def test_given_a_pull_request_in_codecommit_then_it_is_told_once_a_build(
    review: ModuleType, comments: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = f"sagemaker-p-012345678901234567-review:{'0' * 36}"
    for name, value in (REQUEST | {"CODEBUILD_BUILD_ID": build}).items():
        monkeypatch.setenv(name, value)
    assert review.main() == 0
    (comment,) = comments
    assert comment["content"].startswith(f"**Review passed** (build `{build}`)")
    assert "tidegate plan --all" in comment["content"]
    assert {key: comment[key] for key in ("pullRequestId", "repositoryName", "beforeCommitId", "afterCommitId")} == {
        "pullRequestId": "7",
        "repositoryName": "churn-modeldeploy",
        "beforeCommitId": "a" * 40,
        "afterCommitId": "b" * 40,
    }
    assert len(comment["clientRequestToken"]) <= 64


def test_given_a_step_fails_then_the_others_are_still_run_and_the_failure_is_named(
    review: ModuleType, comments: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    says(tmp_path / "pytest", "echo one failed; exit 1")
    for name, value in REQUEST.items():
        monkeypatch.setenv(name, value)
    assert review.main() == 1
    content = comments[0]["content"]
    assert content.startswith("**Review failed**")
    assert "### WRONG: What the stages promise" in content
    assert "### ok: What a release would do" in content


def test_given_codecommit_takes_no_comment_then_a_sentence_says_so_and_the_review_fails(
    review: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class CodeCommit:
        def post_comment_for_pull_request(self, **_: Any) -> None:
            raise refusal("PullRequestDoesNotExistException", "There is no pull request 7", "PostComment")

    monkeypatch.setattr(boto3, "client", lambda _: CodeCommit())
    for name, value in REQUEST.items():
        monkeypatch.setenv(name, value)
    assert review.main() == 1
    assert "could not be written on the pull request" in capsys.readouterr().err


def test_given_more_than_a_comment_takes_then_it_is_cut_and_says_where_the_rest_is(
    review: ModuleType, tmp_path: Path
) -> None:
    text = review.report([("Every file", False, "~~~~ x\n" * 5000)] * 3)
    assert len(text) <= 10_240
    assert "the build's log has the rest" in text
    assert text.count("\n~~~~\n") == 3 + 2, "nothing that was said may end the block that it is in"
