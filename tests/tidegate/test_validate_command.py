"""`tidegate validate` as people, programs and GitHub read it."""

import json
from functools import partial
from pathlib import Path

import pytest
import yaml

from tidegate.cli.complaints import Format, complain_of_files
from tidegate.stage import Position, Problem, StageFileError

ENDPOINT = (Path(__file__).parent / "stage" / "endpoint.yml").read_text()
PROD = """\
instances: {type: ml.m5.large, count: 4}
release:
  strategy: canary
  canary_size: 25%
  wait_interval: 10m
  rollback_on: [{metric: Invocation5XXErrors, above: 1%}]
"""


@pytest.fixture
def repo(tmp_path, monkeypatch) -> Path:
    (tmp_path / "stages").mkdir()
    (tmp_path / "endpoint.yml").write_text(ENDPOINT)
    (tmp_path / "stages/prod.yml").write_text(PROD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def validate(tidegate):
    """Run the command in this process; return its exit code, stdout and stderr."""
    return partial(tidegate, "validate")


@pytest.fixture
def said(capsys):
    """What is printed of problems in a file with the text given."""

    def say(*problems: Problem, text: str = "", wanted: Format = Format.TEXT) -> list[str]:
        complain_of_files(StageFileError(problems, {problem.position.file: text for problem in problems}), wanted)
        return capsys.readouterr().err.splitlines()[:-1]

    return say


class TestForPeople:
    def test_each_problem_has_its_line_and_a_mark_under_its_place(self, repo, validate):
        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))

        code, out, err = validate()

        assert (code, out) == (1, "")
        assert err.splitlines() == [
            "stages/prod.yml:4:16: a canary of 80% is too large; SageMaker allows at most 50% of the instances [TG013]",
            "     4 |   canary_size: 80%",
            "       |                ^",
            "1 problem in 1 file; nothing was done",
        ]

    def test_the_mark_stands_under_wide_and_combining_characters_too(self, said):
        text = "日本: [e\u0301, x]"
        _, line, mark = said(Problem(Position("f", 1, 10), "wrong", "right"), text=text)

        assert line.endswith(text)
        assert mark == "       | " + " " * len("RRRR: [e, ") + "^"

    def test_a_long_line_is_cut_around_its_place(self, said):
        _, line, mark = said(Problem(Position("f", 1, 5001), "wrong", "right"), text="a" * 5000 + "b" + "c" * 5000)

        assert len(line) == len(mark) - 1 + 50 == 109
        assert line[len(mark) - 1] == "b"

    def test_a_line_that_is_empty_or_not_there_is_not_shown(self, said):
        problems = [Problem(Position("f", line, 1), "wrong", "right") for line in (1, 9)]

        assert said(*problems, text="\na: 1") == ["f:1:1: wrong; right", "f:9:1: wrong; right"]

    def test_nothing_of_a_file_reaches_the_terminal_but_text(self, said):
        hostile = "a: \x1b[2J\x07\u202e\x85b\x9b1m"
        lines = said(Problem(Position("fo\n\x1b[31mo", 1, 4), f"{hostile} is wrong", "right"), text=hostile)

        assert len(lines) == 3
        assert all(line.isprintable() for line in lines)

    def test_a_newer_instance_type_is_noted(self, repo, validate):
        (repo / "stages/prod.yml").write_text(PROD.replace("ml.m5.large", "ml.m9g.large"))

        code, out, _ = validate()

        assert code == 0
        assert "note: prod: ml.m9g.large is newer than the instance types that Tidegate knows" in out


class TestForPrograms:
    def test_each_problem_has_its_rule_and_the_line_that_it_is_in(self, repo, validate):
        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))

        for arguments in (["--json"], ["--format", "json"]):
            code, out, err = validate(*arguments)

            assert (code, err) == (1, "")
            assert json.loads(out) == {
                "ok": False,
                "problems": [
                    {
                        "file": "stages/prod.yml",
                        "line": 4,
                        "column": 16,
                        "wrong": "a canary of 80% is too large",
                        "right": "SageMaker allows at most 50% of the instances",
                        "rule": "TG013",
                        "text": "  canary_size: 80%",
                    }
                ],
            }

    def test_a_schema_is_printed_without_a_repository(self, validate, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        code, out, _ = validate("--schema", "stage")

        assert code == 0
        assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


class TestForGitHub:
    @pytest.fixture(autouse=True)
    def in_github(self, repo, tidegate, monkeypatch):
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_WORKSPACE", str(repo.parent))

    def test_problems_are_annotations_on_files_of_the_checkout(self, repo, validate):
        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))

        code, _, err = validate()

        annotation, count = err.splitlines()
        assert code == 1
        assert annotation == (
            f"::error file={repo.name}/stages/prod.yml,line=4,col=16,title=TG013::stages/prod.yml:4:16: "
            "a canary of 80%25 is too large; SageMaker allows at most 50%25 of the instances [TG013]"
        )
        assert count == "1 problem in 1 file; nothing was done"

    def test_other_forms_can_be_asked_for(self, repo, validate):
        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))

        assert validate("--format", "text")[2].startswith("stages/prod.yml:4:16")
        assert json.loads(validate("--json")[1])["ok"] is False

    def test_no_text_of_a_file_becomes_a_command_or_a_property(self, said):
        hostile = "a,b:c\r\n::set-output name=x::y\x1b%0A##[add-mask]z"
        (line,) = said(Problem(Position("f,line=9:\n", 1, 1), hostile, "right"), wanted=Format.GITHUB)

        properties, _, message = line.removeprefix("::error ").partition("::")
        assert properties.split(",")[1:] == ["line=1", "col=1"]
        assert properties.split(",")[0].endswith("f%2Cline=9%3A%0A")
        assert "a,b:c%0D%0A::set-output name=x::y\N{REPLACEMENT CHARACTER}%250A##[add-mask]z; right" in message
        assert line.isprintable()


class TestShow:
    def test_the_merged_stage_is_printed_with_origins(self, repo, validate):
        code, out, _ = validate("--show", "prod")

        assert code == 0
        assert "  wait_interval: 10m " in out
        assert "# stages/prod.yml:5\n" in out

    def test_programs_get_paths_values_and_origins(self, repo, validate):
        _, out, _ = validate("--show", "prod", "--json")

        assert {"path": ["instances", "count"], "value": 4, "from": "stages/prod.yml:1"} in json.loads(out)["values"]

    def test_programs_get_all_stages_as_files_would_hold_them(self, repo, validate):
        (stage,) = [each for each in json.loads(validate("--json")[1])["stages"] if each["name"] == "prod"]

        assert stage["release"] == yaml.safe_load(PROD)["release"] | {
            "termination_wait": "0s",
            "maximum_execution_timeout": "1h",
            "rollback_on": [
                {"metric": "Invocation5XXErrors", "above": "1%"}
                | {"statistic": "Average", "periods": "1 of 1", "period": "1m"}
            ],
        }
        assert stage["instances"]["count"] == 4
        assert stage["project"]["account"] == stage["account"]
        assert stage.keys().isdisjoint({"autoscaling", "environment", "tags", "test"}), "what is left out is not there"

    def test_a_stage_that_is_not_there(self, repo, validate):
        code, _, err = validate("--show", "dev")

        assert code == 1
        assert "there is no stage `dev`" in err

    def test_a_stage_that_is_wrong_is_not_shown_but_refused(self, repo, validate):
        (repo / "stages/prod.yml").write_text(PROD.replace("25%", "80%"))

        code, out, err = validate("--show", "prod")

        assert (code, out) == (1, "")
        assert "stages/prod.yml:4:16" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "xml"],
        ["--json", "--format", "text"],
        ["--schema", "model"],
        ["--show", "a", "--schema", "stage"],
        ["x"],
    ],
)
def test_wrong_usage(repo, validate, arguments):
    assert validate(*arguments)[0] == 2
