"""Planting: empty repositories get their first commit, others are left alone, and CloudFormation is told."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from service_catalog.publishing.bundle import CHECKOUT, SEED
from service_catalog.seed import CONTEXT_KEYS, SeedError
from service_catalog.seed.answer import ANSWER_ATTEMPTS, AnswerError, answer
from service_catalog.seed.seed import plant

CONTEXT = dict.fromkeys(CONTEXT_KEYS, "value") | {"project_name": "churn", "project_id": "p-abc123def456"}


def git(*arguments: str, at: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """An unpacked bundle with two small seeds."""
    folder = tmp_path / "bundle"
    for part in ("build", "deploy"):
        repository = folder / "seed_code" / part / f"{{{{cookiecutter.project_name}}}}-model{part}"
        repository.mkdir(parents=True)
        (repository / "README.md").write_text("{{ cookiecutter.project_name }}\n")
        (repository / ".gitignore").write_text("*.whl\n")
        answers = {"answers": {"project_id": "{{ cookiecutter.project_id }}"}}
        (repository / ".tidegate.json").write_text(json.dumps(answers))
        (repository.parent / "cookiecutter.json").write_text(json.dumps(CONTEXT))
    (folder / "vendor").mkdir()
    (folder / "vendor" / "tidegate-0.1.0-py3-none-any.whl").write_bytes(b"wheel")
    for script in ("seed.py", "answer.py"):
        (folder / script).write_bytes((CHECKOUT / SEED / script).read_bytes())
    return folder


@pytest.fixture
def repositories(tmp_path: Path) -> dict[str, str]:
    """Two empty repositories, by their URLs."""
    urls = {}
    for part in ("build", "deploy"):
        bare = tmp_path / f"{part}.git"
        git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), at=tmp_path)
        urls[part] = bare.as_uri()
    return urls


@pytest.fixture
def cloudformation() -> Iterator["CloudFormation"]:
    with CloudFormation() as listening:
        yield listening


class CloudFormation:
    """What waits behind a ResponseURL; it answers `failures` times with 503 first."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.failures = 0

    def __enter__(self) -> "CloudFormation":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if outer.failures:
                    outer.failures -= 1
                    self.send_response(503)
                else:
                    outer.answers.append(json.loads(body))
                    outer.content_types.append(self.headers["content-type"])
                    self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def event(self, repositories: dict[str, str], **context: str) -> dict[str, Any]:
        return {
            "RequestType": "Create",
            "ResponseURL": f"http://127.0.0.1:{self._server.server_port}/answer?signature=x",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Seeds",
            "ResourceProperties": {"Repositories": repositories, "Context": {**CONTEXT, **context}},
        }


def run(bundle: Path, script: str, event: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    """Run a step of the buildspec, as the build does; the event comes in parts."""
    text = json.dumps(event)
    parts = {"CLOUDFORMATION_EVENT_00": text[:100], "CLOUDFORMATION_EVENT_01": text[100:]}
    return subprocess.run(
        [sys.executable, script],
        cwd=bundle,
        env={**os.environ, **parts, "CODEBUILD_BUILD_ID": "seed:1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_given_empty_repositories_then_each_gets_one_commit_on_main(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    done = plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert done == {"build": "planted", "deploy": "planted"}
    for part, url in repositories.items():
        git("clone", "--quiet", url, part, at=tmp_path)
        assert git("log", "--format=%an <%ae>", at=tmp_path / part) == "Tidegate <noreply@tidegate.invalid>"
        assert (tmp_path / part / "README.md").read_text() == "churn\n"
    assert (tmp_path / "deploy" / "vendor" / "tidegate-0.1.0-py3-none-any.whl").read_bytes() == b"wheel"
    assert not (tmp_path / "build" / "vendor").exists()


def test_given_a_repository_with_commits_then_it_is_left_alone(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    before = git("ls-remote", repositories["deploy"], at=tmp_path)
    again = plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert again == {"build": "left alone", "deploy": "left alone"}
    assert git("ls-remote", repositories["deploy"], at=tmp_path) == before


def begin(url: str, at: Path, branch: str = "main", **files: str) -> Path:
    """Push a first commit of `files` to the repository at `url`, as its host or its people would; return a checkout."""
    folder = at / f"begun-{len(list(at.iterdir()))}"
    git("init", "--quiet", f"--initial-branch={branch}", str(folder), at=at)
    for name, content in files.items():
        (folder / name).write_text(content)
    git("add", "--all", at=folder)
    git("-c", "user.name=H", "-c", "user.email=h@host.invalid", "commit", "--quiet", "-m", "Initial commit", at=folder)
    git("push", "--quiet", url, f"HEAD:refs/heads/{branch}", at=folder)
    return folder


def test_given_a_repository_that_its_host_began_then_the_seed_comes_after_that_and_its_other_files_stay(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    first = begin(repositories["build"], tmp_path, **{"README.md": "From the host\n", "LICENSE": "Ours\n"})
    done = plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert done == {"build": "planted", "deploy": "planted"}
    git("clone", "--quiet", repositories["build"], "clone", at=tmp_path)
    assert git("rev-parse", "HEAD^", at=tmp_path / "clone") == git("rev-parse", "HEAD", at=first)
    assert (tmp_path / "clone" / "README.md").read_text() == "churn\n"
    assert (tmp_path / "clone" / "LICENSE").read_text() == "Ours\n"
    assert git("status", "--porcelain", at=tmp_path / "clone") == ""


@pytest.mark.parametrize("files", [{"README.md": "x", "train.py": "x"}, {"notes.txt": "x"}])
def test_given_a_repository_that_people_began_then_it_is_left_alone(
    bundle: Path, repositories: dict[str, str], tmp_path: Path, files: dict[str, str]
) -> None:
    begin(repositories["build"], tmp_path, **files)
    before = git("ls-remote", repositories["build"], at=tmp_path)
    done = plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert done == {"build": "left alone", "deploy": "planted"}
    assert git("ls-remote", repositories["build"], at=tmp_path) == before


def test_given_a_second_commit_of_only_a_readme_then_it_is_left_alone(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    folder = begin(repositories["build"], tmp_path, **{"README.md": "x"})
    (folder / "README.md").write_text("written by somebody")
    git("-c", "user.name=P", "-c", "user.email=p@people.invalid", "commit", "--quiet", "-am", "Explain", at=folder)
    git("push", "--quiet", repositories["build"], "HEAD:refs/heads/main", at=folder)
    assert plant(bundle, {"Context": CONTEXT, "Repositories": repositories})["build"] == "left alone"


def test_given_a_repository_without_the_branch_that_pipelines_follow_then_the_launch_fails_with_a_sentence(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    begin(repositories["deploy"], tmp_path, branch="master", **{"README.md": "x"})
    with pytest.raises(SeedError, match="has branches, and main, which the pipelines follow, is none of them"):
        plant(bundle, {"Context": CONTEXT, "Repositories": repositories})


def test_given_a_repository_that_was_planted_for_another_project_then_nothing_is_pushed_anywhere(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    begin(repositories["deploy"], tmp_path, **{".tidegate.json": '{"answers": {"project_id": "p-other"}}'})
    with pytest.raises(SeedError, match="holds what was planted for project p-other"):
        plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert git("ls-remote", repositories["build"], at=tmp_path) == ""


@pytest.mark.parametrize("answers", ["{", "[]", '{"answers": {"project_id": "p-abc123def456"}}'])
def test_given_a_repository_whose_answers_name_no_other_project_then_it_is_left_alone(
    bundle: Path, repositories: dict[str, str], tmp_path: Path, answers: str
) -> None:
    begin(repositories["deploy"], tmp_path, **{".tidegate.json": answers})
    assert plant(bundle, {"Context": CONTEXT, "Repositories": repositories})["deploy"] == "left alone"


def test_given_a_context_that_is_not_whole_then_nothing_is_pushed(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    context = {key: value for key, value in CONTEXT.items() if key != "bucket"}
    with pytest.raises(SeedError, match="lacks bucket"):
        plant(bundle, {"Context": context, "Repositories": repositories})
    assert git("ls-remote", repositories["build"], at=tmp_path) == ""


def test_given_the_second_seed_cannot_be_rendered_then_the_first_is_not_pushed(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    (bundle / "seed_code/deploy/{{cookiecutter.project_name}}-modeldeploy/bad").write_text("{{ broken")
    with pytest.raises(SeedError, match="deploy could not be rendered"):
        plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert git("ls-remote", repositories["build"], at=tmp_path) == ""


def test_given_the_build_succeeds_then_cloudformation_is_told_what_was_done(
    bundle: Path, repositories: dict[str, str], cloudformation: CloudFormation
) -> None:
    event = cloudformation.event(repositories)
    assert run(bundle, "seed.py", event).returncode == 0
    assert run(bundle, "answer.py", event).returncode == 0
    (told,) = cloudformation.answers
    assert told["Status"] == "SUCCESS"
    assert told["Data"] == {"build": "planted", "deploy": "planted"}
    assert (told["StackId"], told["RequestId"], told["PhysicalResourceId"]) == ("stack", "request", "Seeds")
    assert cloudformation.content_types == [""]


def test_given_a_hostile_launch_then_the_build_fails_and_cloudformation_gets_the_sentence(
    bundle: Path, repositories: dict[str, str], cloudformation: CloudFormation
) -> None:
    event = cloudformation.event(repositories, project_name="{{7*7}}")
    planted = run(bundle, "seed.py", event)
    assert planted.returncode == 1
    assert "Traceback" not in planted.stderr
    run(bundle, "answer.py", event)
    (told,) = cloudformation.answers
    assert told["Status"] == "FAILED"
    assert "project_name is '{{7*7}}'" in told["Reason"]


def test_given_git_fails_then_its_reason_reaches_cloudformation(
    bundle: Path, repositories: dict[str, str], cloudformation: CloudFormation, tmp_path: Path
) -> None:
    event = cloudformation.event({**repositories, "deploy": (tmp_path / "nowhere.git").as_uri()})
    assert run(bundle, "seed.py", event).returncode == 1
    run(bundle, "answer.py", event)
    (told,) = cloudformation.answers
    assert told["Status"] == "FAILED"
    assert "git ls-remote failed" in told["Reason"]
    assert len(json.dumps(told)) <= 4096


def test_given_the_second_push_is_refused_then_it_is_told_where_the_first_has_left_a_commit(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    refuse = tmp_path / "deploy.git" / "hooks" / "pre-receive"
    refuse.parent.mkdir(exist_ok=True)
    refuse.write_text("#!/bin/sh\necho protected >&2; exit 1\n")
    refuse.chmod(0o755)
    with pytest.raises(SeedError, match=r"(?s)git push failed: .*protected.*") as failed:
        plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert f"{repositories['build']} has its first commit already: unless it goes with the launch" in str(failed.value)
    assert git("ls-remote", repositories["build"], at=tmp_path)
    refuse.unlink()
    again = plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert again == {"build": "left alone", "deploy": "planted"}


def test_given_the_first_push_is_refused_then_nothing_is_said_of_what_it_left(
    bundle: Path, repositories: dict[str, str], tmp_path: Path
) -> None:
    refuse = tmp_path / "build.git" / "hooks" / "pre-receive"
    refuse.parent.mkdir(exist_ok=True)
    refuse.write_text("#!/bin/sh\nexit 1\n")
    refuse.chmod(0o755)
    with pytest.raises(SeedError, match="git push failed") as failed:
        plant(bundle, {"Context": CONTEXT, "Repositories": repositories})
    assert "first commit" not in str(failed.value)


def test_given_the_build_broke_before_planting_then_cloudformation_is_still_answered(
    bundle: Path, repositories: dict[str, str], cloudformation: CloudFormation
) -> None:
    run(bundle, "answer.py", cloudformation.event(repositories))
    (told,) = cloudformation.answers
    assert told["Status"] == "FAILED"
    assert "seed:1 broke before it could do its work" in told["Reason"]


@pytest.mark.parametrize("character", ["a", "\n", "é", "\U0001f600"])
def test_given_a_reason_of_any_characters_then_the_answer_is_no_larger_than_cloudformation_takes(
    cloudformation: CloudFormation, character: str
) -> None:
    answer(cloudformation.event({}), {"failure": character * 2_000}, lambda _: None)
    (told,) = cloudformation.answers
    assert 80 < len(told["Reason"]) <= 1_000
    assert len(json.dumps(told)) <= 4_096


def test_given_cloudformation_does_not_listen_at_once_then_the_answer_is_tried_again(
    cloudformation: CloudFormation,
) -> None:
    cloudformation.failures = ANSWER_ATTEMPTS - 1
    waits: list[float] = []
    answer(cloudformation.event({}), {"done": {}}, waits.append)
    assert len(cloudformation.answers) == 1
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_given_cloudformation_never_listens_then_the_build_fails(cloudformation: CloudFormation) -> None:
    cloudformation.failures = ANSWER_ATTEMPTS
    with pytest.raises(OSError, match="503"):
        answer(cloudformation.event({}), {"done": {}}, lambda _: None)


def test_given_a_response_url_of_another_kind_then_it_is_not_opened() -> None:
    event = {"ResponseURL": "file:///etc/passwd", "LogicalResourceId": "Seeds", "StackId": "", "RequestId": ""}
    with pytest.raises(AnswerError, match="not an http address"):
        answer(event, {"done": {}}, lambda _: None)
