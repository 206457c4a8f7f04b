"""Both templates pass the field's own validators."""

from pathlib import Path

import cloudformation_validate as validate
import pytest
from cfnlint.api import ManualArgs, lint

from service_catalog.publishing.synth import to_json

# It takes GetAtt of a role with a path for a Ref to it; cfn-lint, which tells them apart, has no objection.
# And it holds an empty default against the format of an id, though a condition keeps it from where one is needed.
FALSE_POSITIVES = {"E3050", "E1150", "E1151", "E1154"}
# cfn-lint has that objection too, where a list is split: nothing becomes one empty id, which no condition lets through.
NOT_LOOKED_AT = ["W1033"]


@pytest.fixture(scope="module")
def engine() -> validate.Engine:
    return validate.CompositeEngine()


@pytest.mark.parametrize(
    "name", ["product_template", "hosted_template", "portfolio", "stage_roles_template", "stage_account"]
)
def test_then_cfn_lint_finds_nothing(name: str, request: pytest.FixtureRequest) -> None:
    found = lint(
        to_json(request.getfixturevalue(name)), config=ManualArgs(regions=["eu-west-1"], ignore_checks=NOT_LOOKED_AT)
    )
    assert [str(match) for match in found] == []


@pytest.mark.parametrize(
    "name", ["product_template", "hosted_template", "portfolio", "stage_roles_template", "stage_account"]
)
def test_then_cloudformation_validate_finds_no_error(
    name: str, request: pytest.FixtureRequest, engine: validate.Engine, tmp_path: Path
) -> None:
    report = engine.validate_template(to_json(request.getfixturevalue(name)).encode())
    found = [
        f"{each.rule_id}: {each.message}"
        for each in report.diagnostics
        if each.severity.name in {"FATAL", "ERROR"} and each.rule_id not in FALSE_POSITIVES
    ]
    assert found == []
