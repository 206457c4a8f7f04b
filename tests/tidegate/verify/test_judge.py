"""What holds of every verdict, whatever the evidence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tidegate.verify.cases import (
    AFTER,
    BACK,
    BAKING,
    BEFORE,
    FIRED,
    NEW,
    OLD,
    SHIFTING,
    STACK_FAILED,
    TRIAL,
    UPDATED,
    YESTERDAY,
    Case,
    G,
    M,
    P,
    R,
    config,
)
from tests.tidegate.verify.following import PACKAGE, T0, at
from tidegate.render import Phase, ReleaseRecord
from tidegate.verify import ActionSeen, ConfigSeen, EndpointSeen, Evidence, Outcome, Seen, judge, verdict_document


def test_a_verdict_is_written_as_json_with_its_evidence(asked):
    written = verdict_document(judge(Case(P, "", alarms=(FIRED,)).evidence(asked)))
    assert (written["schema"], written["outcome"], written["exit_code"]) == ("tidegate.evidence/1", "PROMOTED", 0)
    assert written["asked"]["release_id"] == "new"
    assert written["deployment"] is None
    evidence = written["evidence"]
    assert evidence["endpoint"]["live"]["name"] == "config-3"
    assert evidence["alarms"][0]["fired"] == [["2026-01-01T00:03:20+00:00", "1 datapoint was above the threshold"]]
    assert [each["endpoint_status"] for each in evidence["seen"]["timeline"]] == ["InService", "Updating", "InService"]


def test_the_exit_codes_are_those_that_are_documented():
    assert {o.value: o.exit_code for o in Outcome} == {
        "PROMOTED": 0,
        "ROLLED_BACK": 3,
        "MIXED_FLEET": 4,
        "GUARDRAILS_IGNORED": 5,
        "INCONCLUSIVE": 6,
    }


configs = st.sampled_from([OLD, NEW, config(9, "other"), ConfigSeen("by-hand"), replace(NEW, tags_read=False)])
statuses = st.sampled_from(["InService", "Updating", "Failed", "UpdateRollbackFailed", "OutOfService"])
actions = st.sampled_from([None, *(ActionSeen(status, T0) for status in ("InProgress", "Succeeded", "Failed"))])
stacks = st.sampled_from([None, UPDATED, STACK_FAILED])
timelines = st.lists(st.sampled_from([BEFORE, BAKING, SHIFTING, AFTER, BACK]), max_size=4).map(tuple)
phases = st.sampled_from(Phase)


@pytest.fixture(scope="module")
def any_release():
    return ReleaseRecord.model_construct(
        release_id="new",
        stage="prod",
        endpoint_name="e",
        stack_name="s",
        variant="AllTraffic",
        model_package_version=3,
        model_package_arn=f"{PACKAGE}/3",
        deployment_config={},
        maximum_execution_timeout=3600,
    )


@given(configs, statuses, actions, stacks, timelines, st.booleans(), st.booleans(), phases)
def test_what_serves_is_never_told_wrong(any_release, live, status, action, stack, timeline, ended, known, phase):
    asked = any_release.model_copy(update={"phase": phase, "trial": TRIAL if phase is Phase.TEST else None})
    endpoint = EndpointSeen(status, live, at(YESTERDAY), at(1000), "", {})
    seen = Seen(timeline=timeline)
    verdict = judge(
        Evidence(asked, endpoint, ended, action, stack, OLD if known else None, NEW if known else None, seen)
    )
    serves = status == "InService" and ended and live.tags_read and live.release_id == "new"
    assert (verdict.outcome in {P, G}) == serves
    if verdict.outcome is R:
        assert live.tags_read
        assert live.release_id != "new"
    if verdict.version_failed:
        assert verdict.outcome in {R, M}
        assert live.model_package_arn != asked.model_package_arn or status == "UpdateRollbackFailed"
        assert phase is Phase.RELEASE
    assert verdict.sentence
