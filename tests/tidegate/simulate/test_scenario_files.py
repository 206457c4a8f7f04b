"""Scenario files: read as stage files are, refused with file:line:column."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tidegate.simulate import Scenario, read_scenario
from tidegate.stage import StageFileError

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "simulate.md"


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text: str) -> Scenario:
        Path("scenario.yml").write_text(text)
        return read_scenario(Path("scenario.yml"))

    return read


def test_an_empty_file_is_a_release_in_which_nothing_happens(read):
    assert read("") == Scenario()


def test_everything_that_can_be_said(read):
    said = read("""\
description: all of it
start: "2026-03-01T09:30:00+01:00"
seed: 7
even: true
traffic: {over_day: [{at: "08:00", requests_per_minute: 900}, {at: "22:30", requests_per_minute: 0}]}
old: {error_rate: 0.1%, client_error_rate: 1%, latency: {p50: 40ms, p99: 120ms}}
new:
  error_rate: 0.2%
  changes:
    - {after: 7m, error_rate: 5%}
    - {after: 9m, latency: {p50: 1s, p99: 2s}}
slow: 500ms
start_up: {takes: 4m, fails_at: 2}
roll_back: {takes: 90s, fails: true}
alarm_delay: 45s
missing: [{metrics: new_fleet}, {metrics: all, after: 5m, lasts: 3m}]
guardrails_ignored: true
""")

    assert said.start == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert said.traffic is not None
    assert said.traffic.over_day[1].at == timedelta(hours=22, minutes=30)
    assert said.model_fields_set == set(Scenario.model_fields)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("new: {eror_rate: 5%}", "1:7: `eror_rate` is not known here; did you mean `error_rate`?"),
        ("new: {error_rate: 0.05}", "1:19: 0.05 is not a percentage"),
        ("start: 2026-01-05", "1:8: `2026-01-05` does not say in which time zone"),
        ("start: soon", "1:8: `soon` is not a moment"),
        ("traffic: {}", "1:10: there is no traffic; give one of"),
        ("traffic: {requests_per_minute: 1, over_time: []}", "1:10: `requests_per_minute` and `over_time` cannot be"),
        ("traffic: {over_time: []}", "1:22: there is no point"),
        ("traffic: {requests_per_minute: -1}", "1:32: -1 is not a number"),
        ("traffic: {over_day: [{at: 25h, requests_per_minute: 1}]}", "1:27: `25h` is not a time of day"),
        (
            "traffic:\n  over_time:\n    - {at: 5m, requests_per_minute: 1}\n    - {at: 5m, requests_per_minute: 2}",
            "4:12: this is not after the one before",
        ),
        ("new: {changes: [{after: 5m}]}", "1:17: nothing changes here"),
        ("new: {changes: [{error_rate: 5%}]}", "`after` is missing"),
        ("new: {latency: {p50: 2s, p99: 1s}}", "1:31: a p99 of 1s is below the p50"),
        ("old: {latency: {p50: 2s}}", "`p99` is missing"),
        ("old: {client_error_rate: 60%}\nnew: {error_rate: 50%}", "2:6: 50% and 60% are more than all requests"),
        ("missing: [{metrics: blue}]", "1:21: `blue` is not a kind of metrics; use one of new_fleet, variant, all"),
        ("start_up: {fails_at: 0}", "1:22: 0 is out of range"),
        ("alarm_delay: 2d", "1:14: 2d is out of range"),
        ("even: maybe", "1:7: `maybe` is neither true nor false"),
        ("[1, 2]", "1:1: the file holds a list"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(read, text, problem):
    with pytest.raises(StageFileError) as refused:
        read(text)

    assert f"scenario.yml:{problem}" in str(refused.value) or problem in str(refused.value)


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_file(read):
    with pytest.raises(StageFileError) as refused:
        read("seed: -1\nnew: {error_rate: 101%}\nnwe: {}\n")

    assert [problem.position.line for problem in refused.value.problems] == [1, 2, 3]


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(StageFileError, match="cannot be read"):
        read_scenario(tmp_path / "none.yml")


def test_the_documentation_names_every_key_and_its_example_is_right(read):
    text = DOCUMENTATION.read_text()
    for key in Scenario.model_fields:
        assert f"`{key}" in text, key
    for example in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        assert read(example)
