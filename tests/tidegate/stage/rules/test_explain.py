"""`tidegate explain`."""

import pytest
from typer.testing import CliRunner

from tidegate.cli.app import app
from tidegate.errors import TidegateError
from tidegate.stage.rules import ALL
from tidegate.stage.rules.explain import example, page


def explain(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["explain", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("written", ["TG014", "tg014", "[TG014]"])
def test_a_rule_is_explained_with_why_source_right_and_wrong(written):
    text = explain(written)
    rule = ALL["TG014"]

    assert text.startswith("TG014: A canary, a step or a batch needs a fleet of at least 2 instances\n")
    assert " ".join(rule.why.split()) in " ".join(text.split())
    assert " ".join(rule.source.split()) in " ".join(text.split())
    for shown in (example(rule).valid, example(rule).invalid):
        assert all(f"    {line}" in text for line in shown.splitlines())
    assert "# TG014 at column 39" in text


@pytest.mark.parametrize("rule", ALL)
def test_every_rule_can_be_explained(rule):
    assert explain(rule).startswith(f"{rule}: ")


def test_all_are_named_without_one():
    assert [line.split("  ")[0] for line in explain().splitlines()] == list(ALL)


def test_the_page_is_the_documentation():
    assert explain("--markdown") == page()


@pytest.mark.parametrize(
    ("written", "right"), [("TG0014", "did you mean TG014?"), ("rollback", "`tidegate explain` names them all")]
)
def test_an_unknown_id_is_said_with_the_nearest(written, right):
    with pytest.raises(TidegateError) as caught:
        explain(written)

    assert str(caught.value) == f"there is no rule `{written}`; {right}"


def test_a_rule_and_the_page_at_once_are_wrong_usage():
    assert CliRunner().invoke(app, ["explain", "TG014", "--markdown"]).exit_code == 2
