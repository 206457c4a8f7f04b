"""Bootstrapping an account of stages: one stack, twice the same, for one home account."""

import boto3
import pytest

from service_catalog.names import STAGE_ACCOUNT_STACK
from service_catalog.publishing.account import Account, PublishError
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.stage_account.bootstrap import bootstrap, main

HOME = "111111111111"


@pytest.fixture(scope="module")
def stage(account: Account) -> Account:
    """Another account than the one that is published to."""
    session = boto3.Session(aws_access_key_id="222222222222", aws_secret_access_key="local", region_name="eu-west-1")
    return Account(session, "222222222222", "eu-west-1")


def status(stage: Account) -> str | None:
    return AdminStack(stage, STAGE_ACCOUNT_STACK).status()


def test_given_a_dry_run_then_it_says_what_it_would_make_and_makes_nothing(
    stage: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    before = status(stage)

    bootstrap(stage, HOME, dry_run=True)

    said = capsys.readouterr().out
    assert "nothing is changed" in said
    assert "tidegate-stackset-admin-eu-west-1 of account 111111111111" in said
    assert status(stage) == before


def test_then_it_makes_the_role_and_the_boundary_and_a_second_time_changes_nothing(
    stage: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap(stage, HOME, dry_run=False)
    capsys.readouterr()
    bootstrap(stage, HOME, dry_run=False)

    assert "unchanged" in capsys.readouterr().out
    role = stage.client("iam").get_role(RoleName="tidegate-stackset-eu-west-1")["Role"]
    assert role["Arn"] == "arn:aws:iam::222222222222:role/tidegate-stackset-eu-west-1"
    boundary = "arn:aws:iam::222222222222:policy/tidegate/tidegate-stage-eu-west-1"
    assert stage.client("iam").get_policy(PolicyArn=boundary)["Policy"]["Arn"] == boundary


def test_given_an_account_of_anothers_stages_then_it_is_refused(stage: Account) -> None:
    bootstrap(stage, HOME, dry_run=False)

    with pytest.raises(PublishError, match="has stages of the projects of account 111111111111"):
        bootstrap(stage, "444444444444", dry_run=False)


def test_given_the_home_account_itself_then_it_is_refused(account: Account) -> None:
    with pytest.raises(PublishError, match="itself, whose projects need nothing"):
        bootstrap(account, HOME, dry_run=False)


@pytest.mark.parametrize("home", ["11111111111", "home", "1111111111112", "111111111111\n"])
def test_given_what_is_no_account_then_the_command_says_so(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--home", home])

    assert "is not an account: write its 12 digits" in capsys.readouterr().err
