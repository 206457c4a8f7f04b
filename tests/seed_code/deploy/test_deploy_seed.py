"""The deploy seed, baked for each supported combination of answers."""

import ast
import csv
import json
import math
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from service_catalog.seed import bake
from tidegate.plan.publish import console_address, tell_pipeline
from tidegate.render import pipeline_file_of_nothing
from tidegate.stage import Approval, CapacityType, Metric, Strategy, load_repo
from tidegate.verify import Outcome
from tidegate_sandbox.services.codebuild.buildspec import parse

CHECKOUT = Path(__file__).parents[3]
SEED = CHECKOUT / "seed_code" / "deploy"
BUILD_SEED = CHECKOUT / "seed_code" / "build" / "{{cookiecutter.project_name}}-modelbuild"

GOVERNMENT = {
    "project_name": "A-name-of-32-characters-in-all-X",
    "project_id": "p-012345678901234567",
    "account": "012345678901",
    "region": "us-gov-west-1",
    "bucket": "sagemaker-p-012345678901234567-012345678901-us-gov-west-1",
    "kms_key_arn": "arn:aws-us-gov:kms:us-gov-west-1:012345678901:key/mrk-0123456789abcdef0123456789abcdef",
    "model_package_group": "A-name-of-32-characters-in-all-X-p-012345678901234567",
    "execution_role_arn": (
        "arn:aws-us-gov:iam::012345678901:role/tidegate/sagemaker-p-012345678901234567-execution-us-gov-west-1"
    ),
    "deploy_pipeline": "sagemaker-p-012345678901234567-modeldeploy",
    "tidegate_version": "0.1.0",
}
# Names that YAML would read as something else, if they were not quoted.
NUMBERS = {"project_name": "007", "project_id": "1e3", "model_package_group": "007-1e3"}
WORDS = {"project_name": "null", "project_id": "true"}
COMBINATIONS = {"defaults": {}, "government": GOVERNMENT, "numbers": NUMBERS, "words": WORDS}

EXPECTED = {
    ".gitignore",
    ".tidegate.json",
    "README.md",
    "buildspec.decline.yml",
    "buildspec.review.yml",
    "buildspec.verify.yml",
    "buildspec.yml",
    "endpoint.yml",
    "payloads/README.md",
    "payloads/evening-weather.csv",
    "payloads/expected.json",
    "payloads/morning-rush.csv",
    "payloads/night.csv",
    "pyproject.toml",
    "requirements.in",
    "requirements.txt",
    "schema/endpoint.schema.json",
    "schema/stage.schema.json",
    "scenarios/README.md",
    "scenarios/good-version.yml",
    "scenarios/late-failure.yml",
    "scenarios/quiet-night.yml",
    "scenarios/slow-version.yml",
    "scenarios/total-failure.yml",
    "stages/prod.yml",
    "stages/staging.yml",
    "templates/README.md",
    "tests/payloads.py",
    "tests/test_endpoint.py",
    "tests/test_release.py",
    "tests/test_repository.py",
    "scripts/environment.py",
    "scripts/review.py",
    "scripts/upgrade.py",
    "scripts/uv.txt",
    "vendor/README.md",
}


@pytest.fixture(scope="module", params=COMBINATIONS.values(), ids=COMBINATIONS.keys())
def baked(request, tmp_path_factory) -> Path:
    return bake(SEED, request.param, tmp_path_factory.mktemp("baked"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    return bake(SEED, {}, tmp_path_factory.mktemp("baked"))


def files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


class TestEachCombination:
    def test_it_has_the_expected_files_and_no_other(self, baked):
        assert files(baked).keys() == EXPECTED

    def test_no_token_of_the_template_is_left(self, baked):
        left = {name for name, path in files(baked).items() if re.search(r"cookiecutter|\{\{|\{%", path.read_text())}

        assert left == set()
        assert "cookiecutter" not in str(baked.relative_to(baked.parent))

    def test_the_stage_files_are_right(self, baked):
        repo = load_repo(baked)

        assert [stage.name for stage in repo.stages] == ["prod", "staging"]
        group = json.loads((baked / ".tidegate.json").read_text())["answers"]["model_package_group"]
        assert {stage.model_package_group for stage in repo.stages} == {group}

    def test_it_records_what_it_was_made_with(self, baked):
        record = json.loads((baked / ".tidegate.json").read_text())
        repo = load_repo(baked)

        assert record["template"] == "modeldeploy"
        assert record["version"] == "0.1.0"
        assert record["bundle"]["key"].startswith("seeds/")
        assert record["answers"]["project_name"] == repo.project.name
        assert record["answers"]["account"] == repo.project.account


def test_the_wheel_goes_into_vendor(tmp_path):
    wheel = tmp_path / "tidegate-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")

    baked = bake(SEED, {}, tmp_path / "out", wheel=wheel)

    assert files(baked).keys() == EXPECTED | {"vendor/tidegate-0.1.0-py3-none-any.whl"}


class TestStages:
    def test_staging_asks_nobody_and_production_a_person(self, repository):
        repo = load_repo(repository)

        assert repo.stage("staging").approval is Approval.AUTOMATIC
        assert repo.stage("prod").approval is Approval.MANUAL

    def test_staging_takes_a_version_at_once_and_watches_it(self, repository):
        release = load_repo(repository).stage("staging").release

        assert release.strategy is Strategy.ALL_AT_ONCE
        assert release.termination_wait.total_seconds() > 0
        assert release.rollback_on

    def test_a_production_canary_that_fails_one_request_in_ten_is_seen_within_three_minutes(self, repository):
        stage = load_repo(repository).stage("prod")
        size = stage.release.canary_size
        assert size is not None
        assert size.kind is CapacityType.CAPACITY_PERCENT
        (errors,) = [rule for rule in stage.release.rollback_on if rule.metric is Metric.INVOCATION_5XX_ERRORS]

        # On the new fleet's metric, and on the blended one, which the canary's share waters down.
        assert errors.threshold < 0.10 * size.value / 100
        # The bake may begin just after a minute has, and an alarm may look a minute after a minute has ended.
        assert errors.periods.datapoints_to_alarm + 2 <= 3


class TestPayloads:
    def test_every_row_is_a_real_row_of_a_working_day_in_the_order_of_the_build_seeds_features(self, repository):
        inference = ast.parse((BUILD_SEED / "steps/train/inference.py").read_text())
        (features,) = [
            ast.literal_eval(node.value)
            for node in inference.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "FEATURES"
        ]
        weather = {"clear": "0", "cloudy/misty": "1", "light rain/snow": "2", "heavy rain/snow": "3"}
        with (BUILD_SEED / "data/bikeshare.csv").open() as data:
            rows = [{**row, "weather": weather[row["weathersit"]]} for row in csv.DictReader(data)]
        real = {
            ",".join(row[feature] for feature in features)
            for row in rows
            if row["workingday"] == "1" and row["weekday"] in "12345"
        }

        sent = [row for path in (repository / "payloads").glob("*.csv") for row in path.read_text().splitlines()]

        assert len(sent) == 5
        assert set(sent) <= real


class TestRequirements:
    def test_they_are_those_of_the_engine_and_of_the_tests(self):
        seed = SEED / "{{cookiecutter.project_name}}-modeldeploy"
        wanted = {line for line in (seed / "requirements.in").read_text().splitlines() if not line.startswith("#")}
        engine = set(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"])

        assert wanted == engine | {"pytest>=8.4"}

    def test_the_lock_is_whole_hashed_and_names_no_index(self):
        seed = SEED / "{{cookiecutter.project_name}}-modeldeploy"
        lock = (seed / "requirements.txt").read_text()
        entries = re.split(r"\n(?=\S)", lock.strip())
        locked = {re.split(r"[=\s]", entry)[0] for entry in entries}
        wanted = re.findall(r"^([a-z0-9.]+)>=", (seed / "requirements.in").read_text(), re.MULTILINE)

        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
        assert {name.replace(".", "-") for name in wanted} <= locked
        assert not re.search(r"https?:|index|file:", lock)


def without_advice(command: str) -> str:
    """Return what a command of a buildspec does, without what it says where that fails."""
    return command.partition(" || {")[0]


class TestBuildspecs:
    @pytest.fixture(params=["buildspec.yml", "buildspec.verify.yml", "buildspec.decline.yml", "buildspec.review.yml"])
    def buildspec(self, repository, request) -> dict:
        return read(repository / request.param)

    def test_it_is_of_version_0_2_and_its_commands_are_bash(self, buildspec):
        assert buildspec["version"] == 0.2
        assert buildspec["env"]["shell"] == "bash"
        # Text, because YAML would read 3.10 and 3.20 as other versions than CodeBuild has.
        assert buildspec["phases"]["install"]["runtime-versions"] == {"python": "3.13"}
        for phase in buildspec["phases"].values():
            for command in phase["commands"]:
                subprocess.run(["bash", "-n", "-c", command], check=True)

    def test_it_is_one_that_the_sandboxs_codebuild_takes(self, repository):
        for path in repository.glob("buildspec*.yml"):
            parse(path.read_text(), path.name)

    def test_all_install_the_same_in_the_same_way(self, repository):
        first, *others = [read(path) for path in sorted(repository.glob("buildspec*.yml"))]

        for other in others:
            assert other["phases"]["install"] == first["phases"]["install"]
            assert other["env"]["variables"] == first["env"]["variables"]
        assert len(others) == 3
        assert [without_advice(each) for each in first["phases"]["install"]["commands"]] == [
            "python3 scripts/environment.py"
        ]

    def test_whatever_fails_says_what_to_do_next_and_fails_as_it_did(self, buildspec, tmp_path):
        for phase in buildspec["phases"].values():
            for command in phase["commands"]:
                what = without_advice(command)
                if what == command:
                    assert command.startswith(("STARTED_BY=", "set -a")), f"nothing is said where this fails: {command}"
                    continue
                for code in (1, 3):
                    ran = subprocess.run(
                        ["bash", "-c", command.replace(what, f"(exit {code})")], capture_output=True, text=True
                    )
                    assert ran.stdout.startswith("Next: ")
                    assert ran.returncode == (code if "verify" in what else 1)
                assert subprocess.run(["bash", "-c", command.replace(what, "true")]).returncode == 0

    def test_render_validates_tests_plans_and_leaves_what_it_rendered(self, repository):
        spec = read(repository / "buildspec.yml")

        started, *commands = [without_advice(each) for each in spec["phases"]["build"]["commands"]]
        assert 'tidegate started --pipeline "$PIPELINE_NAME" --execution "$PIPELINE_EXECUTION_ID"' in started
        assert commands == [
            ".venv/bin/tidegate validate",
            ".venv/bin/pytest tests",
            ".venv/bin/tidegate render --all --allow-none --out rendered",
            ".venv/bin/tidegate plan --all --out rendered --publish",
            "set -a; . rendered/pipeline.env; set +a",
        ]
        assert spec["artifacts"] == {"base-directory": "rendered", "files": ["**/*"]}

    def test_render_exports_what_the_pipelines_stages_ask(self, repository):
        from service_catalog.project.releases import RELEASES  # not above: the CDK takes seconds to load

        exported = set(read(repository / "buildspec.yml")["env"]["exported-variables"])
        written = {line.partition("=")[0] for line in pipeline_file_of_nothing(["staging", "prod"]).splitlines()}

        assert exported == written | {"STAGING_PLAN_URL", "PROD_PLAN_URL", "STARTED_BY"}
        asked = {release.variable(name) for release in RELEASES for name in ("APPROVAL", "TEST", "TEST_END", "RELEASE")}
        assert {f"Render.{name}" for name in written} == asked

    def test_what_render_wrote_reaches_the_environment_as_it_is(self, repository, tmp_path):
        (tmp_path / "rendered").mkdir()
        (tmp_path / "rendered" / "pipeline.env").write_text(pipeline_file_of_nothing(["staging", "prod"]))
        address = console_address("eu-west-1", "sagemaker-p-abc-111122223333-eu-west-1", "plans/prod/0123 &456.html")
        tell_pipeline(tmp_path / "rendered", {"staging": "https://a", "prod": address})
        said = tmp_path / ".venv" / "bin" / "tidegate"
        said.parent.mkdir(parents=True)
        said.write_text("#!/bin/sh\necho a push to the repository\n")
        said.chmod(0o755)
        first, *_, last = read(repository / "buildspec.yml")["phases"]["build"]["commands"]
        source = f"{first}\n{last}"

        names = read(repository / "buildspec.yml")["env"]["exported-variables"]
        ran = subprocess.run(
            ["bash", "--noprofile", "-c", f"{source}\n{sys.executable} -c 'import os; print(dict(os.environ))'"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )

        told, printed = ran.stdout.splitlines()
        assert told == "This run was started by a push to the repository."
        seen = ast.literal_eval(printed)
        assert seen["STARTED_BY"] == "a push to the repository"
        assert set(names) <= set(seen)
        assert (seen["PROD_PLAN_URL"], seen["PROD_RELEASE"], seen["STAGING_APPROVAL"]) == (address, "no", "none")
        assert ran.stderr == ""

    def test_decline_is_told_the_stage_and_says_where_it_was_decided(self, repository):
        spec = read(repository / "buildspec.decline.yml")
        (decline,) = map(without_advice, spec["phases"]["build"]["commands"])

        assert decline.startswith('.venv/bin/tidegate decline "$STAGE" --reason "in execution $PIPELINE_EXECUTION_ID ')
        assert "artifacts" not in spec

    def test_verify_follows_the_deploy_action_before_it_invokes(self, repository):
        spec = read(repository / "buildspec.verify.yml")
        follow, invoke = map(without_advice, spec["phases"]["build"]["commands"])

        assert follow.split() == [
            ".venv/bin/tidegate",
            "verify",
            '"$STAGE"',
            "--rendered",
            '"$CODEBUILD_SRC_DIR_Rendered"',
            "--pipeline",
            '"$PIPELINE_NAME"',
            "--execution",
            '"$PIPELINE_EXECUTION_ID"',
            "--action",
            "Deploy",
            "--publish",
        ]
        assert invoke == ".venv/bin/pytest tests --ignore tests/test_release.py --ignore tests/test_repository.py"


def test_the_readme_explains_every_outcome_with_its_exit_code(repository):
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d) \|", (repository / "README.md").read_text(), re.MULTILINE)

    assert rows == [(outcome.value, str(outcome.exit_code)) for outcome in Outcome]


def test_its_python_is_tidy(repository):
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--select", "E,F,W,I,B,UP,SIM,PT,RUF", "--line-length", "120"]

    subprocess.run([*ruff, "check", "--isolated", "--no-cache", *rules, "."], cwd=repository, check=True)
    subprocess.run(
        [*ruff, "format", "--isolated", "--no-cache", "--check", "--line-length", "120", "."],
        cwd=repository,
        check=True,
    )


class TestItsOwnTests:
    @staticmethod
    def run(repository: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTEST_", "STAGE"))
        }
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "tests"],
            cwd=repository,
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_they_pass_without_an_endpoint(self, repository):
        done = self.run(repository)

        assert done.returncode == 0, done.stdout
        assert "22 passed, 6 skipped" in done.stdout

    def test_they_pass_inside_another_project_whose_settings_are_not_theirs(self, tmp_path):
        (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = ['--no-such-option']\n")

        done = self.run(bake(SEED, {}, tmp_path / "inside"))

        assert done.returncode == 0, done.stdout + done.stderr

    def test_they_pass_on_an_endpoint_whose_answers_make_sense(self, repository):
        with endpoint(lambda rows: "\n".join("100.5" for _ in rows)) as (url, invoked):
            done = self.run(repository, **aws(url))

        assert done.returncode == 0, done.stdout
        assert "28 passed" in done.stdout
        assert set(invoked) == {"/endpoints/bikeshare-p-abc123def456-staging/invocations"}

    def test_they_fail_on_answers_that_make_no_sense(self, repository):
        wrong = {"8": "nan", "3": "1e9", "17": "100"}  # by the hour of the first row; the third has three rows

        with endpoint(lambda rows: wrong[rows[0].split(",")[0]]) as (url, _):
            done = self.run(repository, **aws(url))

        failed = re.findall(r"^FAILED .*test_every_row_gets_an_answer_that_makes_sense\[(.*?)\]", done.stdout, re.M)
        assert sorted(failed) == ["evening-weather.csv", "morning-rush.csv", "night.csv"]

    def test_they_fail_on_an_endpoint_that_answers_differently_each_time(self, repository):
        counter = iter(range(60, 90))

        with endpoint(lambda rows: "\n".join(str(next(counter)) for _ in rows)) as (url, _):
            done = self.run(repository, **aws(url))

        assert done.returncode == 1, done.stdout
        assert "test_the_same_request_gets_the_same_answer" in done.stdout


def aws(url: str) -> dict[str, str]:
    return {
        "STAGE": "staging",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@contextmanager
def endpoint(answer: Callable[[list[str]], str]) -> Iterator[tuple[str, list[str]]]:
    """Serve `answer` to every InvokeEndpoint; yield the address, and the paths that were asked for."""
    invoked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            invoked.append(self.path)
            rows = self.rfile.read(int(self.headers["Content-Length"])).decode().split()
            assert all(math.isfinite(float(cell)) for row in rows for cell in row.split(","))
            body = answer(rows).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/csv")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", invoked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
