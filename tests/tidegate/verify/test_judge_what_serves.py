"""Verdicts on what serves: promoted, or not guarded as asked."""

from copy import deepcopy
from dataclasses import replace

import pytest

from tests.tidegate.verify.cases import (
    AFTER,
    BAKING,
    BEFORE,
    FAILED,
    FIRED,
    NEW,
    SHIFTING,
    STACK_FAILED,
    YESTERDAY,
    Case,
    G,
    P,
    variant,
)
from tests.tidegate.verify.following import ALARM, at
from tidegate.verify import AlarmSeen, Sighting, StackSeen, judge

CASES = {
    # PROMOTED
    "the release that was asked for serves": Case(P, "shop-p-1-prod serves version 3 (config-3)"),
    "a first release": Case(
        P,
        "shop-p-1-prod serves version 3 (config-3)",
        timeline=(Sighting("Creating", "config-3"), AFTER),
        previous=NEW,
        tried=None,
        deployment_config=None,
        notes=("this release created the endpoint, so nothing guarded it: guardrails act on updates only",),
    ),
    "a first release that nobody watched": Case(
        P,
        "serves version 3",
        timeline=(AFTER,),
        previous=NEW,
        tried=None,
        created=30,
        deployment_config=None,
        notes=("this release created the endpoint, so nothing guarded it: guardrails act on updates only",),
    ),
    "a release of what serves already": Case(
        P,
        "serves version 3",
        timeline=(AFTER,),
        previous=NEW,
        tried=None,
        modified=YESTERDAY,
        stack=StackSeen("UPDATE_COMPLETE"),
        deployment_config=None,
        notes=("the endpoint was not touched: it served this release already",),
    ),
    "the stack failed after the endpoint was updated": Case(
        P,
        "serves version 3",
        action=FAILED,
        stack=replace(STACK_FAILED, status="UPDATE_FAILED"),
        notes=("the stack sagemaker-p-1-prod is UPDATE_FAILED although the release serves",),
    ),
    "an alarm fired and did not roll back": Case(P, "serves version 3", alarms=(FIRED,)),
    "a bake that no look fell into, told by the time it took": Case(
        P, "serves version 3", timeline=(BEFORE, SHIFTING, AFTER)
    ),
    "a bake that was seen, whatever the times say": Case(P, "serves version 3", modified=61),
    "an update that nobody saw begin": Case(P, "serves version 3", timeline=(AFTER,), previous=NEW, tried=None),
    "a fleet whose size cannot be read": Case(
        P,
        "serves version 3",
        live=replace(NEW, variants=()),
        timeline=(BEFORE, SHIFTING, AFTER),
        modified=180,
        unread=("model package of config-3: denied",),
        notes=("could not be read: model package of config-3: denied",),
    ),
    "an alarm was deleted meanwhile": Case(
        P,
        "serves version 3",
        alarms=(AlarmSeen(ALARM, "MISSING"),),
        notes=(f"alarm {ALARM} is not there, so whether it fired cannot be told",),
    ),
    "an alarm never had data": Case(
        P,
        "serves version 3",
        alarms=(AlarmSeen(ALARM, "INSUFFICIENT_DATA"),),
        notes=(f"alarm {ALARM} has no data, so it says nothing about this release",),
    ),
    "alarms cannot be read": Case(
        P, "serves version 3", unread=("alarms: denied",), notes=("could not be read: alarms: denied",)
    ),
    "a second try after a rollback": Case(
        P, "serves version 3", timeline=(BEFORE, BAKING, BEFORE, replace(BAKING, update_started_at=at(500)), AFTER)
    ),
    # GUARDRAILS_IGNORED
    "no deployment config was taken": Case(
        G,
        "serves version 3, but it was not guarded as asked: the endpoint's LastDeploymentConfig is empty",
        deployment_config=None,
    ),
    "the variant was renamed": Case(
        G,
        "likely because the variants' names change from AllTraffic to Main",
        live=replace(NEW, variants=(variant(3, "Main"),)),
        deployment_config=None,
    ),
    "the instance type excludes guardrails": Case(
        G,
        "likely because ml.inf1.xlarge is an Inf1 instance type",
        live=replace(NEW, variants=(variant(3, kind="ml.inf1.xlarge"),)),
        deployment_config=None,
    ),
    "it was watched and never baked": Case(
        G,
        "the update took 120 s without a bake, and its waits alone are 900 s",
        timeline=(BEFORE, SHIFTING, AFTER),
        modified=180,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name, hold):
    hold(CASES[name])


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("BlueGreenUpdatePolicy",), None, "differs in BlueGreenUpdatePolicy"),
        (
            ("BlueGreenUpdatePolicy", "TrafficRoutingConfiguration", "Type"),
            "ALL_AT_ONCE",
            "BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type",
        ),
        (("BlueGreenUpdatePolicy", "TerminationWaitInSeconds"), 0, "BlueGreenUpdatePolicy.TerminationWaitInSeconds"),
        (("AutoRollbackConfiguration", "Alarms"), [], "AutoRollbackConfiguration.Alarms"),
    ],
)
def test_an_update_with_another_deployment_config_was_not_guarded_as_asked(path, value, named, asked):
    taken = deepcopy(dict(asked.deployment_config))
    holder = taken
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    verdict = judge(Case(G, "", deployment_config=taken).evidence(asked))
    assert verdict.outcome is G
    assert named in verdict.sentence


def test_more_guardrails_than_were_asked_for_in_another_order_guarded_it(asked):
    more = deepcopy(dict(asked.deployment_config))
    more["AutoRollbackConfiguration"]["Alarms"].insert(0, {"AlarmName": "one more"})
    assert judge(Case(P, "", deployment_config={**more, "Extra": 1}).evidence(asked)).outcome is P


def test_what_is_nothing_may_be_left_out_of_the_answer(asked):
    nothing = deepcopy(dict(asked.deployment_config))
    nothing["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 0
    nothing["AutoRollbackConfiguration"]["Alarms"] = []
    taken = deepcopy(nothing)
    del taken["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"], taken["AutoRollbackConfiguration"]["Alarms"]
    case = Case(P, "", asked={"deployment_config": nothing}, deployment_config=taken)
    assert judge(case.evidence(asked)).outcome is P


BARE = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 0,
        "MaximumExecutionTimeoutInSeconds": 1800,
    }
}


@pytest.mark.parametrize("taken", [None, {}, BARE])
def test_where_nothing_was_asked_for_nothing_was_ignored(taken, asked):
    case = Case(P, "serves version 3", asked={"deployment_config": BARE}, deployment_config=taken)
    assert judge(case.evidence(asked)).outcome is P


LINEAR = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "LINEAR",
            "WaitIntervalInSeconds": 300,
            "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "TerminationWaitInSeconds": 60,
    }
}
ROLLING = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 120}
}


@pytest.mark.parametrize(("strategy", "least"), [(LINEAR, 3 * 300 + 60), (ROLLING, 4 * 120)])
def test_each_strategy_has_its_fewest_waits(strategy, least, asked):
    hasty = Case(
        G, "", timeline=(BEFORE, SHIFTING, AFTER), asked={"deployment_config": strategy}, modified=60 + least - 1
    )
    verdict = judge(hasty.evidence(asked))
    assert verdict.outcome is G
    assert f"its waits alone are {least} s" in verdict.sentence
    assert judge(replace(hasty, modified=60 + least).evidence(asked)).outcome is P


def test_the_fewest_waits_are_those_of_the_smaller_fleet_where_autoscaling_changed_it(asked):
    scaled = replace(variant(3), instance_count=2)
    case = Case(
        P,
        "",
        live=replace(NEW, variants=(scaled,)),
        timeline=(BEFORE, SHIFTING, AFTER),
        asked={"deployment_config": ROLLING},
        modified=60 + 2 * 120,
    )
    assert judge(case.evidence(asked)).outcome is P
    assert judge(replace(case, modified=60 + 2 * 120 - 1).evidence(asked)).outcome is G
