"""The verdict, case by case: evidence in, one of five words and a sentence out."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.registry import LiveVariant
from tidegate.render import Phase, ReleaseRecord
from tidegate.render.release import TrialRecord
from tidegate.verify import (
    ActionSeen,
    AlarmSeen,
    ConfigSeen,
    EndpointSeen,
    Evidence,
    Outcome,
    Seen,
    Sighting,
    StackSeen,
    judge,
    verdict_document,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/shop-p-1"
ALARM = "shop-p-1-prod-rollback-1-Invocation5XXErrors-new-fleet"
SUCCEEDED, FAILED = ActionSeen("Succeeded", T0), ActionSeen("Failed", T0)
P, R, M, G, N = (
    Outcome.PROMOTED,
    Outcome.ROLLED_BACK,
    Outcome.MIXED_FLEET,
    Outcome.GUARDRAILS_IGNORED,
    Outcome.INCONCLUSIVE,
)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def variant(version: int, name: str = "AllTraffic", kind: str = "ml.m5.large", *, shadow: bool = False) -> LiveVariant:
    return LiveVariant(name, f"model-{version}", f"{PACKAGE}/{version}", kind, 4, 4, 1.0, shadow)


def config(number: int, release: str, version: int | None = None, *more: LiveVariant, **changed: Any) -> ConfigSeen:
    only = variant(version or number)
    return replace(ConfigSeen(f"config-{number}", release, only.model_package_arn, variants=(only, *more)), **changed)


OLD, NEW = config(2, "old"), config(3, "new")
OLD_SETTINGS = config(2, "old", version=3)
BEFORE = Sighting("InService", "config-2")
CREATING = Sighting("Updating", "config-2", "config-3", "Creating", update_started_at=at(60))
BAKING = replace(CREATING, variant_status="Baking")
SHIFTING = replace(CREATING, variant_status="ActivatingTraffic")
AFTER = Sighting("InService", "config-3")
BACK = Sighting("Updating", "config-3", "config-2", "Creating", update_started_at=at(1100))
UPDATED = StackSeen("UPDATE_COMPLETE", endpoint_touched=True, endpoint_updated=True)
STACK_FAILED = StackSeen(
    "UPDATE_ROLLBACK_COMPLETE", endpoint_touched=True, failures=("Endpoint: the update was rolled back",)
)
FIRED = AlarmSeen(ALARM, "OK", fired=((at(200), "1 datapoint was above the threshold"),))
FIRED_LATER = AlarmSeen("another", "ALARM", fired=((at(300), "x"),))
YESTERDAY = -86_400.0


@dataclass(frozen=True)
class Case:
    """What was seen, and what must be said of it. Left out, version 2 served and version 3 replaced it, watched."""

    outcome: Outcome
    says: str
    live: ConfigSeen | None = NEW
    status: str = "InService"
    timeline: tuple[Sighting, ...] | None = None
    previous: ConfigSeen | None = OLD
    tried: ConfigSeen | None = NEW
    modified: float = 1000
    created: float = YESTERDAY
    action: ActionSeen | None = SUCCEEDED
    stack: StackSeen | None = UPDATED
    alarms: tuple[AlarmSeen, ...] = ()
    failure_reason: str = ""
    deployment_config: Any = "as asked"
    ended: bool = True
    unread: tuple[str, ...] = ()
    asked: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    marked: bool = False

    def evidence(self, asked: ReleaseRecord) -> Evidence:
        asked = asked.model_copy(update=self.asked)
        endpoint, timeline = None, self.timeline
        if timeline is None:
            timeline = (BEFORE, BAKING, *([replace(AFTER, config_name=self.live.name)] if self.live else []))
        if self.live is not None:
            given = self.deployment_config
            endpoint = EndpointSeen(
                status=self.status,
                live=self.live,
                created_at=at(self.created),
                modified_at=at(self.modified),
                failure_reason=self.failure_reason,
                last_deployment_config=asked.deployment_config if given == "as asked" else given,
            )
        return Evidence(
            asked=asked,
            endpoint=endpoint,
            ended=self.ended,
            action=self.action,
            stack=self.stack,
            previous=self.previous,
            tried=self.tried,
            seen=Seen(self.previous.name if self.previous else "", None, timeline),
            alarms=self.alarms,
            unread=self.unread,
        )


CAPACITY = "version 3 is not marked in the registry: capacity was missing; release it again once there is enough"
UNTESTED = "the version under test is not marked in the registry: reject it there if it is the reason"
ELSEWHERE = "version 3 is not marked in the registry: it served, and the stack was rolled back for another reason"
SETTINGS = (
    "version 3 is not marked in the registry, since it serves on: what was rolled back are its settings in the stage "
    "file"
)
UNKNOWN = "CloudFormation recorded the deployment as a success, and does not know of the rollback"
MIXED: dict[str, Any] = {
    "status": "UpdateRollbackFailed",
    "timeline": (BEFORE, BAKING, Sighting("UpdateRollbackFailed", "config-2")),
    "action": FAILED,
    "stack": replace(UPDATED, status="UPDATE_ROLLBACK_COMPLETE", endpoint_updated=False),
}
BY_HAND: dict[str, Any] = {"action": None, "timeline": (BEFORE,), "modified": YESTERDAY, "tried": None, "live": OLD}
NO_ATTEMPT: dict[str, Any] = {"timeline": (BEFORE,), "modified": YESTERDAY, "tried": None}
TRIAL = TrialRecord(
    kind="shadow",
    variant="Shadow",
    model_package_arn=f"{PACKAGE}/3",
    model_package_version=3,
    percent=50,
    duration=7200,
)
TEST: dict[str, Any] = {
    "phase": Phase.TEST,
    "release_id": "old.test",
    "model_package_version": 2,
    "model_package_arn": f"{PACKAGE}/2",
    "trial": TRIAL,
    "deployment_config": {},
    "waits": 0,
}
IN_TEST = config(3, "old.test", 2, variant(3, "Shadow", shadow=True))
ALONE: dict[str, Any] = {**TEST, "phase": Phase.LIVE, "release_id": "old", "trial": None}

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
    "more guardrails than were asked for, in another order": Case(P, "serves version 3", deployment_config="more"),
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
    # Odd ways
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
    # INCONCLUSIVE
    "SageMaker refused the update": Case(
        N,
        "version 3 never reached shop-p-1-prod, which serves version 2 (config-2) as before: "
        "Endpoint: ResourceLimitExceeded: the quota is 4 instances",
        live=OLD,
        action=FAILED,
        stack=replace(STACK_FAILED, failures=("Endpoint: ResourceLimitExceeded: the quota is 4 instances",)),
        **NO_ATTEMPT,
    ),
    "the stack failed before it reached the endpoint": Case(
        N,
        "never reached shop-p-1-prod, which serves version 2 (config-2) as before: Model: access denied",
        live=OLD,
        action=FAILED,
        stack=StackSeen("UPDATE_ROLLBACK_COMPLETE", failures=("Model: access denied",)),
        **NO_ATTEMPT,
    ),
    "the stack failed before it reached the endpoint, which autoscaling changed meanwhile": Case(
        N,
        "never reached shop-p-1-prod, which serves version 2 (config-2) as before: Model: access denied",
        live=OLD,
        timeline=(BEFORE, Sighting("Updating", "config-2"), BEFORE),
        tried=None,
        action=FAILED,
        stack=StackSeen("UPDATE_ROLLBACK_COMPLETE", failures=("Model: access denied",)),
    ),
    "CloudFormation refused the template": Case(
        N, "bad template", live=OLD, action=ActionSeen("Failed", T0, summary="bad template"), stack=None, **NO_ATTEMPT
    ),
    "the action was stopped by a person": Case(
        N, "never reached", live=OLD, action=ActionSeen("Abandoned", T0), stack=StackSeen("X"), **NO_ATTEMPT
    ),
    "it is still updating when time is over": Case(
        N, "is still Updating although its time is over", live=OLD, status="Updating", ended=False
    ),
    "the deployment never ends": Case(
        N,
        "the deployment of shop-p-1-prod is still in progress",
        ended=False,
        action=ActionSeen("InProgress", T0),
    ),
    "a first release that failed left nothing": Case(
        N,
        "there is no endpoint shop-p-1-prod, so nothing serves: Model: denied",
        live=None,
        timeline=(),
        previous=None,
        tried=None,
        action=FAILED,
        stack=StackSeen("ROLLBACK_COMPLETE", failures=("Model: denied",)),
    ),
    "neither endpoint nor stack": Case(
        N, "there is no stack sagemaker-p-1-prod", live=None, timeline=(), stack=None, action=None, tried=None
    ),
    "the endpoint was deleted meanwhile": Case(
        N, "the endpoint shop-p-1-prod was deleted meanwhile, so nothing serves", live=None, tried=None
    ),
    "the endpoint has failed": Case(
        N,
        "shop-p-1-prod is Failed, so nothing serves: the container did not answer",
        status="Failed",
        failure_reason="the container did not answer",
    ),
    "the endpoint is out of service": Case(N, "is OutOfService, so nothing serves", status="OutOfService"),
    "the tags of what serves cannot be read": Case(
        N,
        "the tags of its endpoint config config-2 cannot be read",
        live=replace(OLD, release_id="", tags_read=False),
    ),
    "somebody else updated the endpoint in between": Case(
        N,
        "serves version 9 (config-9), which is neither version 3 nor what served before, version 2 (config-2)",
        live=config(9, "other"),
    ),
    "somebody else updated it by hand": Case(
        N, "serves by-hand, which is neither", live=ConfigSeen("by-hand"), alarms=(FIRED,)
    ),
    # A test put in place, or taken away
    "a test is in place": Case(
        P,
        "the test is in place: shop-p-1-prod serves version 2 (config-3), and version 3 as a shadow that answers "
        "nobody, with 50% of the requests",
        live=IN_TEST,
        tried=IN_TEST,
        deployment_config=None,
        asked=TEST,
    ),
    "a test could not be put in place": Case(
        R,
        "and not the test of version 3 beside version 2, which was rolled back: it did not start",
        live=OLD,
        tried=IN_TEST,
        action=FAILED,
        failure_reason="it did not start",
        asked=TEST,
        notes=(UNTESTED,),
    ),
    "a test was taken away": Case(
        P,
        "no test is in place: shop-p-1-prod serves version 2 (config-4) alone",
        live=config(4, "old", version=2),
        previous=IN_TEST,
        deployment_config=None,
        asked=ALONE,
    ),
    "a test could not be taken away": Case(
        R,
        "and not version 2 alone, which was rolled back",
        live=IN_TEST,
        previous=IN_TEST,
        tried=config(4, "old", version=2),
        action=FAILED,
        asked=ALONE,
        notes=(UNTESTED,),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name, asked):
    case = CASES[name]
    if case.deployment_config == "more":
        more = deepcopy(dict(asked.deployment_config))
        more["AutoRollbackConfiguration"]["Alarms"].insert(0, {"AlarmName": "one more"})
        case = replace(case, deployment_config={**more, "Extra": 1})
    verdict = judge(case.evidence(asked))
    assert verdict.outcome is case.outcome
    assert case.says in verdict.sentence
    assert verdict.notes == case.notes
    assert verdict.version_failed is case.marked


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


def test_what_is_nothing_may_be_left_out_of_the_answer(asked):
    nothing = deepcopy(dict(asked.deployment_config))
    nothing["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 0
    nothing["AutoRollbackConfiguration"]["Alarms"] = []
    taken = deepcopy(nothing)
    del taken["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"], taken["AutoRollbackConfiguration"]["Alarms"]
    case = Case(P, "", asked={"deployment_config": nothing}, deployment_config=taken)
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
