"""The buildspec, by example: each file in buildspecs/ is a rule; an invalid one's first line is where and what."""

from pathlib import Path

import pytest

from tidegate_sandbox.services.codebuild.buildspec import (
    Artifacts,
    BuildspecError,
    Cache,
    Phase,
    Report,
    Retry,
    environment,
    parse,
)
from tidegate_sandbox.services.codebuild.runner import retries

FILES = Path(__file__).parent / "buildspecs"


def test_everything_that_is_simulated_is_read() -> None:
    spec = parse((FILES / "valid-everything.yml").read_text())

    assert spec.shell == "bash"
    assert spec.variables == {"STAGE": "staging", "RATIO": "1.10", "SURE": "yes"}, "values stay as they were written"
    assert spec.parameter_store == {"TOKEN": "/demo/token"}
    assert spec.exported_variables == ("RELEASE",)
    assert spec.git_credential_helper
    assert spec.phases["install"] == Phase(commands=("echo install",), runtime_versions={"python": "3.12"})
    assert spec.phases["pre_build"] == Phase(("echo one", "echo two\necho three\n"), ("echo always",))
    assert spec.phases["build"] == Phase(("echo 'a: b'",), on_failure=Retry(2, ".*timed out.*"))
    assert spec.phases["post_build"].on_failure == "CONTINUE"
    assert spec.secrets_manager == {"PASSWORD": "demo:password"}
    assert spec.artifacts == Artifacts(
        ("**/*",), ("**/*.tmp",), "rendered", name="rendered-$(date +%Y)", enable_symlinks=True, s3_prefix="out"
    )
    assert spec.secondary_artifacts == {"Plan": Artifacts(("plan.json",))}
    assert spec.reports["unit"] == Report(("**/*.xml",), base_directory="results")
    assert spec.reports["features"] == Report(("features.json",), "CUCUMBERJSON", discard_paths=True)
    assert spec.cache == Cache(
        ("/root/.cache/**/*",), "packages-$(codebuild-hash-files lock.txt)", ("packages",), "restore"
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ABORT", "ABORT"),
        ("CONTINUE", "CONTINUE"),
        ("RETRY", Retry(3, ".*")),
        ("RETRY-4", Retry(4, ".*")),
        ("RETRY-.*refused.*", Retry(3, ".*refused.*")),
        ("Retry-3-.*in 10-20 s", Retry(3, ".*in 10-20 s")),
    ],
)
def test_what_follows_a_failure_is_read_in_all_its_forms(written: str, read: object) -> None:
    text = f"version: 0.2\nphases: {{build: {{commands: [echo], on-failure: '{written}'}}}}\n"

    assert parse(text).phases["build"].on_failure == read


@pytest.mark.parametrize(
    ("spec", "message", "count"),
    [(None, "anything", 0), ("ABORT", "anything", 0), (Retry(2), "anything", 2), (Retry(3, "refused"), "timed out", 0)],
)
def test_a_failure_is_retried_where_its_message_has_a_match(spec: object, message: str, count: int) -> None:
    assert retries(Phase(on_failure=spec), message) == count


@pytest.mark.parametrize("file", sorted(FILES.glob("valid-*")), ids=lambda file: file.stem)
def test_a_valid_buildspec_is_taken(file: Path) -> None:
    assert "build" in parse(file.read_text()).phases


@pytest.mark.parametrize("file", sorted(FILES.glob("invalid-*")), ids=lambda file: file.stem)
def test_an_invalid_buildspec_is_refused_where_it_is_wrong(file: Path) -> None:
    text = file.read_text()
    expected = text.partition("\n")[0].removeprefix("# ")

    with pytest.raises(BuildspecError) as refused:
        parse(text, "buildspec.yml")

    assert str(refused.value).startswith(f"buildspec.yml:{expected}")


def test_what_the_project_or_the_start_gives_wins_over_the_buildspec() -> None:
    spec = parse((FILES / "valid-everything.yml").read_text())

    merged = environment(spec, {"TOKEN": "stored"}, {"STAGE": "prod"})

    assert merged == {"STAGE": "prod", "RATIO": "1.10", "SURE": "yes", "TOKEN": "stored"}
