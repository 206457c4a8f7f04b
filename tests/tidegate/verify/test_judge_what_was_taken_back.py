"""Verdicts on what was taken back, or on its way back failed; and whether that marks the version."""

from dataclasses import replace

import pytest

from tests.tidegate.verify.cases import (
    AFTER,
    BACK,
    BAKING,
    BEFORE,
    CAPACITY,
    CREATING,
    ELSEWHERE,
    FAILED,
    FIRED,
    FIRED_LATER,
    IN_TEST,
    MIXED,
    NEW,
    NO_ATTEMPT,
    OLD,
    OLD_SETTINGS,
    SETTINGS,
    STACK_FAILED,
    TEST,
    UNTESTED,
    YESTERDAY,
    Case,
    M,
    R,
)
from tests.tidegate.verify.following import ALARM, at
from tidegate.verify import ConfigSeen, Sighting, StackSeen

CASES = {
    # ROLLED_BACK
    "an alarm rolled it back and CloudFormation failed the stack": Case(
        R,
        "shop-p-1-prod serves version 2 (config-2) and not version 3, which was rolled back: "
        f"alarm {ALARM} went into ALARM at 00:03:20 (1 datapoint was above the threshold)",
        live=OLD,
        action=FAILED,
        stack=STACK_FAILED,
        alarms=(FIRED,),
        marked=True,
    ),
    "an alarm rolled it back and CloudFormation reported success": Case(
        R,
        "went into ALARM at 00:03:20",
        live=OLD,
        alarms=(FIRED,),
        notes=("CloudFormation recorded the deployment as a success, and does not know of the rollback",),
        marked=True,
    ),
    "the first alarm that fired is the reason": Case(
        R, f"rolled back: alarm {ALARM} went", live=OLD, action=FAILED, alarms=(FIRED_LATER, FIRED), marked=True
    ),
    "no alarm fired, and SageMaker gives a reason": Case(
        R,
        "rolled back: the container did not pass its health check",
        live=OLD,
        action=FAILED,
        failure_reason="the container did not pass its health check",
        marked=True,
    ),
    "no alarm and no reason of SageMaker's, but one of the stack": Case(
        R, "rolled back: Endpoint: the update was rolled back", live=OLD, action=FAILED, stack=STACK_FAILED, marked=True
    ),
    "no reason at all": Case(R, "no reason was given", live=OLD, action=FAILED, marked=True),
    "it ran out of its execution time": Case(
        R,
        "it took 4940 s, and its maximum_execution_timeout is 3600 s",
        live=OLD,
        action=FAILED,
        modified=5000,
        marked=True,
    ),
    "nobody saw the update, and the deployment says that it succeeded": Case(
        R,
        "serves version 2",
        live=OLD,
        timeline=(BEFORE,),
        tried=None,
        modified=YESTERDAY,
        notes=("CloudFormation recorded the deployment as a success, and does not know of the rollback",),
        marked=True,
    ),
    "back to a config that no release made": Case(
        R,
        "serves by-hand and not version 3",
        live=ConfigSeen("by-hand"),
        previous=ConfigSeen("by-hand"),
        action=FAILED,
        marked=True,
    ),
    "DescribeEndpoint named the new config during the update": Case(
        R, "serves version 2", live=OLD, previous=NEW, tried=None, action=FAILED, marked=True
    ),
    "two rollbacks: SageMaker's, then CloudFormation's": Case(
        R,
        "went into ALARM at 00:03:20",
        live=OLD,
        timeline=(BEFORE, BAKING, BEFORE, replace(CREATING, pending_config="config-2"), BEFORE),
        action=FAILED,
        stack=STACK_FAILED,
        alarms=(FIRED,),
        marked=True,
    ),
    "two alarms, of which one fired twice": Case(
        R,
        "at 00:03:20",
        live=OLD,
        action=FAILED,
        alarms=(replace(FIRED, fired=((at(900), "again"), *FIRED.fired)), FIRED_LATER),
        marked=True,
    ),
    "capacity was missing on the way": Case(
        R,
        "rolled back: Unable to provision requested ML compute capacity",
        live=OLD,
        action=FAILED,
        failure_reason="Unable to provision requested ML compute capacity",
        notes=(CAPACITY,),
    ),
    "an alarm fired while capacity was missing": Case(
        R,
        "went into ALARM",
        live=OLD,
        action=FAILED,
        failure_reason="Unable to provision requested ML compute capacity",
        alarms=(FIRED,),
        marked=True,
    ),
    "it served, and then the stack was rolled back for another reason": Case(
        R,
        "rolled back: Scaling: denied",
        live=OLD,
        timeline=(BEFORE, BAKING, AFTER, BACK, BEFORE),
        action=FAILED,
        stack=StackSeen("UPDATE_ROLLBACK_COMPLETE", endpoint_touched=True, failures=("Scaling: denied",)),
        notes=(ELSEWHERE,),
    ),
    "the same, and nobody watched: the stack's events tell": Case(
        R,
        "rolled back: Scaling: denied",
        live=OLD,
        timeline=(BEFORE,),
        tried=None,
        action=FAILED,
        stack=StackSeen(
            "UPDATE_ROLLBACK_COMPLETE", endpoint_touched=True, endpoint_updated=True, failures=("Scaling: denied",)
        ),
        notes=(ELSEWHERE,),
    ),
    "other settings of the version that serves": Case(
        R,
        "serves version 3 (config-2) and not version 3, which was rolled back: alarm",
        live=OLD_SETTINGS,
        previous=OLD_SETTINGS,
        action=FAILED,
        alarms=(FIRED,),
        notes=(SETTINGS,),
    ),
    "the stack could not be rolled back either": Case(
        R,
        "went into ALARM",
        live=OLD,
        action=FAILED,
        stack=replace(STACK_FAILED, status="UPDATE_ROLLBACK_FAILED"),
        alarms=(FIRED,),
        notes=("the stack takes no update as it is; see: tidegate recover prod",),
        marked=True,
    ),
    # MIXED_FLEET
    "the rollback failed too": Case(
        M,
        "the rollback of version 3 failed, so old and new instances of shop-p-1-prod serve side by side: "
        "version 2 (config-2) and version 3 (config-3); no capacity; see what to do with: tidegate recover prod",
        live=OLD,
        failure_reason="no capacity",
        notes=(CAPACITY,),
        **MIXED,
    ),
    "a mixed fleet that names the new config": Case(
        M, "version 2 (config-2) and version 3 (config-3)", marked=True, **MIXED
    ),
    "a mixed fleet whose tags cannot be read": Case(
        M, "side by side", live=replace(OLD, tags_read=False), marked=True, **MIXED
    ),
    "a mixed fleet when time is over": Case(M, "side by side", live=OLD, ended=False, marked=True, **MIXED),
    "a mixed fleet after an alarm, the old instances of which could not be had": Case(
        M,
        "went into ALARM at 00:03:20",
        live=OLD,
        failure_reason="Unable to provision requested ML compute capacity",
        alarms=(FIRED,),
        marked=True,
        **MIXED,
    ),
    "a mixed fleet of one version's settings, whichever it names": Case(
        M,
        "side by side",
        previous=OLD_SETTINGS,
        alarms=(FIRED,),
        notes=(SETTINGS,),
        **MIXED,
    ),
    "a mixed fleet of a test": Case(
        M,
        "the rollback of the test of version 3 beside version 2 failed",
        live=OLD,
        tried=IN_TEST,
        asked=TEST,
        notes=(UNTESTED,),
        **MIXED,
    ),
    "a fleet that was mixed before, and SageMaker refused the update": Case(
        M,
        "old and new instances of shop-p-1-prod serve side by side since before this release: version 2 (config-2); "
        "version 3 never reached it: Endpoint: Cannot update endpoint in this state; see what to do with: tidegate "
        "recover prod",
        live=OLD,
        status="UpdateRollbackFailed",
        action=FAILED,
        stack=replace(STACK_FAILED, failures=("Endpoint: Cannot update endpoint in this state",)),
        notes=("version 3 is not marked in the registry: it never reached the endpoint",),
        **NO_ATTEMPT | {"timeline": (Sighting("UpdateRollbackFailed", "config-2"),)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name, hold):
    hold(CASES[name])
