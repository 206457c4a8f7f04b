"""What makes SageMaker update all at once without a word."""

import pytest
from guarded import percent

from tidegate.guardrails import Canary, Guardrails, Rolling, ignored_because, of_release
from tidegate.stage import Release

CANARY = Guardrails(Canary(percent(25), 600), 300, None, ("errors",))
ROLLING = Guardrails(Rolling(percent(25), 600))
SAME = ["AllTraffic"], ["AllTraffic"]


@pytest.mark.parametrize(
    ("guardrails", "variants", "features", "reason"),
    [
        (CANARY, (["AllTraffic"], ["Blue"]), {}, "the variants' names change from AllTraffic to Blue"),
        (CANARY, (["A"], ["A", "Shadow"]), {}, "the variants' names change from A to A, Shadow"),
        (CANARY, SAME, {"instance_types": ["ml.inf1.xlarge"]}, "ml.inf1.xlarge is an Inf1 instance type"),
        (CANARY, SAME, {"marketplace": True}, "a container comes from AWS Marketplace"),
        (ROLLING, SAME, {"serverless": True}, "a rolling update needs instances, and a variant is serverless"),
        (
            ROLLING,
            (["A", "Shadow"], ["Shadow", "A"]),
            {},
            "a rolling update takes one variant, and there are 2: A, Shadow",
        ),
    ],
)
def test_what_is_excluded_is_ignored_with_a_reason(guardrails, variants, features, reason):
    assert ignored_because(guardrails, *variants, **features) == reason


@pytest.mark.parametrize(
    ("guardrails", "variants", "features"),
    [
        (CANARY, SAME, {}),
        (CANARY, (["A", "B"], ["B", "A"]), {}),
        (CANARY, SAME, {"instance_types": ["ml.inf2.xlarge", "ml.m5.large"]}),
        (ROLLING, SAME, {}),
    ],
)
def test_what_is_not_excluded_is_heeded(guardrails, variants, features):
    assert ignored_because(guardrails, *variants, **features) is None


@pytest.mark.parametrize("timeout", [None, 3600])
def test_an_update_that_asks_for_no_guardrails_has_none_to_ignore(timeout):
    asked = Guardrails(maximum_execution_timeout=timeout)

    assert ignored_because(asked, ["A"], ["B"], instance_types=["ml.inf1.xlarge"]) is None


@pytest.mark.parametrize(
    "asked", [{"termination_wait": "5m"}, {"rollback_on": [{"metric": "ModelLatency", "above": "1s"}]}]
)
def test_what_a_stage_asks_for_can_be_ignored_if_it_is_more_than_a_time_limit(asked):
    bare = Release.model_validate({"strategy": "all_at_once"})
    release = Release.model_validate({"strategy": "all_at_once", **asked})

    assert ignored_because(of_release(bare, []), ["A"], ["B"]) is None
    assert ignored_because(of_release(release, ["alarm"] * len(release.rollback_on)), ["A"], ["B"])
