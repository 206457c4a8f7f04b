"""cdk-nag and checkov have nothing to say of any template that is not acknowledged, each with its reason."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service_catalog.acknowledged import CDK_NAG, CHECKOV, Acknowledgement
from service_catalog.project.parameters import GITS
from service_catalog.publishing.synth import ensure_node, to_json

LOCK = Path(__file__).parents[2] / "requirements" / "checkov.txt"


def held_against(acknowledged: tuple[Acknowledgement, ...], found: set[tuple[str, str]]) -> None:
    unacknowledged = sorted(
        f"{rule}: {resource}" for rule, resource in found if not any(a.covers(rule, resource) for a in acknowledged)
    )
    assert not unacknowledged, "found and not acknowledged:\n" + "\n".join(unacknowledged)
    stale = [a for a in acknowledged if not any(a.covers(rule, resource) for rule, resource in found)]
    assert not stale, f"acknowledged, and found nowhere: {stale}"


@pytest.fixture(scope="module")
def by_cdk_nag(published: Any, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Every finding of the rule pack AwsSolutions, and where."""
    ensure_node()
    import aws_cdk as cdk
    from cdk_nag import AwsSolutionsChecks

    from service_catalog.portfolio.stack import define_portfolio
    from service_catalog.project.scope import SeedLocation
    from service_catalog.project.stack import define_project
    from service_catalog.publishing.synth import stage_roles

    seeds = SeedLocation(published.seed_bucket, published.seed_key)
    roles = stage_roles().key
    folder = tmp_path_factory.mktemp("nag")
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("CDK_VALIDATION", raising=False)
        app = cdk.App(outdir=str(folder))
        for git in GITS:
            define_project(app, git.title(), seeds, git, roles)
        define_portfolio(app, "Portfolio", published.offer())
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        with pytest.raises(Exception, match="Validation"):
            app.synth()
    [report] = [
        each
        for each in json.loads((folder / "validation-report.json").read_text())["pluginReports"]
        if each["pluginName"] == "AwsSolutions"
    ]
    return {
        (violation["ruleName"], where["constructPath"])
        for violation in report["violations"]
        for where in violation["violatingConstructs"]
    }


def test_then_cdk_nag_finds_nothing_that_is_not_acknowledged(by_cdk_nag: set[tuple[str, str]]) -> None:
    held_against(CDK_NAG, by_cdk_nag)


@pytest.fixture(scope="session")
def checkov() -> Path:
    """Make checkov in an environment of its own, for it cannot live beside boto3's newest; kept from run to run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate"
    made = cache / f"checkov-{hash_of(LOCK)}"
    if not (made / "bin" / "checkov").exists():
        uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        assert uv is not None, "uv is in requirements/dev.txt"
        subprocess.run([uv, "venv", "--quiet", "--clear", made], check=True)
        python = made / "bin" / "python"
        subprocess.run([uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", LOCK], check=True)
    return made / "bin" / "checkov"


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def test_then_checkov_finds_nothing_that_is_not_acknowledged(
    checkov: Path, product: Any, hosted: Any, portfolio: Any, tmp_path: Path
) -> None:
    for name, template in {"codecommit": product, "connection": hosted, "portfolio": portfolio}.items():
        (tmp_path / f"{name}.json").write_text(to_json(template))
    command = [checkov, "--directory", tmp_path, "--framework", "cloudformation", "--output", "json"]
    ran = subprocess.run(
        [*command, "--compact", "--quiet", "--soft-fail", "--skip-download"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "BC_ROOT_LOG_LEVEL": "ERROR"},
    )
    held_against(CHECKOV, set(_failed(json.loads(ran.stdout))))


def _failed(report: Any) -> Iterator[tuple[str, str]]:
    for each in report if isinstance(report, list) else [report]:
        assert not each["results"].get("parsing_errors"), each["results"]["parsing_errors"]
        for check in each["results"]["failed_checks"]:
            yield check["check_id"], check["resource"]
