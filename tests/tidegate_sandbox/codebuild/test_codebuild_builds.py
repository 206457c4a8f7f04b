"""Builds as CodeBuild runs them, started and read through boto3."""

import hashlib
import io
import json
import re
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "computeType": "BUILD_GENERAL1_SMALL",
}
ROLE = "arn:aws:iam::111122223333:role/build"


def unique(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:8]}"


def buildspec(**parts: Any) -> str:
    return json.dumps({"version": "0.2", **parts})


def commands(*build: str, **parts: Any) -> str:
    return buildspec(phases={"build": {"commands": list(build)}}, **parts)


class Builds:
    """Makes projects and runs builds on the sandbox."""

    def __init__(self, sandbox: Any, eventually: Callable[..., Any]) -> None:
        self.sandbox, self._eventually = sandbox, eventually
        self.client = sandbox.client("codebuild")

    def project(self, spec: str, **given: Any) -> str:
        source = given.pop("source", {"type": "NO_SOURCE"}) | {"buildspec": spec}
        parameters = {
            "name": unique("project"),
            "source": source,
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": ENVIRONMENT,
            "serviceRole": ROLE,
        }
        return str(self.client.create_project(**{**parameters, **given})["project"]["name"])

    def read(self, build_id: str) -> dict[str, Any]:
        return dict(self.client.batch_get_builds(ids=[build_id])["builds"][0])

    def finished(self, build_id: str, within: float = 40) -> dict[str, Any]:
        def done() -> Any:
            build = self.read(build_id)
            return build if build["buildComplete"] else None

        return dict(self._eventually(done, within))

    def run(self, spec: str, start: dict[str, Any] | None = None, **project: Any) -> dict[str, Any]:
        name = self.project(spec, **project)
        return self.finished(self.client.start_build(projectName=name, **(start or {}))["build"]["id"])

    def log(self, build: dict[str, Any]) -> str:
        logs = self.sandbox.client("logs")
        where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
        return "".join(event["message"] for event in logs.get_log_events(**where, startFromHead=True)["events"])


@pytest.fixture
def builds(sandbox: Any, eventually: Callable[..., Any]) -> Builds:
    return Builds(sandbox, eventually)


@pytest.fixture
def bucket(sandbox: Any) -> str:
    name = unique("bucket")
    sandbox.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    return name


def phases(build: dict[str, Any]) -> dict[str, str]:
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def test_a_build_runs_its_phases_in_order_and_says_so(builds: Builds) -> None:
    spec = {name: {"commands": [f"echo in-{name}"]} for name in ("post_build", "build", "install", "pre_build")}

    build = builds.run(buildspec(phases=spec))

    assert build["buildStatus"] == "SUCCEEDED"
    assert build["currentPhase"] == "COMPLETED"
    assert list(phases(build)) == [
        *("SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE"),
        *("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"),
    ]
    said = builds.log(build)
    places = [said.index(f"\nin-{name}") for name in ("install", "pre_build", "build", "post_build")]
    assert places == sorted(places)
    assert Path(build["logs"]["deepLink"].removeprefix("file://")).read_text() == said


def test_state_lasts_from_phase_to_phase(builds: Builds) -> None:
    spec = {
        "install": {"commands": ["mkdir sub", "cd sub", "export WORD=hello"]},
        "build": {"commands": ['test "$WORD" = hello', 'test "$PWD" = "$CODEBUILD_SRC_DIR/sub"']},
    }

    assert builds.run(buildspec(phases=spec))["buildStatus"] == "SUCCEEDED"


def test_a_failing_command_is_named_with_its_status_and_ends_its_phase(builds: Builds) -> None:
    spec = {
        "build": {"commands": ["true", "sh -c 'exit 3'", "echo never"], "finally": ["echo finally"]},
        "post_build": {"commands": ['echo "succeeding=$CODEBUILD_BUILD_SUCCEEDING"']},
    }

    build = builds.run(buildspec(phases=spec))

    assert build["buildStatus"] == "FAILED"
    failed = next(phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED")
    assert failed["phaseType"] == "BUILD"
    assert failed["contexts"] == [
        {
            "statusCode": "COMMAND_EXECUTION_ERROR",
            "message": "Error while executing command: sh -c 'exit 3'. Reason: exit status 3",
        }
    ]
    said = builds.log(build)
    assert "\nnever" not in said
    assert "\nfinally\n" in said
    assert "\nsucceeding=0\n" in said, "post_build runs after a failed build"


@pytest.mark.parametrize(
    ("failing", "on_failure", "next_runs"),
    [
        ("install", None, False),
        ("install", "CONTINUE", True),
        ("pre_build", None, False),
        ("build", None, True),
        ("build", "ABORT", False),
    ],
)
def test_what_runs_after_a_failed_phase(builds: Builds, failing: str, on_failure: str | None, next_runs: bool) -> None:
    order = ["install", "pre_build", "build", "post_build"]
    phase = {"commands": ["false"]} | ({"on-failure": on_failure} if on_failure else {})
    following = order[order.index(failing) + 1]

    build = builds.run(buildspec(phases={failing: phase, following: {"commands": ["true"]}}))

    assert build["buildStatus"] == "FAILED"
    assert (following.upper() in phases(build)) == next_runs


def test_variables_of_start_win_over_the_project_s_and_those_over_the_buildspec_s(sandbox: Any, builds: Builds) -> None:
    parameter = f"/{unique('parameter')}"
    sandbox.client("ssm").put_parameter(Name=parameter, Value="stored", Type="SecureString")
    spec = commands(
        'echo "=$A $B $C $D $E="',
        env={"variables": {"A": "spec", "B": "spec", "C": "spec"}, "parameter-store": {"D": parameter}},
    )
    project = [
        {"name": "B", "value": "project"},
        {"name": "C", "value": "project"},
        {"name": "E", "value": parameter, "type": "PARAMETER_STORE"},
    ]
    start = {"environmentVariablesOverride": [{"name": "C", "value": "start"}]}

    build = builds.run(spec, start, environment={**ENVIRONMENT, "environmentVariables": project})

    assert "\n=spec project start *** ***=\n" in builds.log(build), "what is stored is hidden"
    told = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}
    assert told["E"] == parameter, "what is stored is not told"


def test_a_parameter_that_is_not_stored_fails_the_build_by_name(builds: Builds) -> None:
    build = builds.run(commands("true", env={"parameter-store": {"A": "/absent"}}))

    [failed] = [one for one in build["phases"] if one.get("phaseStatus") == "FAILED"]
    assert failed["phaseType"] == "DOWNLOAD_SOURCE"
    assert failed["contexts"] == [
        {"statusCode": "Decrypted Variables Error", "message": "parameter does not exist: /absent"}
    ]


def test_secrets_are_had_by_key_and_stage_and_hidden_in_the_log(sandbox: Any, builds: Builds) -> None:
    name = unique("secret")
    manager = sandbox.client("secretsmanager")
    made = manager.create_secret(Name=name, SecretString=json.dumps({"user": "admin", "word": "sesame-1"}))
    manager.put_secret_value(SecretId=name, SecretString=json.dumps({"user": "admin", "word": "sesame-2"}))
    spec = commands(
        'test "$NOW $BEFORE $WHOLE" = "sesame-2 sesame-1 $PLAIN"',
        'echo "now=$NOW before=$BEFORE, $OF_PROJECT"',
        'printf "no line end: $NOW"',
        env={
            "variables": {"PLAIN": json.dumps({"user": "admin", "word": "sesame-2"})},
            "secrets-manager": {
                "NOW": f"{made['ARN']}:word",
                "BEFORE": f"{name}:word:AWSPREVIOUS",
                "WHOLE": name,
            },
            "exported-variables": ["OF_PROJECT", "BEFORE"],
        },
    )
    project = [{"name": "OF_PROJECT", "value": f"{name}:word", "type": "SECRETS_MANAGER"}]

    build = builds.run(spec, environment={**ENVIRONMENT, "environmentVariables": project})

    said = builds.log(build)
    assert build["buildStatus"] == "SUCCEEDED", said
    assert "now=*** before=***, ***\n" in said
    assert "no line end: ***" in said
    assert "sesame" not in said
    assert [one["name"] for one in build["exportedEnvironmentVariables"]] == ["BEFORE"]


def test_a_secret_that_is_not_there_fails_the_download(builds: Builds) -> None:
    build = builds.run(commands("true", env={"secrets-manager": {"A": "absent"}}))

    [failed] = [one for one in build["phases"] if one.get("phaseStatus") == "FAILED"]
    assert failed["phaseType"] == "DOWNLOAD_SOURCE"
    assert failed["contexts"][0]["statusCode"] == "Secrets Manager Error"
    assert failed["contexts"][0]["message"].startswith("ResourceNotFoundException: Secrets Manager can't find")


def test_a_build_that_failed_is_retried_as_often_as_its_phase_says(
    builds: Builds, eventually: Callable[..., Any]
) -> None:
    phase = {"commands": ["echo tried", "exit 3"], "on-failure": "RETRY-1-.*exit status 3"}
    first = builds.run(buildspec(phases={"build": phase}))
    first = eventually(lambda: (now := builds.read(first["id"]))["autoRetryConfig"].get("nextAutoRetry") and now)

    second = builds.finished(first["autoRetryConfig"]["nextAutoRetry"])

    assert second["autoRetryConfig"] == {
        "autoRetryLimit": 1,
        "autoRetryNumber": 1,
        "previousAutoRetry": first["arn"],
    }
    assert len(builds.client.list_builds_for_project(projectName=first["projectName"])["ids"]) == 2

    asked = builds.client.retry_build(id=first["id"])["build"]
    assert builds.finished(asked["id"])["buildStatus"] == "FAILED"


def test_reports_are_made_of_what_the_tests_left(builds: Builds) -> None:
    failing = '<testcase name="two"><failure message="no"/></testcase>'
    raw = f'<testsuite name="unit"><testcase name="one"/>{failing}</testsuite>'
    covered = json.dumps({"tests": {"coverage": {"b.rb": {"lines": [1, 0, 0, 0]}, "a.rb": {"lines": [1, None, 1]}}}})
    spec = commands(
        f"mkdir out && echo '{raw}' > out/unit.xml",
        f"echo '{covered}' > coverage.json",
        reports={
            "coverage": {"files": ["coverage.json"], "file-format": "SIMPLECOV"},
            "unit": {"files": ["*.xml"], "base-directory": "out"},
            "none": {"files": ["*.json"], "file-format": "CUCUMBERJSON"},
        },
    )

    build = builds.run(spec)

    assert build["buildStatus"] == "SUCCEEDED", "a report of a failed test fails no build"
    covers, arn = build["reportArns"]
    [report] = builds.client.batch_get_reports(reportArns=[arn])["reports"]
    assert (report["status"], report["executionId"]) == ("FAILED", build["arn"])
    assert report["testSummary"]["statusCounts"] == {"SUCCEEDED": 1, "FAILED": 1}
    group = report["reportGroupArn"]
    assert group.endswith(f":report-group/{build['projectName']}-unit")
    assert builds.client.list_reports_for_report_group(reportGroupArn=group)["reports"] == [arn]
    [failed] = builds.client.describe_test_cases(reportArn=arn, filter={"status": "FAILED"})["testCases"]
    assert (failed["name"], failed["message"]) == ("two", "no")
    assert "No report of none was made" in builds.log(build)
    [report] = builds.client.batch_get_reports(reportArns=[covers])["reports"]
    assert (report["type"], report["status"]) == ("CODE_COVERAGE", "SUCCEEDED")
    summary = report["codeCoverageSummary"]
    assert (summary["linesCovered"], summary["linesMissed"], summary["lineCoveragePercentage"]) == (3, 3, 50.0)

    def paths(**asked: Any) -> list[str]:
        told = builds.client.describe_code_coverages(reportArn=covers, **asked)["codeCoverages"]
        return [one["filePath"] for one in told]

    assert paths() == ["a.rb", "b.rb"]
    assert paths(sortBy="LINE_COVERAGE_PERCENTAGE") == ["b.rb", "a.rb"]
    assert paths(sortOrder="DESCENDING", maxResults=1) == ["b.rb"]
    assert paths(minLineCoveragePercentage=30) == ["a.rb"]
    assert paths(maxLineCoveragePercentage=30) == ["b.rb"]
    with pytest.raises(ClientError, match="export of reports to S3 is not in the local simulation"):
        builds.client.create_report_group(
            name="kept", type="CODE_COVERAGE", exportConfig={"exportConfigType": "S3", "s3Destination": {}}
        )


@pytest.mark.parametrize("kind", ["LOCAL", "S3"])
def test_a_cache_keeps_its_paths_for_the_next_build_of_the_project(builds: Builds, bucket: str, kind: str) -> None:
    spec = commands(
        "echo found=$(cat made/it ~/kept/it 2>/dev/null | tr '\\n' ' ')",
        "mkdir -p made ~/kept && echo one > made/it && echo two > ~/kept/it",
        cache={"paths": ["made/**/*", "/root/kept/**/*", "/root/.cache/uv/**/*", "/var/lib/x/**/*"]},
    )
    cache = {"type": kind} | ({"modes": ["LOCAL_CUSTOM_CACHE"]} if kind == "LOCAL" else {"location": f"{bucket}/kept"})
    first = builds.run(spec, cache=cache)
    again = builds.client.start_build(projectName=first["projectName"])["build"]["id"]

    assert "\nfound=\n" in builds.log(first)
    assert "\nfound=one two\n" in builds.log(builds.finished(again))


def test_exported_variables_are_told(builds: Builds) -> None:
    spec = commands("export RELEASE='a b'", "SET=1", env={"exported-variables": ["RELEASE", "SET", "ABSENT"]})

    build = builds.run(spec)

    exported = {one["name"]: one["value"] for one in build["exportedEnvironmentVariables"]}
    assert exported == {"RELEASE": "a b", "SET": "1", "ABSENT": ""}


def test_a_build_sees_a_python_of_its_own_an_empty_home_and_only_this_aws(sandbox: Any, builds: Builds) -> None:
    spec = commands(
        'test "$(command -v python)" = "$(command -v python3 | sed s/3$//)"',
        "python -c 'import sys; assert sys.prefix != sys.base_prefix, sys.prefix'",
        "! python -c 'import tidegate_sandbox' 2>/dev/null",
        "python -m pip --version && pip --version",
        'test -z "$(git config --global user.name)"',
        'test "$(ls "$HOME")" = ""',
        'echo "aws=$AWS_ENDPOINT_URL $AWS_DEFAULT_REGION ${AWS_ACCESS_KEY_ID%%????????????????}"',
        'echo "id=$CODEBUILD_BUILD_ID number=$CODEBUILD_BUILD_NUMBER initiator=$CODEBUILD_INITIATOR"',
    )

    build = builds.run(spec)

    said = builds.log(build)
    assert build["buildStatus"] == "SUCCEEDED", said
    assert f"aws={sandbox.url} eu-west-1 ASIA" in said
    assert f"id={build['id']} number=1 initiator=" in said


def test_a_build_has_boto3_yaml_and_the_aws_command_as_the_images_of_codebuild(sandbox: Any, builds: Builds) -> None:
    spec = commands(
        'python -c \'import boto3, yaml; print(boto3.client("sts").get_caller_identity()["Arn"], boto3.__version__)\'',
        "aws sts get-caller-identity --query Arn --output text",
        # A Python without awscli, and no other command on the PATH, are what it meets on a machine that has none.
        'status=0; PATH= "$(command -v python)" -EP "$(command -v aws)" --version || status=$?; echo "none=$status"',
    )

    build = builds.run(spec)

    said = builds.log(build)
    assert build["buildStatus"] == "SUCCEEDED", said
    session = f"{ROLE.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/AWSCodeBuild-"
    assert len(re.findall(rf"^{session}\S+ {boto3.__version__}$", said, re.MULTILINE)) == 1, said
    assert len(re.findall(rf"^{session}\S+$", said, re.MULTILINE)) == 1, said
    assert "aws: CodeBuild's images have the AWS CLI, and this machine has none." in said
    assert "none=127" in said


def test_what_a_build_locks_goes_before_what_its_image_has(sandbox: Any, builds: Builds, bucket: str) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("boto3/__init__.py", "__version__ = '1.0'")
        archive.writestr("boto3-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: boto3\nVersion: 1.0\n")
        archive.writestr("boto3-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("boto3-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.getvalue()).hexdigest()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("boto3-1.0-py3-none-any.whl", wheel.getvalue())
        archive.writestr("requirements.txt", f"boto3==1.0 --hash=sha256:{digest}")
    sandbox.client("s3").put_object(Bucket=bucket, Key="source.zip", Body=packed.getvalue())
    spec = commands(
        "python -c 'import boto3.session'",
        "pip install --quiet --no-index --find-links . --require-hashes -r requirements.txt",
        "python -c 'import boto3; print(boto3.__version__)'",
        'python -c \'from importlib.metadata import version; assert version("boto3") == "1.0"\'',
        "! python -c 'import boto3.session' 2> /dev/null",
    )

    build = builds.run(spec, source={"type": "S3", "location": f"{bucket}/source.zip"})

    said = builds.log(build)
    assert build["buildStatus"] == "SUCCEEDED", said
    assert "\n1.0\n" in said
    kept = sandbox.home / "codebuild" / "images" / "packages" / "boto3" / "session.py"
    assert kept.is_file(), "what builds share, and the sandbox's own behind it, is left alone"


def test_runtime_versions_are_told_against_what_is_there(builds: Builds) -> None:
    spec = {"install": {"runtime-versions": {"python": "3.12"}}, "build": {"commands": ["true"]}}

    said = builds.log(builds.run(buildspec(phases=spec)))

    assert f"Runtime python 3.12 was asked for; local simulation: Python {sys.version.split()[0]}" in said


def test_a_source_in_s3_is_extracted_with_its_buildspec(sandbox: Any, builds: Builds, bucket: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ci/buildspec.yml", commands("cat data/word"))
        archive.writestr("data/word", "from-the-source\n")
    sandbox.client("s3").put_object(Bucket=bucket, Key="source.zip", Body=packed.getvalue())

    build = builds.run("ci/buildspec.yml", source={"type": "S3", "location": f"{bucket}/source.zip"})

    assert build["buildStatus"] == "SUCCEEDED", builds.log(build)
    assert "\nfrom-the-source\n" in builds.log(build)


def test_a_source_in_codecommit_is_cloned_and_can_be_pushed_to(sandbox: Any, builds: Builds) -> None:
    name = unique("repo")
    repository = sandbox.client("codecommit").create_repository(repositoryName=name)["repositoryMetadata"]
    address = f"https://git-codecommit.{sandbox.region}.amazonaws.com/v1/repos/{name}"
    identity = "-c user.name=Build -c user.email=build@example.com"
    seed = builds.run(
        commands(
            "git init -qb main repo && cd repo",
            "echo 'version: 0.2' > buildspec.yml",
            "printf 'phases:\\n  build:\\n    commands:\\n      - git log --format=%%s\\n' >> buildspec.yml",
            f"echo '      - git ls-remote {address} || echo nobody lent credentials' >> buildspec.yml",
            f"git add -A && git {identity} commit -qm 'Seeded by a build'",
            f"git push -q {address} main",
            env={"git-credential-helper": "yes"},
        )
    )
    assert seed["buildStatus"] == "SUCCEEDED", builds.log(seed)

    build = builds.run("buildspec.yml", source={"type": "CODECOMMIT", "location": repository["cloneUrlHttp"]})

    tip = sandbox.client("codecommit").get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
    assert "\nSeeded by a build\n" in builds.log(build)
    assert "\nnobody lent credentials\n" in builds.log(build)
    assert build["resolvedSourceVersion"] == tip
    again = builds.client.start_build(projectName=build["projectName"], sourceVersion="none")["build"]["id"]
    said = [each["message"] for phase in builds.finished(again)["phases"] for each in phase.get("contexts", [])]
    assert "reference not found for primary source and source version none" in said


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("absent.yml", "absent.yml: there is no such file"),
        ("../../outside.yml", "there is no such file"),
        ("version: 0.1\nphases: {}", "the project's buildspec:1:10: version must be 0.2"),
    ],
)
def test_a_buildspec_that_is_wrong_fails_the_download(builds: Builds, given: str, sentence: str) -> None:
    build = builds.run(given)

    failed = next(phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED")
    assert (failed["phaseType"], failed["contexts"][0]["statusCode"]) == ("DOWNLOAD_SOURCE", "YAML_FILE_ERROR")
    assert sentence in failed["contexts"][0]["message"]


@pytest.mark.parametrize("packaging", ["ZIP", "NONE"])
def test_artifacts_go_to_s3(sandbox: Any, builds: Builds, bucket: str, packaging: str) -> None:
    spec = commands("mkdir out && echo hello > out/a.txt", artifacts={"files": ["**/*"], "base-directory": "out"})
    target = {"type": "S3", "location": bucket, "path": "builds", "name": "result", "packaging": packaging}

    build = builds.run(spec, artifacts=target)

    s3 = sandbox.client("s3")
    assert build["buildStatus"] == "SUCCEEDED", builds.log(build)
    if packaging == "NONE":
        assert s3.get_object(Bucket=bucket, Key="builds/result/a.txt")["Body"].read() == b"hello\n"
    else:
        packed = s3.get_object(Bucket=bucket, Key="builds/result")["Body"].read()
        assert zipfile.ZipFile(io.BytesIO(packed)).read("a.txt") == b"hello\n"


def test_an_artifact_is_named_by_the_shell_and_secondary_ones_go_where_the_project_says(
    sandbox: Any, builds: Builds, bucket: str
) -> None:
    target = {"type": "S3", "location": bucket, "packaging": "ZIP", "overrideArtifactName": True}
    spec = commands(
        "VERSION=7; LETTER=a; OUT=out; mkdir out; echo a > out/a.txt; echo b > b.txt",
        artifacts={
            "files": ["$LETTER.txt"],
            "base-directory": "${OUT}",
            "name": "out-$VERSION-$(date +%Y).zip",
            "secondary-artifacts": {"more": {"files": ["b.txt"], "name": "more.zip"}},
        },
    )

    build = builds.run(spec, artifacts=target, secondaryArtifacts=[{**target, "artifactIdentifier": "more"}])

    s3 = sandbox.client("s3")
    keys = {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {f"out-7-{time.gmtime().tm_year}.zip", "more.zip"}
    assert build["artifacts"]["location"].endswith(f"out-7-{time.gmtime().tm_year}.zip")
    assert [one["artifactIdentifier"] for one in build["secondaryArtifacts"]] == ["more"]


def test_artifacts_that_match_nothing_fail_the_build(builds: Builds, bucket: str) -> None:
    target = {"type": "S3", "location": bucket}

    build = builds.run(commands("true", artifacts={"files": ["absent"]}), artifacts=target)

    assert phases(build)["UPLOAD_ARTIFACTS"] == "FAILED"
    assert "no matching artifact paths found for absent" in json.dumps(build["phases"], default=str)


def test_the_same_token_starts_one_build(builds: Builds) -> None:
    name = builds.project(commands("true"))

    first, again = (builds.client.start_build(projectName=name, idempotencyToken="t") for _ in range(2))

    assert first["build"]["id"] == again["build"]["id"]
    assert builds.client.list_builds_for_project(projectName=name)["ids"] == [first["build"]["id"]]
    builds.finished(first["build"]["id"])


def test_a_build_tells_what_it_prints_while_it_runs_and_can_be_stopped(
    builds: Builds, eventually: Callable[..., Any]
) -> None:
    slow = {"commands": ["echo so far so good", "sleep 900"]}
    name = builds.project(buildspec(phases=dict.fromkeys(("build", "post_build"), slow)))
    started = time.monotonic()
    identifier = builds.client.start_build(projectName=name)["build"]["id"]

    eventually(lambda: "phases" in (now := builds.read(identifier)) and now["currentPhase"] == "BUILD")
    eventually(lambda: "\nso far so good\n" in builds.log(builds.read(identifier)))
    assert builds.read(identifier)["currentPhase"] == "BUILD"
    builds.client.stop_build(id=identifier)

    assert builds.finished(identifier)["buildStatus"] == "STOPPED"
    assert time.monotonic() - started < 800


def test_builds_leave_no_folder_behind(sandbox: Any, builds: Builds) -> None:
    build = builds.run(commands("touch here"))

    assert not (sandbox.home / "codebuild" / "builds" / build["id"].partition(":")[2]).exists()


def test_events_tell_of_the_start_and_the_end(sandbox: Any, builds: Builds, eventually: Callable[..., Any]) -> None:
    project = builds.project(commands("false"))
    sqs = sandbox.client("sqs")
    queue = sqs.create_queue(QueueName=project)["QueueUrl"]
    pattern = {"source": ["aws.codebuild"], "detail": {"project-name": [project]}}
    sandbox.client("events").put_rule(Name=project, EventPattern=json.dumps(pattern))
    sandbox.client("events").put_targets(Rule=project, Targets=[{"Id": "q", "Arn": sandbox.arn("sqs", project)}])

    build = builds.finished(builds.client.start_build(projectName=project)["build"]["id"])

    told: list[dict[str, Any]] = []

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            told.append(json.loads(message["Body"]))
        return len({one["id"] for one in told}) == 2

    eventually(both)
    assert [one["detail"]["build-status"] for one in told] == ["IN_PROGRESS", "FAILED"]
    assert {one["detail"]["build-id"] for one in told} == {build["arn"]}
    assert {one["detail-type"] for one in told} == {"CodeBuild Build State Change"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"source": {"type": "GITHUB", "location": "x"}}, "is reached by auth CODECONNECTIONS"),
        ({"environment": {**ENVIRONMENT, "type": "WINDOWS_CONTAINER"}}, "WINDOWS_CONTAINER is not"),
        ({"environment": {**ENVIRONMENT, "privilegedMode": True}}, "privilegedMode is not"),
        (
            {"environment": {**ENVIRONMENT, "environmentVariables": [{"name": "A", "value": "x" * 4097}]}},
            "EnvironmentVariable should be at most 4096 characters",
        ),
        ({"artifacts": {"type": "CODEPIPELINE"}}, "both be of type CODEPIPELINE"),
    ],
)
def test_what_would_be_ignored_is_refused(builds: Builds, changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        builds.project(commands("true"), **changed)


def test_a_project_is_updated_listed_and_deleted(builds: Builds) -> None:
    name = builds.project(commands("true"), description="one")

    builds.client.update_project(name=name, timeoutInMinutes=7)

    [project] = builds.client.batch_get_projects(names=[name])["projects"]
    assert (project["description"], project["timeoutInMinutes"]) == ("one", 7)
    assert name in builds.client.list_projects()["projects"]
    builds.client.delete_project(name=name)
    assert builds.client.batch_get_projects(names=[name])["projectsNotFound"] == [name]
    with pytest.raises(builds.client.exceptions.ResourceNotFoundException):
        builds.client.start_build(projectName=name)


def test_cloudformation_makes_changes_and_deletes_a_project(sandbox: Any, builds: Builds) -> None:
    name = unique("stack")
    cloudformation = sandbox.client("cloudformation")

    def template(word: str) -> str:
        properties = {
            "Name": name,
            "ServiceRole": ROLE,
            "Source": {"Type": "NO_SOURCE", "BuildSpec": commands('echo "word=$WORD"')},
            "Artifacts": {"Type": "NO_ARTIFACTS"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "Image": ENVIRONMENT["image"],
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "EnvironmentVariables": [{"Name": "WORD", "Value": word}],
            },
            "TimeoutInMinutes": "10",
        }
        resources = {"Project": {"Type": "AWS::CodeBuild::Project", "Properties": properties}}
        outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Project", "Arn"]}}, "Name": {"Value": {"Ref": "Project"}}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    wait = {"WaiterConfig": {"Delay": 0.2}, "StackName": name}
    cloudformation.create_stack(StackName=name, TemplateBody=template("one"))
    cloudformation.get_waiter("stack_create_complete").wait(**wait)
    outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    cloudformation.update_stack(StackName=name, TemplateBody=template("two"))
    cloudformation.get_waiter("stack_update_complete").wait(**wait)

    build = builds.finished(builds.client.start_build(projectName=name)["build"]["id"])
    assert "\nword=two\n" in builds.log(build)
    assert {one["OutputKey"]: one["OutputValue"] for one in outputs} == {
        "Arn": sandbox.arn("codebuild", f"project/{name}"),
        "Name": name,
    }
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(**wait)
    assert builds.client.batch_get_projects(names=[name])["projects"] == []
