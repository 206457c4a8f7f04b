"""Verdicts on what nobody watched, and on what somebody else did meanwhile."""

from dataclasses import replace

import pytest

from tests.tidegate.verify.cases import (
    AFTER,
    BACK,
    BAKING,
    BEFORE,
    BY_HAND,
    ELSEWHERE,
    FAILED,
    FIRED,
    NEW,
    NO_ATTEMPT,
    OLD,
    STACK_FAILED,
    UNKNOWN,
    UPDATED,
    Case,
    N,
    R,
    config,
)
from tests.tidegate.verify.following import ALARM
from tidegate.verify import AlarmSeen, ConfigSeen, Sighting, StackSeen

CASES = {
    "by hand, long after a rollback that CloudFormation knows nothing of": Case(
        R,
        "serves version 2 (config-2) and not version 3, which was rolled back",
        stack=replace(UPDATED, release_id="new", outcome="ROLLED_BACK 20260101T000000Z"),
        notes=(UNKNOWN,),
        marked=True,
        **BY_HAND,
    ),
    "by hand, long after a rollback that failed the stack": Case(
        R, "which was rolled back: Endpoint: the", stack=replace(STACK_FAILED, release_id="new"), marked=True, **BY_HAND
    ),
    "by hand, before anything was deployed": Case(
        N,
        "nothing tells that version 3 was ever on its way to shop-p-1-prod, which serves version 2 (config-2): the "
        "newest update of the stack sagemaker-p-1-prod is of release old",
        stack=replace(UPDATED, release_id="old"),
        **BY_HAND,
    ),
    "by hand, and the newest update of the stack made no config": Case(
        N, "is of no release that can be told", stack=UPDATED, **BY_HAND
    ),
    "by hand, and version 3 was released and replaced since": Case(
        N,
        "is of release newer",
        **BY_HAND | {"live": config(4, "newer"), "previous": config(4, "newer")},
        stack=replace(UPDATED, release_id="newer"),
    ),
    "by hand, while another release comes and goes": Case(
        N,
        "serves version 2 (config-2), and what was on its way to it is not version 3 but version 9 (config-9)",
        live=OLD,
        action=None,
        tried=config(9, "other"),
        timeline=(BEFORE, replace(BAKING, pending_config="config-9"), BEFORE),
    ),
    "the stack was busy with another's update, which was rolled back": Case(
        N,
        "something else updates the endpoint",
        live=OLD,
        action=FAILED,
        tried=config(9, "other"),
        timeline=(BEFORE, replace(BAKING, pending_config="config-9"), BEFORE),
        alarms=(FIRED,),
    ),
    "nothing to deploy, and somebody took the endpoint back by hand since": Case(
        N,
        "serves version 2 (config-2), and not version 3, which has served: something else has updated the endpoint",
        live=OLD,
        stack=StackSeen("UPDATE_COMPLETE", release_id="new", outcome="PROMOTED 20251231T000000Z"),
        **NO_ATTEMPT,
    ),
    "nothing to deploy, after a rollback that CloudFormation knows nothing of": Case(
        R,
        "which was rolled back",
        live=OLD,
        stack=StackSeen("UPDATE_COMPLETE", release_id="new", outcome="ROLLED_BACK 20251231T000000Z"),
        notes=(UNKNOWN,),
        marked=True,
        **NO_ATTEMPT,
    ),
    "once more what had served, and this time it was rolled back": Case(
        R,
        "went into ALARM",
        live=OLD,
        alarms=(FIRED,),
        stack=replace(UPDATED, release_id="new", outcome="PROMOTED 20251231T000000Z"),
        notes=(UNKNOWN,),
        marked=True,
    ),
    "it served all along, until somebody updated the endpoint by hand": Case(
        N,
        "serves version 9 (config-9), and not version 3, which has served: something else has updated the endpoint",
        live=config(9, "other"),
        previous=NEW,
        timeline=(AFTER, Sighting("InService", "config-9")),
        tried=None,
    ),
    "the watch began when it served, and then the stack was rolled back for another reason": Case(
        R,
        "rolled back: Scaling: denied",
        live=OLD,
        previous=NEW,
        timeline=(AFTER, BACK, BEFORE),
        tried=OLD,
        action=FAILED,
        stack=StackSeen("UPDATE_ROLLBACK_COMPLETE", endpoint_touched=True, failures=("Scaling: denied",)),
        notes=(ELSEWHERE,),
    ),
    "an alarm was in ALARM before the release began": Case(
        R,
        "rolled back: the alarm was in ALARM during the bake",
        live=OLD,
        action=FAILED,
        failure_reason="the alarm was in ALARM during the bake",
        alarms=(AlarmSeen(ALARM, "OK", stood=True),),
        notes=(f"version 3 is not marked in the registry: {ALARM} was in ALARM before its release began",),
    ),
    "an alarm was in ALARM before, and another one fired": Case(
        R, "went into ALARM", live=OLD, action=FAILED, alarms=(AlarmSeen("x", "ALARM", stood=True), FIRED), marked=True
    ),
    "what was on its way cannot be read": Case(
        R,
        "went into ALARM",
        live=OLD,
        action=FAILED,
        tried=ConfigSeen("x", tags_read=False),
        alarms=(FIRED,),
        marked=True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name, hold):
    hold(CASES[name])
