"""Every template, and what every kind of launch makes of one, passes the field's own validators."""

from typing import Any

import cloudformation_validate as validate
import pytest
from cfnlint.api import ManualArgs, lint

from service_catalog.acknowledged import VALIDATOR
from service_catalog.publishing.synth import to_json

# It objects to nothing as an id where a list is split; a condition keeps it from where one is needed (VALIDATOR).
NOT_LOOKED_AT = ["W1033"]


TEMPLATES = ["product_template", "hosted_template", "portfolio", "stage_roles_template", "stage_account"]


@pytest.fixture(scope="module")
def engine() -> validate.Engine:
    return validate.CompositeEngine()


def linted(template: dict[str, Any], *ignored: str) -> list[str]:
    return [
        str(each)
        for each in lint(to_json(template), config=ManualArgs(regions=["eu-west-1"], ignore_checks=list(ignored)))
    ]


def refused(template: dict[str, Any], engine: validate.Engine) -> list[str]:
    return [
        f"{each.rule_id}: {each.message}"
        for each in engine.validate_template(to_json(template).encode()).diagnostics
        if each.severity.name in {"FATAL", "ERROR"} and each.rule_id not in VALIDATOR
    ]


@pytest.mark.parametrize("name", ["stage_roles_template", "stage_account"])
def test_then_what_is_of_other_accounts_could_be_sent_in_a_request(name: str, request: pytest.FixtureRequest) -> None:
    """CloudFormation takes 51,200 bytes there, as bootstrapping an account does, which has no bucket."""
    assert len(to_json(request.getfixturevalue(name)).encode()) <= 51_200


@pytest.mark.parametrize("name", TEMPLATES)
def test_then_cfn_lint_finds_nothing(name: str, request: pytest.FixtureRequest) -> None:
    assert linted(request.getfixturevalue(name), *NOT_LOOKED_AT) == []


def test_then_cfn_lint_finds_nothing_in_any_form_that_a_resource_takes_in_a_launch(every_form: dict[str, Any]) -> None:
    # The forms of one resource have one name: it is there once in each launch, see test_product_launches.py.
    assert linted(every_form, "E3019") == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_then_cloudformation_validate_finds_no_error(
    name: str, request: pytest.FixtureRequest, engine: validate.Engine
) -> None:
    assert refused(request.getfixturevalue(name), engine) == []


def test_then_cloudformation_validate_finds_no_error_in_any_launch(
    reviewed: dict[str, dict[str, Any]], engine: validate.Engine
) -> None:
    assert {name: found for name, template in reviewed.items() if (found := refused(template, engine))} == {}
