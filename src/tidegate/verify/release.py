"""Verifying a release from beginning to end."""

import json
from dataclasses import replace
from pathlib import Path

from tidegate.aws import aws_errors
from tidegate.clock import Clock
from tidegate.outcome import Outcome
from tidegate.registry import stamp_rolled_back
from tidegate.render import ReleaseRecord
from tidegate.verify.clients import Clients
from tidegate.verify.gather import gather
from tidegate.verify.judge import Verdict, judge
from tidegate.verify.watch import Deployment, Progress, watch


def verify_release(
    asked: ReleaseRecord,
    clients: Clients,
    clock: Clock,
    *,
    deployment: Deployment | None = None,
    progress: Progress,
) -> Verdict:
    """Follow the release to its end and say what became of it.

    A package whose release was rolled back is stamped, so that no later release chooses it. A promoted one is not: the
    endpoint itself tells what serves, and a package's life cycle holds one stage only, so that the stamp of one stage
    would wipe out another's.

    Raises TidegateError where AWS refuses to answer. A stamp that cannot be written is a note on the verdict.
    """
    verdict = judge(gather(asked, clients, watch(asked, clients, clock, deployment, progress)))
    return _stamped(verdict, clients, progress) if verdict.outcome is Outcome.ROLLED_BACK else verdict


def _stamped(verdict: Verdict, clients: Clients, progress: Progress) -> Verdict:
    asked = verdict.evidence.asked
    version = f"version {asked.model_package_version}"
    try:
        written = stamp_rolled_back(clients.sagemaker, asked.model_package_arn, asked.stage, verdict.sentence)
    except aws_errors() as error:
        note = f"{version} could not be stamped as rolled back, so the next release would choose it again: {error}"
        return replace(verdict, notes=(*verdict.notes, note))
    if written:
        progress(f"{version} is stamped as rolled back, so no later release chooses it")
    return verdict


def write_evidence(verdict: Verdict, path: Path) -> None:
    """Write the verdict with all its evidence as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(verdict.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
