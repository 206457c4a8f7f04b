"""The CDK app, for those who deploy with `cdk deploy`: what it synthesises, and how it keeps versions."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from service_catalog import app as cdk_app
from service_catalog.project.parameters import GITS
from service_catalog.publishing import bundle, synth

ASSETS = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
PRINCIPAL = "arn:aws:iam::111111111111:role/studio/DataScientists"


@pytest.fixture
def synthesised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that synthesises the app with a context; it returns the admin stack's template."""
    monkeypatch.setattr(bundle, "build_bundle", lambda: b"the seed bundle")
    monkeypatch.setenv("CDK_VALIDATION", "false")

    def synthesise(**context: Any) -> dict[str, Any]:
        synth.ensure_node()
        import aws_cdk as cdk

        out, scratch = tmp_path / "cdk.out", tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        app = cdk.App(outdir=str(out), context={f"tidegate:{key}": value for key, value in context.items()})
        cdk_app.define(app, "tidegate-portfolio", scratch)
        app.synth()
        found: dict[str, Any] = json.loads((out / "tidegate-portfolio.template.json").read_text())
        return found

    return synthesise


def versions(template: dict[str, Any], git: str) -> list[dict[str, Any]]:
    product = template["Resources"][f"{git.title()}Product"]
    found: list[dict[str, Any]] = product["Properties"]["ProvisioningArtifactParameters"]
    return found


def test_then_templates_and_seeds_are_assets_that_the_products_and_the_launches_name(
    synthesised: Any, tmp_path: Path
) -> None:
    template = synthesised(principals=[PRINCIPAL])
    stacks = [path.name for path in (tmp_path / "cdk.out").glob("*.template.json")]
    assert stacks == ["tidegate-portfolio.template.json"]
    for git in GITS:
        (version,) = versions(template, git)
        address = version["Info"]["LoadTemplateFromURL"]["Fn::Sub"]
        host, bucket, key = address.removeprefix("https://").split("/")
        assert (host, bucket) == ("s3.${AWS::Region}.${AWS::URLSuffix}", ASSETS)
        project = yaml.safe_load((tmp_path / "cdk.out" / f"asset.{key}").read_text())
        locations = [project["Resources"][f"{each}Project"]["Properties"]["Source"] for each in ("Seed", "Goodbye")]
        (source,) = {each["Location"]["Fn::Sub"] for each in locations}
        bucket, seeds = source.split("/")
        assert bucket == ASSETS
        assert (tmp_path / "cdk.out" / f"asset.{seeds}").read_bytes() == b"the seed bundle"
        address = project["Resources"]["StageAccounts"]["Properties"]["TemplateURL"]["Fn::Sub"]
        host, bucket, roles = address.removeprefix("https://").split("/")
        assert (host, bucket) == ("s3.${AWS::Region}.${AWS::URLSuffix}", ASSETS)
        assert (tmp_path / "cdk.out" / f"asset.{roles}").read_text() == synth.stage_roles().text
        assert templates_of_roles(template) == [f"{ASSETS}/{roles}"], "which the launch role may read"
    associated = [each for each in template["Resources"].values() if each["Type"].endswith("PrincipalAssociation")]
    assert [each["Properties"]["PrincipalARN"] for each in associated] == [PRINCIPAL]
    assert "S3LaunchRole" not in template["Resources"]


def templates_of_roles(template: dict[str, Any]) -> list[str]:
    """Return the templates of roles in other accounts that the launch role may read."""
    statements = template["Resources"]["LaunchWork"]["Properties"]["PolicyDocument"]["Statement"]
    (statement,) = [each for each in statements if each["Action"] == ["s3:GetObject"]]
    named = statement["Resource"]
    return [each["Fn::Sub"].rpartition(":s3:::")[2] for each in (named if isinstance(named, list) else [named])]


def test_given_the_versions_of_earlier_deployments_then_they_stay_and_the_newest_is_not_listed_twice(
    synthesised: Any,
) -> None:
    earlier = {
        "name": "0.0.9-00000000",
        "stage-roles": f"{ASSETS}/old.json",
        "codecommit": {"Fn::Sub": "https://old"},
        "connection": "https://older",
    }
    now = json.loads(synthesised()["Outputs"]["Version"]["Value"])
    for kept in ([earlier], [earlier, now]):
        template = synthesised(versions=kept)
        assert [each["Name"] for each in versions(template, "codecommit")] == [earlier["name"], now["name"]]
        assert versions(template, "codecommit")[0]["Info"]["LoadTemplateFromURL"] == {"Fn::Sub": "https://old"}
        assert versions(template, "connection")[0]["Info"]["LoadTemplateFromURL"] == "https://older"
        older_projects_go_on_with_theirs = [earlier["stage-roles"], now["stage-roles"]]
        assert templates_of_roles(template) == older_projects_go_on_with_theirs
        assert json.loads(template["Outputs"]["Version"]["Value"]) == now
    again = synthesised(versions=[now, earlier])
    assert [each["Name"] for each in versions(again, "codecommit")][-1] == f"{now['name']}.2"


def test_then_the_cdks_command_line_finds_the_app() -> None:
    folder = Path(cdk_app.__file__).parent
    python, script = json.loads((folder / "cdk.json").read_text())["app"].split()
    assert (folder / script).resolve() == Path(cdk_app.__file__).resolve()
    assert python == "../.venv/bin/python"
    assert callable(runpy.run_path(str(folder / script), run_name="looked-at")["main"])
