"""`tidegate plan` as people and the pipeline call it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tidegate.answering import answering, refusal
from tests.tidegate.plan.situations import ENDPOINT, GROUP, PACKAGE
from tests.tidegate.small_registry import SmallRegistry
from tidegate.plan import console_address
from tidegate.plan.publish import tell_pipeline

ENDPOINT_FILE = (Path(__file__).parents[1] / "stage" / "endpoint.yml").read_text()
PROD = """\
instances: {type: ml.m5.large, count: 4}
expect: {requests_per_minute: 6000, notice: 1%}
release:
  strategy: canary
  canary_size: 25%
  wait_interval: 10m
  rollback_on: [{metric: Invocation5XXErrors, above: 1%}]
"""
STAGING = "instances: {type: ml.m5.large, count: 1}\nrelease: {strategy: all_at_once}\n"


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    (tmp_path / "stages").mkdir()
    (tmp_path / "endpoint.yml").write_text(ENDPOINT_FILE)
    (tmp_path / "stages/prod.yml").write_text(PROD)
    (tmp_path / "stages/staging.yml").write_text(STAGING)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Aws:
    """Version 1 of the model is approved; there are no endpoints and no prices. What was asked is kept."""

    def __init__(self) -> None:
        self.registry = SmallRegistry("Approved", group=GROUP)
        self.clients: list[tuple[str, str]] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []

    def client(self, service: str, region: str, role: str | None = None) -> Any:
        self.clients.append((service, region))
        handlers = {
            "sagemaker": {**self.registry.handlers, "DescribeEndpoint": self.describe_endpoint},
            "pricing": {"GetProducts": lambda **_: {"PriceList": []}},
            "s3": {"PutObject": self.put_object},
        }[service]
        return answering(service, {name: self.noted(name, handlers[name]) for name in handlers}, region)

    def noted(self, name: str, handler: Any) -> Any:
        def handle(**parameters: Any) -> Any:
            self.calls.append(name)
            return handler(**parameters)

        return handle

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803
        raise refusal("ValidationException", f'Could not find endpoint "{EndpointName}".')

    def put_object(self, **parameters: Any) -> dict[str, Any]:
        self.objects[parameters["Key"]] = parameters
        return {}


@pytest.fixture
def aws(monkeypatch) -> Aws:
    aws = Aws()
    monkeypatch.setattr("tidegate.aws.client", aws.client)
    return aws


def deny(aws: Aws, operation: str) -> None:
    def denied(**_: Any) -> Any:
        raise refusal("AccessDeniedException", f"not authorized to perform: sagemaker:{operation}")

    if operation == "DescribeEndpoint":
        aws.describe_endpoint = denied  # type: ignore[method-assign]
    else:
        aws.registry.list_model_packages = denied  # type: ignore[method-assign]


class TestPlan:
    def test_says_what_a_release_of_the_approved_version_will_do(self, repository, aws, tidegate):
        code, out, err = tidegate("plan", "prod")

        assert (code, err) == (0, "")
        assert out.startswith("prod: first release, version 1\n")
        assert "A canary of 25% bakes for 10m" in out
        assert "\x1b" not in out
        assert max(map(len, out.splitlines())) <= 100

    def test_of_all_stages_asks_equal_questions_once(self, repository, aws, tidegate):
        code, out, _ = tidegate("plan", "--all")

        assert code == 0
        assert "prod: first release" in out
        assert "staging: first release" in out
        assert aws.calls.count("GetProducts") == 1
        assert len(aws.clients) == len(set(aws.clients))

    def test_of_a_price_in_the_file_asks_for_none(self, repository, aws, tidegate):
        (repository / "stages/prod.yml").write_text(PROD.replace("count: 4", "count: 4, price_per_hour: 0.134 EUR"))
        _, out, _ = tidegate("plan", "prod")

        assert "0.134 EUR an hour" in out
        assert "pricing" not in {service for service, _ in aws.clients}

    def test_gives_programs_one_document_with_a_stage_or_with_all(self, repository, aws, tidegate):
        one = json.loads(tidegate("plan", "prod", "--json")[1])
        every = json.loads(tidegate("plan", "--all", "--json")[1])

        assert (one["stage"], one["kind"], one["model"]["after"]["version"]) == ("prod", "first_release", 1)
        assert [plan["stage"] for plan in every["plans"]] == ["prod", "staging"]
        assert every["plans"][0].keys() == one.keys()

    def test_writes_the_page_of_a_stage_where_it_is_told_to(self, repository, aws, tidegate):
        code, out, _ = tidegate("plan", "prod", "--html", "out/plan.html")

        assert code == 0
        assert "<h1>prod: first release, version 1</h1>" in (repository / "out/plan.html").read_text()
        assert out.startswith("prod: first release")

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("prod", "--all"),
            ("--all", "--html", "plan.html"),
            ("--all", "--publish", "--offline"),
            ("prod", "--publish", "--model-package", "1"),
            ("prod", "--offline", "--model-package", "1"),
        ],
    )
    def test_refuses_options_that_do_not_go_together(self, repository, tidegate, arguments):
        assert tidegate("plan", *arguments)[0] == 2

    def test_of_a_stage_that_is_not_there_names_those_that_are(self, repository, tidegate):
        code, out, err = tidegate("plan", "production")
        assert (code, out) == (1, "")
        assert "prod, staging" in err

    def test_of_files_that_are_wrong_says_so_and_plans_nothing(self, repository, tidegate):
        (repository / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))
        code, out, err = tidegate("plan", "prod")
        assert (code, out) == (1, "")
        assert "a canary of 80% is too large" in err

    def test_warnings_are_errors_only_where_that_is_asked_for(self, repository, aws, tidegate):
        assert tidegate("plan", "staging")[0] == 0
        code, out, err = tidegate("plan", "staging", "--strict")
        assert code == 1
        assert "! Nothing rolls this release back" in out
        assert "--strict" in err
        assert tidegate("plan", "prod", "--strict")[0] == 0


class TestWhatCannotBeRead:
    def test_a_registry_is_said_and_the_plan_goes_on(self, repository, aws, tidegate):
        deny(aws, "ListModelPackages")
        code, out, _ = tidegate("plan", "prod")
        assert code == 0
        assert "sagemaker:ListModelPackages" in out
        assert "A canary of 25% bakes for 10m" in out

    def test_an_endpoint_is_said_and_is_not_taken_for_none(self, repository, aws, tidegate):
        deny(aws, "DescribeEndpoint")
        plan = json.loads(tidegate("plan", "prod", "--json")[1])
        assert (plan["kind"], plan["model"]["after"]["version"]) == ("unknown", 1)
        assert any("sagemaker:DescribeEndpoint" in remark["sentence"] for remark in plan["remarks"])

    def test_a_version_that_somebody_names_must_be_there(self, repository, aws, tidegate):
        code, out, err = tidegate("plan", "prod", "--model-package", "9")
        assert (code, out) == (1, "")
        assert "no version 9" in err


class TestOffline:
    def test_makes_no_client(self, repository, monkeypatch, tidegate):
        def no_client(service: str, region: str | None = None) -> Any:
            raise AssertionError(f"asked for {service}")

        monkeypatch.setattr("tidegate.aws.client", no_client)
        code, out, _ = tidegate("plan", "--all", "--offline")
        assert code == 0
        assert "AWS was not asked (--offline)" in " ".join(out.split())

    def test_knows_a_version_that_the_file_names(self, repository, tidegate):
        (repository / "stages/prod.yml").write_text(f"version: 7\n{PROD}")
        plan = json.loads(tidegate("plan", "prod", "--offline", "--json")[1])
        assert plan["model"]["after"] == {"version": 7, "arn": None}
        assert "version-unread" not in {remark["name"] for remark in plan["remarks"]}

    def test_does_not_even_load_what_makes_one(self, repository):
        program = (
            "import sys; sys.argv = ['tidegate', 'plan', '--all', '--offline']\n"
            "from tidegate.cli import main\n"
            "try: main()\n"
            "except SystemExit as end: assert not end.code, end.code\n"
            "assert not {'boto3', 'botocore', 'urllib3'} & sys.modules.keys()"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "█" in done.stdout or "#" in done.stdout


class TestPublish:
    def test_puts_the_page_of_what_was_rendered_where_whoever_approves_finds_it(self, repository, aws, tidegate):
        tidegate("render", "--all")
        release_id = json.loads((repository / "rendered/prod.release.json").read_text())["release_id"]
        aws.calls.clear()

        code, _, _ = tidegate("plan", "--all", "--publish", "--out", "rendered")

        assert code == 0
        assert "ListModelPackages" not in aws.calls
        key = f"plans/prod/{release_id}.html"
        put = aws.objects[key]
        assert (put["ContentType"], put["ServerSideEncryption"]) == ("text/html; charset=utf-8", "aws:kms")
        assert put["SSEKMSKeyId"].startswith("arn:aws:kms:")
        page = (repository / "rendered/prod.plan.html").read_text()
        assert put["Body"].decode() == page
        assert f"release {release_id}" in page
        assert len(aws.objects) == 2

    def test_tells_the_pipeline_its_address_in_a_line_that_a_shell_can_read(self, repository, aws, tidegate):
        tidegate("render", "--all")
        before = (repository / "rendered/pipeline.env").read_text().splitlines()
        tidegate("plan", "--all", "--publish")
        tidegate("plan", "--all", "--publish")

        lines = (repository / "rendered/pipeline.env").read_text().splitlines()
        assert lines[: len(before)] == before
        assert [line.partition("=")[0] for line in lines[len(before) :]] == ["PROD_PLAN_URL", "STAGING_PLAN_URL"]
        script = 'set -aeu; . rendered/pipeline.env; printf %s "$PROD_PLAN_URL"'
        read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert read.stdout == lines[len(before)].partition("=")[2]
        assert read.stdout.startswith("https://eu-west-1.console.aws.amazon.com/s3/object/")

    def test_of_what_was_not_rendered_says_to_render_it_first(self, repository, aws, tidegate):
        code, _, err = tidegate("plan", "prod", "--publish")
        assert code == 1
        assert "render the stage first" in err
        assert aws.objects == {}

    def test_that_is_refused_is_an_error(self, repository, aws, tidegate):
        tidegate("render", "--all")

        def denied(**_: Any) -> Any:
            raise refusal("AccessDenied", "not authorized to perform: s3:PutObject", "PutObject")

        aws.put_object = denied  # type: ignore[method-assign]
        code, _, err = tidegate("plan", "--all", "--publish")
        assert code == 1
        assert "s3:PutObject" in err


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-west-1", "https://eu-west-1.console.aws.amazon.com/s3/object/b?prefix=plans%2Fprod%2Fa.html"),
        ("cn-north-1", "https://console.amazonaws.cn/s3/object/b?prefix=plans%2Fprod%2Fa.html"),
        ("us-gov-west-1", "https://console.amazonaws-us-gov.com/s3/object/b?prefix=plans%2Fprod%2Fa.html"),
    ],
)
def test_each_partition_has_a_console_of_its_own(region, address):
    assert console_address(region, "b", "plans/prod/a.html") == address


def test_an_address_takes_the_place_of_the_one_before(tmp_path):
    (tmp_path / "pipeline.env").write_text("PROD_PLAN_URL=old\nPROD_APPROVAL=manual\n")
    tell_pipeline(tmp_path, {"prod": "https://new"})
    assert (tmp_path / "pipeline.env").read_text() == "PROD_APPROVAL=manual\nPROD_PLAN_URL=https://new\n"


def test_the_names_used_here_are_those_of_the_repository():
    assert (ENDPOINT, PACKAGE.rpartition("/")[2]) == (f"{GROUP}-prod", GROUP)
