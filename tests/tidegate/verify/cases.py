"""Cases to judge: what was seen of a release, and what must be said of it."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.tidegate.verify.following import ALARM, PACKAGE, T0, at
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
)

SUCCEEDED, FAILED = ActionSeen("Succeeded", T0), ActionSeen("Failed", T0)
P, R, M, G, N = (
    Outcome.PROMOTED,
    Outcome.ROLLED_BACK,
    Outcome.MIXED_FLEET,
    Outcome.GUARDRAILS_IGNORED,
    Outcome.INCONCLUSIVE,
)


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
