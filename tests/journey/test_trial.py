"""A test in production before a release: what comes of a rejection, and what of an approval.

Goes on in the sandbox that the journey left up, where version 2 serves in production and version 3 breaks on Sundays.
"""

import pytest

from tests.journey.trial import COMMENT, REQUESTS, Told
from tidegate.registry import Live
from tidegate_sandbox.journey.account import Execution

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]


def stages(execution: Execution) -> list[str]:
    """Return the stages of the pipeline that the execution went into, in their order."""
    return list(dict.fromkeys(name.partition("/")[0] for name in execution.actions))


def version(live: Live, variant: str = "AllTraffic") -> int:
    [found] = [each for each in live.variants if each.name == variant]
    return int(found.model_package_arn.rpartition("/")[2])


def test_given_a_test_is_asked_for_but_nothing_is_new_then_nobody_is_asked_and_nothing_changes(trial: Told) -> None:
    assert trial.nothing_due.status == "Succeeded"
    assert stages(trial.nothing_due) == ["Source", "Render", "Staging", "Production"]


def test_given_a_new_version_then_it_is_put_beside_the_one_that_serves_before_anybody_decides(trial: Told) -> None:
    assert stages(trial.tested) == ["Source", "Render", "Staging", "ProductionApprove", "ProductionTest"]
    assert [(each.name, each.shadow) for each in trial.during.variants] == [("AllTraffic", False), ("Shadow", True)]
    assert (version(trial.during), version(trial.during, "Shadow")) == (2, trial.bad["ModelPackageVersion"])


def test_then_a_shadow_that_fails_gets_copies_of_requests_and_spoils_no_answer(trial: Told) -> None:
    assert trial.statuses == [200] * REQUESTS
    assert 0 < trial.shadow["Invocation5XXErrors"] <= trial.shadow["Invocations"] <= REQUESTS


def test_given_a_rejection_then_the_version_is_rejected_in_the_registry_with_where_it_was_decided(trial: Told) -> None:
    decide = trial.rejected.actions["ProductionTest/Decide"]
    assert trial.rejected.status == "Failed"
    assert decide["output"]["executionResult"]["externalExecutionSummary"] == COMMENT
    assert trial.bad["ModelApprovalStatus"] == "Rejected"
    assert trial.rejected.id in trial.bad["ApprovalDescription"]
    assert f"rejected version {trial.bad['ModelPackageVersion']}" in trial.declined


def test_then_the_pipeline_takes_the_test_away_and_asks_nobody(trial: Told) -> None:
    assert trial.taken_away.status == "Succeeded"
    assert stages(trial.taken_away) == ["Source", "Render", "Staging", "ProductionTestEnd"]
    assert [each.name for each in trial.after.variants] == ["AllTraffic"]
    assert version(trial.after) == 2


def test_given_an_approval_then_the_test_is_taken_away_and_the_version_released_under_guardrails(trial: Told) -> None:
    assert trial.tested_again.waiting_for == "ProductionTest/Decide"
    assert trial.released.status == "Succeeded"
    assert stages(trial.released) == [
        *("Source", "Render", "Staging", "ProductionApprove", "ProductionTest", "ProductionTestEnd", "Production"),
    ]
    assert [each.name for each in trial.last.variants] == ["AllTraffic"]
    assert version(trial.last) == trial.good["ModelPackageVersion"]
    guarded = trial.last.last_deployment_config
    assert guarded is not None
    policy = guarded["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert policy["Type"] == "CANARY"
    assert guarded["AutoRollbackConfiguration"]["Alarms"]


def test_then_verify_says_that_it_was_promoted(trial: Told) -> None:
    assert any(line.startswith("PROMOTED:") for line in trial.verified)
