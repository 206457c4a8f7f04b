"""Verifying a release from beginning to end."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from tidegate.aws import expected_errors
from tidegate.clock import Clock
from tidegate.outcome import Outcome
from tidegate.registry import OUTCOME_TAG, OutcomeTag, Served, parse_outcome, stamp_rolled_back, version_in
from tidegate.render import ReleaseRecord
from tidegate.retained import find_retained, prune, served_before
from tidegate.verify.clients import Clients
from tidegate.verify.evidence import ConfigSeen, Deployment, Seen
from tidegate.verify.gather import gather
from tidegate.verify.judge import Verdict, judge
from tidegate.verify.record import read_seen, verdict_document, watch_document, write_document
from tidegate.verify.watch import Progress, Spread, spread, watch


def verify_release(
    asked: ReleaseRecord,
    clients: Clients,
    clock: Clock,
    *,
    deployment: Deployment | None = None,
    progress: Progress,
    evidence: Path | None = None,
    resume: bool = False,
    spread: Spread = spread,
) -> Verdict:
    """Follow the release to its end and say what became of it.

    `evidence` is a file that is kept up to date with what has been seen, and has the verdict in the end; with `resume`
    the watch goes on from what that file holds of this release. A version that was tried and rolled back is marked in
    the registry, so that no later release chooses it. What became of the release is kept as a tag of its endpoint
    config, and what was retained for rollbacks longer than needed is pruned.

    Raises TidegateError where AWS refuses to answer. What cannot be kept, marked or pruned is a note on the verdict.
    """
    seen = read_seen(evidence, asked, deployment) if evidence and resume else None
    if resume:
        looks = len(seen.timeline) if seen else 0
        progress(f"going on from {looks} sightings in {evidence}" if seen else "there is nothing to go on from")

    def keep(seen: Seen) -> None:
        if evidence:
            write_document(watch_document(asked, deployment, seen), evidence)

    watched = watch(asked, clients, clock, deployment, progress, seen=seen, keep=keep, spread=spread)
    verdict = judge(gather(asked, clients, clock, watched))
    if evidence:
        # Whatever becomes of what follows, the verdict stands.
        write_document(verdict_document(verdict, deployment), evidence)
    for step, failed in _AFTERWARDS:
        try:
            for line in step(verdict, clients):
                progress(line)
        except expected_errors() as error:
            verdict = replace(verdict, notes=(*verdict.notes, f"{failed}: {error}"))
    if evidence:
        write_document(verdict_document(verdict, deployment), evidence)
    return verdict


def _mark(verdict: Verdict, clients: Clients) -> Iterator[str]:
    asked = verdict.evidence.asked
    if verdict.version_failed and stamp_rolled_back(
        clients.registry, asked.model_package_arn, asked.stage, verdict.sentence
    ):
        yield (
            f"version {asked.model_package_version} is marked as rolled back and its approval taken back, "
            "so no later release chooses it until it is approved anew"
        )


def _keep_outcome(verdict: Verdict, clients: Clients) -> Iterator[str]:
    config, endpoint = _config_of(verdict), verdict.evidence.endpoint
    if config is None or endpoint is None or config.outcome:
        return
    arn = clients.sagemaker.describe_endpoint_config(EndpointConfigName=config.name)["EndpointConfigArn"]
    before: tuple[Served, ...] = ()
    if verdict.outcome is not Outcome.ROLLED_BACK:
        try:
            before = _before(verdict, config, clients)
        except expected_errors() as error:
            yield f"what had served before {config.name} cannot be told, so its tag will not: {error}"
    value = str(OutcomeTag(verdict.outcome, endpoint.modified_at, before))
    clients.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": OUTCOME_TAG, "Value": value}])
    yield f"endpoint config {config.name} is tagged {OUTCOME_TAG}: {value}"


def _before(verdict: Verdict, config: ConfigSeen, clients: Clients) -> tuple[Served, ...]:
    """Return what had served before the config that serves: by the tag of the one before, or else of those left."""
    asked, previous = verdict.evidence.asked, verdict.evidence.previous
    told = parse_outcome(previous.outcome) if previous else None
    if previous and told and told.outcome.served and previous.name != config.name:
        return told.followed_by(previous.name, version_in(previous.model_package_arn))
    retained = find_retained(clients.sagemaker, clients.cloudformation, asked.endpoint_name, asked.stack_name)
    return served_before(clients.sagemaker, retained, config.name, previous.name if previous else "")


def _config_of(verdict: Verdict) -> ConfigSeen | None:
    """Return the endpoint config that the outcome is about, None where it is not known."""
    evidence = verdict.evidence
    if verdict.outcome.served:
        return evidence.endpoint.live if evidence.endpoint else None
    if verdict.outcome is not Outcome.ROLLED_BACK:
        return None
    tried, stack = evidence.tried, evidence.stack
    if tried is None and stack is not None and stack.config:  # it went by between two looks
        tried = ConfigSeen(stack.config, stack.release_id, outcome=stack.outcome)
    return tried if tried and tried.release_id == evidence.asked.release_id else None


def _prune(verdict: Verdict, clients: Clients) -> Iterator[str]:
    evidence, asked = verdict.evidence, verdict.evidence.asked
    if verdict.outcome is not Outcome.PROMOTED or not evidence.attempted or evidence.created:
        return
    retained = find_retained(clients.sagemaker, clients.cloudformation, asked.endpoint_name, asked.stack_name)
    before = (evidence.previous.name,) if evidence.previous else ()
    yield from prune(clients.sagemaker, retained, also=before)


_AFTERWARDS: Final[tuple[tuple[Callable[[Verdict, Clients], Iterator[str]], str], ...]] = (
    (_mark, "the version could not be marked as rolled back, so the next release would choose it again"),
    (_keep_outcome, "what became of the release could not be kept as a tag of its endpoint config"),
    (_prune, "what is retained and no longer needed could not be removed"),
)
"""What follows from a verdict, and what to say of it where it cannot be done."""
