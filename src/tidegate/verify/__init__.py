"""Verify: what became of a release, told by what serves."""

from tidegate.outcome import Outcome
from tidegate.verify.clients import Clients, aws_clients
from tidegate.verify.evidence import (
    ActionSeen,
    AlarmSeen,
    ConfigSeen,
    Deployment,
    EndpointSeen,
    Evidence,
    Seen,
    Sighting,
    StackSeen,
)
from tidegate.verify.judge import Verdict, judge
from tidegate.verify.publish import evidence_key, publish_evidence
from tidegate.verify.record import verdict_document
from tidegate.verify.release import verify_release

__all__ = [
    "ActionSeen",
    "AlarmSeen",
    "Clients",
    "ConfigSeen",
    "Deployment",
    "EndpointSeen",
    "Evidence",
    "Outcome",
    "Seen",
    "Sighting",
    "StackSeen",
    "Verdict",
    "aws_clients",
    "evidence_key",
    "judge",
    "publish_evidence",
    "verdict_document",
    "verify_release",
]
