"""The verdict on a release: a pure function of the evidence.

An endpoint that is InService, and a stack that is UPDATE_COMPLETE, do not tell a release from its rollback: SageMaker
returns to InService on the old endpoint config, and whether CloudFormation then fails the stack is not verified. So the
verdict rests on the release tag of the endpoint config that serves, and on nothing else where that is known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.outcome import Outcome
from tidegate.verify.evidence import Evidence

SETTLED: Final = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})
"""The statuses in which an endpoint stays by itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, a sentence that says why, and what else a person should know."""

    outcome: Outcome
    sentence: str
    evidence: Evidence
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the verdict and its evidence as JSON's own types."""
        return {
            "outcome": self.outcome.value,
            "sentence": self.sentence,
            "notes": list(self.notes),
            "evidence": self.evidence.to_json(),
        }


def judge(evidence: Evidence) -> Verdict:
    """Say what became of the release."""
    outcome, sentence = _judge(evidence)
    return Verdict(outcome, sentence, evidence, tuple(_notes(evidence, outcome)))


def _judge(evidence: Evidence) -> tuple[Outcome, str]:
    asked, endpoint = evidence.asked, evidence.endpoint
    name, version = asked.endpoint_name, f"version {asked.model_package_version}"
    if endpoint is None:
        return Outcome.INCONCLUSIVE, f"there is no endpoint {name}, so nothing serves: {_stack_reason(evidence)}"
    if endpoint.status == "UpdateRollbackFailed":
        return Outcome.MIXED_FLEET, (
            f"the rollback of {version} failed, so old and new instances of {name} serve side by side: "
            f"{_rollback_reason(evidence)}"
        )
    if not evidence.ended:
        stuck = evidence.action and not evidence.action.ended and endpoint.status in SETTLED
        what = f"the deployment of {name} is still in progress" if stuck else f"{name} is still {endpoint.status}"
        return Outcome.INCONCLUSIVE, f"{what} although its time is over; look at it again later"
    if endpoint.status != "InService":
        reason = endpoint.failure_reason or _stack_reason(evidence)
        return Outcome.INCONCLUSIVE, f"{name} is {endpoint.status}, so nothing serves: {reason}"
    live = endpoint.live
    if not live.tags_read:
        return Outcome.INCONCLUSIVE, (
            f"which release {name} serves cannot be told: the tags of its endpoint config {live.name} cannot be read"
        )
    if live.release_id == asked.release_id:
        if ignored := _ignored(evidence):
            return Outcome.GUARDRAILS_IGNORED, f"{name} serves {version}, but it was not guarded as asked: {ignored}"
        return Outcome.PROMOTED, f"{name} serves {version} ({live.name})"
    previous = evidence.previous
    if previous and previous.name != live.name and previous.release_id != asked.release_id:
        return Outcome.INCONCLUSIVE, (
            f"{name} serves {live.label}, which is neither {version} nor what served before, {previous.label}: "
            "something else has updated the endpoint"
        )
    if evidence.attempted or _deployed(evidence):
        return Outcome.ROLLED_BACK, (
            f"{name} serves {live.label} and not {version}, which was rolled back: {_rollback_reason(evidence)}"
        )
    return Outcome.INCONCLUSIVE, (
        f"{version} never reached {name}, which serves {live.label} as before: {_stack_reason(evidence)}"
    )


def _deployed(evidence: Evidence) -> bool:
    """Whether the deployment says that it succeeded; then only a rollback explains that something else serves."""
    if evidence.action is not None:
        return evidence.action.status == "Succeeded"
    return evidence.stack is not None and evidence.stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def _ignored(evidence: Evidence) -> str:
    """Say why the guardrails did not act on an update, "" if they did or had nothing to act on."""
    endpoint = evidence.endpoint
    if endpoint is None or evidence.created or not evidence.attempted:
        return ""
    if endpoint.last_deployment_config is None:
        return "the endpoint's LastDeploymentConfig is empty"
    differing = list(_differences(evidence.asked.deployment_config, endpoint.last_deployment_config))
    if differing:
        return f"the endpoint's LastDeploymentConfig differs in {', '.join(differing)}"
    # Some containers and instance types fall back to all at once without a word (developer guide, exclusions). That is
    # told only by an update that was watched from its beginning, never baked, and took less time than its waits.
    baked = any(sighting.variant_status == "Baking" for sighting in evidence.timeline)
    taken = evidence.seconds_taken
    if not baked and taken is not None and taken < evidence.asked.waits:
        return f"the update took {taken:.0f} s without a bake, and its waits alone are {evidence.asked.waits} s"
    return ""


def _differences(asked: Any, got: Any, path: str = "") -> Iterator[str]:
    """Yield where `got` lacks what was asked for. What it has beyond that does no harm."""
    if isinstance(asked, Mapping):
        for key, value in asked.items():
            place = f"{path}.{key}" if path else key
            if isinstance(got, Mapping) and key in got:
                yield from _differences(value, got[key], place)
            else:
                yield place
    elif isinstance(asked, list | tuple):
        if not isinstance(got, list | tuple) or any(item not in got for item in asked):
            yield path
    elif asked != got:
        yield path


def _rollback_reason(evidence: Evidence) -> str:
    fired = sorted((at, alarm.name, reason) for alarm in evidence.alarms for at, reason in alarm.fired)
    if fired:
        at, alarm, reason = fired[0]
        return f"alarm {alarm} went into ALARM at {at:%H:%M:%S}{f' ({reason})' if reason else ''}"
    if evidence.endpoint and evidence.endpoint.failure_reason:
        return evidence.endpoint.failure_reason
    return _stack_reason(evidence)


def _stack_reason(evidence: Evidence) -> str:
    stack, action = evidence.stack, evidence.action
    if stack and stack.failures:
        return stack.failures[0]
    if stack and stack.reason:
        return f"the stack is {stack.status}: {stack.reason}"
    if action and action.summary:
        return action.summary
    if stack:
        return f"no reason was given, and the stack is {stack.status}"
    return f"there is no stack {evidence.asked.stack_name}"


def _notes(evidence: Evidence, outcome: Outcome) -> Iterator[str]:
    if outcome is Outcome.PROMOTED:
        if evidence.created:
            yield "this release created the endpoint, so nothing guarded it: guardrails act on updates only"
        elif not evidence.attempted:
            yield "the endpoint was not touched: it served this release already"
        stack = evidence.stack
        if stack and stack.status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            yield f"the stack {evidence.asked.stack_name} is {stack.status} although the release serves"
    if outcome is Outcome.ROLLED_BACK and _deployed(evidence):
        yield "CloudFormation recorded the deployment as a success, and does not know of the rollback"
    for what in evidence.unread:
        yield f"could not be read: {what}"
