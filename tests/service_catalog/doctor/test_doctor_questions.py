"""What the doctor may be asked, and how it answers: refusals, exit codes, table and JSON."""

import json

import pytest

from service_catalog.doctor.check import Check, Verdict, exit_code
from service_catalog.doctor.command import main
from service_catalog.doctor.question import Network, Question, refusals
from service_catalog.doctor.report import as_json, as_table, summary

HOME = "111122223333"
ARN = "arn:aws:codeconnections:eu-west-1:111122223333:connection/00000000-0000-0000-0000-000000000000"
CHECKS = [
    Check("one", "One thing", Verdict.OK, "It is well."),
    Check("two", "Another", Verdict.FAILED, "It is not well at all, and " + "so on " * 30 + "it goes.", "aws mend it"),
]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (Question(git="connection", connection="arn:aws:s3:::x"), "refused as ConnectionArn"),
        (Question(git="connection", repositories={"build": "owner"}), "refused as BuildRepository"),
        (Question(git="connection", repositories={"deploy": "a/b;rm -rf"}), "refused as DeployRepository"),
        (Question(git="connection", repositories={"deploy": "--upload-pack=x/y"}), "refused as DeployRepository"),
        (Question(connection=ARN), "go with --git connection"),
        (Question(staging="1"), "12 digits"),
        (Question(production="12345678901x"), "12 digits"),
        (Question(stage_profiles={"one": "profile"}), "12 digits"),
        (Question(principals=("me",)), "not the ARN of a role"),
        (Question(network=Network("vpc-01234567")), "all three"),
        (Question(network=Network("vpc-1")), "refused as VpcId"),
        (Question(network=Network("vpc-01234567", ("subnet-x;",), ("sg-01234567",))), "refused as SubnetIds"),
        (Question(network=Network("vpc-01234567", ("subnet-01234567",), ("--all",))), "refused as SecurityGroupIds"),
    ],
)
def test_given_what_a_launch_would_refuse_then_it_is_refused_with_a_sentence(question: Question, says: str) -> None:
    found = refusals(question)
    assert [each for each in found if says in each and each.endswith(".")], found


def test_given_what_a_launch_would_take_then_nothing_is_refused() -> None:
    network = Network("vpc-0123456789abcdef0", ("subnet-01234567", "subnet-89abcdef"), ("sg-0123456789abcdef0",))
    repositories = {"build": "a/b", "deploy": "group/sub/name"}
    question = Question("launch", "connection", ARN, repositories, HOME, HOME, {HOME: "home"}, network)
    assert refusals(question) == []


def test_given_stages_in_the_home_account_or_in_one_other_then_each_other_account_counts_once() -> None:
    assert Question(staging=HOME, production="").stage_accounts(HOME) == ()
    assert Question(staging="222233334444", production="222233334444").stage_accounts(HOME) == ("222233334444",)


@pytest.mark.parametrize(
    ("verdicts", "strict", "code"),
    [
        ([Verdict.OK], False, 0),
        ([Verdict.OK, Verdict.WARNING, Verdict.UNKNOWN], False, 0),
        ([Verdict.OK, Verdict.WARNING], True, 1),
        ([Verdict.OK, Verdict.UNKNOWN], True, 1),
        ([Verdict.OK, Verdict.FAILED], False, 1),
    ],
)
def test_then_the_exit_code_tells_whether_something_would_fail(
    verdicts: list[Verdict], strict: bool, code: int
) -> None:
    assert exit_code([Check("id", "Title", each, "So.", "Do.") for each in verdicts], strict=strict) == code


def test_given_a_narrow_terminal_then_the_table_wraps_under_its_own_column_and_commands_stay_whole() -> None:
    table = as_table(CHECKS, 60)
    lines = table.splitlines()
    assert lines[0].split(maxsplit=1)[0] == "ok"
    assert max(map(len, lines)) <= 60
    assert "→ aws mend it" in table
    column = lines[0].index("It is well.")
    assert all(not line[:column].strip() for line in lines[2:])


def test_then_colours_are_written_only_where_they_are_asked_for() -> None:
    assert "\x1b" not in as_table(CHECKS, 80)
    assert "\x1b[31mfailed" in as_table(CHECKS, 80, colour=True)


def test_then_json_has_every_finding_whole() -> None:
    found = json.loads(as_json(CHECKS))
    assert found[0] == {"id": "one", "title": "One thing", "verdict": "ok", "sentence": "It is well.", "remedy": ""}
    assert found[1]["sentence"] == CHECKS[1].sentence
    assert summary(CHECKS) == "1 would fail, 1 well."


@pytest.mark.parametrize("arguments", [["--staging-account", "x"], ["--stage-profile", "home"]])
def test_given_a_refused_answer_then_the_command_says_so_and_exits_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "is not" in capsys.readouterr().err


def test_given_no_region_then_the_command_says_so_and_exits_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert main([]) == 2
    assert "No region is set" in capsys.readouterr().err
