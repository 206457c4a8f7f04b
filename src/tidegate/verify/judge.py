"""The verdict on a release: a pure function of the evidence.

An endpoint that is InService, and a stack that is UPDATE_COMPLETE, do not tell a release from its rollback: SageMaker
returns to InService on the old endpoint config, and whether CloudFormation then fails the stack is not verified. So the
verdict rests on the release tag of the endpoint config that serves, and on nothing else where that is known.
"""

from dataclasses import dataclass
from typing import Final

from tidegate.outcome import Outcome
from tidegate.render import Phase
from tidegate.verify.evidence import ConfigSeen, Evidence, StackSeen
from tidegate.verify.guarded import ignored
from tidegate.verify.reasons import is_want_of_capacity, notes_on, rollback_reason, stack_reason

SETTLED: Final = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})
"""The statuses in which an endpoint stays by itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, a sentence that says why, and what else a person should know.

    `version_failed` tells whether the version itself was tried and taken back, or was to be: only then it is marked in
    the registry.
    """

    outcome: Outcome
    sentence: str
    evidence: Evidence
    notes: tuple[str, ...] = ()
    version_failed: bool = False


def judge(evidence: Evidence) -> Verdict:
    """Say what became of the release."""
    outcome, sentence = _judge(evidence)
    taken_back = outcome in {Outcome.ROLLED_BACK, Outcome.MIXED_FLEET}
    failed, why_not = _version_failed(evidence) if taken_back else (False, "")
    notes = (*notes_on(evidence, outcome), *((why_not,) if why_not else ()))
    return Verdict(outcome, sentence, evidence, notes, failed)


def _judge(evidence: Evidence) -> tuple[Outcome, str]:
    asked, endpoint = evidence.asked, evidence.endpoint
    name, wanted = asked.endpoint_name, _wanted(evidence)
    if endpoint is None:
        was_there = any(sighting.config_name for sighting in evidence.timeline)
        what = f"the endpoint {name} was deleted meanwhile" if was_there else f"there is no endpoint {name}"
        return Outcome.INCONCLUSIVE, f"{what}, so nothing serves: {stack_reason(evidence)}"
    if endpoint.status == "UpdateRollbackFailed":
        serving = " and ".join(config.label for config in _serving(evidence))
        what = f"old and new instances of {name} serve side by side"
        if evidence.reached_endpoint:
            what = f"the rollback of {wanted} failed, so {what}: {serving}; {rollback_reason(evidence)}"
        else:
            what += f" since before this release: {serving}; {wanted} never reached it: {stack_reason(evidence)}"
        return Outcome.MIXED_FLEET, f"{what}; see what to do with: tidegate recover {asked.stage}"
    if not evidence.ended:
        stuck = evidence.action and not evidence.action.ended and endpoint.status in SETTLED
        what = f"the deployment of {name} is still in progress" if stuck else f"{name} is still {endpoint.status}"
        return Outcome.INCONCLUSIVE, f"{what} although its time is over; look at it again later"
    if endpoint.status != "InService":
        reason = endpoint.failure_reason or stack_reason(evidence)
        return Outcome.INCONCLUSIVE, f"{name} is {endpoint.status}, so nothing serves: {reason}"
    live = endpoint.live
    if not live.tags_read:
        return Outcome.INCONCLUSIVE, (
            f"which release {name} serves cannot be told: the tags of its endpoint config {live.name} cannot be read"
        )
    if live.release_id == asked.release_id:
        if why := ignored(evidence):
            return Outcome.GUARDRAILS_IGNORED, f"{name} serves {wanted}, but it was not guarded as asked: {why}"
        return Outcome.PROMOTED, _in_place(evidence, live)
    if why := _something_else(evidence, live):
        return Outcome.INCONCLUSIVE, f"{name} serves {live.label}, {why}"
    # Where the deployment says that it succeeded, only a rollback explains that something else serves.
    if evidence.reached_endpoint:
        return Outcome.ROLLED_BACK, (
            f"{name} serves {live.label} and not {wanted}, which was rolled back: {rollback_reason(evidence)}"
        )
    if evidence.action is None and evidence.stack and evidence.stack.release_id != asked.release_id:
        return Outcome.INCONCLUSIVE, (
            f"nothing tells that {wanted} was ever on its way to {name}, which serves {live.label}: the newest update "
            f"of the stack {asked.stack_name} is of {_release_of(evidence.stack)}"
        )
    return Outcome.INCONCLUSIVE, (
        f"{wanted} never reached {name}, which serves {live.label} as before: {stack_reason(evidence)}"
    )


def _something_else(evidence: Evidence, live: ConfigSeen) -> str:
    """Say why what serves has come by another way than this release or its rollback, "" if nothing shows that."""
    asked, previous, tried, wanted = evidence.asked, evidence.previous, evidence.tried, _wanted(evidence)
    if previous and previous.name != live.name and previous.release_id != asked.release_id:
        return (
            f"which is neither {wanted} nor what served before, {previous.label}: something else has updated the "
            "endpoint"
        )
    was_on_its_way = tried and tried.tags_read and tried.release_id != asked.release_id and tried.name != live.name
    if tried and was_on_its_way:
        return f"and what was on its way to it is not {wanted} but {tried.label}: something else updates the endpoint"
    served = evidence.served_meanwhile or (evidence.served_before and not evidence.attempted)
    if served and evidence.deployed:
        return f"and not {wanted}, which has served: something else has updated the endpoint since"
    return ""


def _release_of(stack: StackSeen) -> str:
    return f"release {stack.release_id}" if stack.release_id else "no release that can be told"


def _wanted(evidence: Evidence) -> str:
    """Say what was asked for, by the phase."""
    asked = evidence.asked
    version = f"version {asked.model_package_version}"
    match asked.phase:
        case Phase.TEST:
            challenger = f"version {asked.trial.model_package_version} beside " if asked.trial else ""
            return f"the test of {challenger}{version}"
        case Phase.LIVE:
            return f"{version} alone"
        case _:
            return version


def _in_place(evidence: Evidence, live: ConfigSeen) -> str:
    asked = evidence.asked
    name = asked.endpoint_name
    match asked.phase:
        case Phase.TEST if asked.trial:
            does = "a shadow that answers nobody" if asked.trial.kind == "shadow" else "a challenger"
            return (
                f"the test is in place: {name} serves {live.label}, and version {asked.trial.model_package_version} as "
                f"{does}, with {asked.trial.percent}% of the requests"
            )
        case Phase.LIVE:
            return f"no test is in place: {name} serves {live.label} alone"
        case _:
            return f"{name} serves {live.label}"


def _serving(evidence: Evidence) -> list[ConfigSeen]:
    """Return the configs whose instances serve in a mixed fleet, as far as they were seen."""
    assert evidence.endpoint is not None
    known = [evidence.previous, evidence.endpoint.live, evidence.tried]
    by_name = {config.name: config for config in known if config is not None}
    return list(by_name.values())


def _version_failed(evidence: Evidence) -> tuple[bool, str]:
    """Tell whether a rollback speaks against the version, and if not, why: then the version is not marked.

    An alarm that fired always speaks against it, unless the same version serves on with other settings.
    """
    asked, before = evidence.asked, _before(evidence)
    version, unmarked = f"version {asked.model_package_version}", "is not marked in the registry"
    if asked.phase is not Phase.RELEASE:
        return False, f"the version under test {unmarked}: reject it there if it is the reason"
    if not evidence.reached_endpoint:
        return False, f"{version} {unmarked}: it never reached the endpoint"
    if before and before.model_package_arn == asked.model_package_arn:
        return False, (
            f"{version} {unmarked}, since it serves on: what was rolled back are its settings in the stage file"
        )
    if any(alarm.fired for alarm in evidence.alarms):
        return True, ""
    if standing := [alarm.name for alarm in evidence.alarms if alarm.stood]:
        return False, f"{version} {unmarked}: {' and '.join(standing)} was in ALARM before its release began"
    if is_want_of_capacity(rollback_reason(evidence)):
        return False, f"{version} {unmarked}: capacity was missing; release it again once there is enough"
    stack = evidence.stack
    elsewhere = stack and stack.endpoint_updated and stack.failures
    if evidence.served_meanwhile or elsewhere:
        return False, f"{version} {unmarked}: it served, and the stack was rolled back for another reason"
    return True, ""


def _before(evidence: Evidence) -> ConfigSeen | None:
    """Return the config that the endpoint was to go back to. A mixed fleet may name either of its two."""
    live = evidence.endpoint.live if evidence.endpoint else None
    return next(
        (each for each in (live, evidence.previous) if each and each.release_id != evidence.asked.release_id), None
    )
