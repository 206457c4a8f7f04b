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
from service_catalog.publishing.synth import ensure_node, to_json
from tests.service_catalog.resolved import PROJECT, without_form

ID = PROJECT["SageMakerProjectId"]
LOCK = Path(__file__).parents[2] / "requirements" / "checkov.txt"


def held_against(acknowledged: tuple[Acknowledgement, ...], found: set[tuple[str, str]]) -> None:
    unacknowledged = sorted(
        f"{rule}: {resource}" for rule, resource in found if not any(a.covers(rule, resource) for a in acknowledged)
    )
    assert not unacknowledged, "found and not acknowledged:\n" + "\n".join(unacknowledged)
    stale = [a for a in acknowledged if not any(a.covers(rule, resource) for rule, resource in found)]
    assert not stale, f"acknowledged, and found nowhere: {stale}"


@pytest.fixture(scope="module")
def by_name(every_form: Any, portfolio: Any, stage_roles_template: Any, stage_account: Any) -> dict[str, Any]:
    """All that the reviewers look at: what launches create in any form, and every other template."""
    return {
        "Project": every_form,
        "Portfolio": portfolio,
        "StageRoles": stage_roles_template,
        "StageAccount": stage_account,
    }


@pytest.fixture(scope="module")
def by_cdk_nag(by_name: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Every finding of the rule pack AwsSolutions, and where: `Template/Resource`."""
    ensure_node()
    import aws_cdk as cdk
    from aws_cdk import cloudformation_include
    from cdk_nag import AwsSolutionsChecks

    folder = tmp_path_factory.mktemp("nag")
    app = cdk.App(outdir=str(folder / "out"))
    for name, template in by_name.items():
        (folder / f"{name}.json").write_text(to_json(template))
        stack = cdk.Stack(app, name, synthesizer=cdk.BootstraplessSynthesizer())
        cloudformation_include.CfnInclude(stack, "It", template_file=str(folder / f"{name}.json"))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(Exception, match="Validation"):
        app.synth()
    [report] = [
        each
        for each in json.loads((folder / "out" / "validation-report.json").read_text())["pluginReports"]
        if each["pluginName"] == "AwsSolutions"
    ]
    return {
        (violation["ruleName"].replace(ID, "<ProjectId>"), without_form(where["constructPath"].replace("/It/", "/")))
        for violation in report["violations"]
        for where in violation["violatingConstructs"]
    }


def test_then_cdk_nag_finds_nothing_that_is_not_acknowledged(by_cdk_nag: set[tuple[str, str]]) -> None:
    held_against(CDK_NAG, by_cdk_nag)


def test_then_the_cdk_itself_says_nothing_while_it_synthesises_a_product() -> None:
    # In a process of its own, for the CDK's takes over its environment when it starts, and the others do not validate.
    synthesise = "from service_catalog.publishing import synth; synth.synthesise_product('any', 'any', 'connection')"
    ran = subprocess.run(
        [sys.executable, "-c", synthesise],
        cwd=LOCK.parents[1],
        env={name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.stdout, ran.stderr) == ("", "")


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
    checkov: Path, by_name: dict[str, Any], tmp_path: Path
) -> None:
    for name, template in by_name.items():
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
            yield check["check_id"], without_form(check["resource"])
