"""What the stages promise of a release, tried on a virtual clock: no endpoint is needed, and nothing waits.

Change the promises below to your own. They hold for any strategy whose rules can see what goes wrong.
"""

from pathlib import Path

import pytest
from tidegate.simulate import read_scenario, run
from tidegate.stage import Latency, load_repo
from tidegate.testing import given, new_version, old_version

ROOT = Path(__file__).parents[1]
STAGES = load_repo(ROOT).stages
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yml"))

GONE_WITHIN = "10m"  # after its first request, a bad version answers nobody any more
MINUTES_HARMED = 3  # of all traffic, at most, is what a total failure may cost

GUARDED = [stage for stage in STAGES if stage.release.rollback_on]
TIMED = [
    (stage, min(limits, key=lambda limit: limit.microseconds))
    for stage in GUARDED
    if (limits := [rule.above for rule in stage.release.rollback_on if rule.metric == "ModelLatency"])
]


def by_name(value):
    return getattr(value, "name", str(value))


def traffic_of(stage) -> float:
    return stage.expect.requests_per_minute if stage.expect else 600


def times(latency: Latency, factor: float) -> Latency:
    return Latency(max(1, round(latency.microseconds * factor)))


def test_production_is_guarded():
    assert "prod" in {stage.name for stage in GUARDED}, "give prod `rollback_on`, or nothing takes a bad version back"


@pytest.mark.parametrize("stage", GUARDED, ids=by_name)
def test_a_version_that_fails_every_request_is_taken_back(stage):
    release = given(stage).with_traffic(traffic_of(stage)).when(new_version.fails_always()).release()

    release.then.rolled_back().within(GONE_WITHIN).harmed_at_most(MINUTES_HARMED * traffic_of(stage))


@pytest.mark.parametrize("stage", STAGES, ids=by_name)
def test_a_good_version_is_promoted(stage):
    given(stage).with_traffic(traffic_of(stage)).release().then.promoted().harmed_at_most(0)


@pytest.mark.parametrize(("stage", "limit"), TIMED, ids=by_name)
def test_a_version_that_is_slower_than_the_stage_allows_is_taken_back(stage, limit):
    fast = old_version.answers_in(p50=times(limit, 0.05), p99=times(limit, 0.2))
    slow = new_version.answers_in(p50=times(limit, 2), p99=times(limit, 4))

    release = given(stage).with_traffic(traffic_of(stage)).when(fast, slow).release()

    release.then.rolled_back().within(GONE_WITHIN).because_of("ModelLatency")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
@pytest.mark.parametrize("stage", STAGES, ids=by_name)
def test_a_scenario_can_be_played_on_every_stage(stage, scenario):
    assert run(stage, read_scenario(scenario)).sent > 0
