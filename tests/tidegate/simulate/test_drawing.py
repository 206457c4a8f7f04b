"""A release as lines of text, and the command that prints them."""

import json
from pathlib import Path

import pytest

from tidegate.simulate import Scenario, run, run_many
from tidegate.simulate.drawing import ASCII, BLOCKS, bar, draw, draw_runs, ink_for

ENDPOINT = (Path(__file__).parents[1] / "stage" / "endpoint.yml").read_text()
PROD = """\
instances: {type: ml.m5.large, count: 4}
release:
  strategy: canary
  canary_size: 25%
  wait_interval: 10m
  rollback_on: [{metric: Invocation5XXErrors, above: 1%}]
"""
FAILING = "even: true\ntraffic: {requests_per_minute: 600}\nnew: {error_rate: 100%}\n"


def failing(**given) -> Scenario:
    values = {"even": True, "traffic": {"requests_per_minute": 600}, "new": {"error_rate": "100%"}, **given}
    return Scenario.model_validate(values)


class TestDrawing:
    def test_a_release_that_is_rolled_back(self, make_stage):
        assert list(draw(run(make_stage(), failing()), ASCII)) == [
            "minute         traffic of the new version old fails new fails  alarms",
            "12:00          ....................    0%        0%         -  new instances start",
            "12:01 to 12:04 ....................    0%        0%         -",
            "12:05          #####...............   25%        0%      100%  in ALARM: 1, 2; traffic moves",
            "12:06          ##.................. 12.5%        0%      100%  in ALARM: 1, 2; rolling back; rolled back",
            "",
            "alarm 1: Invocation5XXErrors Average (new fleet) fired at 12:06:30",
            "alarm 2: Invocation5XXErrors Average (both fleets) fired at 12:06:30",
            "",
            "ROLLED_BACK: alarms 1, 2 were in ALARM during the canary's bake",
            "rolled back 1m 30s after the new version's first request",
            "harmed: 225 of 225 requests that the new version answered (225 failed), of 4,200 in all",
        ]

    def test_hours_in_which_nothing_happens_are_a_few_lines(self, make_stage):
        stage = make_stage(wait_interval="1h", termination_wait="1h")

        lines = list(draw(run(stage, failing(new={})), ASCII))

        assert len(lines) < 15
        assert any(line.startswith("12:06 to 13:04") for line in lines)
        assert any(line.startswith("14:05:00       promoted") for line in lines)

    def test_a_rate_that_jumps_begins_a_line(self, make_stage):
        late = failing(new={"changes": [{"after": "4m", "error_rate": "0.9%"}, {"after": "7m", "error_rate": "3%"}]})

        lines = list(draw(run(make_stage(rollback_on=[]), late), ASCII))

        assert any(line.startswith("12:12") and " 3%" in line for line in lines)

    def test_many_runs_are_a_distribution(self, make_stage):
        chance = failing(even=False, new={"error_rate": "0.9%"})

        lines = list(draw_runs(run_many(make_stage(), chance, 200), ASCII))

        assert lines[0] == "200 runs"
        assert any("ROLLED_BACK" in line and "%" in line and "#" in line for line in lines)
        assert any(line.startswith("  harmed requests") for line in lines)

    @pytest.mark.parametrize(
        ("share", "drawn"), [(0, "." * 20), (0.01, "#" + "." * 19), (0.999, "#" * 19 + "."), (1, "#" * 20)]
    )
    def test_a_bar_shows_what_is_neither_nothing_nor_all(self, share, drawn):
        assert bar(share, ASCII) == drawn

    @pytest.mark.parametrize(("encoding", "ink"), [("utf-8", BLOCKS), ("ascii", ASCII), (None, ASCII), ("?", ASCII)])
    def test_blocks_are_drawn_where_they_can_be_written(self, encoding, ink):
        assert ink_for(encoding) is ink


@pytest.fixture
def tidegate(tidegate, tmp_path, monkeypatch):
    """Run the command line in a deploy repository; return its exit code, stdout and stderr."""
    (tmp_path / "stages").mkdir()
    (tmp_path / "endpoint.yml").write_text(ENDPOINT)
    (tmp_path / "stages/prod.yml").write_text(PROD)
    (tmp_path / "failing.yml").write_text(FAILING)
    monkeypatch.chdir(tmp_path)
    return tidegate


class TestCommand:
    def test_it_draws_the_release_of_a_stage(self, tidegate):
        code, out, err = tidegate("simulate", "prod", "failing.yml")

        assert (code, err) == (0, "")
        assert out.startswith("prod, failing.yml, seed 1\n")
        assert "ROLLED_BACK: alarms 1, 2 were in ALARM" in out
        assert "\x1b" not in out

    def test_runs_are_summed_up(self, tidegate):
        code, out, _ = tidegate("simulate", "prod", "failing.yml", "--runs", "25")

        assert code == 0
        assert "25 runs" in out
        assert "100%" in out

    def test_json_has_all_of_it(self, tidegate):
        one = json.loads(tidegate("simulate", "prod", "failing.yml", "--json")[1])
        many = json.loads(tidegate("simulate", "prod", "failing.yml", "--json", "--runs", "3")[1])

        assert (one["stage"], one["outcome"], one["rolled_back_after"]) == ("prod", "ROLLED_BACK", 90)
        assert one["requests"]["new"] == {"requests": 225, "failed": 225, "slow": 0, "harmed": 225}
        assert [change["phase"] for change in one["timeline"]][-1] == "ROLLED_BACK"
        assert len(one["minutes"]) == 7
        assert one["alarms"][0]["alarm"] == "bikeshare-p-abc123def456-prod-rollback-1-Invocation5XXErrors-new-fleet"
        assert many["outcomes"] == {"ROLLED_BACK": 3}

    def test_what_is_wrong_with_a_scenario_is_a_sentence(self, tidegate):
        Path("wrong.yml").write_text("new: {error_rate: 5}\n")

        code, out, err = tidegate("simulate", "prod", "wrong.yml")

        assert (code, out) == (1, "")
        assert "wrong.yml:1:19: 5 is not a percentage" in err

    def test_no_traffic_is_a_sentence(self, tidegate):
        Path("silent.yml").write_text("")

        code, _, err = tidegate("simulate", "prod", "silent.yml")

        assert code == 1
        assert "nobody says how many requests stage prod has" in err

    def test_an_unknown_stage_is_a_sentence(self, tidegate):
        code, _, err = tidegate("simulate", "nope", "failing.yml")

        assert code == 1
        assert "nope" in err

    def test_no_run_is_wrong_usage(self, tidegate):
        assert tidegate("simulate", "prod", "failing.yml", "--runs", "0")[0] == 2
