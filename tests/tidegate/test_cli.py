"""The command line as people meet it: what is printed where, and the exit code."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
import typer

from tests.tidegate.answering import refusal
from tidegate.cli import commands
from tidegate.errors import TidegateError
from tidegate.registry import Live
from tidegate.verify import ConfigSeen, EndpointSeen, Evidence, Outcome, Verdict

ENDPOINT = (Path(__file__).parent / "stage" / "endpoint.yml").read_text()
PROD = """\
instances: {type: ml.m5.large, count: 4}
release:
  strategy: canary
  canary_size: 25%
  wait_interval: 10m
  rollback_on: [{metric: Invocation5XXErrors, above: 1%}]
"""
STAGING = "instances: {type: ml.m5.large, count: 1}\nrelease: {strategy: all_at_once}\n"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = "bikeshare-p-abc123def456"
KINDS = ("config.json", "release.json", "template.yaml")
ARN = f"arn:aws:sagemaker:eu-west-1:111122223333:model-package/{GROUP}"


@pytest.fixture
def repo(tmp_path, monkeypatch) -> Path:
    (tmp_path / "stages").mkdir()
    (tmp_path / "endpoint.yml").write_text(ENDPOINT)
    (tmp_path / "stages/prod.yml").write_text(PROD)
    (tmp_path / "stages/staging.yml").write_text(STAGING)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Registry:
    """The three versions of a group: 3 pending, 2 approved, 1 approved anew after it was rolled back."""

    def __init__(self) -> None:
        self.versions: dict[int, dict] = {
            1: {"ModelApprovalStatus": "Approved", "ModelLifeCycle": {"Stage": "prod", "StageStatus": "RolledBack"}},
            2: {"ModelApprovalStatus": "Approved"},
            3: {"ModelApprovalStatus": "PendingManualApproval"},
        }

    def _package(self, version: int) -> dict:
        return {
            "ModelPackageArn": f"{ARN}/{version}",
            "ModelPackageVersion": version,
            "ModelPackageStatus": "Completed",
            "CreationTime": datetime(2026, 1, version, tzinfo=UTC),
            **self.versions[version],
        }

    def get_paginator(self, operation: str):
        assert operation == "list_model_packages"
        return self

    def paginate(self, *, ModelPackageGroupName: str, **_: object):  # noqa: N803
        assert ModelPackageGroupName == GROUP
        yield {"ModelPackageSummaryList": [self._package(version) for version in sorted(self.versions, reverse=True)]}

    def describe_model_package(self, *, ModelPackageName: str) -> dict:  # noqa: N803
        return self._package(int(ModelPackageName.rpartition("/")[2]))

    def describe_endpoint(self, *, EndpointName: str) -> dict:  # noqa: N803
        raise refusal("ValidationException", f'Could not find endpoint "{EndpointName}".')


@pytest.fixture
def registry(monkeypatch) -> Registry:
    registry = Registry()
    monkeypatch.setattr("tidegate.aws.client", lambda service, region, role=None: registry)
    return registry


class TestValidate:
    def test_a_right_repository_is_told_what_its_releases_will_do(self, repo, tidegate):
        code, out, err = tidegate("validate")

        assert (code, err) == (0, "")
        assert "prod: 4 x ml.m5.large, a canary of 25% for 10m, then all traffic" in out
        assert "rolled back when Invocation5XXErrors (Average) is above 1% in 1 of 1 minutes" in out
        assert "staging: 1 x ml.m5.large, all traffic at once" in out
        assert "never rolled back: no rollback_on" in out

    def test_every_problem_goes_to_stderr_on_a_line_of_its_own(self, repo, tidegate):
        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))
        (repo / "stages/staging.yml").write_text("speed: fast\n" + STAGING)

        code, out, err = tidegate("validate")

        assert (code, out) == (1, "")
        first, line, mark, second, *_, count = err.splitlines()
        assert first.startswith("stages/prod.yml:4:16: a canary of 80% is too large; ")
        assert (line, mark) == ("     4 |   canary_size: 80%", "       |                ^")
        assert second.startswith("stages/staging.yml:1:1: `speed` is not known here; ")
        assert count == "2 problems in 2 files; nothing was done"

    def test_programs_get_one_document_either_way(self, repo, tidegate):
        code, out, _ = tidegate("validate", "--json")
        assert (code, [stage["name"] for stage in json.loads(out)["stages"]]) == (0, ["prod", "staging"])

        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))
        code, out, err = tidegate("validate", "--json")

        assert (code, err) == (1, "")
        (problem,) = json.loads(out)["problems"]
        assert (problem["file"], problem["line"], problem["column"]) == ("stages/prod.yml", 4, 16)
        assert problem["wrong"] == "a canary of 80% is too large"

    def test_another_folder_can_be_named(self, repo, tidegate, monkeypatch):
        monkeypatch.chdir("/")

        assert tidegate("validate", "--repo", str(repo))[0] == 0
        assert tidegate("validate")[0] == 1


class TestRender:
    def test_the_newest_approved_version_is_rendered_for_all_stages(self, repo, tidegate, registry):
        code, out, err = tidegate("render", "--all", "--out", "rendered")

        assert (code, err) == (0, "")
        assert f"version 2 of {GROUP}: {ARN}/2" in out
        assert sorted(path.name for path in (repo / "rendered").iterdir()) == [
            "pipeline.env",
            *(f"{stage}.{kind}" for stage in ("prod", "staging") for kind in KINDS),
        ]
        assert json.loads((repo / "rendered/prod.release.json").read_text())["model_package_arn"] == f"{ARN}/2"

    @pytest.mark.parametrize("wanted", ["1", f"{ARN}/1"])
    def test_an_older_version_can_be_named_if_it_is_approved(self, repo, tidegate, registry, wanted):
        code, _, _ = tidegate("render", "prod", "--model-package", wanted)

        assert code == 0
        assert json.loads((repo / "rendered/prod.release.json").read_text())["model_package_version"] == 1
        assert not (repo / "rendered/staging.release.json").exists()

    @pytest.mark.parametrize(
        ("wanted", "sentence"),
        [
            (
                "3",
                f"version 3 of model package group {GROUP} is pending; "
                "approve it in the model registry, or name another version",
            ),
            ("9", f"model package group {GROUP} has no version 9"),
            (
                "newest",
                "`newest` names no version; write `approved`, `live`, a number such as 3, or a model package's ARN",
            ),
        ],
    )
    def test_a_version_that_cannot_be_released_is_refused(self, repo, tidegate, registry, wanted, sentence):
        code, out, err = tidegate("render", "prod", "--model-package", wanted)

        assert (code, out, err.strip()) == (1, "", sentence)
        assert not (repo / "rendered").exists()

    def test_without_an_approved_version_there_is_a_sentence_and_no_file(self, repo, tidegate, registry):
        registry.versions = {}

        code, _, err = tidegate("render", "--all")

        assert code == 1
        assert "has no versions yet; run the model build pipeline first" in err
        assert not (repo / "rendered").exists()

    def test_before_anything_was_approved_a_pipeline_can_be_told_to_skip_all(self, repo, tidegate, registry):
        registry.versions = {3: {"ModelApprovalStatus": "PendingManualApproval"}}

        code, out, err = tidegate("render", "--all", "--allow-none")

        assert (code, err) == (0, "")
        assert "has no approved version (1 pending)" in out
        assert "No stage has an endpoint yet" in out
        assert [path.name for path in (repo / "rendered").iterdir()] == ["pipeline.env"]
        assert (repo / "rendered/pipeline.env").read_text().splitlines() == [
            f"{stage}_{variable}"
            for stage in ("PROD", "STAGING")
            for variable in ("APPROVAL=none", "TEST=no", "TEST_END=no", "RELEASE=no")
        ]

    def test_where_nothing_was_rendered_there_is_no_plan_to_publish(self, repo, tidegate, registry):
        registry.versions = {}
        tidegate("render", "--all", "--allow-none")

        code, out, err = tidegate("plan", "--all", "--publish")

        assert (code, err) == (0, "")
        assert out == "rendered holds no release of any stage, so there is nothing to plan\n"

    @pytest.mark.parametrize("live", ["staging", "prod"])
    def test_where_an_endpoint_serves_having_nothing_approved_is_an_error_all_the_same(
        self, repo, tidegate, registry, monkeypatch, live
    ):
        registry.versions = {2: {"ModelApprovalStatus": "Rejected"}}

        monkeypatch.setattr(
            "tidegate.render.situation.read_live",
            lambda _, name: Live(name, "Creating", "config", "", ()) if name.endswith(live) else None,
        )

        code, _, err = tidegate("render", "--all", "--allow-none")

        assert code == 1
        assert "has no approved version (1 rejected)" in err
        assert not (repo / "rendered").exists()

    @pytest.mark.parametrize("arguments", [("prod",), ("--all", "--model-package", "2")])
    def test_allowing_none_is_of_all_stages_and_of_no_version(self, repo, tidegate, registry, arguments):
        code, _, err = tidegate("render", *arguments, "--allow-none")

        assert code == 2
        assert "--allow-none" in err

    def test_one_wrong_file_and_nothing_is_rendered(self, repo, tidegate, registry):
        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))

        code, _, err = tidegate("render", "staging")

        assert code == 1
        assert "stages/prod.yml:4:16" in err
        assert not (repo / "rendered").exists()

    @pytest.mark.parametrize("arguments", [(), ("prod", "--all")])
    def test_one_stage_or_all(self, repo, tidegate, arguments):
        code, _, err = tidegate("render", *arguments)

        assert code == 2
        assert "name one stage, or give --all" in err

    def test_what_aws_refuses_is_a_sentence(self, repo, tidegate, monkeypatch):
        from botocore.exceptions import NoCredentialsError

        def refuse(service, region, role=None):
            raise NoCredentialsError

        monkeypatch.setattr("tidegate.aws.client", refuse)

        code, _, err = tidegate("render", "prod")

        assert (code, err) == (1, "AWS did not do what was asked: Unable to locate credentials\n")

    def test_a_folder_that_cannot_be_written_is_a_sentence(self, repo, tidegate, registry):
        (repo / "rendered").write_text("a file")

        code, _, err = tidegate("render", "prod")

        assert code == 1
        assert err.startswith("rendered: ")


class TestVerify:
    def test_what_was_not_rendered_cannot_be_verified(self, repo, tidegate):
        code, _, err = tidegate("verify", "prod", "--rendered", "rendered")

        assert code == 1
        assert "render the stage first: tidegate render prod --out rendered" in err

    def test_a_pipeline_and_its_execution_belong_together(self, repo, tidegate):
        code, _, err = tidegate("verify", "prod", "--pipeline", "deploy")

        assert code == 2
        assert "--pipeline and --execution belong together" in err

    @pytest.fixture
    def verified(self, repo, tidegate, registry, monkeypatch):
        """Render prod, then verify it with a verdict that is given."""
        assert tidegate("render", "prod")[0] == 0

        def run(outcome: Outcome | None, *arguments: str) -> tuple[int, str, str]:
            def judged(asked, clients, clock, *, deployment, progress, evidence, resume):
                progress(f"followed {deployment}{f', going on from {evidence}' if resume else ''}")
                if outcome is None:
                    raise KeyboardInterrupt
                live = ConfigSeen("config-1", "0123456789abcdef", f"{ARN}/1")
                return Verdict(
                    outcome, "this is why", Evidence(asked, EndpointSeen("InService", live, NOW, NOW)), ("so",)
                )

            monkeypatch.setattr("tidegate.verify.verify_release", judged)
            monkeypatch.setattr("tidegate.verify.aws_clients", lambda asked: None)
            return tidegate("verify", "prod", *arguments)

        return run

    @pytest.mark.parametrize("outcome", Outcome)
    def test_the_outcome_comes_last_and_is_the_exit_code(self, verified, outcome):
        code, out, err = verified(outcome, "--pipeline", "p", "--execution", "e")

        assert code == outcome.exit_code
        assert out.splitlines()[-1] == f"{outcome}: this is why"
        assert "live: version 1 (config-1), release 0123456789abcdef, endpoint InService" in out
        assert err == "followed Deployment(pipeline='p', execution='e', action='Deploy')\n"

    def test_the_verdict_is_printed_as_json(self, verified):
        code, out, _ = verified(Outcome.ROLLED_BACK, "--json")

        assert code == 3
        assert (json.loads(out)["schema"], json.loads(out)["outcome"]) == ("tidegate.evidence/1", "ROLLED_BACK")

    def test_an_interrupted_verify_says_how_to_go_on(self, verified):
        code, out, err = verified(None, "--evidence", "prod.json", "--resume")

        assert (code, out) == (130, "")
        assert "followed None, going on from prod.json" in err
        assert "interrupted: the release goes on by itself" in err
        assert "what was seen is in prod.json; give --resume to go on from it" in err

    @pytest.mark.parametrize("outcome", [Outcome.PROMOTED, Outcome.ROLLED_BACK])
    def test_the_evidence_is_published_whatever_the_outcome(self, verified, registry, outcome):
        put = []
        registry.put_object = lambda **request: put.append(request)

        code, out, err = verified(outcome, "--publish", "--pipeline", "p", "--execution", "0123-4567")

        [request] = put
        assert (code, out.splitlines()[-1]) == (outcome.exit_code, f"{outcome}: this is why")
        assert f"the evidence: s3://{request['Bucket']}/evidence/prod/0123-4567.json" in err
        assert request["Key"] == "evidence/prod/0123-4567.json"
        assert request["ServerSideEncryption"] == "aws:kms"
        assert json.loads(request["Body"])["outcome"] == outcome

    def test_evidence_that_cannot_be_published_changes_no_verdict(self, verified, registry):
        def put_object(**_: object) -> None:
            raise refusal("AccessDenied", "not authorised")

        registry.put_object = put_object

        code, out, err = verified(Outcome.PROMOTED, "--publish")

        assert (code, out.splitlines()[-1]) == (0, "PROMOTED: this is why")
        assert "the evidence could not be published: " in err
        assert "not authorised" in err

    def test_resuming_needs_evidence_to_go_on_from(self, verified):
        code, _, err = verified(Outcome.PROMOTED, "--resume")

        assert code == 2
        assert "--resume needs the --evidence to go on from" in err

    def test_a_phase_that_there_is_not_is_wrong_usage(self, verified):
        code, _, err = verified(Outcome.PROMOTED, "--phase", "canary")

        assert code == 2
        assert "`canary` is none of release, test, live" in err


class TestHelp:
    def test_says_of_every_command_all_of_what_it_is_for(self, tidegate):
        code, out, _ = tidegate("--help")

        assert code == 0
        assert all(f"\n  {name} " in out for name in commands.OWN)
        assert "exit 1 with file:line:column of all that is wrong." in " ".join(out.split())
        assert "..." not in out.partition("Commands:")[2]


class TestExtensions:
    @pytest.fixture
    def add(self, monkeypatch):
        def add(value: str) -> None:
            entry = EntryPoint("extra", value, commands.GROUP)
            monkeypatch.setattr(commands, "_extensions", lambda: EntryPoints([entry]))

        return add

    def test_a_command_of_another_package_is_called(self, tidegate, add, monkeypatch):
        app = typer.Typer()

        @app.command()
        def hello(name: str) -> None:
            raise TidegateError(f"no, {name}")

        monkeypatch.setattr(sys.modules[__name__], "extra_app", app, raising=False)
        add(f"{__name__}:extra_app")

        assert tidegate("extra", "you") == (1, "", "no, you\n")
        assert "extra" in tidegate("--help")[1]

    def test_a_command_that_is_not_installed_completely_says_so(self, tidegate, add):
        add("a_package_that_is_not_there:app")

        code, _, err = tidegate("extra", "up", "--port", "1")

        assert code == 1
        assert "`tidegate extra` cannot run: No module named 'a_package_that_is_not_there'" in err
        assert "extra" in tidegate("--help")[1]

    def test_own_commands_do_not_look_for_others(self, repo, tidegate, monkeypatch):
        monkeypatch.setattr(commands, "_extensions", lambda: pytest.fail("looked for extensions"))

        assert tidegate("validate")[0] == 0


def test_a_command_that_is_not_there_is_wrong_usage(tidegate):
    code, _, err = tidegate("frobnicate")

    assert code == 2
    assert "No such command 'frobnicate'" in err


def test_the_version_is_that_of_the_distribution(tidegate):
    from importlib.metadata import version

    assert tidegate("--version") == (0, f"tidegate {version('tidegate')}\n", "")


def test_validating_imports_neither_aws_nor_what_others_add(repo):
    heavy = ("boto3", "botocore", "jinja2", "rich", "tidegate_sandbox", "tidegate.render")
    code = f"""
import sys
from tidegate.cli import main
sys.argv = ["tidegate", "validate"]
try:
    main()
except SystemExit as exit_:
    assert not exit_.code
print([name for name in {heavy!r} if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=repo)

    assert run.stdout.splitlines()[-1] == "[]"
