"""Verify: what became of a release, told by what serves."""

from tidegate.outcome import Outcome
from tidegate.verify.clients import Clients, aws_clients
from tidegate.verify.evidence import (
    ActionSeen,
    AlarmSeen,
    ConfigSeen,
    EndpointSeen,
    Evidence,
    Sighting,
    StackSeen,
)
from tidegate.verify.judge import Verdict, judge
from tidegate.verify.release import verify_release, write_evidence
from tidegate.verify.watch import Deployment

__all__ = [
    "ActionSeen",
    "AlarmSeen",
    "Clients",
    "ConfigSeen",
    "Deployment",
    "EndpointSeen",
    "Evidence",
    "Outcome",
    "Sighting",
    "StackSeen",
    "Verdict",
    "aws_clients",
    "judge",
    "verify_release",
    "write_evidence",
]
